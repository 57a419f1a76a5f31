/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus attest IMAGE`: the digests of an EROFS or squashfs image, by the code that nucleus-exec uses. */

#include "nucleus-attest.h"

#include "attest-image.h"

#include <fcntl.h>
#include <libgen.h>

static int sign(const AttestArguments *a, AttestResult *result) {
        if (!a->key)
                return 0;
        _cleanup_free_ char *for_dir = strdup(a->path), *for_name = strdup(a->path), *name = NULL;

        if (!for_dir || !for_name || asprintf(&name, "%s" SIGNATURE_SUFFIX, basename(for_name)) < 0)
                return -ENOMEM;
        _cleanup_close_ int dir = open(dirname(for_dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return attest_fail(
                        &result->report, -errno, "cannot open its directory: %s", strerror(errno));
        return attest_sign(
                a, dir, name, a->fsverity ? SIGNATURE_IMAGE_FSVERITY : SIGNATURE_IMAGE_SHA256, result);
}

static int take(const AttestArguments *a, int fd, AttestResult *result) {
        bool fsverity = a->verify && (a->fsverity || a->image_fsverity);
        _cleanup_free_ char *path = NULL, *signature = NULL;
        Progress progress = {};
        AttestImageOptions options = {
                .subject = fsverity ? SIGNATURE_IMAGE_FSVERITY : SIGNATURE_IMAGE_SHA256,
                .pin = fsverity ? a->image_fsverity : a->image_sha256,
                .fsverity = a->fsverity && !a->verify ? result->image_fsverity : NULL,
                .userdata = &progress,
        };

        if (a->n_public_keys > 0) {
                options.public_keys = a->public_keys;
                if (asprintf(&path, "%s" SIGNATURE_SUFFIX, a->path) < 0)
                        return -ENOMEM;
                int r = image_read_signature(path, &signature, &options.signature_n);
                if (r < 0)
                        return attest_fail(&result->report, r, "cannot read %s: %s", path, strerror(-r));
                options.signature = signature;
        }
        attest_progress_begin(&progress, a);
        if (progress.wanted)
                options.progress = attest_progress_show;
        int r = attest_image(fd, &options, &result->report);
        attest_progress_end(&progress);
        return r;
}

int attest_one_image(const AttestArguments *a, AttestResult *result) {
        _cleanup_close_ int fd = image_open(AT_FDCWD, a->path);

        result->image = true;
        if (fd < 0)
                return attest_fail(&result->report, fd, "cannot open it: %s", strerror(-fd));
        int r = attest_read_key(a, result);
        if (r >= 0)
                r = take(a, fd, result);
        if (r < 0 || a->verify)
                return r;
        r = sign(a, result);
        return r >= 0 && a->enable_verity ? attest_enable_file(fd, result) : r;
}
