/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* NULL-terminated vectors of strings, each string owned by the vector. A NULL vector is an empty one. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

size_t strv_length(char *const *v) _pure_;
void strv_free(char **v);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

/* Appends a copy of `s`. 0 or -ENOMEM, *v unchanged on error. */
int strv_append(char ***v, const char *s);

/* Is `s` one of the strings? */
bool strv_contains(char *const *v, const char *s) _pure_;

/* Runs the body once for each string; evaluates `v` once. */
#define STRV_FOREACH(s, v) for (char *const *_v_##s = (v), *s = _v_##s ? *_v_##s : NULL; s; s = *++_v_##s)

#ifdef __cplusplus
}
#endif
