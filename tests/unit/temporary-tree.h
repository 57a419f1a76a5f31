/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory that goes with the test. */

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "util.h"

typedef struct Tree {
        char dir[32];
        int fd; /* O_PATH */
} Tree;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

_unused_ static void tree_done(Tree *t) {
        close_fd(t->fd);
        (void)nftw(t->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

_unused_ static void tree_new(Tree *t) {
        (void)snprintf(t->dir, sizeof(t->dir), "/tmp/nucleus-test.XXXXXX");
        assert_non_null(mkdtemp(t->dir));
        t->fd = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(t->fd >= 0);
}
