/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names of archives. */

#include "util.h"

/*
 * Makes "usr/bin" of "./usr//bin/", "/usr/bin" and "usr/./bin"; the root itself is "". 0 with *ret_ (to be
 * freed), -ENOMEM, or -EINVAL with *ret_problem, static text that goes with "a name that": a ".." is never
 * taken, nor what no system call could name.
 */
int root_normalise_path(const char *path, char **ret_, const char **ret_problem);
