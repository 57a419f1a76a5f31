/* SPDX-License-Identifier: Apache-2.0 */
/* A digest as text and back: lower case only, so that there is one text for one digest. */

#include "hash.h"

void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char ret_hex[SHA256_HEX_SIZE]) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < SHA256_SIZE; i++) {
                ret_hex[2 * i] = digits[digest[i] >> 4];
                ret_hex[2 * i + 1] = digits[digest[i] & 15];
        }
        ret_hex[2 * SHA256_SIZE] = '\0';
}

/* One more than the value of a digit, so that all else is 0. A manifest has millions of digits. */
static const uint8_t digit_values[256] = {
        ['0'] = 1,
        ['1'] = 2,
        ['2'] = 3,
        ['3'] = 4,
        ['4'] = 5,
        ['5'] = 6,
        ['6'] = 7,
        ['7'] = 8,
        ['8'] = 9,
        ['9'] = 10,
        ['a'] = 11,
        ['b'] = 12,
        ['c'] = 13,
        ['d'] = 14,
        ['e'] = 15,
        ['f'] = 16,
};

int sha256_from_hex(const char *s, size_t n, uint8_t ret_digest[SHA256_SIZE]) {
        const uint8_t *p = (const uint8_t *)s;
        uint8_t digest[SHA256_SIZE];
        unsigned bad = 0;

        if (n != 2 * SHA256_SIZE)
                return -EINVAL;
        for (size_t i = 0; i < SHA256_SIZE; i++, p += 2) {
                unsigned hi = digit_values[p[0]], lo = digit_values[p[1]];
                bad |= hi == 0 || lo == 0;
                digest[i] = (uint8_t)((hi - 1) << 4 | ((lo - 1) & 15));
        }
        if (bad)
                return -EINVAL;
        memcpy(ret_digest, digest, SHA256_SIZE);
        return 0;
}
