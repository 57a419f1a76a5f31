/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory copied into a root tree. What is copied is the inode whose type was looked at, by its
 * descriptor, whatever a rename puts in its place meanwhile. Must never open a device or a FIFO.
 */

#include "rootfs-tree.h"

#include "io.h"
#include "strv.h"
#include "tree-walk.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define BUFFER_SIZE (256U * 1024)
#define CHUNK_SIZE (64U * 1024 * 1024) /* between two reports of progress */

typedef struct Copy {
        RootTree *t;
        InodeMap links; /* of what has several names: index into `names` */
        char **names;
        size_t n_names;
        char *buffer;       /* BUFFER_SIZE bytes */
        struct stat target; /* the tree itself */
} Copy;

static void copy_done(Copy *c) {
        inode_map_done(&c->links);
        for (size_t i = 0; i < c->n_names; i++)
                free(c->names[i]);
        free(c->names);
        free(c->buffer);
}

/* One part without holes, by read(2) and write(2), where the kernel cannot copy between the two. */
static int copy_by_hand(Copy *c, int from, int to, uint64_t n) {
        while (n > 0) {
                ssize_t k = read(from, c->buffer, n < BUFFER_SIZE ? (size_t)n : BUFFER_SIZE);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return k < 0 ? -errno : -ESTALE;
                int r = write_all(to, c->buffer, (size_t)k);
                if (r < 0)
                        return r;
                n -= (uint64_t)k;
        }
        return 0;
}

/* Both descriptors stand at the beginning of the part. */
static int copy_part(Copy *c, const char *path, int from, int to, uint64_t n) {
        while (n > 0) {
                size_t chunk = n < CHUNK_SIZE ? (size_t)n : CHUNK_SIZE;
                ssize_t k = copy_file_range(from, NULL, to, NULL, chunk, 0);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k == 0)
                        return -ESTALE;
                if (k < 0) {
                        if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
                                return -errno;
                        int r = copy_by_hand(c, from, to, chunk);
                        if (r < 0)
                                return r;
                        k = (ssize_t)chunk;
                }
                int r = root_count_bytes(c->t, path, (uint64_t)k);
                if (r < 0)
                        return r;
                n -= (uint64_t)k;
        }
        return 0;
}

/* Part by part, so that holes stay holes. */
static int copy_content(Copy *c, const char *path, int from, int to, off_t size) {
        if (size > 0 && ioctl(to, FICLONE, from) == 0)
                return root_count_bytes(c->t, path, (uint64_t)size);

        for (off_t at = 0; at < size;) {
                off_t data = lseek(from, at, SEEK_DATA);
                if (data < 0 && errno == ENXIO)
                        break; /* a hole to the end */
                if (data < 0)
                        return -errno;
                off_t hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                if (hole > size)
                        hole = size;
                if (data >= hole)
                        break;
                if (lseek(from, data, SEEK_SET) < 0 || lseek(to, data, SEEK_SET) < 0)
                        return -errno;
                int r = copy_part(c, path, from, to, (uint64_t)(hole - data));
                if (r < 0)
                        return r;
                at = hole;
        }
        return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_xattrs(Copy *c, const WalkEntry *e, int to) {
        char from[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        char *list = c->buffer, *value = list + XATTR_SIZE_MAX;

        (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", e->fd);
        ssize_t n = listxattr(from, list, XATTR_SIZE_MAX);
        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;
        for (const char *name = list; name < list + n; name += strlen(name) + 1) {
                ssize_t k = getxattr(from, name, value, XATTR_SIZE_MAX);
                if (k < 0 && (errno == ENODATA || errno == ENOTSUP || errno == EPERM))
                        continue; /* what cannot be read here cannot be kept either, or is gone */
                if (k < 0)
                        return -errno;
                int r = root_set_xattr(c->t, to, e->path, name, value, (size_t)k);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_attributes(Copy *c, const WalkEntry *e, int to) {
        RootAttributes a = { e->st.st_mode & 07777, e->st.st_uid, e->st.st_gid };

        int r = root_set_attributes(c->t, to, e->path, S_ISDIR(e->st.st_mode), &a);
        return r < 0 ? r : copy_xattrs(c, e, to);
}

static int copy_file(Copy *c, const WalkEntry *e, int dir_fd, const char *name) {
        _cleanup_close_ int from = reopen_for_reading(e->fd, 0);
        if (from < 0)
                return from;
        _cleanup_close_ int to =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return -errno;
        int r = copy_content(c, e->path, from, to, e->st.st_size);
        return r < 0 ? r : set_attributes(c, e, to);
}

static int copy_directory(Copy *c, const WalkEntry *e, int dir_fd, const char *name) {
        /* It can be found in the source by another mount. Its copy would have a copy in it, without end. */
        if (e->st.st_ino == c->target.st_ino && e->st.st_dev == c->target.st_dev)
                return root_fail(c->t, -ELOOP, "%s: is what is being made: choose another place", e->path);
        if (e->path[0] && mkdirat(dir_fd, name, 0700) < 0)
                return -errno;
        _cleanup_close_ int to = open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        return to < 0 ? to : set_attributes(c, e, to);
}

static int copy_link(Copy *c, const WalkEntry *e, int dir_fd, const char *name) {
        RootAttributes a = { 0777, e->st.st_uid, e->st.st_gid };
        char target[PATH_MAX];

        ssize_t n = readlinkat(e->fd, "", target, sizeof(target));
        if (n < 0 || (size_t)n >= sizeof(target))
                return n < 0 ? -errno : -ENAMETOOLONG;
        target[n] = '\0';
        if (symlinkat(target, dir_fd, name) < 0)
                return -errno;
        return root_set_link_owner(c->t, dir_fd, name, e->path, &a);
}

/* Gives what was copied already another name. 1, or 0 where this is the first, or -errno. */
static int copy_as_hard_link(Copy *c, const WalkEntry *e, int dir_fd, const char *name) {
        const uint64_t *known = inode_map_get(&c->links, &e->st);

        if (known)
                return linkat(c->t->fd, c->names[*known], dir_fd, name, 0) < 0 ? -errno : 1;
        char **p = grown(c->names, c->n_names, sizeof(*p));
        if (!p)
                return -ENOMEM;
        c->names = p;
        p[c->n_names] = strdup(e->path);
        if (!p[c->n_names])
                return -ENOMEM;
        return inode_map_put(&c->links, &e->st, c->n_names++);
}

static const char *special_name(mode_t mode) {
        return S_ISFIFO(mode)   ? "a FIFO"
               : S_ISSOCK(mode) ? "a socket"
               : S_ISBLK(mode)  ? "a block device"
                                : "a character device";
}

static int copy_entry(Copy *c, const WalkEntry *e) {
        _cleanup_close_ int dir = -EBADF;
        const char *name = ".";

        int r = root_count_entry(c->t);
        if (r < 0)
                return r;
        if (e->path[0]) {
                r = root_open_parent(c->t, e->path, false, &dir, &name);
                if (r < 0)
                        return r;
        }
        if (S_ISDIR(e->st.st_mode))
                return copy_directory(c, e, dir >= 0 ? dir : c->t->fd, name);
        if (!S_ISREG(e->st.st_mode) && !S_ISLNK(e->st.st_mode))
                return root_note(c->t, ROOT_NOTE_SKIPPED, e->path,
                        S_ISCHR(e->st.st_mode) && e->st.st_rdev == 0 ? "an overlay whiteout"
                                                                     : special_name(e->st.st_mode));
        if (e->st.st_nlink > 1) {
                r = copy_as_hard_link(c, e, dir, name);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        return S_ISREG(e->st.st_mode) ? copy_file(c, e, dir, name) : copy_link(c, e, dir, name);
}

static int visit(const WalkEntry *e, void *userdata) {
        Copy *c = userdata;
        int r = copy_entry(c, e);

        if (r == -ESTALE)
                return root_fail(c->t, r, "%s: changes while it is read", e->path);
        return r < 0 ? root_fail(c->t, r, "%s: cannot copy it: %s", e->path, strerror(-r)) : 0;
}

int root_copy(RootTree *t, int source_fd) {
        _cleanup_(copy_done) Copy c = { .t = t, .buffer = malloc(BUFFER_SIZE) };
        _cleanup_free_ char *path = NULL;

        if (!c.buffer)
                return -ENOMEM;
        if (fstat(t->fd, &c.target) < 0)
                return -errno;
        int r = tree_walk(source_fd, visit, &c, &path);
        if (r == -EXDEV)
                return root_fail(t, r,
                        "%s: another file system is mounted there: unmount it, or pack a copy", path ?: ".");
        if (r == -ENAMETOOLONG)
                return root_fail(t, r, "%s: a path beneath it has more than 4095 bytes", path ?: ".");
        return r < 0 ? root_fail(t, r, "%s: cannot read it: %s", path ?: ".", strerror(-r)) : 0;
}
