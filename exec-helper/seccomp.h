/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system call filter. */

#include "mode.h"

/*
 * Loads the built-in filter of a tier, compiled at build time for this architecture. no_new_privs must be
 * set. 0 or -errno.
 */
int seccomp_load_builtin(Mode mode);
