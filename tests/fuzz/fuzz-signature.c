/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature files: what is accepted is one text for what it says, whoever signed; what is refused has a
 * message that quotes nothing. Signing again keeps it a signature file.
 */

#include "fuzz.h"
#include "signature.h"

/* RFC 8032, 7.1, test 1. */
#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define PEM                                                                                                 \
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"   \
        "-----END PRIVATE KEY-----\n"
#define LINE_LENGTH 142U /* with its newline */

static void check_message(const char *error) {
        CHECK(error && *error);
        for (; *error; error++)
                CHECK(*error >= ' ' && *error <= '~');
}

static void sign_again(const char *old, const uint8_t *digest, char *const *keys) {
        _cleanup_free_ char *text = NULL, *key = NULL, *error = NULL, *why = NULL;

        int k = signature_make(
                PEM, strlen(PEM), SIGNATURE_MANIFEST_SHA256, digest, old, &text, &key, &error);
        CHECK(k == 0 && streq(key, KEY));
        CHECK(signature_verify(text, strlen(text), SIGNATURE_MANIFEST_SHA256, digest, keys, &why) == 0);
}

bool fuzz_one(const char *text, size_t n) {
        static const uint8_t digest[SHA256_SIZE] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
        static char *const keys[] = { (char *)KEY, NULL };
        _cleanup_free_ char *error = NULL, *old = NULL;

        int k = signature_verify(text, n, SIGNATURE_MANIFEST_SHA256, digest, keys, &error);
        CHECK(k == 0 || k == -EKEYREJECTED || k == -EINVAL || k == -EOPNOTSUPP);
        if (k < 0)
                check_message(error);
        if (k == -EINVAL)
                return false;
        CHECK(n > 0 && n % LINE_LENGTH == 0 && !memchr(text, '\0', n));
        for (size_t i = 0; i < n; i += LINE_LENGTH)
                CHECK(startswith(text + i, "ed25519 ") && text[i + LINE_LENGTH - 1] == '\n');
        CHECK(k != 0 || (text && memmem(text, n, KEY, strlen(KEY))));
        old = strndup(text, n);
        if (old && k != -EOPNOTSUPP)
                sign_again(old, digest, keys);
        return true;
}
