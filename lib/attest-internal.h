/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of attestation share. Not for others: see attest.h. */

#include "attest.h"
#include "manifest.h"
#include "tree-follow.h"
#include "tree-walk.h"

typedef struct KnownDigest KnownDigest;

/* One verification or one writing. */
typedef struct Attest {
        int root_fd;
        AttestOptions options;
        AttestReport *report;
        Hasher *hasher;
        void *buffer;       /* ATTEST_BUFFER_SIZE bytes, for file content and lists of attributes */
        KnownDigest *known; /* of files with several names; NULL until there is one */
        char *path;         /* of the entry that an error concerns; NULL: not known yet */
} Attest;

/* Large enough for two lists of attributes or for a read that costs little more than its hashing. */
#define ATTEST_BUFFER_SIZE (256U * 1024)

int attest_begin(Attest *a, int root_fd, const AttestOptions *options, AttestReport *report);
void attest_end(Attest *a);

/* Walks the tree as the version sees it: 1 through links, like `find -L`; 2 as it is. As tree_walk(). */
int attest_walk(Attest *a, int version, WalkFunc func, void *userdata);

/* attest-inode.c: one entry, by its O_PATH descriptor. Each 0 or -errno. */

/* "file", "directory", "symbolic link", "FIFO", … */
const char *attest_type_name(mode_t mode);

/*
 * Hashes a regular file; one that has several names (hard links, or links that version 1 follows) often only
 * once. -ESTALE where it is not st_size bytes long: it changes while we read.
 */
int attest_hash(Attest *a, const WalkEntry *e, uint8_t ret_digest[SHA256_SIZE]);

/* The link's target, to be freed. */
int attest_read_link(int fd, char **ret_);

/* The covered attributes as canonical text, to be freed; NULL where there are none. */
int attest_read_xattrs(Attest *a, int fd, char **ret_);

/*
 * Would hashing this file take for ever? True where it is large and an eighth of it, at most, is there: 1
 * TiB of holes takes no disk, but minutes to read.
 */
bool attest_is_sparse_giant(const struct stat *st);

/* attest-report.c */

/* Adds to a list; copies `path`, takes `what` over (NULL: no memory). 0 or -ENOMEM. */
int attest_list_add(AttestReport *r, AttestList *list, size_t max, const char *path, char *what);

/* Cuts each list to `max`, sorted. */
void attest_report_sort(AttestReport *r, size_t max);

/* Sets report->message, unless it is set. Returns `error`, or -ENOMEM. */
int attest_fail(AttestReport *r, int error, const char *format, ...) _printf_(3, 4);

/* The message of an error of a system call that concerned `path`. Returns `error`, or -ENOMEM. */
int attest_fail_path(AttestReport *r, int error, const char *path);

/* Sets the message that sums the lists up. Returns -EBADMSG or -ENOMEM. */
int attest_fail_mismatch(AttestReport *r);

/* The same for what attest_write() refused, which it lists as extra. */
int attest_fail_unattestable(AttestReport *r);

/* A path as shown: escaped, "." for the root. NULL: no memory. To be freed. */
char *attest_show_path(const char *path);

/* printf() into new memory, or NULL. */
char *attest_text(const char *format, ...) _printf_(1, 2);
