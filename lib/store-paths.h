/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Nix store paths that a root tree needs: the file .nucleus-rootfs-store-paths at its root, one absolute
 * path a line, as Nix's closureInfo writes it. They are mounted read-only below /nix/store of the service,
 * and are part of what is attested.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STORE_PATHS_NAME ".nucleus-rootfs-store-paths"
#define STORE_PATHS_MAX (4U * 1024 * 1024) /* bytes of the file */
#define STORE_DIRECTORY "/nix/store"

typedef struct StorePath {
        char *name; /* HASH-NAME, below /nix/store */
        int fd;     /* of the path itself: O_PATH or a detached mount; -EBADF: not opened */
} StorePath;

typedef struct StorePaths {
        StorePath *paths; /* sorted by the bytes of the names, none twice */
        size_t n;
        char *text; /* of the file, as read: attestation compares it with the file's line in the manifest */
        size_t text_size;
} StorePaths;

StorePaths *store_paths_free(StorePaths *s); /* closes the descriptors */
DEFINE_CLEANUP(StorePaths *, store_paths_free)
#define _cleanup_store_paths_ _cleanup_(store_paths_freep)

/*
 * Parses `n` bytes. Each line is /nix/store/HASH-NAME, where HASH has 32 digits of Nix's base 32 and NAME is
 * a store path's name (1 to 211 of A-Z a-z 0-9 + - . _ ? =); empty lines and anything else are errors, and
 * so is a path that is there twice. 0, -ENOMEM, or -EINVAL with *reterr_ (to be freed) "line N: …".
 */
int store_paths_parse(const char *text, size_t n, StorePaths **ret_, char **reterr_);

/*
 * Reads the file of the tree, which must be a regular file and no link. 0 with *ret_ NULL where the tree has
 * none; -EINVAL as store_paths_parse(); or another -errno. *reterr_ is a whole sentence.
 */
int store_paths_read(int root_fd, StorePaths **ret_, char **reterr_);

/* Opens each path below the host's store with O_PATH, following nothing. 0, or -errno with *reterr_. */
int store_paths_open(StorePaths *s, char **reterr_);

#ifdef __cplusplus
}
#endif
