/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Walks a directory tree in the order of the bytes of the entries' full paths, which is the order of a
 * manifest: "a", "a-b", "a/x" (for "-" is less than "/"). Beneath a descriptor, following no link and
 * entering no other mount. No entry but directories is opened here. Memory: the names of the directories on
 * the way to the entry at hand, and no more; descriptors: some tens.
 */

#include "store-paths.h"

#include <sys/stat.h>

/* A directory whose entries are at hand, or were; kept open by a reference. All of one thread's. */
typedef struct TreeDirectory {
        int fd;
        bool borrowed; /* the descriptor is somebody else's */
        unsigned refs;
        unsigned *open; /* the walk's count of open directories */
        size_t path_n;
        char path[]; /* relative to the root, "" is the root itself; at most 4095 bytes */
} TreeDirectory;

TreeDirectory *tree_directory_ref(TreeDirectory *d);
TreeDirectory *tree_directory_unref(TreeDirectory *d);

typedef enum TreeNote {
        TREE_NOTE_NONE,
        TREE_NOTE_HIDDEN,   /* lies where store paths are to be mounted */
        TREE_NOTE_NO_STORE, /* nix/store is not there, or no directory, and store paths are to be mounted */
} TreeNote;

typedef struct TreeEntry {
        const char *path; /* relative to the root, at most 4095 bytes; "" is the root itself */
        size_t path_n;
        const char *name; /* in `directory`, or "" where the directory's descriptor is the entry's own */
        TreeDirectory *directory; /* borrowed: take a reference to keep it */
        unsigned char type;       /* DT_REG and so on, as the directory says; never DT_UNKNOWN */
        TreeNote note;
        bool has_stat;  /* a directory that was opened: */
        struct stat st; /*   as it is */
        bool plain;     /*   and has no extended attributes at all */
} TreeEntry;

typedef struct TreeSorted TreeSorted;

/* `store` or NULL: the entries of nix/store, which must be an empty directory in the tree. 0 or -ENOMEM. */
int tree_sorted_new(int root_fd, const StorePaths *store, TreeSorted **ret_);
TreeSorted *tree_sorted_free(TreeSorted *w);
DEFINE_CLEANUP(TreeSorted *, tree_sorted_free)
#define _cleanup_tree_sorted_ _cleanup_(tree_sorted_freep)

/*
 * The next entry, good until the next call; the root first. 1; 0 at the end; or, for good: -EXDEV where
 * another mount covers a directory, -ENAMETOOLONG where a path has more than 4095 bytes, -ESTALE where the
 * tree changes meanwhile, -ENOSYS where the kernel lacks openat2(2), or another negative errno.
 */
int tree_sorted_next(TreeSorted *w, TreeEntry *ret_);

/* The path that an error concerns. */
const char *tree_sorted_path(const TreeSorted *w);

/* How many directories are open: those of the walk, and those to which others have references. */
unsigned tree_sorted_open(const TreeSorted *w);
