/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing byte buffer. Errors stick: after an allocation failed every call is a no-op and
 * strbuf_finish() returns -ENOMEM, so that callers check once, at the end.
 */

#include "util.h"

typedef struct StrBuf {
        char *data; /* always NUL-terminated where not NULL */
        size_t len; /* bytes before the NUL */
        size_t size;
        bool failed;
} StrBuf;

void strbuf_done(StrBuf *b);
#define _cleanup_strbuf_ _cleanup_(strbuf_done)

/* Appends `n` bytes, a string, one byte, or a formatted string. */
void strbuf_add(StrBuf *b, const void *data, size_t n);
void strbuf_puts(StrBuf *b, const char *s);
void strbuf_putc(StrBuf *b, char c);
void strbuf_printf(StrBuf *b, const char *format, ...) _printf_(2, 3);

/* Hands the text to *ret_ (to be freed; never NULL on success) and empties the buffer. 0 or -ENOMEM. */
int strbuf_finish(StrBuf *b, char **ret_);
