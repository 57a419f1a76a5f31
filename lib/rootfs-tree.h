/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A root tree in the making, from a directory or from the layers of an image. Every path is resolved by
 * openat2(2): a link met on the way leads where it would lead a service that has the tree as its root, and
 * never out of it. Nobody else may write to the tree meanwhile: make it in a directory that is the caller's
 * alone.
 *
 * All functions return 0 or -errno and then leave one line in `message`, of any bytes: sanitise it.
 */

#include "rootfs-inode-map.h"
#include "tar-reader.h"

#define ROOT_NOTES_MAX 10U
#define ROOT_ENTRIES_MAX 4000000U /* of one archive */

typedef enum RootNoteKind {
        ROOT_NOTE_SKIPPED,    /* no file, directory or link: left out */
        ROOT_NOTE_PRIVILEGED, /* setuid, setgid and file capabilities: removed */
        ROOT_NOTE_ATTRIBUTE,  /* extended attributes that could not be kept */
        _ROOT_NOTE_MAX,
} RootNoteKind;

typedef struct RootNote {
        char *path;
        const char *what; /* static text */
} RootNote;

typedef struct RootNotes {
        RootNote items[ROOT_NOTES_MAX]; /* the first */
        size_t n;
        uint64_t count;
} RootNotes;

typedef struct RootTree RootTree;
struct RootTree {
        /* The caller's: */
        int fd;      /* of the tree's root, O_RDONLY | O_DIRECTORY; not closed by root_tree_done() */
        bool owners; /* may give files away; else all are the caller's */
        bool keep_privileges; /* of files: setuid, setgid, capabilities */
        uint64_t bytes_max;   /* of content; of an archive's files with their holes */
        int64_t time;         /* that all entries get, in seconds */
        bool refuse_acls;     /* what is made of the tree cannot hold them */
        void (*progress)(const RootTree *t, void *userdata); /* or NULL; called often */
        void *userdata;

        /* Ours: */
        uint64_t entries, bytes;
        RootNotes notes[_ROOT_NOTE_MAX];
        char *message;
        char *long_name; /* one that is as long as any can be, or NULL */
        InodeMap modes;  /* of directories, where the owner could not write beneath them otherwise */
        InodeMap layer;  /* names that the layer at hand has */
        bool layered;    /* whiteouts mean something */
};

void root_tree_done(RootTree *t);
#define _cleanup_root_tree_ _cleanup_(root_tree_done)

/*
 * Copies what is in the directory `source_fd`: content shared or copied in the kernel, holes kept; hard
 * links among the entries kept; owners, modes, and the extended attributes that a manifest covers. Other
 * mounts in it are errors.
 */
int root_copy(RootTree *t, int source_fd);

/* Adds what the archive holds, as a layer over what is there where t->layered. */
int root_apply_tar(RootTree *t, TarReader *reader);

/* Makes the directory `path`, as the service would name it, where nothing is there. */
int root_make_mount_point(RootTree *t, const char *path, unsigned mode);

/* What comes last: removes an old manifest, gives directories their modes and all entries their time. */
int root_finish(RootTree *t);

/* rootfs-tree.c, for those above: */

/* Sets t->message unless it is set. Returns `error`. */
int root_fail(RootTree *t, int error, const char *format, ...) _printf_(3, 4);
int root_note(RootTree *t, RootNoteKind kind, const char *path, const char *what);

/* Opens `path` as a service would see it, O_CLOEXEC added. A descriptor or -errno, without a message. */
int root_open(const RootTree *t, const char *path, int flags);

/*
 * Opens the directory that holds `path` (relative, normalised, not empty), for *at() calls; *ret_name is the
 * last component. Missing directories are made where `make`. -ENOENT without a message where not.
 */
int root_open_parent(RootTree *t, const char *path, bool make, int *ret_fd, const char **ret_name);

/* Is there an entry of that name? 1 with *ret_st, 0, or -errno. */
int root_stat(int dir_fd, const char *name, struct stat *ret_st);

/*
 * rootfs-remove.c: removes an entry and all beneath it, or all beneath the directory `fd`, following
 * nothing. With `keep`, what stands in that map stays, and so do the directories that lead to it. 0 also
 * where something stays.
 */
int root_layer_add(RootTree *t, int dir_fd, const char *name); /* to the map that is t->layer */
int root_remove(int dir_fd, const char *name, const InodeMap *keep);
int root_empty(int fd, const InodeMap *keep);

typedef struct RootAttributes {
        mode_t mode; /* the twelve bits */
        uint64_t uid, gid;
} RootAttributes;

/* Gives a file or directory, open at `fd`, owner and mode. */
int root_set_attributes(RootTree *t, int fd, const char *path, bool directory, const RootAttributes *a);

/* Gives the link its owner. */
int root_set_link_owner(
        RootTree *t, int dir_fd, const char *name, const char *path, const RootAttributes *a);

/* Sets one extended attribute, if it is one to keep. */
int root_set_xattr(RootTree *t, int fd, const char *path, const char *name, const void *value, size_t n);

/* Counts what was written, and complains where it is too much. */
int root_count_bytes(RootTree *t, const char *path, uint64_t n);
int root_count_entry(RootTree *t);
