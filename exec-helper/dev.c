/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private /dev. Where we may, it is made whole on the host's side: nodes of our own on a tmpfs of ours,
 * which no later mount has to carry. A user namespace makes no nodes that work, and a container may not
 * either; then the nodes are mounts of the host's (host.c).
 */

#include "new-mount.h"
#include "steps.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int dev_make_links(Context *c, int fd) {
        static const struct {
                const char *name, *target;
        } links[] = {
                { "ptmx", "pts/ptmx" },
                { "fd", "/proc/self/fd" },
                { "stdin", "/proc/self/fd/0" },
                { "stdout", "/proc/self/fd/1" },
                { "stderr", "/proc/self/fd/2" },
        };

        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                if (symlinkat(links[i].target, fd, links[i].name) < 0)
                        return step_fail(c, -errno, "cannot make the link /dev/%s", links[i].name);
        return 0;
}

/* The owner is root of the service. */
static int give(Context *c, int fd, const char *name) {
        uid_t owner = (uid_t)c->spec->id_base;

        if (fchownat(fd, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
                return step_fail(c, -errno, "cannot set the owner of /dev/%s", name);
        return 0;
}

static int make_node(Context *c, int fd, const Mount *m) {
        const char *name = m->target + strlen("/dev/");

        if (mknodat(fd, name, S_IFCHR | 0666, makedev(m->device_major, m->device)) < 0)
                return step_fail(c, -errno, "cannot make %s", m->target);
        return give(c, fd, name);
}

/* The place of a later mount, which covers it: nobody will ask for its owner. */
static int make_place(Context *c, int fd, Mount *m) {
        if (mkdirat(fd, m->target + strlen("/dev/"), 0755) < 0)
                return step_fail(c, -errno, "cannot make %s", m->target);
        m->create = false;
        return 0;
}

static int fill(Context *c, int fd) {
        int r = give(c, fd, ".");

        for (size_t i = 0; r >= 0 && i < c->plan.n; i++) {
                Mount *m = &c->plan.mounts[i];
                if (m->kind == MOUNT_DEV_NODE)
                        r = make_node(c, fd, m);
                else if (startswith(m->target, "/dev/"))
                        r = make_place(c, fd, m);
        }
        return r < 0 ? r : dev_make_links(c, fd);
}

int step_devices(Context *c) {
        for (size_t i = 0; i < c->plan.n; i++) {
                Mount *m = &c->plan.mounts[i];
                if (m->kind != MOUNT_DEV)
                        continue;
                mode_t mask = umask(0);
                _cleanup_close_ int fd = new_tmpfs(c, m);
                int r = fd < 0 ? fd : fill(c, fd);
                (void)umask(mask);
                if (r == -EPERM)
                        return 0; /* a container that may not make nodes: they will be mounts */
                if (r < 0)
                        return r;
                m->fd = TAKE_FD(fd);
        }
        return 0;
}
