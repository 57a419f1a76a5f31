/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images, by one digest. What is hashed is the open file, so that whoever mounts the same descriptor mounts
 * what was hashed. Must never open anything but a regular file, and must believe nothing of an image but its
 * magic: the kernel parses the rest, once the digest holds.
 */

#include "attest-image.h"

#include "attest-internal.h"
#include "fsverity.h"
#include "tree-walk.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Half of what a processor's second level of cache holds, at least: what is read is hashed from there. */
#define IMAGE_BUFFER_SIZE (256U * 1024)

/* The superblock of EROFS (fs/erofs/erofs_fs.h) lies behind a place for a boot sector. */
#define EROFS_OFFSET 1024
#define EROFS_FEATURE_INCOMPAT 80 /* le32 */
#define EROFS_EXTRA_DEVICES 86    /* le16 */
#define EROFS_HAS_DEVICE_TABLE 0x08U
#define EROFS_SIZE 128

const char *const image_type_names[_IMAGE_TYPE_MAX] = {
        [IMAGE_EROFS] = "erofs",
        [IMAGE_SQUASHFS] = "squashfs",
};

int image_open(int dir, const char *path) {
        struct stat st;

        _cleanup_close_ int fd = openat(dir, path, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        return S_ISREG(st.st_mode) ? reopen_for_reading(fd, 0) : -ENOTSUP;
}

/* Reads `n` bytes at an offset; fewer only at the end. Their number, or -errno. */
static ssize_t read_at(int fd, void *buffer, size_t n, off_t offset) {
        size_t total = 0;

        while (total < n) {
                ssize_t k = pread(fd, (char *)buffer + total, n - total, offset + (off_t)total);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                total += (size_t)k;
        }
        return (ssize_t)total;
}

/* An image that names other devices gets some of its data from there, or from a file of that name. */
static bool has_other_devices(const uint8_t super[EROFS_SIZE]) {
        return (super[EROFS_FEATURE_INCOMPAT] & EROFS_HAS_DEVICE_TABLE) &&
               (super[EROFS_EXTRA_DEVICES] || super[EROFS_EXTRA_DEVICES + 1]);
}

int image_type(int fd, ImageType *ret_) {
        static const uint8_t erofs[] = { 0xe2, 0xe1, 0xf5, 0xe0 }, squashfs[] = { 'h', 's', 'q', 's' };
        uint8_t head[EROFS_OFFSET + EROFS_SIZE];
        ssize_t n = read_at(fd, head, sizeof(head), 0);

        if (n < 0)
                return (int)n;
        *ret_ = IMAGE_OTHER;
        if (n >= (ssize_t)sizeof(squashfs) && memcmp(head, squashfs, sizeof(squashfs)) == 0)
                *ret_ = IMAGE_SQUASHFS;
        else if (n == sizeof(head) && memcmp(head + EROFS_OFFSET, erofs, sizeof(erofs)) == 0)
                *ret_ = IMAGE_EROFS;
        return *ret_ == IMAGE_EROFS && has_other_devices(head + EROFS_OFFSET) ? -EXDEV : 0;
}

int image_read_signature(const char *path, char **ret_, size_t *ret_n) {
        _cleanup_free_ char *text = NULL;

        *ret_ = NULL;
        *ret_n = 0;
        _cleanup_close_ int fd = image_open(AT_FDCWD, path);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        text = malloc(SIGNATURE_FILE_MAX + 1);
        if (!text)
                return -ENOMEM;
        ssize_t n = read_at(fd, text, SIGNATURE_FILE_MAX + 1, 0);
        if (n < 0)
                return (int)n;
        if ((size_t)n > SIGNATURE_FILE_MAX)
                return -EFBIG;
        *ret_ = TAKE_PTR(text);
        *ret_n = (size_t)n;
        return 0;
}

/* What is not an image, and what none may be, before it is read whole. */
static int check_file(int fd, struct stat *ret_st, AttestReport *report) {
        ImageType type;

        if (fstat(fd, ret_st) < 0)
                return attest_fail(report, -errno, "cannot look at the image: %s", strerror(errno));
        if (!S_ISREG(ret_st->st_mode))
                return attest_fail(report, -EINVAL, "an image must be a regular file, and this is a %s",
                        attest_type_name(ret_st->st_mode));
        if (attest_is_sparse_giant(ret_st))
                return attest_fail(report, -EFBIG,
                        "the image is a sparse file of %llu bytes, of which little is there",
                        (unsigned long long)ret_st->st_size);
        int r = image_type(fd, &type);
        if (r == -EXDEV)
                return attest_fail(report, -EINVAL,
                        "the EROFS image takes data from other files or devices, which its digest does not "
                        "cover: make it without --blobdev");
        if (r < 0)
                return attest_fail(report, r, "cannot read the image: %s", strerror(-r));
        if (type == IMAGE_OTHER)
                return attest_fail(report, -EINVAL, "it is neither an EROFS nor a squashfs image");
        return 0;
}

/* Hashes all that is there, for one digest or two (`f`, or NULL). 0, -ESTALE or -errno. */
static int hash_content(int fd, Hasher *h, FsverityHasher *f, void *buffer, const AttestImageOptions *o,
        AttestReport *report) {
        uint64_t size = report->done.bytes_total;

        for (;;) {
                ssize_t n = read_at(fd, buffer, IMAGE_BUFFER_SIZE, (off_t)report->done.bytes);
                if (n <= 0)
                        return n < 0 ? (int)n : report->done.bytes == size ? 0 : -ESTALE;
                int r = hasher_update(h, buffer, (size_t)n);
                if (r >= 0 && f)
                        r = fsverity_hasher_update(f, buffer, (size_t)n);
                if (r < 0)
                        return r;
                report->done.bytes += (uint64_t)n;
                if (report->done.bytes > size)
                        return -ESTALE;
                if (o->progress)
                        o->progress(&report->done, o->userdata);
        }
}

/* Both digests of the whole, as hash_content(). */
static int hash_image(int fd, Hasher *h, void *buffer, const AttestImageOptions *o,
        uint8_t ret_digest[SHA256_SIZE], AttestReport *report) {
        _cleanup_(fsverity_hasher_freep) FsverityHasher *f = NULL;
        uint8_t fsverity[SHA256_SIZE];

        int r = hasher_begin(h);
        if (r >= 0 && o->fsverity)
                r = fsverity_hasher_new(&f);
        if (r >= 0 && f)
                r = fsverity_hasher_begin(f);
        if (r >= 0)
                r = hash_content(fd, h, f, buffer, o, report);
        if (r >= 0)
                r = hasher_end(h, ret_digest);
        if (r >= 0 && f)
                r = fsverity_hasher_end(f, fsverity);
        if (r >= 0 && f)
                sha256_to_hex(fsverity, o->fsverity);
        return r;
}

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int take_sha256(int fd, const struct stat *before, const AttestImageOptions *o,
        uint8_t ret_digest[SHA256_SIZE], AttestReport *report) {
        _cleanup_hasher_ Hasher *h = NULL;
        _cleanup_free_ void *buffer = malloc(IMAGE_BUFFER_SIZE);
        struct stat after;

        int r = buffer ? hasher_new(&h) : -ENOMEM;
        if (r < 0)
                return attest_fail(report, r, "cannot hash: %s",
                        r == -EOPNOTSUPP ? "built without attestation"
                        : r == -ENOPKG   ? "libcrypto.so.3 cannot be loaded: install OpenSSL"
                                         : strerror(-r));
        report->done = (AttestProgress){ .bytes_total = (uint64_t)before->st_size };
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        r = hash_image(fd, h, buffer, o, ret_digest, report);
        if (r >= 0 && fstat(fd, &after) < 0)
                r = -errno;
        if (r >= 0 && !same_file(before, &after))
                r = -ESTALE;
        if (r == -ESTALE)
                return attest_fail(report, r, "the image changes while it is read");
        return r < 0 ? attest_fail(report, r, "cannot read the image: %s", strerror(-r)) : 0;
}

static int take_fsverity(int fd, uint8_t ret_digest[SHA256_SIZE], AttestReport *report) {
        int r = fsverity_measure(fd, ret_digest);

        if (r == -ENODATA)
                return attest_fail(report, r,
                        "the image has no fs-verity: give it some with `nucleus attest --enable-verity`");
        if (r == -EOPNOTSUPP)
                return attest_fail(report, r,
                        "the file system that the image is on, or the kernel, has no fs-verity (ext4: "
                        "tune2fs -O verity)");
        if (r == -EBADMSG)
                return attest_fail(report, -EOPNOTSUPP, "the image's fs-verity digest is no SHA-256");
        return r < 0 ? attest_fail(report, r, "cannot get the image's fs-verity digest: %s", strerror(-r))
                     : 0;
}

/* What a subject's digest is called in messages. */
static const char *const digest_names[_SIGNATURE_SUBJECT_MAX] = {
        [SIGNATURE_IMAGE_SHA256] = "SHA-256",
        [SIGNATURE_IMAGE_FSVERITY] = "fs-verity digest",
        [SIGNATURE_IMAGE_ROOT_HASH] = "root hash",
};

static int check_signature(
        const uint8_t digest[SHA256_SIZE], const AttestImageOptions *o, AttestReport *report) {
        _cleanup_free_ char *problem = NULL;

        if (!o->signature)
                return attest_fail(report, -EKEYREJECTED,
                        "the image is not signed: no file of its name with " SIGNATURE_SUFFIX
                        " is there; `nucleus attest --sign` makes one");
        int r = signature_verify(o->signature, o->signature_n, o->subject, digest, o->public_keys, &problem);
        return r < 0 ? attest_fail(report, r, "the image's signature file: %s", problem ?: strerror(-r)) : 0;
}

int attest_image(int fd, const AttestImageOptions *o, AttestReport *report) {
        uint8_t digest[SHA256_SIZE];
        struct stat st;

        int r = check_file(fd, &st, report);
        if (r < 0)
                return r;
        switch (o->subject) {
        case SIGNATURE_IMAGE_SHA256:
                r = take_sha256(fd, &st, o, digest, report);
                break;
        case SIGNATURE_IMAGE_FSVERITY:
                r = take_fsverity(fd, digest, report);
                break;
        case SIGNATURE_IMAGE_ROOT_HASH:
                r = o->pin ? sha256_from_hex(o->pin, strlen(o->pin), digest) : -EINVAL;
                if (r < 0)
                        return attest_fail(report, r, "dm-verity needs the root hash: 64 lower-case digits");
                break;
        default:
                return attest_fail(report, -EINVAL, "an image has no manifest");
        }
        if (r < 0)
                return r;
        sha256_to_hex(digest, report->digest);
        if (o->pin && !streq(o->pin, report->digest))
                return attest_fail(report, -EKEYREJECTED,
                        "the image is not the pinned one: its %s is %s, not %s", digest_names[o->subject],
                        report->digest, o->pin);
        return o->public_keys ? check_signature(digest, o, report) : 0;
}
