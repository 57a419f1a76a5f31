/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store paths that a root tree lists: each is cloned as a mount of its own, once, and that clone is what
 * is attested and what the service sees. Must never show anything of the host's store that is not listed.
 */

#include "steps.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "sys.h"

#define OPEN_FILES_SPARE 256U /* besides one for each store path */
#define PLACE (&STORE_DIRECTORY[1])

/* `problem` is a whole sentence: -EBADMSG keeps errno's text away from it. */
static int fail_list(Context *c, int error, const char *problem) {
        if (!problem)
                return step_fail(c, error, "cannot read the store paths of the rootfs %s", c->spec->rootfs);
        (void)step_fail(c, error, "rootfs %s: %s", c->spec->rootfs, problem);
        return -EBADMSG;
}

/* The digest of an image says nothing about the host's store. */
static int check_kind(Context *c) {
        if (c->root_is_directory)
                return 0;
        (void)step_fail(c, -EBADMSG,
                "the image %s has a list of store paths (%s), but an image must hold its store itself: pack "
                "it "
                "with its store paths and without the list",
                c->spec->rootfs, STORE_PATHS_NAME);
        return -EBADMSG;
}

static int check_conflicts(Context *c) {
        const char *target = mount_plan_store_conflict(c->spec);

        if (!target)
                return 0;
        (void)step_fail(c, -EBADMSG,
                "the volume or tmpfs on %s collides with the store paths that the rootfs %s lists in "
                "%s: mount it elsewhere",
                target, c->spec->rootfs, STORE_PATHS_NAME);
        return -EBADMSG;
}

/* Nothing of the tree may be hidden, and the place must be what its name says. */
static int check_place(Context *c) {
        _cleanup_(closedirp) DIR *d = NULL;

        _cleanup_close_ int fd = sys_openat2(c->root_fd, PLACE, O_RDONLY | O_DIRECTORY,
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
        if (fd < 0 && errno == ENOENT)
                return step_fail(c, -ENOENT,
                        "the rootfs has no %s to mount the store paths of %s on: create it there",
                        STORE_DIRECTORY, STORE_PATHS_NAME);
        if (fd < 0)
                return step_fail(c, -errno, "%s of the rootfs must be a directory and behind no link",
                        STORE_DIRECTORY);
        d = fdopendir(fd);
        if (!d)
                return step_fail(c, -errno, "cannot read %s of the rootfs", STORE_DIRECTORY);
        (void)TAKE_FD(fd);
        errno = 0;
        for (const struct dirent *e; (e = readdir(d));)
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        return step_fail(c, -ENOTEMPTY,
                                "%s of the rootfs has something in it, which the store paths of %s "
                                "would hide: remove one of the two",
                                STORE_DIRECTORY, STORE_PATHS_NAME);
        return errno != 0 ? step_fail(c, -errno, "cannot read %s of the rootfs", STORE_DIRECTORY) : 0;
}

/* Each path takes a descriptor until the workload starts, and the service manager gives 1024. */
static int raise_open_files(Context *c) {
        struct rlimit limit;
        rlim_t needed = c->store->n + OPEN_FILES_SPARE;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return step_fail(c, -errno, "cannot ask for the limit of open files");
        if (limit.rlim_cur >= needed)
                return 0;
        if (limit.rlim_max < needed)
                return step_fail(c, -EMFILE,
                        "the %zu store paths of the rootfs need as many open files, and %llu is the hard "
                        "limit: raise LimitNOFILE=",
                        c->store->n, (unsigned long long)limit.rlim_max);
        c->open_files = limit;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return step_fail(c, -errno, "cannot raise the limit of open files");
        return 0;
}

/* A store path may be a symbolic link, which cannot be cloned: the text that was attested is copied. */
static int copy_link(Context *c, Mount *m) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(m->fd, "", target, sizeof(target) - 1);

        if (n < 0)
                return step_fail(c, -errno, "cannot read the link %s", m->source);
        target[n] = '\0';
        m->idmapped = false;
        m->link = strdup(target);
        return m->link ? 0 : step_fail(c, -ENOMEM, "out of memory");
}

/* Puts a detached clone in place of the descriptor of the path. */
static int clone_path(Context *c, StorePath *p, Mount *m) {
        struct mount_attr attr = {
                .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                .propagation = MS_PRIVATE,
        };
        struct stat st;

        if (fstat(p->fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at %s", m->source);
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
                return step_fail(c, -EMEDIUMTYPE, "%s is no directory, file or link", m->source);
        m->mode = st.st_mode & S_IFMT;
        if (S_ISLNK(st.st_mode)) {
                m->fd = p->fd;
                return copy_link(c, m);
        }

        int fd = sys_open_tree(p->fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (fd < 0)
                return step_fail(c, -errno, "cannot clone %s", m->source);
        close_fd(p->fd);
        p->fd = m->fd = fd;
        if (sys_mount_setattr(fd, 0, &attr) < 0)
                return step_fail(c, -errno, "cannot set the mount attributes of %s", m->source);
        return 0;
}

int step_store_paths(Context *c) {
        _cleanup_free_ char *problem = NULL;

        int r = store_paths_read(c->root_fd, &c->store, &problem);
        if (r < 0)
                return fail_list(c, r, problem);
        if (!c->store)
                return 0;
        r = check_kind(c);
        if (r >= 0)
                r = check_conflicts(c);
        if (r >= 0)
                r = check_place(c);
        if (r >= 0)
                r = raise_open_files(c);
        if (r < 0)
                return r;
        r = store_paths_open(c->store, &problem);
        if (r < 0)
                return fail_list(c, r, problem);
        if (mount_plan_add_store(&c->plan, c->store) < 0)
                return step_fail(c, -ENOMEM, "out of memory");
        /* The plan has the root, the tmpfs, and then the paths in the list's order. */
        for (size_t i = 0; r >= 0 && i < c->store->n; i++)
                r = clone_path(c, &c->store->paths[i], &c->plan.mounts[2 + i]);
        return r;
}

/* In the workload's process, whose descriptors are its own, but not its memory: init closes by the plan too.
 */
int step_open_files_limit(Context *c) {
        for (size_t i = 0; i < c->plan.n; i++)
                if (c->plan.mounts[i].kind == MOUNT_STORE_PATH)
                        close_fd(c->plan.mounts[i].fd);
        if (setrlimit(RLIMIT_NOFILE, &c->open_files) < 0)
                return step_fail(c, -errno, "cannot put the limit of open files back");
        return 0;
}
