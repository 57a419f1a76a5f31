/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: a stack of directories still to be read, each opened again by its path beneath the root. Paths
 * of more than PATH_MAX are refused rather than walked, since no program could name such a file in one call
 * either; that bounds the depth, and it is what lets a walk hold no chain of descriptors. Must never open
 * anything but a directory for reading.
 */

#include "tree-walk.h"

#include "strv.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

typedef struct Walk {
        int root_fd;
        WalkFunc func;
        void *userdata;
        char **pending; /* paths of directories to read */
        size_t n, size;
        size_t directory;    /* length of the path of the directory that is read */
        char path[PATH_MAX]; /* of the entry at hand */
} Walk;

static void walk_done(Walk *w) {
        while (w->n > 0)
                free(w->pending[--w->n]);
        free(w->pending);
}

int open_beneath(int dir_fd, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
        };

        /* EAGAIN: a rename elsewhere raced with the resolution. */
        for (unsigned attempt = 0;; attempt++) {
                int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN || attempt >= 128)
                        return -errno;
        }
}

int reopen_for_reading(int fd, int flags) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        int r = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
        return r < 0 ? -errno : r;
}

static int push(Walk *w, const char *path) {
        if (w->n == w->size) {
                size_t size = w->size ? w->size * 2 : 64;
                char **p = reallocarray(w->pending, size, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                w->pending = p;
                w->size = size;
        }
        w->pending[w->n] = strdup(path);
        if (!w->pending[w->n])
                return -ENOMEM;
        w->n++;
        return 0;
}

/* `name` in `dir_fd` is the entry w->path. */
static int visit(Walk *w, int dir_fd, const char *name) {
        _cleanup_close_ int fd = open_beneath(dir_fd, name, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return fd;

        WalkEntry e = { .path = w->path, .fd = fd };
        if (fstat(fd, &e.st) < 0)
                return -errno;

        int r = w->func(&e, w->userdata);
        if (r < 0)
                return r;
        return S_ISDIR(e.st.st_mode) ? push(w, w->path) : 0;
}

int directory_for_each(int dir, NameFunc func, void *userdata) {
        _cleanup_close_ int fd = dir;
        _cleanup_(closedirp) DIR *d = fdopendir(fd);
        if (!d)
                return -errno;
        int dir_fd = TAKE_FD(fd);

        for (;;) {
                errno = 0;
                const struct dirent *de = readdir(d);
                if (!de)
                        return -errno;
                if (streq(de->d_name, ".") || streq(de->d_name, ".."))
                        continue;
                int r = func(dir_fd, de->d_name, userdata);
                if (r < 0)
                        return r;
        }
}

static int visit_name(int dir_fd, const char *name, void *userdata) {
        Walk *w = userdata;
        size_t n = w->directory, room = sizeof(w->path) - n;

        int k = snprintf(w->path + n, room, "%s%s", n ? "/" : "", name);
        if (k < 0 || (size_t)k >= room)
                return -ENAMETOOLONG;
        int r = visit(w, dir_fd, name);
        if (r >= 0)
                w->path[n] = '\0';
        return r;
}

/* Visits everything in the directory `path`. w->path is the entry at hand, or the directory. */
static int read_directory(Walk *w, const char *path) {
        w->directory = strlen(path);
        memcpy(w->path, path, w->directory + 1);

        int fd = open_beneath(w->root_fd, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        return fd < 0 ? fd : directory_for_each(fd, visit_name, w);
}

int tree_walk(int root_fd, WalkFunc func, void *userdata, char **ret_path) {
        _cleanup_(walk_done) Walk w = { .root_fd = root_fd, .func = func, .userdata = userdata };

        int r = visit(&w, root_fd, ".");
        while (r >= 0 && w.n > 0) {
                _cleanup_free_ char *path = w.pending[--w.n];
                r = read_directory(&w, path);
        }
        if (r < 0 && ret_path && !*ret_path)
                *ret_path = strdup(w.path);
        return r < 0 ? r : 0;
}
