/* SPDX-License-Identifier: Apache-2.0 */
/* The spec's field escaping. Canonical on both sides: one text for one value, so that specs compare as
 * bytes. */

#include "escape.h"

static bool is_plain(unsigned char c) {
        return c > ' ' && c < 0x7f && c != '\\';
}

void escape_field(StrBuf *b, const char *s, size_t n) {
        static const char digits[] = "0123456789abcdef";

        if (n == 0) {
                strbuf_puts(b, "\\e");
                return;
        }
        for (size_t i = 0; i < n; i++) {
                size_t plain = i;
                while (i < n && is_plain((unsigned char)s[i]))
                        i++;
                strbuf_add(b, s + plain, i - plain);
                if (i == n)
                        break;
                unsigned char c = (unsigned char)s[i];
                strbuf_add(b, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
        }
}

int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -EINVAL;
}

int unescape_field(const char *s, size_t n, char **ret_) {
        _cleanup_free_ char *out = malloc(n + 1);
        size_t k = 0;

        if (!out)
                return -ENOMEM;
        if (n == 0)
                return -EINVAL;

        if (n != 2 || s[0] != '\\' || s[1] != 'e')
                for (size_t i = 0; i < n;) {
                        if (is_plain((unsigned char)s[i])) {
                                out[k++] = s[i++];
                                continue;
                        }
                        if (n - i < 4 || s[i] != '\\' || s[i + 1] != 'x')
                                return -EINVAL;

                        int hi = hex_digit(s[i + 2]), lo = hex_digit(s[i + 3]);
                        if (hi < 0 || lo < 0)
                                return -EINVAL;

                        unsigned char c = (unsigned char)(hi << 4 | lo);
                        if (c == 0 || is_plain(c))
                                return -EINVAL;
                        out[k++] = (char)c;
                        i += 4;
                }

        out[k] = '\0';
        *ret_ = TAKE_PTR(out);
        return 0;
}
