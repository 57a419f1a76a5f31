/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8 decoding. Must never read past the length it was given. */

#include "utf8.h"

size_t utf8_decode(const char *s, size_t n, uint32_t *ret_) {
        const unsigned char *p = (const unsigned char *)s;
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t len;
        uint32_t c;

        if (n == 0)
                return 0;
        if (p[0] < 0x80) {
                *ret_ = p[0];
                return 1;
        }
        if ((p[0] & 0xe0) == 0xc0)
                len = 2, c = p[0] & 0x1f;
        else if ((p[0] & 0xf0) == 0xe0)
                len = 3, c = p[0] & 0x0f;
        else if ((p[0] & 0xf8) == 0xf0)
                len = 4, c = p[0] & 0x07;
        else
                return 0;
        if (n < len)
                return 0;

        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret_ = c;
        return len;
}

bool character_is_control(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

bool character_is_deceptive(uint32_t c) {
        return c == 0x061c || c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
               (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}
