/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* System calls for which the C library of the oldest supported distribution has no wrapper, and their
 * constants. Each returns what the system call does, with errno set. */

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

static inline int sys_open_tree(int fd, const char *path, unsigned flags) {
        return (int)syscall(SYS_open_tree, fd, path, flags);
}

static inline int sys_move_mount(int from, int to) {
        return (int)syscall(
                SYS_move_mount, from, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A link at the end of `path` is not followed. */
static inline int sys_move_mount_at(int from, int dir, const char *path) {
        return (int)syscall(SYS_move_mount, from, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, unsigned flags, struct mount_attr *attr) {
        return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr));
}

static inline int sys_openat2(int fd, const char *path, uint64_t flags, uint64_t resolve) {
        struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
        int r;

        /* EAGAIN: a rename elsewhere raced with the resolution. */
        for (unsigned attempt = 0; attempt < 128; attempt++) {
                r = (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
                if (r >= 0 || errno != EAGAIN)
                        break;
        }
        return r;
}

/*
 * The id of the mount that the descriptor is on, as in mountinfo; 0: the kernel does not say. By a buffer of
 * our own, laid out as statx(2) says: the C libraries and the kernel's headers disagree on who declares it.
 */
static inline int sys_mount_id(int fd, uint64_t *ret_) {
        struct {
                uint32_t mask, others[35];
                uint64_t mount_id, more[13];
        } buffer = {};
        const unsigned mount_id = 0x1000; /* STATX_MNT_ID */

        if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, mount_id, &buffer) < 0)
                return -1;
        *ret_ = buffer.mask & mount_id ? buffer.mount_id : 0;
        return 0;
}

static inline pid_t sys_clone3(struct clone_args *args) {
        return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old) {
        return (int)syscall(SYS_pivot_root, new_root, put_old);
}
