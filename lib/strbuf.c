/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a sticky error. Must never abort on a failed allocation. */

#include "strbuf.h"

#include <stdarg.h>

void strbuf_done(StrBuf *b) {
        free(b->data);
        *b = (StrBuf){};
}

static bool reserve(StrBuf *b, size_t n) {
        if (b->failed)
                return false;
        if (n >= SIZE_MAX / 2 - b->len) {
                b->failed = true;
                return false;
        }

        size_t want = b->len + n + 1;
        if (want <= b->size)
                return true;

        size_t size = b->size ? b->size * 2 : 256;
        while (size < want)
                size *= 2;

        char *p = realloc(b->data, size);
        if (!p) {
                b->failed = true;
                return false;
        }
        b->data = p;
        b->size = size;
        return true;
}

void strbuf_add(StrBuf *b, const void *data, size_t n) {
        if (!reserve(b, n))
                return;
        if (n > 0)
                memcpy(b->data + b->len, data, n);
        b->len += n;
        b->data[b->len] = '\0';
}

void strbuf_puts(StrBuf *b, const char *s) {
        strbuf_add(b, s, strlen(s));
}

void strbuf_putc(StrBuf *b, char c) {
        if (b->len + 1 >= b->size || b->failed) {
                strbuf_add(b, &c, 1);
                return;
        }
        b->data[b->len++] = c;
        b->data[b->len] = '\0';
}

void strbuf_printf(StrBuf *b, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0 || !reserve(b, (size_t)n)) {
                b->failed = true;
                return;
        }

        va_start(ap, format);
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
        va_end(ap);
        b->len += (size_t)n;
}

int strbuf_finish(StrBuf *b, char **ret_) {
        if (!b->failed)
                strbuf_add(b, "", 0);
        if (b->failed) {
                strbuf_done(b);
                return -ENOMEM;
        }
        *ret_ = TAKE_PTR(b->data);
        *b = (StrBuf){};
        return 0;
}
