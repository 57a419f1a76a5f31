/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Base64, RFC 4648 section 4, in its one canonical form: padded, no white space, no stray bits. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The text of `n` bytes, to be freed. 0 or -ENOMEM. */
int base64_encode(const void *data, size_t n, char **ret_);

/* The bytes of a text, to be freed; only what base64_encode() writes is taken. 0, -EINVAL or -ENOMEM. */
int base64_decode(const char *text, void **ret_, size_t *ret_n);

#ifdef __cplusplus
}
#endif
