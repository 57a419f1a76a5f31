/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures for `nucleus attest`: made beside a manifest or an image, and checked without a look at the
 * tree. Must never leave the private key in memory, or half a signature under its name.
 */

#include "nucleus-attest.h"

#include "io.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#define KEY_MAX 65536U

int attest_say(AttestReport *report, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (!report->message && vasprintf(&report->message, format, ap) < 0)
                report->message = NULL;
        va_end(ap);
        return r;
}

/* The whole of a small regular file, with a NUL behind it, to be freed. 0, -ENOTSUP, -EFBIG or -errno. */
static int read_small(int dir_fd, const char *name, int flags, size_t max, char **ret_, size_t *ret_n,
        struct stat *ret_st) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        ssize_t k = 1;

        /* O_NONBLOCK: a FIFO must not hold us. */
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
        if (fd < 0 || fstat(fd, ret_st) < 0)
                return -errno;
        if (!S_ISREG(ret_st->st_mode))
                return -ENOTSUP;
        text = calloc(1, max + 2);
        if (!text)
                return -ENOMEM;
        while (n <= max && (k = read(fd, text + n, max + 1 - n)) > 0)
                n += (size_t)k;
        if (k < 0 || n > max) {
                int r = k < 0 ? -errno : -EFBIG;
                explicit_bzero(text, n);
                return r;
        }
        *ret_ = TAKE_PTR(text);
        *ret_n = n;
        return 0;
}

static const char *explain(int r) {
        return r == -ENOTSUP ? "it is no regular file" : r == -EFBIG ? "it is too large" : strerror(-r);
}

static int put_signature(int dir_fd, const char *name, const char *text) {
        _cleanup_free_ char *temporary = NULL;

        if (asprintf(&temporary, "%s.new", name) < 0)
                return -ENOMEM;
        (void)unlinkat(dir_fd, temporary, 0); /* of one that was killed */
        _cleanup_close_ int fd =
                openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, text, strlen(text));
        if (r >= 0 &&
                (fchmod(fd, 0444) < 0 || fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0))
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir_fd, temporary, 0);
        else if (fsync(dir_fd) < 0)
                r = -errno;
        return r;
}

static int make_signature(const AttestArguments *a, const char *old, SignatureSubject subject,
        const char *hex, char **ret_, AttestResult *result) {
        _cleanup_free_ char *pem = NULL, *problem = NULL;
        uint8_t digest[SHA256_SIZE];
        struct stat st;
        size_t n = 0;

        int r = read_small(AT_FDCWD, a->key, 0, KEY_MAX, &pem, &n, &st);
        if (r < 0)
                return attest_say(&result->report, r, "cannot read the key %s: %s", a->key, explain(r));
        if (st.st_mode & 0044)
                print_warning("%s: others can read this private key: chmod 600", a->key);
        r = sha256_from_hex(hex, strlen(hex), digest);
        if (r >= 0)
                r = signature_make(pem, n, subject, digest, old, ret_, &result->public_key, &problem);
        explicit_bzero(pem, n);
        return r < 0 ? attest_say(&result->report, r, "cannot sign with %s: %s", a->key,
                               problem ?: strerror(-r))
                     : 0;
}

int attest_sign(const AttestArguments *a, int dir_fd, const char *name, SignatureSubject subject,
        AttestResult *result) {
        const char *hex =
                subject == SIGNATURE_IMAGE_FSVERITY ? result->image_fsverity : result->report.digest;
        _cleanup_free_ char *old = NULL, *text = NULL;
        struct stat st;
        size_t n = 0;

        _cleanup_close_ int dir = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? -errno : read_small(dir, name, O_NOFOLLOW, SIGNATURE_FILE_MAX, &old, &n, &st);
        if (r < 0 && r != -ENOENT)
                return attest_say(&result->report, r, "cannot read %s: %s", name, explain(r));
        r = make_signature(a, old, subject, hex, &text, result);
        if (r < 0)
                return r;
        r = put_signature(dir, name, text);
        return r < 0 ? attest_say(&result->report, r, "cannot write %s: %s", name, strerror(-r)) : 0;
}

/* The digest of the manifest, of which nothing else is looked at. */
static int hash_manifest(int root_fd, uint8_t ret_digest[SHA256_SIZE]) {
        _cleanup_hasher_ Hasher *h = NULL;
        static char buffer[65536];
        uint64_t size = 0;
        struct stat st;
        ssize_t n = 1;

        _cleanup_close_ int fd =
                openat(root_fd, ATTEST_MANIFEST_NAME, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENOTSUP;
        int r = hasher_new(&h);
        if (r >= 0)
                r = hasher_begin(h);
        while (r >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0) {
                size += (uint64_t)n;
                r = size > ATTEST_MANIFEST_MAX ? -EFBIG : hasher_update(h, buffer, (size_t)n);
        }
        if (r >= 0 && n < 0)
                r = -errno;
        return r < 0 ? r : hasher_end(h, ret_digest);
}

int attest_verify_signature(const AttestArguments *a, int root_fd, AttestReport *report) {
        _cleanup_free_ char *text = NULL, *problem = NULL;
        uint8_t digest[SHA256_SIZE];
        struct stat st;
        size_t n = 0;

        int r = hash_manifest(root_fd, digest);
        if (r < 0)
                return attest_say(report, r == -ENOTSUP ? -EINVAL : r, "cannot read its manifest (%s): %s",
                        ATTEST_MANIFEST_NAME, explain(r));
        sha256_to_hex(digest, report->digest);
        r = read_small(root_fd, SIGNATURE_NAME, O_NOFOLLOW, SIGNATURE_FILE_MAX, &text, &n, &st);
        if (r == -ENOENT)
                return attest_say(report, -EKEYREJECTED,
                        "the manifest has no signature (%s): `nucleus attest --sign` makes one",
                        SIGNATURE_NAME);
        if (r < 0)
                return attest_say(report, r == -ENOTSUP || r == -EFBIG ? -EINVAL : r, "cannot read %s: %s",
                        SIGNATURE_NAME, explain(r));
        r = signature_verify(text, n, SIGNATURE_MANIFEST_SHA256, digest, a->public_keys, &problem);
        return r < 0 ? attest_say(report, r, "%s: %s", SIGNATURE_NAME, problem ?: strerror(-r)) : 0;
}
