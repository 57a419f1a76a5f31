/* SPDX-License-Identifier: Apache-2.0 */
/* A digest as text and back: lower case only, so that there is one text for one digest. */

#include "hash.h"

#include "escape.h"

void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char ret_hex[SHA256_HEX_SIZE]) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < SHA256_SIZE; i++) {
                ret_hex[2 * i] = digits[digest[i] >> 4];
                ret_hex[2 * i + 1] = digits[digest[i] & 15];
        }
        ret_hex[2 * SHA256_SIZE] = '\0';
}

int sha256_from_hex(const char *s, size_t n, uint8_t ret_digest[SHA256_SIZE]) {
        uint8_t digest[SHA256_SIZE];

        if (n != 2 * SHA256_SIZE)
                return -EINVAL;
        for (size_t i = 0; i < SHA256_SIZE; i++) {
                int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);
                if (hi < 0 || lo < 0)
                        return -EINVAL;
                digest[i] = (uint8_t)(hi << 4 | lo);
        }
        memcpy(ret_digest, digest, SHA256_SIZE);
        return 0;
}
