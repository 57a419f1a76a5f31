/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk of the mount plan, by PID 1 in its own mount namespace. Every target is resolved once, inside the
 * root, to a descriptor, and the detached mount is moved onto that descriptor: there is no second look at a
 * path that somebody could have changed in between. Must never create anything outside of a tmpfs of ours.
 */

#include "new-mount.h"
#include "rule-path.h"
#include "steps.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "sys.h"

#define PROC_ROOT_INO 1 /* include/linux/proc_ns.h: of every genuine procfs */

/* A parameter of a file system, fsconfig(2). A list of them ends with a NULL key. */
typedef struct Parameter {
        const char *key, *value;
} Parameter;

/* A detached mount of a new file system. */
static int new_mount(Context *c, const char *type, const Parameter *parameters, unsigned attr) {
        _cleanup_close_ int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
        if (fs < 0)
                return step_fail(c, -errno, "cannot open a file system of type %s", type);

        for (const Parameter *p = parameters; p && p->key; p++)
                if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, p->key, p->value, 0) < 0)
                        return step_fail(c, -errno, "cannot set %s=%s of %s", p->key, p->value, type);
        if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return step_fail(c, -errno, "cannot make a file system of type %s", type);
        int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attr);
        return fd < 0 ? step_fail(c, -errno, "cannot mount a file system of type %s%s", type,
                                streq(type, "proc") && errno == EPERM ? " (something is mounted over parts "
                                                                        "of the /proc we were started in)"
                                                                      : "")
                      : fd;
}

static unsigned attributes(const Mount *m) {
        return MOUNT_ATTR_NOSUID | (m->kind == MOUNT_DEV ? 0 : MOUNT_ATTR_NODEV) |
               (m->executable ? 0 : MOUNT_ATTR_NOEXEC);
}

int new_tmpfs(Context *c, const Mount *m) {
        char size[32], mode[16];
        const Parameter p[] = { { "size", size }, { "mode", mode }, {} };

        (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)m->size);
        (void)snprintf(mode, sizeof(mode), "%o", m->mode);
        return new_mount(c, "tmpfs", p, attributes(m));
}

static int new_proc(Context *c, const Mount *m) {
        const Parameter hide[] = { { "hidepid", "invisible" }, {} };
        struct statfs fs;
        struct stat st;

        _cleanup_close_ int fd = new_mount(c, "proc", c->rules->hidepid ? hide : NULL, attributes(m));
        if (fd < 0)
                return TAKE_FD(fd);
        if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at the new /proc");
        if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INO)
                return step_fail(c, -EUCLEAN, "the new /proc is no procfs");
        return TAKE_FD(fd);
}

static int new_devpts(Context *c, const Mount *m) {
        /* Group 5 is tty everywhere, and the owner of a terminal may let its members write there. */
        const Parameter p[] = { { "ptmxmode", "0666" }, { "mode", "0620" },
                { c->spec->id_base > 0 ? "gid" : NULL, "5" }, {} };

        return new_mount(c, "devpts", p, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* ---- targets ---- */

/* Makes `path` and its parents below the root; only ever in a tmpfs of ours (see the plan's `create`). */
static int make_target(Context *c, const char *path, mode_t type) {
        _cleanup_free_ char *copy = strdup(path);
        _cleanup_close_ int dir = fcntl(c->root_fd, F_DUPFD_CLOEXEC, LISTEN_FD_FIRST);

        if (!copy)
                return -ENOMEM;
        if (dir < 0)
                return -errno;
        for (char *p = copy + 1, *slash; p; p = slash ? slash + 1 : NULL) {
                slash = strchr(p, '/');
                if (!slash && !S_ISDIR(type)) {
                        _cleanup_close_ int fd =
                                openat(dir, p, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
                        return fd < 0 ? -errno : 0;
                }
                if (slash)
                        *slash = '\0';
                if (mkdirat(dir, p, 0755) < 0 && errno != EEXIST)
                        return -errno;
                int next = sys_openat2(dir, p, O_PATH | O_DIRECTORY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
                if (next < 0)
                        return -errno;
                close_fd(dir);
                dir = next;
        }
        return 0;
}

/* Is this one of the places that are ours from end to end, so that a link there is an attack? */
static bool is_fixed(const Mount *m) {
        return path_startswith(m->target, "/dev") || path_startswith(m->target, "/proc") ||
               m->kind == MOUNT_STORE;
}

/* Where a link is on the way. One that a service left in a volume would choose what the next start covers:
 * the program itself, say, by another volume of that service. */
static int open_target_by_links(Context *c, const Mount *m) {
        _cleanup_free_ uint64_t *mounts = calloc(c->plan.n, sizeof(*mounts));
        size_t n = 0;

        if (!mounts)
                return -ENOMEM;
        for (const Mount *i = c->plan.mounts; i < m; i++)
                if (i->fd >= 0 && mount_has_links_of_the_operator(i) &&
                        sys_mount_id(i->fd, &mounts[n++]) < 0)
                        return -errno;
        return rule_path_open(c->root_fd, m->target, mounts, n);
}

/* A descriptor or -errno. */
static int open_target(Context *c, const Mount *m) {
        int fd = sys_openat2(c->root_fd, m->target + 1, O_PATH,
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

        if (fd < 0 && errno == ELOOP && !is_fixed(m))
                return open_target_by_links(c, m);
        return fd < 0 ? -errno : fd;
}

static int target_failed(Context *c, const Mount *m, int error) {
        if (error == -ENOENT)
                return step_fail(c, error, "the rootfs has no %s to mount on: create it there", m->target);
        if (error == -ELOOP)
                return step_fail(
                        c, error, "%s of the rootfs is, or lies behind, a symbolic link", m->target);
        if (error == -EPERM)
                return step_fail(c, error,
                        "%s leads through a symbolic link in a volume, which could be changed to cover "
                        "something else: write where it leads to",
                        m->target);
        return step_fail(c, error, "cannot open %s in the rootfs", m->target);
}

/* ---- one mount ---- */

/* Remembers the mount's id for the audit, and for leads_into_store(). */
static int identify(Context *c, Mount *m, int fd) {
        if (!c->rules->mount_audit && !c->store)
                return 0;
        if (sys_mount_id(fd, &m->id) < 0)
                return step_fail(c, -errno, "cannot look at the mount on %s", m->target);
        return 0;
}

/* Is it the very same directory of the same mount? Yes, no, or -errno. */
static int is_same_place(int a, int b) {
        uint64_t id_a, id_b;
        struct stat st_a, st_b;

        if (fstat(a, &st_a) < 0 || fstat(b, &st_b) < 0 || sys_mount_id(a, &id_a) < 0 ||
                sys_mount_id(b, &id_b) < 0)
                return -errno;
        return st_a.st_ino == st_b.st_ino && st_a.st_dev == st_b.st_dev && id_a == id_b;
}

/* Would it hide the store that was attested, or is it in there? By a link of the root tree, since targets
 * that say so are refused before. Yes, no, or -errno. */
static int leads_into_store(const Context *c, int target) {
        uint64_t id;

        if (!c->store)
                return false;
        _cleanup_close_ int above = sys_openat2(c->root_fd, "nix", O_PATH | O_DIRECTORY,
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
        if (above < 0)
                return -errno;
        int r = is_same_place(target, above);
        if (r != 0)
                return r;
        if (sys_mount_id(target, &id) < 0)
                return -errno;
        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                if ((m->kind == MOUNT_STORE || m->kind == MOUNT_STORE_PATH) && m->id != 0 && m->id == id)
                        return true;
        }
        return false;
}

/* A link of the root tree may lead a target into /proc, where a mount would hide or fake the kernel's files.
 */
static int check_target(Context *c, const Mount *m, int target) {
        struct statfs fs;

        if (is_fixed(m))
                return 0;
        if (fstatfs(target, &fs) < 0)
                return step_fail(c, -errno, "cannot look at %s", m->target);
        if (fs.f_type == PROC_SUPER_MAGIC)
                return step_fail(c, -ELOOP, "%s leads into /proc", m->target);
        int r = is_same_place(target, c->root_fd);
        if (r != 0)
                return step_fail(c, r < 0 ? r : -ELOOP, "%s leads to the root", m->target);
        r = leads_into_store(c, target);
        if (r < 0)
                return step_fail(c, r, "cannot look at %s", m->target);
        return r ? step_fail(c, -ELOOP, "%s leads into the rootfs's store paths", m->target) : 0;
}

/* What a mount stands on: a directory for a directory, else a file. */
static int make_target_for(Context *c, const Mount *m, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at the source of %s", m->target);
        int r = make_target(c, m->target, S_ISDIR(st.st_mode) ? S_IFDIR : S_IFREG);
        return r < 0 ? step_fail(c, r, "cannot make %s", m->target) : 0;
}

static int put(Context *c, Mount *m, int fd) {
        int r = m->create ? make_target_for(c, m, fd) : 0;
        if (r < 0)
                return r;

        _cleanup_close_ int target = open_target(c, m);
        if (target < 0)
                return target_failed(c, m, target);
        r = check_target(c, m, target);
        if (r < 0)
                return r;
        if (sys_move_mount(fd, target) < 0)
                return step_fail(c, -errno, "cannot mount on %s%s", m->target,
                        errno == ENOTDIR ? " (a directory and a file cannot cover each other)" : "");
        return identify(c, m, fd);
}

static int put_link(Context *c, const Mount *m) {
        if (symlinkat(m->link, c->root_fd, m->target + 1) < 0)
                return step_fail(c, -errno, "cannot make the link %s", m->target);
        return 0;
}

static int make_read_only(Context *c, const Mount *m, int fd) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

        if (sys_mount_setattr(fd, 0, &attr) < 0)
                return step_fail(c, -errno, "cannot make %s read-only", m->target);
        return 0;
}

/* The mount before `m` in the plan that holds it or what it needs. */
static const Mount *before(const Mount *m, MountKind kind) {
        while (m->kind != kind)
                m--;
        return m;
}

/* A clone of something below a mount that is attached by now: others the kernel does not clone. The name is
 * one component, so there is no link to follow. */
static int clone_entry(const Mount *holder, const char *name) {
        return sys_open_tree(holder->fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
}

/* What covers an entry of /proc that is there: the entry itself, an empty directory, or /dev/null. */
static int make_cover(Context *c, const Mount *m, const Mount *proc, const char *name, mode_t type) {
        const Parameter empty[] = { { "size", "4096" }, { "mode", "0555" }, {} };

        if (m->kind == MOUNT_PROC_MASK && S_ISDIR(type))
                return new_mount(c, "tmpfs", empty, attributes(m));
        int fd = m->kind == MOUNT_PROC_MASK ? clone_entry(before(m, MOUNT_DEV), "null")
                                            : clone_entry(proc, name);
        return fd < 0 ? step_fail(c, -errno, "cannot clone what covers %s", m->target) : fd;
}

/* It becomes read-only with all the others, in the end. */
static int cover_proc(Context *c, Mount *m) {
        const Mount *proc = before(m, MOUNT_PROC);
        const char *name = m->target + strlen("/proc/");
        struct stat st;

        if (fstatat(proc->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : step_fail(c, -errno, "cannot look at %s", m->target);
        _cleanup_close_ int cover = make_cover(c, m, proc, name, st.st_mode);
        if (cover < 0)
                return cover;
        if (sys_move_mount_at(cover, proc->fd, name) < 0)
                return step_fail(c, -errno, "cannot cover %s", m->target);
        return identify(c, m, cover);
}

/* All that covers parts of /proc, in two calls: with the whole, which is then taken back. */
static int make_covers_read_only(Context *c, const Mount *proc) {
        struct mount_attr set = { .attr_set = MOUNT_ATTR_RDONLY }, clear = { .attr_clr = MOUNT_ATTR_RDONLY };

        if (sys_mount_setattr(proc->fd, AT_RECURSIVE, &set) < 0 ||
                sys_mount_setattr(proc->fd, 0, &clear) < 0)
                return step_fail(c, -errno, "cannot make what covers parts of /proc read-only");
        return 0;
}

/* Makes the detached mount of an entry that has none from the host side. A descriptor or -errno. */
static int make(Context *c, Mount *m) {
        switch (m->kind) {
        case MOUNT_PROC:
                return new_proc(c, m);
        case MOUNT_DEVPTS:
                return new_devpts(c, m);
        case MOUNT_ROOT_TMPFS:
        case MOUNT_STORE:
        case MOUNT_TMPFS:
                return new_tmpfs(c, m);
        case MOUNT_DEV: {
                if (m->fd >= 0)
                        return m->fd; /* from the host side */
                _cleanup_close_ int fd = new_tmpfs(c, m);
                int r = fd < 0 ? fd : dev_make_links(c, fd);
                return r < 0 ? r : TAKE_FD(fd);
        }
        case MOUNT_ROOT_TREE:
        case MOUNT_STORE_PATH:
        case MOUNT_BIND:
        case MOUNT_DEV_NODE:
        case MOUNT_PROC_MASK:
        case MOUNT_PROC_READ_ONLY:
                break;
        }
        return m->fd;
}

/* A device node: its mount point is made and opened in one call, in the /dev that is there by now. */
static int put_node(Context *c, Mount *m) {
        _cleanup_close_ int target = openat(before(m, MOUNT_DEV)->fd, m->target + strlen("/dev/"),
                O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (target < 0)
                return step_fail(c, -errno, "cannot make %s", m->target);
        if (sys_move_mount(m->fd, target) < 0)
                return step_fail(c, -errno, "cannot mount on %s", m->target);
        return identify(c, m, m->fd);
}

/* A store path: by its name, which is one component, in the tmpfs that is there by now. */
static int put_store_path(Context *c, Mount *m) {
        const char *name = m->target + strlen(STORE_DIRECTORY "/");
        int store = before(m, MOUNT_STORE)->fd, r;

        if (m->link)
                r = symlinkat(m->link, store, name);
        else if (S_ISDIR(m->mode))
                r = mkdirat(store, name, 0755);
        else
                r = mknodat(store, name, S_IFREG | 0644, 0);
        if (r < 0)
                return step_fail(c, -errno, "cannot make %s", m->target);
        if (m->link)
                return 0;
        if (sys_move_mount_at(m->fd, store, name) < 0)
                return step_fail(c, -errno, "cannot mount on %s", m->target);
        return identify(c, m, m->fd);
}

static int do_mount(Context *c, Mount *m) {
        if (m->kind == MOUNT_STORE_PATH)
                return put_store_path(c, m);
        if (m->kind == MOUNT_DEV_NODE)
                return m->fd < 0 ? 0 : put_node(c, m); /* none: it is a node of our own */
        if (m->link)
                return put_link(c, m);
        if (m->kind == MOUNT_PROC_MASK || m->kind == MOUNT_PROC_READ_ONLY)
                return cover_proc(c, m);
        if (m->fd < 0 && m->optional)
                return 0; /* the host has none */

        int fd = make(c, m);
        if (fd < 0)
                return fd;
        m->fd = fd;
        return put(c, m, fd);
}

/* ---- steps ---- */

int step_private_mounts(Context *c) {
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return step_fail(c, -errno, "cannot make the mounts private");
        return 0;
}

/* Stacks the new root on the old: nothing of ours is reachable by a path until the root changes. */
int step_attach_root(Context *c) {
        Mount *m = &c->plan.mounts[0];

        if (m->kind == MOUNT_ROOT_TMPFS) {
                m->fd = new_tmpfs(c, m);
                if (m->fd < 0)
                        return m->fd;
        }
        c->root_fd = m->fd;

        if (sys_move_mount_at(c->root_fd, AT_FDCWD, "/") < 0)
                return step_fail(c, -errno, "cannot attach the root");
        return identify(c, m, c->root_fd);
}

int step_mounts(Context *c) {
        for (size_t i = 1; i < c->plan.n; i++) {
                int r = do_mount(c, &c->plan.mounts[i]);
                if (r < 0)
                        return r;
        }
        /* What had to be filled first. */
        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                int r = 0;

                if (m->kind == MOUNT_PROC)
                        r = make_covers_read_only(c, m);
                else if (m->kind == MOUNT_DEV || m->kind == MOUNT_ROOT_TMPFS || m->kind == MOUNT_STORE)
                        r = make_read_only(c, m, m->fd);
                if (r < 0)
                        return r;
        }
        return 0;
}

int step_pivot(Context *c) {
        char cwd[16];

        if (fchdir(c->root_fd) < 0)
                return step_fail(c, -errno, "cannot change to the new root");
        if (sys_pivot_root(".", ".") < 0)
                return step_fail(c, -errno, "cannot change the root");
        /* The old root lies over the new one now, at ".". */
        if (umount2(".", MNT_DETACH) < 0)
                return step_fail(c, -errno, "cannot detach the old root");
        if (chdir("/") < 0)
                return step_fail(c, -errno, "cannot change to /");
        if (!getcwd(cwd, sizeof(cwd)) || !streq(cwd, "/"))
                return step_fail(c, -EXDEV, "the working directory is outside of the root");
        return 0;
}
