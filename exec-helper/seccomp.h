/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system call filter. */

#include "util.h"

/*
 * Loads a profile that was compiled at build time for this architecture. no_new_privs must be set. 0,
 * -ENOENT where there is no such profile, or another -errno.
 */
int seccomp_load(const char *profile);
