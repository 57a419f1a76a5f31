/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The built-in seccomp profiles as text. nucleus-exec holds their programs instead, compiled with it. */

#include "mode.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The OCI JSON of a tier's built-in profile (policies/TIER.seccomp.json), byte for byte as it is installed,
 * so that a line number is one of that file. `*ret_n` is its length; a NUL follows. Never fails.
 */
const char *seccomp_builtin_profile(Mode mode, size_t *ret_n);

#ifdef __cplusplus
}
#endif
