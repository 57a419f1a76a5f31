/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of attestation share. Not for others: see attest.h.
 *
 * The thread that attests walks the tree and makes an item of each entry; the threads of the pool open the
 * entries, look at them and hash them; the first thread takes the results in the order of the walk.
 */

#include "attest.h"

#include "attest-pool.h"
#include "fsverity.h"
#include "manifest.h"
#include "nix-references.h"
#include "tree-sorted.h"

typedef struct KnownDigests KnownDigests;
typedef struct Attest Attest;

/* What one thread works with. */
typedef struct Worker {
        Attest *a;
        Hasher *hasher;
        FsverityHasher *fsverity; /* attest_write() with options.fsverity only */
        NixScanner *scanner;      /* attest_write() with options.store only: what is hashed is scanned too */
        char *buffer;             /* ATTEST_BUFFER_SIZE bytes, for file content and lists of attributes */
} Worker;

/*
 * For two lists of attributes, and for file content: reads of 1 MiB hash 3 % faster than reads of 256 KiB
 * (decision 0019). Small files touch no more of it than they have.
 */
#define ATTEST_BUFFER_SIZE (1024U * 1024)

typedef enum ItemKind {
        ITEM_COMPARE,  /* the entry, and what it should be */
        ITEM_DESCRIBE, /* the entry, which is to be described */
        ITEM_EXTRA,    /* an entry that should not be */
        ITEM_MISSING,  /* what should be an entry */
        ITEM_CHANGED,  /* a difference that needs no look at the entry */
} ItemKind;

/* One entry on its way through the threads. */
typedef struct Item {
        ItemKind kind;
        unsigned char type;       /* DT_REG and so on */
        TreeDirectory *directory; /* the batch has a reference; NULL: `name` is the whole path */
        const char *name;         /* in it; "" where the directory's descriptor is the entry's own */
        bool has_stat, plain;     /* as in TreeEntry */
        struct stat st;
        ManifestEntry m; /* ITEM_COMPARE: what it should be; ITEM_DESCRIBE: what it is, without the path */

        /* The results. */
        int error;              /* the entry could not be read */
        char *what;             /* what differs, or why it cannot be in a manifest; NULL: nothing */
        const char *privileged; /* static text, or NULL */
        char *target, *xattrs;  /* what `m` borrows */
        uint64_t bytes;         /* hashed */
} Item;

#define BATCH_ITEMS 64U
#define BATCH_DIRECTORIES 8U

/* Items of a few directories, in the order of the walk. */
typedef struct Batch {
        Item items[BATCH_ITEMS];
        size_t n;
        TreeDirectory *directories[BATCH_DIRECTORIES];
        size_t n_directories;
        char *text; /* what the items borrow */
        size_t text_n, text_size;
} Batch;

#define BATCHES_MAX (2 * POOL_THREADS_MAX + 8)

/* One verification or one writing. */
struct Attest {
        int root_fd;
        AttestOptions options;
        AttestReport *report;
        Worker workers[POOL_THREADS_MAX]; /* the first also for the thread that attests, which works alone
                                           * where there are no others */
        unsigned n_workers;
        KnownDigests *known;
        char *path;                 /* of the entry that an error concerns; NULL: not known yet */
        uint8_t store[SHA256_SIZE]; /* the digest of options.store->text */

        /* attest-batch.c */
        Pool *pool;
        Batch *batches[BATCHES_MAX];
        size_t n_batches;
        PoolBatch *current;                  /* the batch that is being filled, or NULL */
        atomic_uint_fast64_t entries, bytes; /* done by the threads */
        int64_t last_tick;                   /* CLOCK_MONOTONIC, in ms */
        AttestProgress last_progress;
        /* In order; the item is still whole. Negative: stop. */
        int (*collect)(Attest *a, Item *item);
        /* After each batch. Negative: stop. */
        int (*collected)(Attest *a);
};

int attest_begin(Attest *a, int root_fd, const AttestOptions *options, AttestReport *report);
void attest_end(Attest *a);

/* Until there are `n`. 0 or -errno. */
int attest_make_workers(Attest *a, unsigned n);

/* Is an entry no part of the tree: the manifest, its signature, or what is to become one of these? */
bool attest_is_own(const char *path, unsigned char type);

/* attest-batch.c: items to the threads and back. Each 0 or -errno. */

int attest_start(Attest *a);
/* Ends the threads and drops what is unfinished. */
void attest_stop(Attest *a);
/* Adds an entry of the walk, or (`e` NULL) a path alone, with what it should be (NULL: nothing). */
int attest_add(Attest *a, ItemKind kind, const TreeEntry *e, const ManifestEntry *m, const char *what);
/* Waits for all that was added. */
int attest_finish(Attest *a);
/* Before each step of the walk: waits until there are not too many descriptors open. */
int attest_make_way(Attest *a, const TreeSorted *w);
/* Says what the error of tree_sorted_next() is. Returns it. */
int attest_fail_walk(Attest *a, int error, const TreeSorted *w);
/* The path of an item, to be freed. NULL: no memory. */
char *attest_item_path(const Item *item);
/* Notes progress, for the thread that attests: calls options.progress, if it is time. */
void attest_tick(Attest *a);

/* attest-inode.c: one entry. */

/* An entry, opened. */
typedef struct Opened {
        int fd;
        bool path_only; /* O_PATH: reading needs another */
        struct stat st;
} Opened;

void opened_done(Opened *o);
#define _cleanup_opened_ _cleanup_(opened_done)

/* "file", "directory", "symbolic link", "FIFO", … */
const char *attest_type_name(mode_t mode);

/*
 * Opens the entry: a regular file that `wanted` says yes to for reading, all else by O_PATH. So a device or
 * a FIFO is never opened for reading, nor is a file that is not going to be read.
 */
int attest_open(const Item *item, bool (*wanted)(const Item *item, const struct stat *st), Opened *ret_);

/*
 * Is the entry of another type than the listing said, by which the walk went? Of a directory that was listed
 * as a file nobody has seen what is in it. It was exchanged meanwhile, or somebody wrote the file system by
 * hand: the type beside a name is not the inode's.
 */
bool attest_is_listed_wrong(const Item *item, const Opened *o);

/*
 * Hashes a regular file; one that has several names (hard links, or links that version 1 follows) often only
 * once. `several`: it may have. -ESTALE where it is not st_size bytes long: it changes while we read.
 */
int attest_hash(Worker *w, const Opened *o, bool several, uint8_t ret_digest[SHA256_SIZE],
        uint8_t *ret_fsverity, uint64_t *bytes);

/* The link's target as it is, to be freed. */
int attest_read_link(int fd, char **ret_);

/* The covered attributes as canonical text, to be freed; NULL where there are none. */
int attest_read_xattrs(Worker *w, const Opened *o, char **ret_, size_t *ret_n);

/*
 * Would hashing this file take for ever? True where it is large and an eighth of it, at most, is there: 1
 * TiB of holes takes no disk, but minutes to read.
 */
bool attest_is_sparse_giant(const struct stat *st);

/* What a file has that gives privileges, static text, or NULL. */
const char *attest_privileges(mode_t mode, const char *xattrs);

/* attest-known.c: the digests of files that have several names, for all threads. */
int known_digests_new(KnownDigests **ret_);
KnownDigests *known_digests_free(KnownDigests *k);
bool known_digests_get(KnownDigests *k, const struct stat *st, uint8_t ret_digest[SHA256_SIZE]);
void known_digests_put(KnownDigests *k, const struct stat *st, const uint8_t digest[SHA256_SIZE]);

/* attest-compare.c: on a thread, what of the item's entry differs from what it should be. 0 or -errno. */
int attest_compare(Worker *w, Item *item);

/* attest-write.c: on a thread, fills the item's `m`. 0 or -errno. */
int attest_describe(Worker *w, Item *item);

/* attest-output.c: the file that is to become the manifest. */
typedef struct Output {
        int root, fd;
        Hasher *hasher;
        StrBuf text; /* not written yet */
        uint64_t size;
} Output;

int attest_output_begin(Attest *a, Output *o);
int attest_output_entry(Attest *a, Output *o, const ManifestEntry *m);
/* Puts it in place; sets report->digest. */
int attest_output_finish(Attest *a, Output *o);
/* Removes it, unless it is in place. */
void attest_output_done(Output *o);

/* attest-manifest.c: the manifest in the tree. */

/* Opens it; what it is is checked before a byte is read. A descriptor or -errno. */
int attest_open_manifest(Attest *a, uint64_t *ret_size);
/* Says what the error of manifest_reader_next() or a line is; `reason` or NULL. Returns `error`. */
int attest_fail_manifest(Attest *a, int error, size_t line, const char *reason);
/* Is the manifest, by its digest, the pinned one, and one that was signed? */
int attest_check_trust(Attest *a, const uint8_t digest[SHA256_SIZE]);

/* attest-v1.c: the whole of version 1. */
int attest_verify_v1(Attest *a, int fd, uint64_t size);
int attest_write_v1(Attest *a);

/* attest-report.c */

/* Adds to a list; copies `path`, takes `what` over (NULL: no memory). 0 or -ENOMEM. */
int attest_list_add(AttestReport *r, AttestList *list, size_t max, const char *path, char *what);

/* Cuts each list to `max`, sorted. */
void attest_report_sort(AttestReport *r, size_t max);

/* The message of an error of hasher_new(). Returns `error`, or -ENOMEM. */
int attest_fail_hasher(AttestReport *r, int error);

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
