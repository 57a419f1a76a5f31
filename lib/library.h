/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Libraries that only some of the work needs, loaded when it comes to that: who does not need them does not
 * pay for them. A user keeps one pointer of each function's own type, filled by library_find().
 */

#include "util.h"

/* Loads a library by its soname. It is never unloaded: some register handlers for thread and process exit.
 * 0, or -ENOPKG where there is none. */
int library_open(const char *soname, void **ret_lib);

/* Puts the address of a function into the pointer at `target`. 0, or -ELIBBAD where there is none. */
int library_find(void *lib, const char *name, void *target);
