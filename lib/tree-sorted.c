/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sorted walk: a stack of directories, each with its names read at once, as keys in the order in which
 * they come up: NAME for the entry itself and, for a directory, NAME/ for what is in it. Directories far up
 * the stack are closed, and opened again by their path when the walk is back there. Must never open anything
 * but a directory for reading.
 */

#include "tree-sorted.h"

#include "tree-walk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define OPEN_LEVELS 12U /* of the stack that are kept open */
#define LISTING_SIZE 65536U
#define STORE_IN_TREE (&STORE_DIRECTORY[1])

/* What a key is, the byte before its string. Types of entries (DT_*) are at most 14. */
#define KEY_TYPE 0x0f
#define KEY_HIDDEN 0x20   /* lies where store paths are to be mounted */
#define KEY_CONTENTS 0x40 /* NAME/: what is in the directory */
#define KEY_STORE 0x80    /* an entry of StorePaths */

/* What a directory is opened beneath: the root, or a store path. */
typedef struct Base {
        int fd;
        size_t n; /* how much of a path leads here */
} Base;

typedef struct Frame Frame;
struct Frame {
        Frame *parent;
        TreeDirectory *directory; /* NULL: closed meanwhile */
        Base base;
        dev_t dev;
        ino_t ino;
        size_t path_n;
        uint32_t *keys; /* offsets of their strings, sorted */
        size_t n, next;
        char *names; /* each a byte that says what it is, and a string */
};

struct TreeSorted {
        int root_fd;
        const StorePaths *store;
        bool started;
        bool store_seen;
        Frame *top;
        TreeDirectory *pending; /* opened with its own entry; what is in it comes next */
        struct stat pending_st;
        Base pending_base;
        TreeDirectory *store_entry; /* the descriptor of the entry given out last */
        unsigned open;
        char path[PATH_MAX];
        char listing[LISTING_SIZE] __attribute__((aligned(16)));
};

/* As the kernel writes it: getdents64(2). */
typedef struct Dirent {
        uint64_t ino;
        int64_t offset;
        uint16_t size;
        uint8_t type;
        char name[];
} Dirent;

TreeDirectory *tree_directory_ref(TreeDirectory *d) {
        d->refs++;
        return d;
}

TreeDirectory *tree_directory_unref(TreeDirectory *d) {
        if (d && --d->refs == 0) {
                if (!d->borrowed)
                        close_fd(d->fd);
                --*d->open;
                free(d);
        }
        return NULL;
}

/* Takes `fd` over, also on failure, unless it is borrowed. */
static int directory_new(TreeSorted *w, int fd, bool borrowed, TreeDirectory **ret_) {
        size_t n = strlen(w->path);

        TreeDirectory *d = malloc(sizeof(*d) + n + 1);
        if (!d) {
                if (!borrowed)
                        close_fd(fd);
                return -ENOMEM;
        }
        *d = (TreeDirectory){ .fd = fd, .borrowed = borrowed, .refs = 1, .open = &w->open, .path_n = n };
        memcpy(d->path, w->path, n + 1);
        w->open++;
        *ret_ = d;
        return 0;
}

static void pop(TreeSorted *w) {
        Frame *f = w->top;

        w->top = f->parent;
        tree_directory_unref(f->directory);
        free(f->keys);
        free(f->names);
        free(f);
}

TreeSorted *tree_sorted_free(TreeSorted *w) {
        if (!w)
                return NULL;
        while (w->top)
                pop(w);
        tree_directory_unref(w->pending);
        tree_directory_unref(w->store_entry);
        free(w);
        return NULL;
}

int tree_sorted_new(int root_fd, const StorePaths *store, TreeSorted **ret_) {
        TreeSorted *w = malloc(sizeof(*w));

        if (!w)
                return -ENOMEM;
        memset(w, 0, offsetof(TreeSorted, listing));
        w->root_fd = root_fd;
        w->store = store;
        *ret_ = w;
        return 0;
}

const char *tree_sorted_path(const TreeSorted *w) {
        return w->path;
}

unsigned tree_sorted_open(const TreeSorted *w) {
        return w->open;
}

/* ---- one directory's names ---- */

typedef struct Names {
        char *text;
        size_t n, size;
        uint32_t *keys;
        size_t n_keys, keys_size;
} Names;

static void names_done(Names *a) {
        free(a->text);
        free(a->keys);
}

static int add_key(Names *a, unsigned char kind, const char *name, const char *suffix) {
        size_t n = strlen(name), k = strlen(suffix);

        if (a->n + n + k + 2 > a->size) {
                size_t size = a->size ? a->size * 2 : 1024;
                while (size < a->n + n + k + 2)
                        size *= 2;
                char *p = size > UINT32_MAX ? NULL : realloc(a->text, size);
                if (!p)
                        return -ENOMEM;
                a->text = p;
                a->size = size;
        }
        if (a->n_keys == a->keys_size) {
                size_t size = a->keys_size ? a->keys_size * 2 : 32;
                uint32_t *p = reallocarray(a->keys, size, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                a->keys = p;
                a->keys_size = size;
        }
        char *p = a->text + a->n;
        *p++ = (char)kind;
        a->keys[a->n_keys++] = (uint32_t)(p - a->text);
        memcpy(p, name, n);
        memcpy(p + n, suffix, k + 1);
        a->n += n + k + 2;
        return 0;
}

static int add_name(Names *a, unsigned char type, unsigned char flags, const char *name) {
        int r = add_key(a, (type & KEY_TYPE) | flags, name, "");
        if (r < 0 || type != DT_DIR || flags & KEY_HIDDEN)
                return r;
        return add_key(a, KEY_CONTENTS | flags, name, "/");
}

/* What the file system does not say with the name. */
static int look_up_type(int fd, const char *name, unsigned char *ret_) {
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                return -errno;
        *ret_ = (unsigned char)IFTODT(st.st_mode);
        return 0;
}

static int read_names(TreeSorted *w, int fd, unsigned char flags, Names *a) {
        for (;;) {
                long n = syscall(SYS_getdents64, fd, w->listing, sizeof(w->listing));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                for (long i = 0; i < n;) {
                        const Dirent *d = (const Dirent *)(const void *)(w->listing + i);
                        unsigned char type = d->type;

                        i += d->size;
                        if (streq(d->name, ".") || streq(d->name, ".."))
                                continue;
                        int r = type == DT_UNKNOWN ? look_up_type(fd, d->name, &type) : 0;
                        if (r >= 0)
                                r = add_name(a, type, flags, d->name);
                        if (r < 0)
                                return r;
                }
        }
}

/* The entries of StorePaths, each by its own descriptor. */
static int store_names(const StorePaths *s, Names *a) {
        for (size_t i = 0; i < s->n; i++) {
                struct stat st;

                if (fstat(s->paths[i].fd, &st) < 0)
                        return -errno;
                int r = add_name(a, (unsigned char)IFTODT(st.st_mode), KEY_STORE, s->paths[i].name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_name(const void *name, const void *path) {
        return strcmp(name, ((const StorePath *)path)->name);
}

/* The descriptor of a store path that is there. */
static int find_store(const StorePaths *s, const char *name) {
        return ((const StorePath *)bsearch(name, s->paths, s->n, sizeof(*s->paths), compare_name))->fd;
}

static int compare_keys(const void *a, const void *b, void *names) {
        const char *text = names;

        return strcmp(text + *(const uint32_t *)a, text + *(const uint32_t *)b);
}

/* Reads what is in w->pending, and puts it on the stack. */
static int push(TreeSorted *w) {
        _cleanup_(names_done) Names names = {};
        bool is_store = w->store && streq(w->pending->path, STORE_IN_TREE);

        int r = read_names(w, w->pending->fd, is_store ? KEY_HIDDEN : 0, &names);
        if (r >= 0 && is_store) {
                w->store_seen = true;
                r = store_names(w->store, &names);
        }
        Frame *f = r < 0 ? NULL : malloc(sizeof(*f));
        if (!f)
                return r < 0 ? r : -ENOMEM;

        if (names.n_keys > 1)
                qsort_r(names.keys, names.n_keys, sizeof(*names.keys), compare_keys, names.text);
        size_t path_n = w->pending->path_n;
        *f = (Frame){
                .parent = w->top,
                .base = w->pending_base,
                .dev = w->pending_st.st_dev,
                .ino = w->pending_st.st_ino,
                .path_n = path_n,
                .n = names.n_keys,
                .keys = TAKE_PTR(names.keys),
                .names = TAKE_PTR(names.text),
                .directory = TAKE_PTR(w->pending),
        };
        w->top = f;

        /* Of those above the window only the lowest can still be open. */
        for (unsigned i = 0; f && i < OPEN_LEVELS; i++)
                f = f->parent;
        if (f)
                f->directory = tree_directory_unref(f->directory);
        return 0;
}

/* ---- the walk ---- */

/* Opens the directory of the frame again. w->path is that directory, or an entry of it. */
static int reopen(TreeSorted *w, Frame *f) {
        char after = w->path[f->path_n];
        struct stat st;

        w->path[f->path_n] = '\0';
        const char *path = w->path + f->base.n + (f->base.n > 0 && f->path_n > f->base.n);
        _cleanup_close_ int fd =
                open_beneath(f->base.fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
        if (r >= 0 && (st.st_dev != f->dev || st.st_ino != f->ino))
                r = -ESTALE;
        if (r >= 0)
                r = directory_new(w, TAKE_FD(fd), false, &f->directory);
        w->path[f->path_n] = after;
        return r;
}

/* Opens the directory w->path, which is `name` of the directory at the top of the stack. */
static int open_directory(TreeSorted *w, const char *name, int store) {
        int fd = store >= 0 ? open_beneath(store, ".", O_RDONLY | O_DIRECTORY)
                            : open_beneath(w->top->directory->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd == -ENOTDIR || fd == -ELOOP || fd == -ENOENT)
                return -ESTALE; /* it was a directory when it was listed */
        if (fd < 0)
                return fd;

        int r = directory_new(w, fd, false, &w->pending);
        if (r < 0)
                return r;
        w->pending_base = store >= 0 ? (Base){ store, strlen(w->path) } : w->top->base;
        return fstat(w->pending->fd, &w->pending_st) < 0 ? -errno : 0;
}

static void describe_pending(const TreeSorted *w, TreeEntry *e) {
        ssize_t n = flistxattr(w->pending->fd, NULL, 0);

        e->has_stat = true;
        e->st = w->pending_st;
        e->plain = n == 0 || (n < 0 && errno == ENOTSUP);
}

/* Is the next key that of the contents of `name`? It mostly is; then one opening serves both. */
static bool contents_are_next(const Frame *f, const char *name, size_t n) {
        if (f->next >= f->n)
                return false;
        const char *key = f->names + f->keys[f->next];
        return strncmp(key, name, n) == 0 && streq(key + n, "/");
}

/* w->path: that of the frame, and the name. */
static int set_path(TreeSorted *w, const Frame *f, const char *name, size_t n) {
        size_t k = f->path_n;

        if (k + (k > 0) + n > PATH_MAX - 1) {
                w->path[k] = '\0';
                return -ENAMETOOLONG;
        }
        if (k > 0)
                w->path[k++] = '/';
        memcpy(w->path + k, name, n);
        w->path[k + n] = '\0';
        return 0;
}

/* 1 with an entry, 0 where w->pending is to be pushed, or -errno. */
static int next_in(TreeSorted *w, Frame *f, TreeEntry *ret_) {
        const char *name = f->names + f->keys[f->next++];
        unsigned char kind = (unsigned char)name[-1];
        size_t n = strlen(name) - (kind & KEY_CONTENTS ? 1 : 0);
        int store = -EBADF;

        int r = set_path(w, f, name, n);
        if (r >= 0 && !f->directory)
                r = reopen(w, f);
        if (r < 0)
                return r;
        const char *in_path = w->path + f->path_n + (f->path_n > 0);
        if (kind & KEY_STORE)
                store = find_store(w->store, in_path);
        if (kind & KEY_CONTENTS)
                return w->pending ? 0 : open_directory(w, in_path, store);

        *ret_ = (TreeEntry){
                .path = w->path,
                .path_n = f->path_n + (f->path_n > 0) + n,
                .name = name,
                .directory = f->directory,
                .type = kind & KEY_TYPE,
                .note = kind & KEY_HIDDEN ? TREE_NOTE_HIDDEN : TREE_NOTE_NONE,
        };
        if (kind & KEY_STORE) {
                r = directory_new(w, store, true, &w->store_entry);
                ret_->directory = w->store_entry;
                ret_->name = "";
        }
        if (r >= 0 && contents_are_next(f, name, n)) {
                r = open_directory(w, in_path, store);
                if (r >= 0)
                        describe_pending(w, ret_);
        }
        return r < 0 ? r : 1;
}

static int first(TreeSorted *w, TreeEntry *ret_) {
        int fd = open_beneath(w->root_fd, ".", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        int r = directory_new(w, fd, false, &w->pending);
        if (r < 0)
                return r;
        w->pending_base = (Base){ w->root_fd, 0 };
        if (fstat(fd, &w->pending_st) < 0)
                return -errno;
        *ret_ = (TreeEntry){ .path = w->path, .name = "", .directory = w->pending, .type = DT_DIR };
        describe_pending(w, ret_);
        w->started = true;
        return 1;
}

/* The stack is empty. */
static int last(TreeSorted *w, TreeEntry *ret_) {
        if (!w->store || w->store_seen)
                return 0;
        w->store_seen = true;
        memcpy(w->path, STORE_IN_TREE, strlen(STORE_IN_TREE) + 1);
        *ret_ = (TreeEntry){
                .path = w->path,
                .path_n = strlen(w->path),
                .name = "",
                .type = DT_DIR,
                .note = TREE_NOTE_NO_STORE,
        };
        return 1;
}

int tree_sorted_next(TreeSorted *w, TreeEntry *ret_) {
        w->store_entry = tree_directory_unref(w->store_entry);
        if (!w->started)
                return first(w, ret_);

        int r = w->pending && !w->top ? push(w) : 0; /* the root */
        while (r == 0) {
                while (w->top && w->top->next == w->top->n)
                        pop(w);
                if (!w->top)
                        return last(w, ret_);
                r = next_in(w, w->top, ret_);
                if (r == 0)
                        r = push(w);
        }
        return r;
}
