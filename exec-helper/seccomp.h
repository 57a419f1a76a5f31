/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system call filter. */

#include <linux/filter.h>

#include "mode.h"

/*
 * Loads the built-in filter of a tier, compiled at build time for this architecture. no_new_privs must be
 * set. `log`: the kernel logs what is not allowed. 0 or -errno.
 */
int seccomp_load_builtin(Mode mode, bool log);

/* The same with a program that seccomp_decode() made. What is called from then on is for it to say. */
int seccomp_load(const struct sock_fprog *program, bool log);

/* Base64 of struct sock_filter[], into *ret_, whose filter is to be freed. 0, -EINVAL, -E2BIG or -ENOMEM. */
int seccomp_decode(const char *text, struct sock_fprog *ret_);
