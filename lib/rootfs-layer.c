/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One archive laid over a root tree, by the rules of OCI's image-spec (layer.md): a later entry replaces an
 * earlier one, a directory over a directory keeps what is in it, and ".wh." names hide what lower layers
 * have, never what this one has. Must never open for writing what it has not just made, nor follow a link in
 * the last component of a name.
 */

#include "rootfs-tree.h"

#include "rootfs-path.h"

#include <fcntl.h>
#include <limits.h>

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."       /* of AUFS itself: no whiteouts */
#define WHITEOUT_OPAQUE ".wh..wh..opq" /* hides all that lower layers have in its directory */

typedef struct Layer {
        RootTree *t;
        TarReader *reader;
        TarEntry e;
        char *path; /* normalised */
} Layer;

static int failed(Layer *l, int error, const char *what) {
        return root_fail(l->t, error, "%s: %s: %s", l->path, what, strerror(-error));
}

static int unreadable(Layer *l, int error) {
        return root_fail(l->t, error, "%s: %s", l->path, tar_reader_error(l->reader));
}

/* Makes room for an entry that is no directory, or for a directory over none. */
static int clear_place(Layer *l, int dir_fd, const char *name) {
        int r = root_remove(dir_fd, name, NULL);

        return r < 0 && r != -ENOENT ? failed(l, r, "cannot replace what is there") : 0;
}

static int add_attributes(Layer *l, int fd) {
        RootAttributes a = { l->e.mode, (uint64_t)l->e.uid, (uint64_t)l->e.gid };
        const void *value;
        const char *name;
        size_t n;

        int r = root_set_attributes(l->t, fd, l->path, l->e.type == TAR_DIRECTORY, &a);
        while (r >= 0 && tar_reader_xattr(l->reader, &name, &value, &n))
                r = root_set_xattr(l->t, fd, l->path, name, value, n);
        /* Without it the file could be open to more than before. */
        if (r >= 0 && l->e.has_acl)
                return root_fail(l->t, -EOPNOTSUPP,
                        "%s: has an ACL as text, which is not read: make the archive without --acls",
                        l->path);
        return r;
}

static int add_directory(Layer *l, int dir_fd, const char *name) {
        struct stat st;

        int r = root_stat(dir_fd, name, &st);
        if (r > 0 && !S_ISDIR(st.st_mode)) {
                r = clear_place(l, dir_fd, name);
                if (r < 0)
                        return r;
                r = 0;
        }
        if (r < 0 || (r == 0 && mkdirat(dir_fd, name, 0700) < 0))
                return failed(l, r < 0 ? r : -errno, "cannot make this directory");

        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failed(l, -errno, "cannot open this directory");
        return add_attributes(l, fd);
}

static int write_part(int fd, const char *data, size_t n, int64_t offset) {
        while (n > 0) {
                ssize_t k = pwrite(fd, data, n, offset);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                data += k;
                n -= (size_t)k;
                offset += k;
        }
        return 0;
}

static int write_content(Layer *l, int fd) {
        const void *data;
        int64_t offset;
        size_t n;
        int r;

        /* Holes count: they take no room in the archive nor here, but all who read the tree read them. */
        r = l->e.size < 0 ? -EBADMSG : root_count_bytes(l->t, l->path, (uint64_t)l->e.size);
        if (r < 0)
                return r;
        while ((r = tar_reader_data(l->reader, &data, &n, &offset)) > 0) {
                if (offset < 0 || offset > l->e.size || n > (uint64_t)(l->e.size - offset))
                        return root_fail(l->t, -EBADMSG, "%s: more content than its header says", l->path);
                r = write_part(fd, data, n, offset);
                if (r < 0)
                        return failed(l, r, "cannot write it");
        }
        if (r < 0)
                return unreadable(l, r);
        return ftruncate(fd, l->e.size) < 0 ? failed(l, -errno, "cannot set its size") : 0;
}

static int add_file(Layer *l, int dir_fd, const char *name) {
        int r = clear_place(l, dir_fd, name);
        if (r < 0)
                return r;
        _cleanup_close_ int fd =
                openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return failed(l, -errno, "cannot make this file");
        r = write_content(l, fd);
        return r < 0 ? r : add_attributes(l, fd);
}

static int add_symlink(Layer *l, int dir_fd, const char *name) {
        RootAttributes a = { 0777, (uint64_t)l->e.uid, (uint64_t)l->e.gid };

        if (!l->e.link[0] || strlen(l->e.link) >= PATH_MAX)
                return root_fail(
                        l->t, -EINVAL, "%s: a symbolic link whose target is empty or too long", l->path);
        int r = clear_place(l, dir_fd, name);
        if (r < 0)
                return r;
        if (symlinkat(l->e.link, dir_fd, name) < 0)
                return failed(l, -errno, "cannot make this symbolic link");
        return root_set_link_owner(l->t, dir_fd, name, l->path, &a);
}

/* The target is an entry of the tree, resolved as all names are, and no directory. */
static int add_hard_link(Layer *l, int dir_fd, const char *name) {
        _cleanup_free_ char *target = NULL;
        _cleanup_close_ int target_dir = -EBADF;
        const char *target_name, *problem = NULL;
        struct stat st, old;

        int r = root_normalise_path(l->e.link, &target, &problem);
        if (r < 0)
                return r == -EINVAL ? root_fail(l->t, r, "%s: hard link to %s, a name that %s", l->path,
                                              l->e.link, problem)
                                    : r;
        r = target[0] ? root_open_parent(l->t, target, false, &target_dir, &target_name) : -ENOENT;
        if (r >= 0)
                r = root_stat(target_dir, target_name, &st);
        if (r < 0 && r != -ENOENT)
                return failed(l, r, "cannot find what it is a hard link to");
        if (r <= 0)
                return root_fail(
                        l->t, -ENOENT, "%s: hard link to %s, which is not in the tree", l->path, l->e.link);
        if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
                return root_fail(l->t, -EINVAL, "%s: hard link to %s, which is no file", l->path, l->e.link);
        if (root_stat(dir_fd, name, &old) > 0 && old.st_dev == st.st_dev && old.st_ino == st.st_ino)
                return 0;
        r = clear_place(l, dir_fd, name);
        if (r < 0)
                return r;
        return linkat(target_dir, target_name, dir_fd, name, 0) < 0 ? failed(l, -errno, "cannot link it")
                                                                    : 0;
}

static int add_root(Layer *l) {
        if (l->e.type != TAR_DIRECTORY)
                return root_fail(l->t, -EINVAL, "the archive has an entry for / that is no directory");
        return add_attributes(l, l->t->fd);
}

static int add_entry(Layer *l) {
        static int (*const adders[])(Layer * l, int dir_fd, const char *name) = {
                [TAR_FILE] = add_file,
                [TAR_DIRECTORY] = add_directory,
                [TAR_SYMLINK] = add_symlink,
                [TAR_HARD_LINK] = add_hard_link,
        };
        static const char *const skipped[] = {
                [TAR_FIFO] = "a FIFO",
                [TAR_CHARACTER_DEVICE] = "a character device",
                [TAR_BLOCK_DEVICE] = "a block device",
                [TAR_OTHER] = "of an unknown type",
        };
        _cleanup_close_ int dir = -EBADF;
        const char *name;

        if (l->e.type >= ELEMENTSOF(adders))
                return root_note(l->t, ROOT_NOTE_SKIPPED, l->path, skipped[l->e.type]);
        if (l->e.uid < 0 || l->e.gid < 0 || l->e.uid >= UINT32_MAX || l->e.gid >= UINT32_MAX)
                return root_fail(l->t, -EINVAL, "%s: belongs to %lld:%lld, which are no ids", l->path,
                        (long long)l->e.uid, (long long)l->e.gid);
        if (!l->path[0])
                return add_root(l);
        int r = root_open_parent(l->t, l->path, true, &dir, &name);
        if (r >= 0)
                r = adders[l->e.type](l, dir, name);
        return r < 0 ? r : root_layer_add(l->t, dir, name);
}

static int hide(Layer *l, const char *name) {
        _cleanup_close_ int dir = -EBADF;
        const char *ignored;

        int r = root_open_parent(l->t, l->path, false, &dir, &ignored);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (streq(name, WHITEOUT_OPAQUE))
                r = root_empty(dir, &l->t->layer);
        else
                r = root_remove(dir, name + strlen(WHITEOUT), &l->t->layer);
        return r < 0 && r != -ENOENT ? failed(l, r, "cannot remove what it hides") : 0;
}

static int apply_whiteout(Layer *l, const char *name) {
        const char *hidden = name + strlen(WHITEOUT);

        if (startswith(name, WHITEOUT_META) && !streq(name, WHITEOUT_OPAQUE))
                return 0;
        if (!hidden[0] || streq(hidden, ".") || streq(hidden, ".."))
                return root_fail(l->t, -EINVAL, "%s: a whiteout of no name", l->path);
        return hide(l, name);
}

static int apply(Layer *l) {
        const char *problem = NULL;

        free(TAKE_PTR(l->path));
        int r = root_normalise_path(l->e.path, &l->path, &problem);
        if (r < 0)
                return r == -EINVAL
                               ? root_fail(l->t, r, "the archive has a name that %s: %s", problem, l->e.path)
                               : r;
        r = root_count_entry(l->t);
        if (r < 0)
                return r;
        const char *slash = strrchr(l->path, '/'), *name = slash ? slash + 1 : l->path;
        return l->t->layered && startswith(name, WHITEOUT) ? apply_whiteout(l, name) : add_entry(l);
}

int root_apply_tar(RootTree *t, TarReader *reader) {
        Layer l = { .t = t, .reader = reader };
        int r;

        inode_map_done(&t->layer);
        while ((r = tar_reader_next(reader, &l.e)) > 0) {
                r = apply(&l);
                if (r < 0) {
                        (void)root_fail(
                                t, r, "%s: cannot unpack it: %s", l.path ?: "the archive", strerror(-r));
                        free(l.path);
                        return r;
                }
        }
        free(l.path);
        return r < 0 ? root_fail(t, r, "%s", tar_reader_error(reader)) : 0;
}
