/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removal of whole trees: a walk that removes all but directories, and these afterwards, the deepest first.
 * Takes neither recursion nor a descriptor for each level. Must never follow a link.
 */

#include "rootfs-tree.h"

#include "strv.h"
#include "tree-walk.h"

#include <fcntl.h>

/* A tree may be deeper than any path is long: links of an archive can lead an entry down. What lies so deep
 * is moved up before it is entered. */
#define PATH_DEEP 3000U

/* The key of a name in a directory. Names and no inodes: a hard link of this layer to a file of a lower one
 * does not bring that one's other names back. */
static int key_of(int dir_fd, const char *name, struct stat *ret_) {
        uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */

        if (fstat(dir_fd, ret_) < 0)
                return -errno;
        hash = (hash ^ ret_->st_ino) * 0x9e3779b97f4a7c15U;
        for (; *name; name++)
                hash = (hash ^ (uint8_t)*name) * 0x100000001b3U;
        ret_->st_ino = (ino_t)hash;
        return 0;
}

int root_layer_add(RootTree *t, int dir_fd, const char *name) {
        struct stat key;

        if (!t->layered)
                return 0;
        int r = key_of(dir_fd, name, &key);
        return r < 0 ? r : inode_map_put(&t->layer, &key, 1);
}

static bool is_kept(const InodeMap *keep, int dir_fd, const char *name) {
        struct stat key;

        return keep && key_of(dir_fd, name, &key) == 0 && inode_map_get(keep, &key);
}

typedef struct Removal {
        int fd;
        const InodeMap *keep;
        char **directories; /* in the order of the walk */
        size_t n;
        unsigned moved;
} Removal;

static void removal_done(Removal *m) {
        while (m->n > 0)
                free(m->directories[--m->n]);
        free(TAKE_PTR(m->directories));
}

static int open_parent(const Removal *m, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

        if (!parent)
                return -ENOMEM;
        *ret_name = slash ? slash + 1 : path;
        return open_beneath(m->fd, parent, O_PATH | O_DIRECTORY);
}

static int move_up(Removal *m, const char *path) {
        char to[64];
        const char *name;
        _cleanup_close_ int parent = open_parent(m, path, &name);

        if (parent < 0)
                return parent;
        do {
                (void)snprintf(to, sizeof(to), ".nucleus-removed-%u", m->moved++);
                if (renameat2(parent, name, m->fd, to, RENAME_NOREPLACE) == 0)
                        return -EAGAIN;
        } while (errno == EEXIST);
        return -errno;
}

static int add_directory(Removal *m, const char *path) {
        char **p = grown(m->directories, m->n, sizeof(*p));
        if (!p)
                return -ENOMEM;
        m->directories = p;
        p[m->n] = strdup(path);
        if (!p[m->n])
                return -ENOMEM;
        m->n++;
        return 0;
}

static int visit(const WalkEntry *e, void *userdata) {
        Removal *m = userdata;
        const char *name;

        if (S_ISDIR(e->st.st_mode)) {
                /* Whose owner shut himself out. */
                if (!m->keep && (e->st.st_mode & S_IRWXU) != S_IRWXU) {
                        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
                        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", e->fd);
                        (void)chmod(path, S_IRWXU);
                }
                if (!e->path[0])
                        return 0;
                return !m->keep && strlen(e->path) > PATH_DEEP ? move_up(m, e->path)
                                                               : add_directory(m, e->path);
        }
        _cleanup_close_ int parent = open_parent(m, e->path, &name);
        if (parent < 0)
                return parent;
        if (is_kept(m->keep, parent, name))
                return 0;
        return unlinkat(parent, name, 0) < 0 ? -errno : 0;
}

static int remove_directory(const Removal *m, int dir_fd, const char *name) {
        if (is_kept(m->keep, dir_fd, name))
                return 0;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 ||
                (m->keep && (errno == ENOTEMPTY || errno == EEXIST)))
                return 0;
        return -errno;
}

int root_empty(int fd, const InodeMap *keep) {
        _cleanup_(removal_done) Removal m = { .fd = fd, .keep = keep };
        int r;

        do {
                removal_done(&m);
                r = tree_walk(fd, visit, &m, NULL);
                for (size_t i = m.n; r >= 0 && i > 0; i--) {
                        const char *name;
                        _cleanup_close_ int parent = open_parent(&m, m.directories[i - 1], &name);
                        r = parent < 0 ? parent : remove_directory(&m, parent, name);
                }
        } while (r == -EAGAIN);
        return r;
}

int root_remove(int dir_fd, const char *name, const InodeMap *keep) {
        Removal m = { .keep = keep };
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode)) {
                if (is_kept(keep, dir_fd, name))
                        return 0;
                return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
        }
        _cleanup_close_ int fd = open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd == -EACCES)
                fd = open_beneath(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        int r = fd < 0 ? fd : root_empty(fd, keep);
        return r < 0 ? r : remove_directory(&m, dir_fd, name);
}
