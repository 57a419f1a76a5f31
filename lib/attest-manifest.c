/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest as a file, and why it is believed: the pin, or a signature. Must never say that it is to be
 * believed by anything but the digest of all of it.
 */

#include "attest-internal.h"

#include "io.h"
#include "manifest-reader.h"
#include "signature.h"
#include "tree-walk.h"

#include <fcntl.h>

/* Opens a regular file at the root for reading, once it is known to be one of at most `max` bytes. */
static int open_own(Attest *a, const char *name, const char *what, uint64_t max, uint64_t *ret_size) {
        struct stat st;

        _cleanup_close_ int fd = open_beneath(a->root_fd, name, O_PATH | O_NOFOLLOW);
        if (fd == -ENOENT)
                return fd;
        if (fd < 0)
                return attest_fail_path(a->report, fd, name);
        if (fstat(fd, &st) < 0)
                return attest_fail_path(a->report, -errno, name);
        if (!S_ISREG(st.st_mode))
                return attest_fail(a->report, -EINVAL, "the %s is a %s, not a regular file", what,
                        attest_type_name(st.st_mode));
        if ((uint64_t)st.st_size > max)
                return attest_fail(a->report, -EINVAL, "the %s has %lld bytes, more than %llu", what,
                        (long long)st.st_size, (unsigned long long)max);

        int r = reopen_for_reading(fd, 0);
        if (r < 0)
                return attest_fail_path(a->report, r, name);
        *ret_size = (uint64_t)st.st_size;
        return r;
}

int attest_open_manifest(Attest *a, uint64_t *ret_size) {
        int fd = open_own(a, ATTEST_MANIFEST_NAME, "manifest", ATTEST_MANIFEST_MAX, ret_size);

        if (fd == -ENOENT)
                return attest_fail(a->report, fd,
                        "the root tree has no manifest (" ATTEST_MANIFEST_NAME
                        "): `nucleus attest` writes one");
        return fd;
}

int attest_fail_manifest(Attest *a, int error, size_t line, const char *reason) {
        if (error == -EINVAL)
                return attest_fail(a->report, error, "malformed manifest, line %zu: %s", line, reason);
        return error == -ENOMEM ? error : attest_fail_path(a->report, error, ATTEST_MANIFEST_NAME);
}

static int read_signature(Attest *a, char **ret_, size_t *ret_n) {
        uint64_t size;

        _cleanup_close_ int fd = open_own(a, SIGNATURE_NAME, "signature file", SIGNATURE_FILE_MAX, &size);
        if (fd == -ENOENT)
                return attest_fail(a->report, -EKEYREJECTED,
                        "the root tree has no signature (%s): `nucleus attest --sign` makes one",
                        SIGNATURE_NAME);
        if (fd < 0)
                return fd;

        _cleanup_free_ char *text = malloc(SIGNATURE_FILE_MAX + 1);
        if (!text)
                return -ENOMEM;
        int r = read_to_end(fd, text, SIGNATURE_FILE_MAX, ret_n);
        if (r < 0)
                return attest_fail_path(a->report, r == -EFBIG ? -ESTALE : r, SIGNATURE_NAME); /* it grew */
        *ret_ = TAKE_PTR(text);
        return 0;
}

static int check_signature(Attest *a, const uint8_t digest[SHA256_SIZE]) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t n = 0;

        int r = read_signature(a, &text, &n);
        if (r < 0)
                return r;
        r = signature_verify(text, n, SIGNATURE_MANIFEST_SHA256, digest, a->options.public_keys, &error);
        if (r < 0)
                return attest_fail(a->report, r, "%s: %s", SIGNATURE_NAME, error ?: strerror(-r));
        return 0;
}

int attest_check_trust(Attest *a, const uint8_t digest[SHA256_SIZE]) {
        const char *pin = a->options.pin;

        sha256_to_hex(digest, a->report->digest);
        if (pin && !streq(pin, a->report->digest))
                return attest_fail(a->report, -EKEYREJECTED,
                        "the manifest is not the pinned one: its sha256 is %s, manifest_sha256 is %s",
                        a->report->digest, pin);
        return a->options.public_keys ? check_signature(a, digest) : 0;
}

int attest_verify_signature(int root_fd, char *const *public_keys, AttestReport *report) {
        _cleanup_manifest_reader_ ManifestReader reader = {};
        Attest a = { .root_fd = root_fd, .options.public_keys = public_keys, .report = report };
        uint64_t size = 0;

        _cleanup_close_ int fd = attest_open_manifest(&a, &size);
        if (fd < 0)
                return fd;
        int r = manifest_reader_begin(&reader, fd, size);
        if (r < 0)
                return r == -ENOMEM ? r : attest_fail_hasher(report, r);
        r = manifest_reader_skip(&reader);
        return r < 0 ? attest_fail_manifest(&a, r, 0, NULL) : attest_check_trust(&a, reader.digest);
}
