/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One escaping for spec text: every byte that is no printable ASCII, and space and backslash, as \xHH with
 * lower-case digits, so that a field never holds a space, a control character, a backslash of its own or
 * a byte above 0x7e. An empty field is written as \e.
 */

#include "strbuf.h"

/* Appends `n` bytes, escaped, as one field. */
void escape_field(StrBuf *b, const char *s, size_t n);

/*
 * Reverses escape_field() for the `n` bytes at `s`. Only what escape_field() writes is taken (canonical: no
 * other escapes, no escaped byte that needs none, no NUL). *ret_ is to be freed. 0, -EINVAL or -ENOMEM.
 */
int unescape_field(const char *s, size_t n, char **ret_);

/* The value of a lower-case hexadecimal digit, or -EINVAL: upper case would make two texts for one value. */
int hex_digit(char c) _pure_;
