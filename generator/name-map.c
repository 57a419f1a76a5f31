/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most half full. Keys are trusted: names of files and services of the administrator. */

#include "name-map.h"

uint64_t name_hash(const char *name) {
        uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

        for (; *name; name++)
                h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);

        /* FNV's low bits are weak for short names: mix the high ones in. */
        h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
        return h ^ (h >> 33);
}

void name_map_done(NameMap *m) {
        free(m->entries);
        *m = (NameMap){};
}

static NameMapEntry *slot(const NameMap *m, const char *name) {
        for (size_t i = name_hash(name) & (m->size - 1);; i = (i + 1) & (m->size - 1))
                if (!m->entries[i].name || streq(m->entries[i].name, name))
                        return &m->entries[i];
}

static int grow(NameMap *m) {
        NameMap bigger = { .size = m->size ? 2 * m->size : 64, .n = m->n };

        bigger.entries = calloc(bigger.size, sizeof(NameMapEntry));
        if (!bigger.entries)
                return -ENOMEM;
        for (size_t i = 0; i < m->size; i++)
                if (m->entries[i].name)
                        *slot(&bigger, m->entries[i].name) = m->entries[i];
        free(m->entries);
        *m = bigger;
        return 0;
}

int name_map_put(NameMap *m, const char *name, size_t value) {
        if (2 * (m->n + 1) > m->size) {
                int k = grow(m);
                if (k < 0)
                        return k;
        }

        NameMapEntry *e = slot(m, name);
        if (e->name)
                return -EEXIST;
        *e = (NameMapEntry){ name, value };
        m->n++;
        return 0;
}

size_t name_map_get(const NameMap *m, const char *name) {
        if (m->size == 0)
                return NAME_MAP_NONE;

        const NameMapEntry *e = slot(m, name);
        return e->name ? e->value : NAME_MAP_NONE;
}
