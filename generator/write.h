/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Puts units into a directory. The only file of the front ends that changes the world. Whoever looks into
 * the directory at any moment sees whole files only, and no link planted there is followed.
 */

#include "unit.h"

typedef struct Writer {
        int dir_fd;
        char temporary[48]; /* name of a file before it is renamed */
        char *link_dir;     /* the directory of links that is open as link_fd, or NULL */
        int link_fd;
        bool by_name; /* files need a temporary name */
} Writer;

/* Opens the directory, which must exist. 0 or -errno. */
int writer_open(Writer *w, const char *directory);
void writer_done(Writer *w);
#define _cleanup_writer_ _cleanup_(writer_done)

/*
 * Writes one unit. -EEXIST: there is a file of that name that this program has not written: left alone.
 * 0 or -errno.
 */
int writer_put(Writer *w, const UnitFile *f);

/*
 * Makes a link. Those of one directory should follow each other: the directory is kept open. -EEXIST: there
 * is something else of that name: left alone. 0 or -errno.
 */
int writer_link(Writer *w, const UnitLink *l);
