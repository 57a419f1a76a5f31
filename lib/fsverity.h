/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fs-verity (Documentation/filesystems/fsverity.rst): a file that can never be changed again, whose every
 * read the kernel checks against a Merkle tree. Its digest, SHA-256 with blocks of 4096 bytes and no salt,
 * is read in the same time for any size.
 */

#include "hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FSVERITY_ATTRIBUTE "fsverity.sha256" /* its name in a manifest */
#define FSVERITY_BLOCK_SIZE 4096U

/*
 * The digest of an open file, FS_IOC_MEASURE_VERITY. 0; -ENODATA where the file has no fs-verity;
 * -EOPNOTSUPP where the file system or the kernel has none; -EBADMSG where it is of another algorithm; or
 * another -errno.
 */
int fsverity_measure(int fd, uint8_t ret_digest[SHA256_SIZE]);

/*
 * Makes the file read-only for ever, FS_IOC_ENABLE_VERITY; `fd` is open for reading alone, and nobody may
 * have it open for writing. 0; -EEXIST where it is already; -EOPNOTSUPP where the file system has none
 * (ext4: `tune2fs -O verity`); or another -errno.
 */
int fsverity_enable(int fd);

/* What the digest of the bytes would be, computed as they are read: for manifests of trees that are no
 * fs-verity files yet. */
typedef struct FsverityHasher FsverityHasher;

int fsverity_hasher_new(FsverityHasher **ret_); /* as hasher_new() */
FsverityHasher *fsverity_hasher_free(FsverityHasher *h);
DEFINE_CLEANUP(FsverityHasher *, fsverity_hasher_free)

int fsverity_hasher_begin(FsverityHasher *h);
int fsverity_hasher_update(FsverityHasher *h, const void *data, size_t n);
int fsverity_hasher_end(
        FsverityHasher *h, uint8_t ret_digest[SHA256_SIZE]); /* of all bytes since _begin() */

#ifdef __cplusplus
}
#endif
