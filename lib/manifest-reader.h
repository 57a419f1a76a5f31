/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reads the lines of a manifest twice: once to hash and check all of it, once more to compare them with the
 * tree. A small file is kept in memory in between; a large one is read again, and hashed again, so that
 * nothing of it is believed that the digest of the first reading did not cover. Memory does not grow with
 * the file.
 */

#include "hash.h"
#include "manifest.h"

#define MANIFEST_KEEP_MAX (4U * 1024 * 1024) /* bytes: larger ones are read twice */

typedef struct ManifestReader {
        int fd; /* borrowed */
        Hasher *hasher;
        uint64_t size; /* of the file */
        uint64_t done; /* read and hashed so far */
        char *buffer;
        size_t buffer_size;
        size_t start, end;           /* what of the buffer is still to be given out */
        bool again;                  /* the second reading */
        bool finished;               /* the end was seen, and the digest taken */
        uint8_t digest[SHA256_SIZE]; /* of the first reading, once it is at its end */
} ManifestReader;

/* Begins to read a file of `size` bytes. 0, -ENOMEM or -EIO. */
int manifest_reader_begin(ManifestReader *r, int fd, uint64_t size);
void manifest_reader_done(ManifestReader *r);
#define _cleanup_manifest_reader_ _cleanup_(manifest_reader_done)

/*
 * The next line without its newline, good until the next call. 1; 0 at the end; -EINVAL with *ret_reason (a
 * line without a newline, or too long); -ESTALE where the file is not `size` bytes long, or is not what it
 * was at the first reading; or another -errno.
 */
int manifest_reader_next(ManifestReader *r, const char **ret_line, size_t *ret_n, const char **ret_reason);

/* Reads to the end of the file, past whatever is malformed, for the digest. 0 or -errno. */
int manifest_reader_skip(ManifestReader *r);

/* Back to the first line, after the last. 0 or -errno. */
int manifest_reader_rewind(ManifestReader *r);
