/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures for who makes trees and images. A key is read, and tried, before anything else is done. Must
 * never leave the private key in memory, or half a signature under its name.
 */

#include "nucleus-sign.h"

#include "diag.h"
#include "io.h"

#include <fcntl.h>
#include <sys/stat.h>

#define KEY_MAX 65536U

/*
 * The whole of a small regular file, with a NUL behind it, to be freed; `flags` for openat(2) beside what
 * reading takes. 0, -ENOTSUP (no regular file), -EFBIG or another -errno: read_small_error() is its text.
 */
static int read_small(int dir_fd, const char *name, int flags, size_t max, char **ret_, size_t *ret_n,
        struct stat *ret_st) {
        _cleanup_free_ char *text = NULL;

        /* O_NONBLOCK: a FIFO must not hold us. */
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
        if (fd < 0 || fstat(fd, ret_st) < 0)
                return -errno;
        if (!S_ISREG(ret_st->st_mode))
                return -ENOTSUP;
        text = calloc(1, max + 2);
        if (!text)
                return -ENOMEM;
        int r = read_to_end(fd, text, max, ret_n);
        if (r < 0)
                explicit_bzero(text, max + 1);
        else
                *ret_ = TAKE_PTR(text);
        return r;
}

static const char *read_small_error(int r) {
        return r == -ENOTSUP ? "it is no regular file" : r == -EFBIG ? "it is too large" : strerror(-r);
}

void signing_key_done(SigningKey *key) {
        if (key->pem)
                explicit_bzero(key->pem, key->n);
        free(TAKE_PTR(key->pem));
        free(TAKE_PTR(key->public_key));
        key->n = 0;
}

int signing_key_read(const char *path, SigningKey *ret_, char **reterr_) {
        static const uint8_t nothing[SHA256_SIZE];
        _cleanup_signing_key_ SigningKey key = {};
        _cleanup_free_ char *trial = NULL, *problem = NULL;
        struct stat st;

        int r = read_small(AT_FDCWD, path, 0, KEY_MAX, &key.pem, &key.n, &st);
        if (r < 0)
                return error_set(reterr_, r, "cannot read the key %s: %s", path, read_small_error(r));
        if (st.st_mode & 0044)
                print_warning("%s: others can read this private key: chmod 600", path);
        /* Only libcrypto can tell what it is. The signature is of no digest, and goes nowhere. */
        r = signature_make(
                key.pem, key.n, SIGNATURE_MANIFEST_SHA256, nothing, NULL, &trial, &key.public_key, &problem);
        if (r < 0)
                return error_set(reterr_, r, "cannot sign with %s: %s", path, problem ?: strerror(-r));
        *ret_ = key;
        key = (SigningKey){};
        return 0;
}

static int put_signature(int dir_fd, const char *name, const char *text) {
        _cleanup_free_ char *temporary = NULL;

        if (asprintf(&temporary, "%s.new", name) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        _cleanup_close_ int fd = replace_begin(dir_fd, temporary);
        if (fd < 0)
                return fd;
        int r = write_all(fd, text, strlen(text));
        if (r >= 0)
                r = replace_finish(fd, dir_fd, temporary, name);
        if (r < 0)
                (void)unlinkat(dir_fd, temporary, 0);
        return r;
}

int sign_digest(const SigningKey *key, int dir_fd, const char *name, SignatureSubject subject,
        const char *hex, char **reterr_) {
        _cleanup_free_ char *old = NULL, *text = NULL, *public_key = NULL, *problem = NULL;
        uint8_t digest[SHA256_SIZE];
        struct stat st;
        size_t n = 0;

        /* The directory's own descriptor may be one that cannot be synced. */
        _cleanup_close_ int dir = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? -errno : read_small(dir, name, O_NOFOLLOW, SIGNATURE_FILE_MAX, &old, &n, &st);
        if (r < 0 && (dir < 0 || r != -ENOENT))
                return error_set(reterr_, r, "cannot read %s: %s", name, read_small_error(r));
        r = sha256_from_hex(hex, strlen(hex), digest);
        if (r >= 0)
                r = signature_make(key->pem, key->n, subject, digest, old, &text, &public_key, &problem);
        if (r < 0)
                return error_set(reterr_, r, "cannot sign: %s", problem ?: strerror(-r));
        r = put_signature(dir, name, text);
        return r < 0 ? error_set(reterr_, r, "cannot write %s: %s", name, strerror(-r)) : 0;
}
