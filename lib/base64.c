/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 both ways. Must take one text for one value only, since specs compare as bytes. */

#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t n, char **ret_) {
        const unsigned char *in = data;

        if (n > SIZE_MAX / 4)
                return -ENOMEM;
        char *text = malloc((n + 2) / 3 * 4 + 1), *out = text;
        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < n; i += 3) {
                unsigned left = n - i < 3 ? (unsigned)(n - i) : 3;
                unsigned v = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                             (left > 2 ? in[i + 2] : 0);

                *out++ = digits[v >> 18];
                *out++ = digits[v >> 12 & 63];
                *out++ = left > 1 ? digits[v >> 6 & 63] : '=';
                *out++ = left > 2 ? digits[v & 63] : '=';
        }
        *out = '\0';
        *ret_ = text;
        return 0;
}

static int digit_value(char c) {
        return c >= 'A' && c <= 'Z'   ? c - 'A'
               : c >= 'a' && c <= 'z' ? c - 'a' + 26
               : c >= '0' && c <= '9' ? c - '0' + 52
               : c == '+'             ? 62
               : c == '/'             ? 63
                                      : -EINVAL;
}

/* The value of four digits, of which the last `padding` are "="; -EINVAL where they are not what is written.
 */
static int quantum(const char *text, unsigned padding) {
        int v = 0;

        for (unsigned i = 0; i < 4; i++) {
                int d = i < 4 - padding ? digit_value(text[i]) : text[i] == '=' ? 0 : -EINVAL;
                if (d < 0)
                        return d;
                v = v << 6 | d;
        }
        return v & ((1 << 8 * padding) - 1) ? -EINVAL : v;
}

int base64_decode(const char *text, void **ret_, size_t *ret_n) {
        size_t n = strlen(text), k = 0;

        if (n % 4 != 0)
                return -EINVAL;
        unsigned last = n == 0 ? 0 : text[n - 1] != '=' ? 0 : text[n - 2] != '=' ? 1 : 2;
        _cleanup_free_ unsigned char *out = malloc(n / 4 * 3 + 1);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < n; i += 4) {
                unsigned padding = i + 4 == n ? last : 0;
                int v = quantum(text + i, padding);

                if (v < 0)
                        return v;
                for (unsigned j = 0; j < 3 - padding; j++)
                        out[k++] = (unsigned char)(v >> (16 - 8 * j));
        }
        *ret_ = TAKE_PTR(out);
        *ret_n = k;
        return 0;
}
