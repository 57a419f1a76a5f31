/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights that each ABI brought. The bits are the kernel's (include/uapi/linux/landlock.h), written here
 * since older headers lack the later ones. Must stay a table: nothing else compares ABIs with rights.
 */

#include "landlock-rights.h"

#include "nearest.h"

#define FS(name, abi, bit, file, help)                                                                      \
        { name, LANDLOCK_KIND_FS, abi, UINT64_C(1) << (bit), file, help }
#define NET(name, bit, help)                                                                                \
        { name, LANDLOCK_KIND_NET, LANDLOCK_ABI_NET, UINT64_C(1) << (bit), false, help }
#define SCOPE(name, bit, help)                                                                              \
        { name, LANDLOCK_KIND_SCOPE, LANDLOCK_ABI_SCOPE, UINT64_C(1) << (bit), false, help }

const LandlockRight landlock_rights[] = {
        FS("execute", 1, 0, true, "run a program; its file must be readable too (read_file)"),
        FS("write_file", 1, 1, true, "open a file to write"),
        FS("read_file", 1, 2, true, "open a file to read"),
        FS("read_dir", 1, 3, false, "list a directory"),
        FS("remove_dir", 1, 4, false, "remove an empty directory, or rename one"),
        FS("remove_file", 1, 5, false, "unlink a file, or rename one"),
        FS("make_char", 1, 6, false, "make a character device, or rename or link one"),
        FS("make_dir", 1, 7, false, "make a directory, or rename one"),
        FS("make_reg", 1, 8, false, "make a regular file, or rename or link one"),
        FS("make_sock", 1, 9, false, "make a Unix socket by bind, or rename or link one"),
        FS("make_fifo", 1, 10, false, "make a FIFO, or rename or link one"),
        FS("make_block", 1, 11, false, "make a block device, or rename or link one"),
        FS("make_sym", 1, 12, false, "make a symbolic link, or rename or link one"),
        FS("refer", 2, 13, false, "rename or link between directories"),
        FS("truncate", 3, 14, true, "cut a file to length, by truncate(2) and O_TRUNC"),
        FS("ioctl_dev", 5, 15, true, "ioctl(2) on a device that is opened"),
        NET("bind_tcp", 0, "bind a TCP socket to the port"),
        NET("connect_tcp", 1, "connect a TCP socket to the port"),
        SCOPE("abstract_unix_socket", 0, "connect to an abstract Unix socket made outside of the service"),
        SCOPE("signal", 1, "send a signal to a process outside of the service"),
        {},
};

#define BIT(n) (UINT64_C(1) << (n))

const LandlockGroup landlock_groups[] = {
        { "read", BIT(2) | BIT(3) },
        { "write", BIT(1) },
        { "create", BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(12) },
        { "remove", BIT(4) | BIT(5) },
        {},
};

uint64_t landlock_handled(LandlockKind kind, unsigned abi) {
        uint64_t set = 0;

        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == kind && r->abi <= abi)
                        set |= r->bit;
        return set;
}

uint64_t landlock_file_rights(void) {
        uint64_t set = 0;

        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == LANDLOCK_KIND_FS && r->file)
                        set |= r->bit;
        return set;
}

const LandlockRight *landlock_right_find(LandlockKind kind, const char *name) {
        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == kind && streq(r->name, name))
                        return r;
        return NULL;
}

uint64_t landlock_access_of_word(LandlockKind kind, const char *word) {
        const LandlockRight *r = landlock_right_find(kind, word);

        if (r)
                return r->bit;
        for (const LandlockGroup *g = landlock_groups; kind == LANDLOCK_KIND_FS && g->name; g++)
                if (streq(g->name, word))
                        return g->access;
        return 0;
}

const char *landlock_word_nearest(LandlockKind kind, const char *word) {
        const char *best = NULL;
        size_t distance = SIZE_MAX;

        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == kind)
                        name_consider(word, r->name, &best, &distance);
        for (const LandlockGroup *g = landlock_groups; kind == LANDLOCK_KIND_FS && g->name; g++)
                name_consider(word, g->name, &best, &distance);
        return best;
}

void landlock_access_format(LandlockKind kind, uint64_t access, const char *separator, StrBuf *b) {
        const char *before = "";

        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == kind && (access & r->bit)) {
                        strbuf_puts(b, before);
                        strbuf_puts(b, r->name);
                        before = separator;
                }
}

unsigned landlock_access_abi(LandlockKind kind, uint64_t access) {
        unsigned abi = 0;

        for (const LandlockRight *r = landlock_rights; r->name; r++)
                if (r->kind == kind && (access & r->bit) && r->abi > abi)
                        abi = r->abi;
        return abi;
}
