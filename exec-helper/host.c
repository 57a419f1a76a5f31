/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done in the host's namespaces: everything that needs the host's paths ends up as a detached mount
 * behind a descriptor here, with its attributes set before anyone can see it. Must never create or change
 * anything on a file system of the host.
 */

#include "steps.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image.h"
#include "sys.h"

int step_listen_fds(Context *c) {
        if (c->n_listen != c->spec->listen_fds)
                return step_fail(c, -ENOTCONN,
                        "the service manager handed over %u sockets, the service needs %llu: start it by "
                        "its "
                        "socket unit",
                        c->n_listen, (unsigned long long)c->spec->listen_fds);
        for (unsigned i = 0; i < c->n_listen; i++) {
                struct stat st;
                if (fstat(LISTEN_FD_FIRST + (int)i, &st) < 0 || !S_ISSOCK(st.st_mode))
                        return step_fail(c, -ENOTSOCK, "descriptor %u is no socket", LISTEN_FD_FIRST + i);
        }
        return 0;
}

/*
 * Without privilege: a user namespace of the caller's own id, in which the rest of the recipe has what it
 * needs. The service's own namespaces are made inside of it.
 */
int step_outer_namespaces(Context *c) {
        char map[64];
        int r;

        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return step_fail(c, -errno,
                        "cannot make a user namespace: see user.max_user_namespaces, "
                        "kernel.unprivileged_userns_clone and AppArmor's rules");
        /* The files of a process that cannot be dumped belong to root. */
        (void)prctl(PR_SET_DUMPABLE, 1);
        r = write_proc_file("/proc/self/setgroups", "deny");
        if (r < 0)
                return step_fail(c, r, "cannot deny setgroups");
        (void)snprintf(map, sizeof(map), "%u %u 1\n", c->caller_uid, c->caller_uid);
        r = write_proc_file("/proc/self/uid_map", map);
        if (r < 0)
                return step_fail(c, r, "cannot write uid_map");
        (void)snprintf(map, sizeof(map), "%u %u 1\n", c->caller_gid, c->caller_gid);
        r = write_proc_file("/proc/self/gid_map", map);
        if (r < 0)
                return step_fail(c, r, "cannot write gid_map");
        (void)prctl(PR_SET_DUMPABLE, 0);
        return 0;
}

/* Does the source lie in what the service may write to? Then it may have put a link there when it last ran.
 */
static bool is_nested(const Context *c, const Mount *m) {
        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *other = &c->plan.mounts[i];
                if (other != m && other->kind == MOUNT_BIND && !other->read_only &&
                        path_startswith(m->source, other->source))
                        return true;
        }
        return false;
}

static int open_source(const Context *c, const Mount *m) {
        return sys_openat2(AT_FDCWD, m->source, O_PATH, is_nested(c, m) ? RESOLVE_NO_SYMLINKS : 0);
}

static int clone_source(const Context *c, const Mount *m) {
        if (!is_nested(c, m))
                return sys_open_tree(AT_FDCWD, m->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        _cleanup_close_ int fd = open_source(c, m);
        return fd < 0 ? fd : sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int set_attributes(Context *c, const Mount *m, int fd) {
        /* A clone is a peer of its source, which systemd makes shared: private, before anything else. */
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE };

        if (m->kind != MOUNT_DEV_NODE)
                attr.attr_set |= MOUNT_ATTR_NODEV;
        if (m->read_only)
                attr.attr_set |= MOUNT_ATTR_RDONLY;
        if (!m->executable || m->kind == MOUNT_DEV_NODE)
                attr.attr_set |= MOUNT_ATTR_NOEXEC;
        if (sys_mount_setattr(fd, 0, &attr) < 0)
                return step_fail(c, -errno, "cannot set the mount attributes of %s", m->source);
        return 0;
}

/* A detached clone of one mount, without what lies mounted in it. */
static int clone_tree(Context *c, const Mount *m) {
        _cleanup_close_ int fd = clone_source(c, m);

        if (fd < 0)
                return m->optional && errno == ENOENT ? -ENOENT
                                                      : step_fail(c, -errno, "cannot open %s", m->source);
        int r = set_attributes(c, m, fd);
        return r < 0 ? r : TAKE_FD(fd);
}

/* What it is decides what becomes of it: so it is opened once, and then cloned or read. */
int step_root_tree(Context *c) {
        Mount *m = &c->plan.mounts[0];
        struct stat st;

        _cleanup_close_ int fd = open_source(c, m);
        if (fd < 0 || fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot open %s", m->source);
        if (S_ISREG(st.st_mode))
                return image_take(c, fd);
        if (!S_ISDIR(st.st_mode))
                return step_fail(
                        c, -ENOTDIR, "the rootfs %s is neither a directory nor an image", m->source);

        m->fd = sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (m->fd < 0)
                return step_fail(c, -errno, "cannot clone %s", m->source);
        c->root_fd = m->fd;
        c->root_is_directory = true;
        return set_attributes(c, m, m->fd);
}

static int check_node(Context *c, const Mount *m) {
        struct stat st;

        if (fstat(m->fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at %s", m->source);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(m->device_major, m->device))
                return step_fail(c, -ENODEV, "%s is not the character device %u:%u", m->source,
                        m->device_major, m->device);
        return 0;
}

/* The host's tree is copied as it is: where the host has a link, so has the service. But a link into /run,
 * which the service does not see (resolv.conf is often one), is followed. */
static int note_link(Context *c, Mount *m) {
        char target[4096];
        ssize_t n = readlink(m->source, target, sizeof(target) - 1);

        if (n < 0)
                return 0;
        target[n] = '\0';
        if (startswith(target, "/run/") || startswith(target, "../run/"))
                return 0;
        m->link = strdup(target);
        return m->link ? 0 : step_fail(c, -ENOMEM, "out of memory");
}

/* The clones of volumes, of the host's tree, and of device nodes. */
int step_sources(Context *c) {
        bool own_nodes = false;

        for (size_t i = 0; i < c->plan.n; i++) {
                Mount *m = &c->plan.mounts[i];
                int r = 0;

                own_nodes = own_nodes || (m->kind == MOUNT_DEV && m->fd >= 0);
                if (m->kind != MOUNT_BIND && (m->kind != MOUNT_DEV_NODE || own_nodes))
                        continue;
                if (m->kind == MOUNT_BIND && m->create && m->optional)
                        r = note_link(c, m);
                if (r >= 0 && !m->link)
                        m->fd = r = clone_tree(c, m);
                if (r == -ENOENT && m->optional)
                        continue;
                if (r >= 0 && m->kind == MOUNT_DEV_NODE)
                        r = check_node(c, m);
                if (r < 0)
                        return r;
        }
        return 0;
}
