/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attestation of the root, a tree or an image, as the spec asks for it. Must refuse a pin that does not fit
 * what the rootfs is: what pins nothing must not look as if it did.
 */

#include "steps.h"

#include "attest-image.h"
#include "attest-progress.h"
#include "image.h"
#include "notify.h"

static const SignatureSubject subjects[_ATTESTATION_METHOD_MAX] = {
        [ATTESTATION_SHA256] = SIGNATURE_IMAGE_SHA256,
        [ATTESTATION_FSVERITY] = SIGNATURE_IMAGE_FSVERITY,
        [ATTESTATION_DM_VERITY] = SIGNATURE_IMAGE_ROOT_HASH,
};

/* -EBADMSG keeps errno's text away from a message that is complete. */
static int refuse(Context *c, const char *what, const char *remedy) {
        (void)step_fail(c, -EBADMSG, "the rootfs %s %s: %s", c->spec->rootfs, what, remedy);
        return -EBADMSG;
}

static int fail_attestation(Context *c, int error, const char *message) {
        (void)step_fail(c, error, "rootfs %s: %s", c->spec->rootfs, message ?: "attestation failed");
        return message ? -EBADMSG : error;
}

/* ---- a tree ---- */

static int check_tree(Context *c) {
        const Spec *s = c->spec;

        if (s->image_sha256 || s->image_fsverity || s->root_hash)
                return refuse(c, "is a directory, and what pins it is the digest of an image",
                        "a directory is pinned by manifest_sha256");
        if (s->attestation_method == ATTESTATION_DM_VERITY)
                return refuse(c, "is a directory, and dm-verity is for images", "use \"fsverity\"");
        return 0;
}

static int attest_tree(Context *c, Progress *progress) {
        _cleanup_attest_report_ AttestReport report = {};
        const Spec *s = c->spec;
        AttestOptions options = {
                .pin = s->manifest_sha256,
                .public_keys = s->public_keys,
                .fsverity = s->attestation_method == ATTESTATION_FSVERITY,
                .store = c->store,
                .nix_store = true,
                .progress = progress_tell,
                .userdata = progress,
        };

        int r = check_tree(c);
        if (r < 0)
                return r;
        r = attest_verify(c->root_fd, &options, &report);
        return r < 0 ? fail_attestation(c, r, report.message) : 0;
}

/* ---- an image ---- */

static const char *image_pin(const Spec *s) {
        switch (s->attestation_method) {
        case ATTESTATION_FSVERITY:
                return s->image_fsverity;
        case ATTESTATION_DM_VERITY:
                return s->root_hash;
        default:
                return s->image_sha256;
        }
}

static int check_image(Context *c) {
        const Spec *s = c->spec;

        if (s->manifest_sha256)
                return refuse(c, "is an image, which has no manifest to pin",
                        "an image is pinned by image_sha256, image_fsverity or root_hash");
        if (!image_pin(s) && !s->public_keys)
                return refuse(c, "is an image, and nothing says which",
                        "write image_sha256, which `nucleus attest` of the image prints, or public_key");
        return 0;
}

static int read_signature(Context *c, AttestImageOptions *o, char **ret_text) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s" SIGNATURE_SUFFIX, c->spec->rootfs) < 0)
                return step_fail(c, -ENOMEM, "out of memory");
        int r = image_read_signature(path, ret_text, &o->signature_n);
        if (r < 0)
                return step_fail(c, r, "cannot read the signatures %s%s", path,
                        r == -ENOTSUP ? ", which is no regular file" : "");
        o->signature = *ret_text;
        return 0;
}

static int attest_root_image(Context *c, Progress *progress) {
        _cleanup_attest_report_ AttestReport report = {};
        _cleanup_free_ char *signature = NULL;
        const Spec *s = c->spec;
        AttestImageOptions options = {
                .subject = subjects[s->attestation_method],
                .pin = image_pin(s),
                .public_keys = s->public_keys,
                .progress = progress_tell,
                .userdata = progress,
        };

        int r = check_image(c);
        if (r >= 0 && s->public_keys)
                r = read_signature(c, &options, &signature);
        if (r < 0)
                return r;
        r = attest_image(c->image_fd, &options, &report);
        if (r < 0)
                return fail_attestation(c, r, report.message);
        /* Mounted here: only what is read through the hash tree is attested at all. */
        return s->attestation_method == ATTESTATION_DM_VERITY ? image_mount_verity(c) : 0;
}

int step_attest(Context *c) {
        Progress progress;

        (void)notify_send(c->notify_socket, "STATUS=Verifying the root tree");
        progress_begin(&progress, c->notify_socket);
        return c->root_is_directory ? attest_tree(c, &progress) : attest_root_image(c, &progress);
}
