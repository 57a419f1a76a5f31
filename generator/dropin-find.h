/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which drop-ins apply to nucleus-NAME.service, in systemd's own order (systemd.unit(5)): those of the
 * directories nucleus-NAME.service.d, of each prefix of the name that ends in a dash (nucleus-.service.d),
 * and of service.d, along the unit search path. Of files with one name the first counts, as systemd has it:
 * the directory of the search path decides, within it the longer prefix, and service.d is last everywhere.
 */

#include "diag.h"
#include "dropin.h"
#include "load.h"

#define DROPIN_FILE_MAX (1024U * 1024)
#define DROPIN_SECTION "X-Nucleus"

/* The unit search path, looked through once. Owns all files that it gave out. */
typedef struct DropinIndex DropinIndex;

DropinIndex *dropin_index_free(DropinIndex *x);
DEFINE_CLEANUP(DropinIndex *, dropin_index_free)
#define _cleanup_dropin_index_ _cleanup_(dropin_index_freep)

/*
 * Looks for directories of drop-ins in the scope's unit search path (unit_directories()), or in those that
 * NUCLEUS_UNIT_DIRS lists, separated by colons. Nothing in them is read yet. 0 or -ENOMEM.
 */
int dropin_index_new(Scope scope, DropinIndex **ret_);

/*
 * The drop-ins of the service ("web" of nucleus-web.service) in the order in which they apply: the array, to
 * be freed with free(), is NULL where there are none; the files in it belong to the index. Each file is read
 * and parsed once, for whatever service is the first to ask.
 *
 * One that cannot be read, or whose [X-Nucleus] is wrong, is an error of this service: it is added to `diag`
 * at its file and line, and left out. 0, -EINVAL where there was such a one (*ret_ is set all the same), or
 * -ENOMEM.
 */
int dropin_index_find(
        DropinIndex *x, const char *service, const DropinFile ***ret_, size_t *ret_n, Diagnostics *diag);
