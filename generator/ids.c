/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allotting id ranges. Nothing is recorded: the same set of names gives the same ranges, on every machine.
 * No file depends on them either, since what is on disk is seen through idmapped mounts.
 */

#include "ids.h"

#include "name-map.h"

int ids_allot(IdSlots *s, const char *name, uint64_t *ret_) {
        if (s->n >= ID_SLOTS)
                return -ENOSPC;

        size_t i = name_hash(name) % ID_SLOTS;
        while (s->taken[i])
                i = (i + 1) % ID_SLOTS;
        s->taken[i] = true;
        s->n++;
        *ret_ = ID_RANGE_FIRST + i * SPEC_ID_COUNT;
        return 0;
}
