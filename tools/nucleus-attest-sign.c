/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures for `nucleus attest`: made beside a manifest or an image, and checked without a look at the
 * tree. */

#include "nucleus-attest.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

int attest_say(AttestReport *report, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (!report->message && vasprintf(&report->message, format, ap) < 0)
                report->message = NULL;
        va_end(ap);
        return r;
}

int attest_read_key(const AttestArguments *a, AttestResult *result) {
        return a->key ? signing_key_read(a->key, &result->key, &result->report.message) : 0;
}

int attest_sign(const AttestArguments *a, int dir_fd, const char *name, SignatureSubject subject,
        AttestResult *result) {
        if (!a->key)
                return 0;
        const char *hex =
                subject == SIGNATURE_IMAGE_FSVERITY ? result->image_fsverity : result->report.digest;
        int r = sign_digest(&result->key, dir_fd, name, subject, hex, &result->report.message);
        result->signed_by = r < 0 ? NULL : result->key.public_key;
        return r;
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
                        ATTEST_MANIFEST_NAME, read_small_error(r));
        sha256_to_hex(digest, report->digest);
        r = read_small(root_fd, SIGNATURE_NAME, O_NOFOLLOW, SIGNATURE_FILE_MAX, &text, &n, &st);
        if (r == -ENOENT)
                return attest_say(report, -EKEYREJECTED,
                        "the manifest has no signature (%s): `nucleus attest --sign` makes one",
                        SIGNATURE_NAME);
        if (r < 0)
                return attest_say(report, r == -ENOTSUP || r == -EFBIG ? -EINVAL : r, "cannot read %s: %s",
                        SIGNATURE_NAME, read_small_error(r));
        r = signature_verify(text, n, SIGNATURE_MANIFEST_SHA256, digest, a->public_keys, &problem);
        return r < 0 ? attest_say(report, r, "%s: %s", SIGNATURE_NAME, problem ?: strerror(-r)) : 0;
}
