/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which host ids a service's user namespace gets: one slot of SPEC_ID_COUNT ids in a range that neither
 * users nor systemd's own allocations (homed, DynamicUser=, see systemd's UIDS-GIDS) lie in.
 */

#include "spec.h"

#define ID_RANGE_FIRST UINT64_C(0x30000000)
#define ID_RANGE_LAST UINT64_C(0x7FFDFFFF)
#define ID_SLOTS ((size_t)((ID_RANGE_LAST + 1 - ID_RANGE_FIRST) / SPEC_ID_COUNT))

/* Which slots are taken. */
typedef struct IdSlots {
        bool taken[ID_SLOTS];
        size_t n;
} IdSlots;

/*
 * Takes a slot for the service `name`: the one its hash says, else the next free one. So a service keeps its
 * ids unless it collides with one that is allotted before it; call it in the order of names. Returns the
 * first id in *ret_. 0, or -ENOSPC where all slots are taken.
 */
int ids_allot(IdSlots *s, const char *name, uint64_t *ret_);
