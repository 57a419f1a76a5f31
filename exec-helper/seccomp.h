/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system call filter. */

#include "mode.h"

/*
 * Loads the built-in filter of a tier, compiled at build time for this architecture. no_new_privs must be
 * set. `log`: the kernel logs what is not allowed. 0 or -errno.
 */
int seccomp_load_builtin(Mode mode, bool log);

/* Loads a program, base64 of struct sock_filter[]. 0, -EINVAL where it is none, or another -errno. */
int seccomp_load_program(const char *text, bool log);
