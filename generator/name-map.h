/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A hash table from names to indices, so that no step over all services takes quadratic time. */

#include "util.h"

#define NAME_MAP_NONE SIZE_MAX

typedef struct NameMapEntry {
        const char *name; /* borrowed; NULL: free */
        size_t value;
} NameMapEntry;

typedef struct NameMap {
        NameMapEntry *entries;
        size_t n, size;
} NameMap;

void name_map_done(NameMap *m);
#define _cleanup_name_map_ _cleanup_(name_map_done)

/* Adds a name that must outlive the map. 0, -EEXIST (the map is unchanged) or -ENOMEM. */
int name_map_put(NameMap *m, const char *name, size_t value);

/* The value of a name, or NAME_MAP_NONE. */
size_t name_map_get(const NameMap *m, const char *name) _pure_;

/* The hash the map uses; the same on every machine and in every version (ids.c relies on it). */
uint64_t name_hash(const char *name) _pure_;
