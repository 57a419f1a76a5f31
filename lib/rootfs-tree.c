/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of a root tree in the making: opened, removed, given their attributes. Must never follow a link
 * in the last component of a path, nor leave the tree.
 */

#include "rootfs-tree.h"

#include "attest.h"
#include "manifest.h"
#include "tree-walk.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

void root_tree_done(RootTree *t) {
        for (size_t kind = 0; kind < _ROOT_NOTE_MAX; kind++)
                for (size_t i = 0; i < t->notes[kind].n; i++)
                        free(t->notes[kind].items[i].path);
        inode_map_done(&t->modes);
        inode_map_done(&t->layer);
        free(TAKE_PTR(t->message));
        free(TAKE_PTR(t->long_name));
}

int root_fail(RootTree *t, int error, const char *format, ...) {
        va_list ap;

        if (t->message)
                return error;
        va_start(ap, format);
        if (vasprintf(&t->message, format, ap) < 0)
                t->message = NULL;
        va_end(ap);
        return error;
}

int root_note(RootTree *t, RootNoteKind kind, const char *path, const char *what) {
        RootNotes *notes = &t->notes[kind];

        notes->count++;
        if (notes->n == ROOT_NOTES_MAX)
                return 0;
        char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        notes->items[notes->n++] = (RootNote){ copy, what };
        return 0;
}

int root_count_entry(RootTree *t) {
        if (++t->entries > ROOT_ENTRIES_MAX)
                return root_fail(t, -E2BIG, "more than %u entries", ROOT_ENTRIES_MAX);
        if (t->progress)
                t->progress(t, t->userdata);
        return 0;
}

int root_count_bytes(RootTree *t, const char *path, uint64_t n) {
        if (n > t->bytes_max || t->bytes > t->bytes_max - n)
                return root_fail(t, -EFBIG,
                        "%s: with it the tree has more than %llu bytes; --max-size allows more", path,
                        (unsigned long long)t->bytes_max);
        t->bytes += n;
        if (t->progress)
                t->progress(t, t->userdata);
        return 0;
}

int root_open(const RootTree *t, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
        };

        /* EAGAIN: a rename elsewhere raced with a ".." of a link. */
        for (unsigned attempt = 0;; attempt++) {
                int fd = (int)syscall(SYS_openat2, t->fd, path[0] ? path : ".", &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN || attempt >= 128)
                        return -errno;
        }
}

/* A directory that nothing in the source describes. */
static int make_directory(int dir_fd, const char *name) {
        if (mkdirat(dir_fd, name, 0755) < 0)
                return -errno;
        return fchmodat(dir_fd, name, 0755, 0) < 0 ? -errno : 0; /* whatever the umask */
}

/* Opens the directory `path`, which lacks some of its components. */
static int make_directories(const RootTree *t, char *path) {
        _cleanup_close_ int dir = root_open(t, "", O_RDONLY | O_DIRECTORY);

        for (char *p = path, *end; dir >= 0 && p; p = end) {
                end = strchr(p, '/');
                if (end)
                        *end = '\0';
                int next = root_open(t, path, O_RDONLY | O_DIRECTORY);
                if (next == -ENOENT) {
                        /* -EEXIST: a link that leads nowhere. */
                        int r = make_directory(dir, p);
                        if (r < 0)
                                return r == -EEXIST ? -ENOENT : r;
                        next = root_open(t, path, O_RDONLY | O_DIRECTORY);
                }
                close_fd(dir);
                dir = next;
                if (end)
                        *end++ = '/';
        }
        return TAKE_FD(dir);
}

int root_open_parent(RootTree *t, const char *path, bool make, int *ret_fd, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = strndup(path, slash ? (size_t)(slash - path) : 0);
        if (!parent)
                return -ENOMEM;
        _cleanup_close_ int fd = root_open(t, parent, O_RDONLY | O_DIRECTORY);
        if (fd == -ENOENT && make)
                fd = make_directories(t, parent);
        else if (fd == -ENOENT)
                return fd;
        if (fd == -ENOENT)
                return root_fail(t, fd, "%s: %s goes through a symbolic link that leads nowhere in the tree",
                        path, parent);
        if (fd == -ENOTDIR)
                return root_fail(t, fd, "%s: %s is no directory", path, parent);
        if (fd == -ELOOP)
                return root_fail(t, fd, "%s: %s goes through symbolic links without end", path, parent);
        if (fd < 0)
                return root_fail(t, fd, "%s: cannot open %s: %s", path, parent, strerror(-fd));
        *ret_name = slash ? slash + 1 : path;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int root_stat(int dir_fd, const char *name, struct stat *ret_st) {
        if (fstatat(dir_fd, name, ret_st, AT_SYMLINK_NOFOLLOW) == 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

/* Modes of directories as whom they belong to needs them while he works beneath them: root_finish() sets
 * what they shall be. */
static int set_mode(RootTree *t, int fd, bool directory, mode_t mode) {
        struct stat st;

        if (directory && !t->owners) {
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (inode_map_put(&t->modes, &st, mode) < 0)
                        return -ENOMEM;
                mode |= S_IRWXU;
        }
        return fchmod(fd, mode) < 0 ? -errno : 0;
}

int root_set_attributes(RootTree *t, int fd, const char *path, bool directory, const RootAttributes *a) {
        mode_t mode = a->mode & 07777;

        if (!directory && (mode & (S_ISUID | S_ISGID)) && !t->keep_privileges) {
                if (root_note(t, ROOT_NOTE_PRIVILEGED, path, mode & S_ISUID ? "setuid" : "setgid") < 0)
                        return -ENOMEM;
                mode &= ~(mode_t)(S_ISUID | S_ISGID);
        }
        /* The owner first: to change it takes these bits away. */
        if (t->owners && fchown(fd, (uid_t)a->uid, (gid_t)a->gid) < 0)
                return root_fail(t, -errno, "%s: cannot give it to %llu:%llu: %s", path,
                        (unsigned long long)a->uid, (unsigned long long)a->gid, strerror(errno));
        int r = set_mode(t, fd, directory, mode);
        return r < 0 ? root_fail(t, r, "%s: cannot set its mode: %s", path, strerror(-r)) : 0;
}

int root_set_link_owner(
        RootTree *t, int dir_fd, const char *name, const char *path, const RootAttributes *a) {
        if (t->owners && fchownat(dir_fd, name, (uid_t)a->uid, (gid_t)a->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return root_fail(t, -errno, "%s: cannot give it to %llu:%llu: %s", path,
                        (unsigned long long)a->uid, (unsigned long long)a->gid, strerror(errno));
        return 0;
}

int root_set_xattr(RootTree *t, int fd, const char *path, const char *name, const void *value, size_t n) {
        /* Of system., which a manifest covers as well, nothing else can be set. */
        if (!manifest_covers_xattr(name) ||
                (startswith(name, "system.") && !startswith(name, "system.posix_acl_")))
                return 0;
        if (streq(name, "security.capability")) {
                if (!t->keep_privileges)
                        return root_note(t, ROOT_NOTE_PRIVILEGED, path, "file capabilities");
                if (!t->owners)
                        return root_note(
                                t, ROOT_NOTE_ATTRIBUTE, path, "only root can keep file capabilities");
        }
        bool acl = startswith(name, "system.");
        if (acl && t->refuse_acls)
                return root_fail(t, -EOPNOTSUPP,
                        "%s: has an ACL, which no squashfs image can hold: --format erofs, or remove it",
                        path);
        if (fsetxattr(fd, name, value, n, 0) == 0)
                return 0;
        /* Without its ACL a file could be open to more than before: the group's bits are the ACL's mask. */
        if (errno == EOPNOTSUPP && !acl)
                return root_note(t, ROOT_NOTE_ATTRIBUTE, path, "the file system has no such attributes");
        return root_fail(t, -errno, "%s: cannot set %s: %s", path, name, strerror(errno));
}
