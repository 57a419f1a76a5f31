/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Visits every entry of a directory tree, beneath a descriptor, following no link and entering no other
 * mount. A tree of any shape takes two descriptors and no recursion; memory grows with the directories that
 * wait for their turn.
 */

#include "util.h"

#include <sys/stat.h>

typedef struct WalkEntry {
        const char *path;    /* relative to the root, at most 4095 bytes; "" is the root itself */
        int fd;              /* O_PATH, of the entry itself (never of what a link points to) */
        struct stat st;      /* of `fd` */
        bool followed;       /* tree_follow() only: a link led here */
        const char *problem; /* tree_follow() only: why this link cannot be followed; static text, or NULL */
} WalkEntry;

/* 0 to go on, negative errno to stop. What it returns negative, tree_walk() returns. */
typedef int (*WalkFunc)(const WalkEntry *e, void *userdata);

/*
 * Visits the root first, then all else in no particular order, a directory before what is in it. On failure
 * *ret_path, where it is not NULL already, is set to the path of the entry concerned (to be freed). 0, what
 * `func` returned, -EXDEV where another mount covers an entry, -ENAMETOOLONG where a path has more than 4095
 * bytes, -ENOSYS where the kernel lacks openat2(2), or another negative errno.
 */
int tree_walk(int root_fd, WalkFunc func, void *userdata, char **ret_path);

/* One name of a directory, not "." nor "..". 0 to go on, negative errno to stop. */
typedef int (*NameFunc)(int dir_fd, const char *name, void *userdata);

/* Calls `func` for each name of the directory `fd` (open for reading), which it closes. 0 or -errno. */
int directory_for_each(int fd, NameFunc func, void *userdata);

/*
 * Opens `path` beneath `dir_fd` with openat2(2): no link is followed, no mount crossed, nothing above
 * reached. With O_PATH | O_NOFOLLOW a link itself is opened. O_CLOEXEC is added. A descriptor or -errno.
 */
int open_beneath(int dir_fd, const char *path, int flags);

/*
 * Opens the same inode that the O_PATH descriptor `fd` holds, for reading. Needs /proc. Check its type
 * first: opening a device or a FIFO does things. A descriptor or -errno.
 */
int reopen_for_reading(int fd, int flags);
