/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through links. The links are resolved here, a component at a time, and not by the kernel: only so
 * can a loop, a climb above the root and a way into the Nix store be told apart. Every step is an openat2()
 * that follows nothing, so a rename that races with us can make us fail but never leave the tree. Must never
 * open anything but a directory for reading.
 */

#include "tree-follow.h"

#include <fcntl.h>
#include <limits.h>

#define LINKS_MAX 40U /* as the kernel: path_resolution(7) */
#define STORE "nix/store"

/* A real place: no component is a link. */
typedef struct Place {
        bool store;          /* beneath the store, not the root */
        char path[PATH_MAX]; /* "" is the root or the store itself */
} Place;

typedef struct Directory Directory;
struct Directory {
        Directory *parent; /* by name, not by place */
        dev_t dev;
        ino_t ino;
        bool followed, store;
        char *name, *place; /* freed when it has been read */
};

typedef struct Follow {
        int root_fd, store_fd;
        WalkFunc func;
        void *userdata;
        Directory **all; /* every directory met: ancestors must outlive their turn */
        size_t n, size;
        size_t *pending; /* indices of those still to be read */
        size_t n_pending, pending_size;
        uint64_t n_followed;
        Directory *directory; /* the one that is read */
        size_t length;        /* of its name */
        char path[PATH_MAX];  /* of the entry at hand */
} Follow;

static void directory_done(Directory *d) {
        free(d->name);
        free(d->place);
        d->name = d->place = NULL;
}

static void follow_done(Follow *f) {
        for (size_t i = 0; i < f->n; i++) {
                directory_done(f->all[i]);
                free(f->all[i]);
        }
        free(f->all);
        free(f->pending);
}

static int grow(void **array, size_t *size, size_t n, size_t element) {
        if (n < *size)
                return 0;
        size_t k = *size ? *size * 2 : 64;
        void *p = reallocarray(*array, k, element);
        if (!p)
                return -ENOMEM;
        *array = p;
        *size = k;
        return 0;
}

static int push(Follow *f, const Place *place, const struct stat *st, bool followed) {
        int r = grow((void **)&f->all, &f->size, f->n, sizeof(*f->all));
        if (r >= 0)
                r = grow((void **)&f->pending, &f->pending_size, f->n_pending, sizeof(*f->pending));
        Directory *d = r < 0 ? NULL : calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;

        *d = (Directory){ f->directory, st->st_dev, st->st_ino, followed, place->store, NULL, NULL };
        f->all[f->n] = d;
        f->pending[f->n_pending++] = f->n++;
        d->name = strdup(f->path);
        d->place = strdup(place->path);
        return d->name && d->place ? 0 : -ENOMEM;
}

static bool is_ancestor(const Directory *d, const struct stat *st) {
        for (; d; d = d->parent)
                if (d->dev == st->st_dev && d->ino == st->st_ino)
                        return true;
        return false;
}

static int open_place(const Follow *f, const Place *p, int flags) {
        return open_beneath(p->store ? f->store_fd : f->root_fd, p->path[0] ? p->path : ".", flags);
}

/* These are 4 KiB: nothing clears what it does not use. */
static void place_set(Place *p, const Directory *d) {
        p->store = d->store;
        memcpy(p->path, d->place, strlen(d->place) + 1);
}

static int place_append(Place *p, const char *name) {
        size_t n = strlen(p->path);
        int k = snprintf(p->path + n, sizeof(p->path) - n, "%s%s", n ? "/" : "", name);

        return k < 0 || (size_t)k >= sizeof(p->path) - n ? -ENAMETOOLONG : 0;
}

static void place_up(Place *p) {
        char *slash = strrchr(p->path, '/');

        *(slash ?: p->path) = '\0';
}

/* What is left of a resolution. */
typedef struct Resolution {
        Place place;
        char rest[PATH_MAX];
        unsigned n_links;
        const char *problem;
} Resolution;

/* Puts a link's target in front of what is left. */
static int prepend_target(Resolution *r, int fd) {
        char target[PATH_MAX];

        r->problem = "a symbolic link that loops";
        if (++r->n_links > LINKS_MAX)
                return -EBADMSG;
        ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        r->problem = "a symbolic link with too long a target";
        size_t k = strlen(r->rest);
        if ((size_t)n + 1 + k >= sizeof(r->rest))
                return -EBADMSG;
        r->problem = NULL;
        memmove(r->rest + n + 1, r->rest, k + 1);
        memcpy(r->rest, target, (size_t)n);
        r->rest[n] = '/';
        return 0;
}

/* Takes the next component of what is left; "" where there is none. "/" at its front goes to the root. */
static int next_component(Resolution *r, char ret_[NAME_MAX + 1]) {
        char *p = r->rest;

        if (*p == '/') {
                r->place.store = false;
                r->place.path[0] = '\0';
                p += strspn(p, "/");
        }
        size_t n = strcspn(p, "/");
        if (n > NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(ret_, p, n);
        ret_[n] = '\0';
        p += n;
        p += strspn(p, "/");
        memmove(r->rest, p, strlen(p) + 1);
        return 0;
}

static int go_up(Resolution *r) {
        if (r->place.path[0] != '\0') {
                place_up(&r->place);
                return 0;
        }
        if (r->place.store) {
                r->place.store = false;
                memcpy(r->place.path, "nix", sizeof("nix"));
                return 0;
        }
        r->problem = "a symbolic link that leaves the root";
        return -EBADMSG;
}

/*
 * Opens the place, without following it. Where the tree lacks a store path, turns to the host's store.
 * -EAGAIN where /nix or /nix/store itself is lacking: a longer path may be there.
 */
static int open_or_turn(const Follow *f, Place *p) {
        int fd = open_place(f, p, O_PATH | O_NOFOLLOW);
        if (fd != -ENOENT || p->store || f->store_fd < 0)
                return fd;
        if (streq(p->path, "nix") || streq(p->path, STORE))
                return -EAGAIN;

        const char *inside = startswith(p->path, STORE "/");
        if (!inside)
                return -ENOENT;
        memmove(p->path, inside, strlen(inside) + 1);
        p->store = true;
        return open_place(f, p, O_PATH | O_NOFOLLOW);
}

/* One component: a descriptor where the place has moved, -EAGAIN to go on, or -errno. */
static int step(const Follow *f, Resolution *r, const char *name) {
        struct stat st;

        if (streq(name, "."))
                return -EAGAIN;
        if (streq(name, "..")) {
                int k = go_up(r);
                return k < 0 ? k : -EAGAIN;
        }
        int k = place_append(&r->place, name);
        if (k < 0)
                return k;
        _cleanup_close_ int fd = open_or_turn(f, &r->place);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISLNK(st.st_mode))
                return TAKE_FD(fd);

        place_up(&r->place);
        k = prepend_target(r, fd);
        return k < 0 ? k : -EAGAIN;
}

/* Where the link `fd`, at the name of `r->place`'s directory, leads to: an O_PATH descriptor or -errno. */
static int resolve(const Follow *f, Resolution *r, int link) {
        int k = prepend_target(r, link);
        if (k < 0)
                return k;

        while (r->rest[0] != '\0') {
                char name[NAME_MAX + 1];

                k = next_component(r, name);
                if (k < 0)
                        return k;
                if (name[0] == '\0')
                        break;
                k = step(f, r, name);
                if (k >= 0)
                        close_fd(k);
                else if (k != -EAGAIN)
                        return k;
        }
        return open_place(f, &r->place, O_PATH | O_NOFOLLOW);
}

/* Replaces the entry of a link by that of its target. Sets *place. */
static int follow_link(const Follow *f, WalkEntry *e, int *fd, Place *place) {
        Resolution r;

        r.rest[0] = '\0';
        r.n_links = 0;
        r.problem = NULL;
        place_set(&r.place, f->directory);
        _cleanup_close_ int target = resolve(f, &r, *fd);
        if (target == -EBADMSG && r.problem) {
                e->problem = r.problem;
                return 0;
        }
        if (target == -ENOENT || target == -ENOTDIR || target == -ENAMETOOLONG)
                return 0;
        if (target < 0)
                return target;

        close_fd(*fd);
        *fd = e->fd = TAKE_FD(target);
        place->store = r.place.store;
        memcpy(place->path, r.place.path, strlen(r.place.path) + 1);
        e->followed = true;
        return fstat(e->fd, &e->st) < 0 ? -errno : 0;
}

static int visit(Follow *f, int dir_fd, const char *name, Place *place) {
        WalkEntry e = { .path = f->path, .followed = f->directory && f->directory->followed };

        _cleanup_close_ int fd = open_beneath(dir_fd, name, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return fd;
        e.fd = fd;
        if (fstat(fd, &e.st) < 0)
                return -errno;
        if (S_ISLNK(e.st.st_mode)) {
                int r = follow_link(f, &e, &fd, place);
                if (r < 0)
                        return r;
        }
        if (e.followed && ++f->n_followed > TREE_FOLLOW_MAX)
                return -E2BIG;

        int r = f->func(&e, f->userdata);
        if (r < 0 || !S_ISDIR(e.st.st_mode) || is_ancestor(f->directory, &e.st))
                return r;
        return push(f, place, &e.st, e.followed);
}

static int visit_name(int dir_fd, const char *name, void *userdata) {
        Follow *f = userdata;
        size_t n = f->length, room = sizeof(f->path) - n;
        Place place;

        int k = snprintf(f->path + n, room, "%s%s", n ? "/" : "", name);
        if (k < 0 || (size_t)k >= room)
                return -ENAMETOOLONG;
        place_set(&place, f->directory);
        int r = place_append(&place, name);
        if (r >= 0)
                r = visit(f, dir_fd, name, &place);
        if (r >= 0)
                f->path[n] = '\0';
        return r;
}

static int read_directory(Follow *f, Directory *d) {
        Place place;

        f->directory = d;
        f->length = strlen(d->name);
        memcpy(f->path, d->name, f->length + 1);
        place_set(&place, d);

        int fd = open_place(f, &place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        int r = fd < 0 ? fd : directory_for_each(fd, visit_name, f);
        if (r >= 0)
                directory_done(d);
        return r;
}

int tree_follow(int root_fd, int store_fd, WalkFunc func, void *userdata, char **ret_path) {
        _cleanup_(follow_done) Follow f = {
                .root_fd = root_fd,
                .store_fd = store_fd,
                .func = func,
                .userdata = userdata,
        };
        Place root = {};

        int r = visit(&f, root_fd, ".", &root);
        while (r >= 0 && f.n_pending > 0)
                r = read_directory(&f, f.all[f.pending[--f.n_pending]]);
        if (r < 0 && ret_path && !*ret_path)
                *ret_path = strdup(f.path);
        return r < 0 ? r : 0;
}
