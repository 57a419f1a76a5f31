/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table with linear probing; nothing is ever removed. */

#include "rootfs-inode-map.h"

#define SIZE_FIRST 256U

void inode_map_done(InodeMap *m) {
        free(m->entries);
        *m = (InodeMap){};
}

/* The entry of the inode, or the free one that it would take. */
static InodeMapEntry *find(const InodeMap *m, dev_t dev, ino_t ino) {
        size_t i = (size_t)((ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15U >> 16) & (m->size - 1);

        while (m->entries[i].used && (m->entries[i].ino != ino || m->entries[i].dev != dev))
                i = (i + 1) & (m->size - 1);
        return &m->entries[i];
}

uint64_t *inode_map_get(const InodeMap *m, const struct stat *st) {
        if (m->size == 0)
                return NULL;
        InodeMapEntry *e = find(m, st->st_dev, st->st_ino);
        return e->used ? &e->value : NULL;
}

static int grow(InodeMap *m) {
        InodeMap more = { .n = m->n, .size = m->size ? 2 * m->size : SIZE_FIRST };

        more.entries = calloc(more.size, sizeof(*more.entries));
        if (!more.entries)
                return -ENOMEM;
        for (size_t i = 0; i < m->size; i++)
                if (m->entries[i].used)
                        *find(&more, m->entries[i].dev, m->entries[i].ino) = m->entries[i];
        free(m->entries);
        *m = more;
        return 0;
}

int inode_map_put(InodeMap *m, const struct stat *st, uint64_t value) {
        if (2 * (m->n + 1) > m->size && grow(m) < 0)
                return -ENOMEM;
        InodeMapEntry *e = find(m, st->st_dev, st->st_ino);
        m->n += !e->used;
        *e = (InodeMapEntry){ st->st_dev, st->st_ino, value, true };
        return 0;
}
