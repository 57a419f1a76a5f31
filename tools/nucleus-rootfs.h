/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of `nucleus rootfs` share. Functions that return a status have reported what is wrong. */

#include "nucleus-sign.h"
#include "nucleus-subverb.h"

#include "attest.h"
#include "rootfs-image.h"
#include "rootfs-tree.h"

typedef enum RootfsFormat {
        ROOTFS_DIRECTORY,
        ROOTFS_EROFS,
        ROOTFS_SQUASHFS,
        _ROOTFS_FORMAT_MAX,
} RootfsFormat;

extern const char *const rootfs_format_names[_ROOTFS_FORMAT_MAX];

typedef struct RootfsOptions {
        const char *source, *output;
        const char *key;              /* a file, or NULL */
        const char *image, *platform; /* from-tar alone */
        char **mount_points;          /* owned */
        uint64_t bytes_max;
        int64_t time;
        int format; /* RootfsFormat, or -1: by the output's name */
        bool keep_privileges, fsverity, verity, json, help;
} RootfsOptions;

void rootfs_options_done(RootfsOptions *o);

/* Reads the options of a verb; those of archives where `archive`. 0 or a status; with o->help, print it. */
int rootfs_options_read(const Verb *verb, int argc, char **argv, bool archive, RootfsOptions *o);

typedef struct RootfsProgress {
        uint64_t calls;
        int64_t begin, last; /* milliseconds */
        bool shown;
} RootfsProgress;

/* One tree or image in the making. */
typedef struct Rootfs {
        const RootfsOptions *o;
        char *output;    /* absolute */
        int parent_fd;   /* of the directory that it goes into */
        char *name;      /* in there */
        char *temporary; /* of a directory beside it, or NULL */
        int fd;          /* of that directory: "tree", "image", "image.sig", "image.verity" */
        RootTree tree;
        RootfsProgress progress;
        Image image;
        AttestReport report;
        /* 64 hex digits, or "" */
        char image_sha256[SHA256_HEX_SIZE], image_fsverity[SHA256_HEX_SIZE], root_hash[SHA256_HEX_SIZE];
        SigningKey key; /* where o->key */
} Rootfs;

/* Fills r->tree. 0 or a status. */
typedef int (*RootfsFill)(Rootfs *r);

/*
 * Makes what the options say, in a process of its own and under a temporary name: whatever becomes of that
 * process, and by SIGINT too, the output is whole or not there. Returns a status.
 */
int rootfs_make(const RootfsOptions *o, RootfsFill fill);

/* nucleus-rootfs-finish.c: the part from a filled tree to the finished output, printed. */
int rootfs_finish(Rootfs *r);

/* nucleus-rootfs-program.c: the image of the tree; the hash tree of the image. */
int rootfs_write_image(Rootfs *r);
int rootfs_write_verity(Rootfs *r);

/* nucleus-rootfs-print.c */
void rootfs_show_progress(const RootTree *t, void *userdata); /* a RootfsProgress */
void rootfs_print_notes(const Rootfs *r);
int rootfs_print_error(const char *what, const char *message); /* STATUS_FAILED */
int rootfs_print_result(Rootfs *r);

/* nucleus-rootfs-toml.c: what is to be pasted into the configuration. 0 or -ENOMEM. */
int rootfs_format_toml(const Rootfs *r, char **ret_);

int verb_rootfs_from_tar(const Verb *verb, int argc, char **argv);
int verb_rootfs_pack(const Verb *verb, int argc, char **argv);
