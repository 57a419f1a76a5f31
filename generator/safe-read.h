/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading files that say what a service may do. What is in their directories may be hostile in kind (a FIFO,
 * a device, a huge file): nothing that could block or act is opened, and nothing that others may write is
 * believed. A file is opened once and read whole; whoever hashes and parses does both on these bytes.
 */

#include <sys/stat.h>

#include "util.h"

typedef enum SafeReadFlags {
        SAFE_READ_PLAIN = 1 << 0,    /* readdir(3) says that it is a regular file: spares a stat(2) */
        SAFE_READ_ANYBODYS = 1 << 1, /* read it too where it should not be believed; see `distrust` */
} SafeReadFlags;

typedef struct SafeFile {
        size_t n;             /* bytes that were read */
        bool masked;          /* it is /dev/null, or a link to it: nothing was read */
        const char *distrust; /* with SAFE_READ_ANYBODYS: why it should not be believed, to stand behind "the
                                 file"; static text, or NULL */
        char why[128];        /* of -EINVAL: what is wrong with it */
} SafeFile;

/*
 * Reads the file into `buffer`, which has room for max + 1 bytes; the file may have `max`. Symbolic links
 * are followed. 0; -EINVAL where it is no regular file, too large, unreadable, or somebody else's or
 * writable by others, with the reason in `why`; -ENOMEM.
 */
int safe_read(const char *path, SafeReadFlags flags, char *buffer, size_t max, SafeFile *ret_);

/* The same into memory of its own, NUL-terminated, to be freed; NULL where the file is masked. */
int safe_read_new(const char *path, SafeReadFlags flags, size_t max, char **ret_text, SafeFile *ret_);

/*
 * Why nobody should believe what this file or directory says, to stand behind "the file" or "the directory";
 * NULL: all is well. It must belong to root, to the caller, or to the Nix store, and be writable by its
 * owner alone. Static text.
 */
const char *distrust_reason(int fd, const struct stat *st);

/* Is it /dev/null? */
bool stat_is_null_device(const struct stat *st) _pure_;
