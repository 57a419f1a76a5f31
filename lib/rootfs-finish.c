/* SPDX-License-Identifier: Apache-2.0 */
/* What makes two trees of the same content the same: mount points, no old manifest, one time for all. */

#include "rootfs-tree.h"

#include "attest.h"
#include "tree-walk.h"

#include <fcntl.h>
#include <limits.h>

#define SPARSE_SIZE_MIN (256LL * 1024 * 1024)
#define SPARSE_FACTOR 8

typedef struct DirectoryMode {
        char *path;
        mode_t mode;
} DirectoryMode;

typedef struct Finish {
        RootTree *t;
        DirectoryMode *modes; /* a directory before what is in it */
        size_t n;
} Finish;

static void finish_done(Finish *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->modes[i].path);
        free(f->modes);
}

int root_make_mount_point(RootTree *t, const char *path, unsigned mode) {
        const char *relative = path + strspn(path, "/"), *name;
        _cleanup_close_ int there = root_open(t, relative, O_PATH);
        _cleanup_close_ int dir = -EBADF;

        if (there >= 0)
                return 0;
        if (there != -ENOENT && there != -ENOTDIR)
                return root_fail(t, there, "%s: cannot make this mount point: %s", path, strerror(-there));
        int r = root_open_parent(t, relative, true, &dir, &name);
        if (r < 0)
                return r;
        if (mkdirat(dir, name, 0755) < 0)
                return root_fail(t, -errno, "%s: cannot make this mount point: %s", path,
                        errno == EEXIST ? "it is a symbolic link that leads nowhere in the tree"
                                        : strerror(errno));
        if (fchmodat(dir, name, mode, 0) < 0)
                return root_fail(t, -errno, "%s: cannot set its mode: %s", path, strerror(errno));
        return 0;
}

static int remove_manifest(RootTree *t) {
        for (const char *const *name = attest_own_files; *name; name++) {
                int r = root_remove(t->fd, *name, NULL);
                if (r < 0 && r != -ENOENT)
                        return root_fail(t, r, "%s: cannot remove it: %s", *name, strerror(-r));
        }
        return 0;
}

static int note_mode(Finish *f, const WalkEntry *e) {
        const uint64_t *mode = inode_map_get(&f->t->modes, &e->st);
        if (!mode || *mode == (e->st.st_mode & 07777))
                return 0;

        DirectoryMode *p = grown(f->modes, f->n, sizeof(*p));
        if (!p)
                return -ENOMEM;
        f->modes = p;
        /* The caller, who owns it, is yet to write a manifest into the root. */
        p[f->n] = (DirectoryMode){ strdup(e->path), (mode_t)*mode | (e->path[0] ? 0 : S_IRWXU) };
        return p[f->n++].path ? 0 : -ENOMEM;
}

/* As attestation has it: 1 TiB of holes takes no disk, but minutes to read, and in an image disk too. */
static bool is_sparse_giant(const struct stat *st) {
        return S_ISREG(st->st_mode) && st->st_size >= SPARSE_SIZE_MIN &&
               st->st_blocks < st->st_size / 512 / SPARSE_FACTOR;
}

static int visit(const WalkEntry *e, void *userdata) {
        Finish *f = userdata;
        struct timespec times[2] = { { .tv_sec = f->t->time }, { .tv_sec = f->t->time } };

        if (f->t->progress)
                f->t->progress(f->t, f->t->userdata);
        if (is_sparse_giant(&e->st))
                return root_fail(
                        f->t, -EFBIG, "%s: a huge file that is mostly holes cannot be attested", e->path);
        const char *slash = strrchr(e->path, '/');
        if (!f->t->long_name && strlen(slash ? slash + 1 : e->path) == NAME_MAX)
                f->t->long_name = strdup(e->path);
        if (utimensat(e->fd, "", times, AT_EMPTY_PATH) < 0)
                return -errno;
        return S_ISDIR(e->st.st_mode) ? note_mode(f, e) : 0;
}

/* The deepest first: afterwards the caller may be unable to reach them. */
static int set_modes(Finish *f) {
        for (size_t i = f->n; i > 0; i--) {
                const DirectoryMode *m = &f->modes[i - 1];
                _cleanup_close_ int fd = open_beneath(
                        f->t->fd, m->path[0] ? m->path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
                int r = fd < 0 ? fd : fchmod(fd, m->mode) < 0 ? -errno : 0;
                if (r < 0)
                        return root_fail(f->t, r, "%s: cannot set its mode: %s", m->path, strerror(-r));
        }
        return 0;
}

int root_finish(RootTree *t) {
        _cleanup_(finish_done) Finish f = { .t = t };
        _cleanup_free_ char *path = NULL;

        int r = remove_manifest(t);
        if (r < 0)
                return r;
        r = tree_walk(t->fd, visit, &f, &path);
        if (r == -ENAMETOOLONG)
                return root_fail(t, r, "%s: a path beneath it has more than 4095 bytes", path ?: ".");
        if (r < 0)
                return root_fail(t, r, "%s: cannot finish it: %s", path ?: ".", strerror(-r));
        return set_modes(&f);
}
