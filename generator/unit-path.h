/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* systemd's unit search path: systemd.unit(5), "Unit File Load Path". */

#include "load.h"

/*
 * The directories of the scope in which systemd looks for units and drop-ins, the first wins: those that
 * SYSTEMD_UNIT_PATH lists, or its default. Relative ones are left out, and those into which generators
 * write, since they are empty while generators run. With `control`, those of `systemctl set-property` and of
 * transient units are there too. 0 or -ENOMEM.
 */
int unit_directories(Scope scope, bool control, char ***ret_);

/* Appends the absolute ones of a list that is separated by colons, each with "/suffix" where there is one.
 */
int append_directories(char ***v, const char *list, const char *suffix);
