/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tar archives (ustar, GNU, pax; plain or compressed by gzip, xz, zstd, bzip2 or lzma), entry by entry, by
 * libarchive, which is loaded when the first archive is opened: it brings a dozen libraries along. Names are
 * given byte for byte as they stand in the archive. tar-reader.c is the only file that knows libarchive. It
 * only reads: nothing of an archive reaches the file system by it.
 */

#include "util.h"

#include <sys/types.h>

typedef enum TarType {
        TAR_FILE,
        TAR_DIRECTORY,
        TAR_SYMLINK,
        TAR_HARD_LINK,
        TAR_FIFO,
        TAR_CHARACTER_DEVICE,
        TAR_BLOCK_DEVICE,
        TAR_OTHER,
} TarType;

typedef struct TarEntry {
        TarType type;
        const char *path; /* any bytes but NUL; valid until the next entry */
        const char *link; /* of a symbolic or hard link */
        mode_t mode;      /* the twelve bits */
        int64_t uid, gid;
        int64_t size; /* of a file, holes included */
        bool has_acl; /* in a form that is not an extended attribute */
} TarEntry;

typedef struct TarReader TarReader;

/*
 * Reads from the descriptor, which stays the caller's, at its offset. With `raw`, one entry with the whole
 * content, decompressed, whatever it is. 0; -ENOPKG where libarchive cannot be loaded, -ELIBBAD where it
 * lacks a function, -EOPNOTSUPP in a build without it; -EBADMSG or another -errno with *reterr_ (to be
 * freed), one line of any bytes.
 */
int tar_reader_new(int fd, bool raw, TarReader **ret_, char **reterr_);
TarReader *tar_reader_free(TarReader *r);
DEFINE_CLEANUP(TarReader *, tar_reader_free)
#define _cleanup_tar_reader_ _cleanup_(tar_reader_freep)

/* The next entry. 1; 0 at the end; -EBADMSG, -ENOMEM or another -errno: see tar_reader_error(). */
int tar_reader_next(TarReader *r, TarEntry *ret_);

/* The next part of the content; what lies between parts is a hole. 1; 0 at its end; -errno as above. */
int tar_reader_data(TarReader *r, const void **ret_data, size_t *ret_n, int64_t *ret_offset);

/* The next extended attribute of the entry. */
bool tar_reader_xattr(TarReader *r, const char **ret_name, const void **ret_value, size_t *ret_n);

/* What is wrong with the archive: one line of any bytes, never NULL. */
const char *tar_reader_error(const TarReader *r);
