/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8, one character at a time, and which characters may deceive a reader or forge a line. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Decodes the first character of the `n` bytes at `s` into *ret_ and returns its length, 1 to 4. 0: not
 * UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF), or n is 0.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret_);

/* C0, DEL, C1, and the line and paragraph separators. TAB is one of them. */
bool character_is_control(uint32_t c) _pure_;

/* Bidirectional controls and characters without a glyph: text that holds one reads as something else. */
bool character_is_deceptive(uint32_t c) _pure_;

#ifdef __cplusplus
}
#endif
