/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A number for each inode: which name a file was given first, which layer made it, which mode it gets. */

#include "util.h"

#include <sys/stat.h>

typedef struct InodeMapEntry {
        dev_t dev;
        ino_t ino;
        uint64_t value;
        bool used;
} InodeMapEntry;

typedef struct InodeMap {
        InodeMapEntry *entries;
        size_t n, size; /* size: 0 or a power of two */
} InodeMap;

void inode_map_done(InodeMap *m); /* leaves it empty */

/* The inode's number, or NULL. Valid until the next inode_map_put(). */
uint64_t *inode_map_get(const InodeMap *m, const struct stat *st);

/* Sets or replaces the number. 0 or -ENOMEM. */
int inode_map_put(InodeMap *m, const struct stat *st, uint64_t value);
