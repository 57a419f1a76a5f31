/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What will be mounted where, as a list in the order in which it is done. Pure: planned from the spec alone
 * (and from the store paths that the root tree lists, once that was read), printed by --print-recipe, walked
 * by mount.c, turned into Landlock rules, and compared with the mount table by the audit.
 */

#include "spec.h"
#include "store-paths.h"
#include "strbuf.h"

typedef enum MountKind {
        MOUNT_ROOT_TREE,      /* the attested, detached clone of the rootfs */
        MOUNT_ROOT_TMPFS,     /* an empty root for the host's own tree */
        MOUNT_STORE,          /* a tmpfs for the store paths that the root tree lists, and nothing else */
        MOUNT_STORE_PATH,     /* one of them: the detached clone that was attested, or a copy of the link */
        MOUNT_BIND,           /* a detached clone of `source` */
        MOUNT_PROC,           /* a fresh procfs */
        MOUNT_PROC_MASK,      /* something empty over an entry of /proc */
        MOUNT_PROC_READ_ONLY, /* an entry of /proc over itself, read-only */
        MOUNT_DEV,            /* a tmpfs with the links of /dev */
        MOUNT_DEV_NODE,       /* a device node of the host */
        MOUNT_DEVPTS,         /* a new instance */
        MOUNT_TMPFS,
} MountKind;

typedef struct Mount {
        MountKind kind;
        char *source; /* on the host, for binds and nodes */
        char *target; /* in the service; "/" is the root */
        bool read_only;
        bool executable;
        bool create;     /* the target lies in a tmpfs of ours and is made there */
        bool idmapped;   /* ids on disk are ids inside; else as they are: nobody's */
        bool optional;   /* left out where the source is missing */
        uint64_t size;   /* of a tmpfs */
        unsigned mode;   /* of a tmpfs; of a store path its type */
        unsigned device; /* of a node: its minor number; the major is `device_major` */
        unsigned device_major;

        /* The walker's: */
        int fd;      /* the mount: detached first, then in place until the workload starts; -EBADF */
        uint64_t id; /* of the mount once it is there (STATX_MNT_ID); 0: not mounted */
        char *link;  /* the host has a symbolic link there: it is copied */
} Mount;

typedef struct MountPlan {
        Mount *mounts;
        size_t n;
} MountPlan;

void mount_plan_done(MountPlan *p);

/* 0, or -ENOMEM. */
int mount_plan_make(const Spec *s, MountPlan *ret_);

/*
 * Adds the tmpfs on /nix/store and a mount for each path, in the list's order, behind the root and before
 * all that may lie in it. The mounts have no descriptors yet. 0 or -ENOMEM.
 */
int mount_plan_add_store(MountPlan *p, const StorePaths *s);

/* The first of the spec's volumes and tmpfs that would hide the store or lie in it: its target, or NULL. */
const char *mount_plan_store_conflict(const Spec *s);

/* May a path lead through the symbolic links of this mount? Nobody but the operator puts any into the root
 * tree, its store paths and the host's tree, and those in mounts of ours are ours. A volume is shared state,
 * read-only here or not, and a tmpfs is the service's. */
bool mount_has_links_of_the_operator(const Mount *m);

/* One line for each mount. */
void mount_plan_format(const MountPlan *p, StrBuf *b);
