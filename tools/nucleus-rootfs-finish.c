/* SPDX-License-Identifier: Apache-2.0 */
/* From a filled tree to what is attested: mount points, manifest or image, digest, signature. */

#include "nucleus-rootfs.h"

#include "attest-image.h"
#include "nucleus-sign.h"
#include "store-paths.h"

#include <fcntl.h>
#include <sys/stat.h>

/* What nucleus-exec(8) mounts on in every root tree, and where services keep what they write. */
static const struct {
        const char *path;
        unsigned mode;
} mount_points[] = {
        { "/dev", 0755 },
        { "/proc", 0755 },
        { "/run", 0755 },
        { "/tmp", 01777 },
};

static int make_mount_points(Rootfs *r) {
        int k = 0;

        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(mount_points); i++)
                k = root_make_mount_point(&r->tree, mount_points[i].path, mount_points[i].mode);
        STRV_FOREACH(path, r->o->mount_points)
        if (k >= 0)
                k = root_make_mount_point(&r->tree, path, 0755);
        if (k >= 0)
                k = root_finish(&r->tree);
        return k < 0 ? rootfs_print_error(r->o->source, r->tree.message) : 0;
}

/* ---- store paths ---- */

/* Those that the tree lists are attested with a directory. An image with a list would never start. */
static int open_store(const Rootfs *r, StorePaths **ret_) {
        _cleanup_store_paths_ StorePaths *store = NULL;
        _cleanup_free_ char *error = NULL;

        int k = store_paths_read(r->tree.fd, &store, &error);
        if (k >= 0 && store && r->o->format != ROOTFS_DIRECTORY)
                return rootfs_print_error(r->o->source,
                        "it lists store paths (" STORE_PATHS_NAME
                        "), and an image must hold its store itself: "
                        "make a directory, or pack it with its store paths and without the list");
        if (k >= 0 && store)
                k = store_paths_open(store, &error);
        if (k < 0)
                return rootfs_print_error(r->o->source, error ?: strerror(-k));
        *ret_ = TAKE_PTR(store);
        return 0;
}

/* ---- signatures ---- */

static int sign(Rootfs *r, SignatureSubject subject, const char *hex, int dir_fd, const char *name) {
        _cleanup_free_ char *error = NULL;

        if (!r->o->key)
                return 0;
        int k = sign_digest(&r->key, dir_fd, name, subject, hex, &error);
        if (k < 0)
                print_error("%s: %s", r->o->key, error ?: strerror(-k));
        return k < 0 ? STATUS_FAILED : 0;
}

/* ---- a directory ---- */

static int finish_directory(Rootfs *r, const StorePaths *store) {
        struct timespec times[2] = { { .tv_sec = r->o->time }, { .tv_sec = r->o->time } };
        AttestOptions options = { .fsverity = r->o->fsverity, .store = store, .nix_store = true };

        int k = attest_write(r->tree.fd, 2, &options, &r->report);
        if (k < 0) {
                (void)rootfs_print_error(r->o->source, r->report.message ?: strerror(-k));
                for (size_t i = 0; i < r->report.extra.n; i++)
                        print_error(
                                "  %s: %s", r->report.extra.items[i].path, r->report.extra.items[i].what);
                return STATUS_FAILED;
        }
        if (r->report.warning)
                print_warning("%s: %s", r->o->source, r->report.warning);
        k = sign(r, SIGNATURE_MANIFEST_SHA256, r->report.digest, r->tree.fd, SIGNATURE_NAME);
        if (k != 0)
                return k;
        /* The manifest and the signature are as old as the rest, and so is the directory that got them. */
        (void)utimensat(r->tree.fd, ATTEST_MANIFEST_NAME, times, AT_SYMLINK_NOFOLLOW);
        (void)utimensat(r->tree.fd, SIGNATURE_NAME, times, AT_SYMLINK_NOFOLLOW);
        (void)futimens(r->tree.fd, times);
        return 0;
}

/* ---- an image ---- */

/* As a start will look at it. */
static int hash_image(Rootfs *r, int fd) {
        _cleanup_attest_report_ AttestReport report = {};
        const AttestImageOptions options = {
                .subject = SIGNATURE_IMAGE_SHA256,
                .fsverity = r->o->fsverity ? r->image_fsverity : NULL,
        };

        int k = attest_image(fd, &options, &report);
        if (k < 0) {
                print_error("cannot take the image's digest: %s", report.message ?: strerror(-k));
                return STATUS_FAILED;
        }
        memcpy(r->image_sha256, report.digest, sizeof(r->image_sha256));
        return 0;
}

static int finish_image(Rootfs *r) {
        int k = rootfs_write_image(r);
        if (k == 0 && r->o->verity)
                k = rootfs_write_verity(r);
        if (k != 0)
                return k;
        _cleanup_close_ int fd = openat(r->fd, "image", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0) {
                print_error("cannot write the image: %s", strerror(errno));
                return STATUS_FAILED;
        }
        k = hash_image(r, fd);
        if (k != 0)
                return k;
        return r->o->verity
                       ? sign(r, SIGNATURE_IMAGE_ROOT_HASH, r->root_hash, r->fd, "image" SIGNATURE_SUFFIX)
               : r->o->fsverity
                       ? sign(r, SIGNATURE_IMAGE_FSVERITY, r->image_fsverity, r->fd,
                                 "image" SIGNATURE_SUFFIX)
                       : sign(r, SIGNATURE_IMAGE_SHA256, r->image_sha256, r->fd, "image" SIGNATURE_SUFFIX);
}

int rootfs_finish(Rootfs *r) {
        _cleanup_store_paths_ StorePaths *store = NULL;

        int k = make_mount_points(r);
        if (k == 0)
                k = open_store(r, &store);
        if (k == 0) {
                rootfs_print_notes(r);
                k = r->o->format == ROOTFS_DIRECTORY ? finish_directory(r, store) : finish_image(r);
        }
        return k == 0 ? rootfs_print_result(r) : k;
}
