/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and reading configuration files. What is in the directories may be hostile in kind (a FIFO, a
 * device, a huge file) though not in content that this file would look at: nothing that could block or act
 * is opened, and nothing that others may write is believed. Must never write or follow what a file says.
 */

#include "load.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "strbuf.h"

#define SUFFIX ".toml"

typedef struct Candidate {
        char *path;
        char *name;  /* file name without the suffix */
        size_t rank; /* of the directory: the lowest wins */
        bool given;  /* by the user, by path */
        bool plain;  /* known to be a regular file, not a link */
} Candidate;

typedef struct Loader {
        Candidate *candidates;
        size_t n, size;
        char *buffer; /* CONFIG_FILE_MAX + 1 bytes */
        ConfigSet *set;
        Diagnostics *diag;
} Loader;

Scope scope_from_environment(void) {
        const char *s = getenv("SYSTEMD_SCOPE");

        return s && streq(s, "user") ? SCOPE_USER : SCOPE_SYSTEM;
}

ConfigSet *config_set_free(ConfigSet *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                config_free(s->configs[i]);
        free(s->configs);
        free(s);
        return NULL;
}

static void loader_done(Loader *l) {
        for (size_t i = 0; i < l->n; i++) {
                free(l->candidates[i].path);
                free(l->candidates[i].name);
        }
        free(l->candidates);
        free(l->buffer);
}

/* ---- directories ---- */

/* Appends the absolute ones of a list that is separated by colons. */
static int append_paths(char ***v, const char *list) {
        while (*list) {
                size_t n = strcspn(list, ":");

                if (list[0] == '/') {
                        _cleanup_free_ char *dir = strndup(list, n);
                        if (!dir || strv_append(v, dir) < 0)
                                return -ENOMEM;
                }
                list += n + (list[n] == ':');
        }
        return 0;
}

/* Appends $variable/suffix, or where that is not set $HOME/fallback (where there is one). */
static int append_from(char ***v, const char *variable, const char *fallback, const char *suffix) {
        const char *base = getenv(variable), *home = getenv("HOME");
        _cleanup_free_ char *dir = NULL;
        int k = 0;

        if (base && base[0] == '/')
                k = asprintf(&dir, "%s/%s", base, suffix);
        else if (fallback && home && home[0] == '/')
                k = asprintf(&dir, "%s/%s/%s", home, fallback, suffix);
        if (k < 0) {
                dir = NULL;
                return -ENOMEM;
        }
        return dir ? strv_append(v, dir) : 0;
}

int config_directories(Scope scope, char ***ret_) {
        _cleanup_strv_ char **v = NULL;
        const char *replaced = getenv("NUCLEUS_CONFIG_DIRS");
        int k;

        if (replaced)
                k = append_paths(&v, replaced);
        else if (scope == SCOPE_SYSTEM)
                k = append_paths(&v, "/run/nucleus:/etc/nucleus:/usr/lib/nucleus");
        else {
                k = append_from(&v, "XDG_RUNTIME_DIR", NULL, "nucleus");
                if (k >= 0)
                        k = append_from(&v, "XDG_CONFIG_HOME", ".config", "nucleus");
                if (k >= 0)
                        k = append_paths(&v, "/etc/nucleus/user:/usr/lib/nucleus/user");
        }
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(v);
        return 0;
}

/* ---- what may be believed ---- */

/* Files of the Nix store belong to whoever built it and cannot be changed. */
static bool is_in_nix_store(int fd) {
        char link[64], path[64];

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return false;
        path[n] = '\0';
        return startswith(path, "/nix/store/");
}

/* Why nobody should believe what this file or directory says; NULL: all is well. */
static const char *distrust(int fd, const struct stat *st) {
        if (st->st_uid != 0 && st->st_uid != geteuid() && !is_in_nix_store(fd))
                return geteuid() == 0 ? "belongs to a user other than root: change its owner to root"
                                      : "belongs to a user other than root and you: change its owner";
        if (st->st_mode & 022)
                return "may be written by its group or by others: run chmod go-w on it";
        return NULL;
}

static const char *type_name(mode_t mode) {
        return S_ISDIR(mode)    ? "a directory"
               : S_ISFIFO(mode) ? "a FIFO"
               : S_ISSOCK(mode) ? "a socket"
               : S_ISLNK(mode)  ? "a symbolic link"
                                : "a device";
}

static bool is_null_device(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* ---- finding ---- */

static int add_candidate(Loader *l, char *path, size_t rank, bool given, bool plain) {
        const char *base = strrchr(path, '/');

        base = base ? base + 1 : path;
        if (l->n == l->size) {
                size_t size = l->size ? 2 * l->size : 64;
                Candidate *p = reallocarray(l->candidates, size, sizeof(Candidate));
                if (!p)
                        return -ENOMEM;
                l->candidates = p;
                l->size = size;
        }

        size_t n = strlen(base) - (endswith(base, SUFFIX) ? strlen(SUFFIX) : 0);
        char *name = strndup(base, n);
        if (!name)
                return -ENOMEM;
        l->candidates[l->n++] = (Candidate){ path, name, rank, given, plain };
        return 0;
}

static int add_entry(Loader *l, const char *dir, const struct dirent *e, size_t rank) {
        _cleanup_free_ char *path = NULL;

        if (e->d_name[0] == '.' || !endswith(e->d_name, SUFFIX))
                return 0;
        if (asprintf(&path, "%s/%s", dir, e->d_name) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        int k = add_candidate(l, path, rank, false, e->d_type == DT_REG);
        if (k >= 0)
                (void)TAKE_PTR(path);
        return k;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static int find_in_directory(Loader *l, const char *dir, size_t rank) {
        Position where = { .file = dir };
        struct stat st;

        _cleanup_(closedirp) DIR *d = opendir(dir);
        if (!d)
                return errno == ENOENT || errno == ENOMEM
                               ? (errno == ENOMEM ? -ENOMEM : 0)
                               : diagnostics_add(l->diag, SEVERITY_ERROR, where, NULL, "cannot read: %m");
        if (fstat(dirfd(d), &st) < 0)
                return diagnostics_add(l->diag, SEVERITY_ERROR, where, NULL, "cannot read: %m");

        const char *why = distrust(dirfd(d), &st);
        if (why)
                return diagnostics_add(
                        l->diag, SEVERITY_ERROR, where, NULL, "skipped: the directory %s", why);

        for (;;) {
                errno = 0;
                const struct dirent *e = readdir(d);
                if (!e)
                        return errno == 0 ? 0
                                          : diagnostics_add(
                                                    l->diag, SEVERITY_ERROR, where, NULL, "cannot read: %m");

                int k = add_entry(l, dir, e, rank);
                if (k < 0)
                        return k;
        }
}

static int compare_candidates(const void *a, const void *b) {
        const Candidate *x = a, *y = b;
        int k = strcmp(x->name, y->name);

        return k ?: (x->rank > y->rank) - (x->rank < y->rank);
}

/* ---- reading ---- */

/* What stands for a file that is not read: one service, failed. */
static int add_failed(Loader *l, const Candidate *c, Config **ret_) {
        _cleanup_config_ Config *config = calloc(1, sizeof(Config));
        if (!config)
                return -ENOMEM;

        config->file = strdup(c->path);
        config->name = strdup(c->name);
        config->services = calloc(1, sizeof(ServiceConfig *));
        if (!config->file || !config->name || !config->services)
                return -ENOMEM;

        ServiceConfig *s = calloc(1, sizeof(ServiceConfig));
        if (!s)
                return -ENOMEM;
        config->services[config->n_services++] = s;
        s->failed = true;
        s->mode = MODE_PRODUCTION;
        s->where.file = config->file;
        s->name = strdup(c->name);
        s->local_name = strdup(c->name);
        if (!s->name || !s->local_name)
                return -ENOMEM;
        *ret_ = TAKE_PTR(config);
        return 0;
}

static int skip(Loader *l, const Candidate *c, Config **ret_, const char *why) {
        int k = diagnostics_add(
                l->diag, SEVERITY_ERROR, (Position){ .file = c->path }, c->name, "skipped: %s", why);

        return k < 0 ? k : add_failed(l, c, ret_);
}

static int skip_errno(Loader *l, const Candidate *c, Config **ret_) {
        if (errno == ENOMEM)
                return -ENOMEM;
        return skip(l, c, ret_, strerror(errno));
}

static int read_up_to(int fd, char *buffer, size_t max, size_t expected, size_t *ret_) {
        size_t n = 0;

        while (n < max) {
                ssize_t k = read(fd, buffer + n, max - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                n += (size_t)k;
                if (k == 0 || n == expected)
                        break;
        }
        *ret_ = n;
        return 0;
}

/* The file behind a link, or of unknown kind, before it is opened: opening some devices acts. */
static int check_kind(Loader *l, const Candidate *c, Config **ret_, bool *ret_read) {
        struct stat st;

        *ret_read = false;
        if (stat(c->path, &st) < 0)
                return skip_errno(l, c, ret_);
        if (is_null_device(&st))
                return 0;
        if (!S_ISREG(st.st_mode)) {
                char why[64];
                (void)snprintf(why, sizeof(why), "it is %s, not a regular file", type_name(st.st_mode));
                return skip(l, c, ret_, why);
        }
        *ret_read = true;
        return 0;
}

static int read_file(Loader *l, const Candidate *c, Config **ret_) {
        struct stat st;
        size_t n = 0;

        _cleanup_close_ int fd =
                open(c->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (c->plain ? O_NOFOLLOW : 0));
        if (fd < 0 || fstat(fd, &st) < 0)
                return skip_errno(l, c, ret_);
        if (!S_ISREG(st.st_mode))
                return skip(l, c, ret_, "it is no longer a regular file");

        const char *why = distrust(fd, &st);
        if (why && !c->given) {
                char text[128];
                (void)snprintf(text, sizeof(text), "the file %s", why);
                return skip(l, c, ret_, text);
        }
        if (why && diagnostics_add(l->diag, SEVERITY_WARNING, (Position){ .file = c->path }, c->name,
                           "the generator would skip this file: it %s", why) < 0)
                return -ENOMEM;
        if (st.st_size > CONFIG_FILE_MAX)
                return skip(l, c, ret_, "it is larger than 1 MiB");

        int k = read_up_to(fd, l->buffer, CONFIG_FILE_MAX + 1, (size_t)st.st_size, &n);
        if (k < 0) {
                errno = -k;
                return skip_errno(l, c, ret_);
        }
        if (n > CONFIG_FILE_MAX)
                return skip(l, c, ret_, "it is larger than 1 MiB");
        return config_parse(l->buffer, n, c->path, c->name, ret_, l->diag);
}

static int load_candidate(Loader *l, const Candidate *c) {
        _cleanup_config_ Config *config = NULL;
        bool readable = true;
        int k;

        if (!service_name_is_valid(c->name))
                return diagnostics_add(l->diag, SEVERITY_ERROR, (Position){ .file = c->path }, NULL,
                        "skipped: the name of the file must be a service's name and \".toml\"; a name has 1 "
                        "to 64 of a-z, 0-9, \"-\", \"_\" and begins with a letter or digit");

        if (!c->plain) {
                k = check_kind(l, c, &config, &readable);
                if (k < 0)
                        return k;
        }
        if (readable) {
                k = read_file(l, c, &config);
                if (k < 0)
                        return k;
        }
        if (config)
                l->set->configs[l->set->n++] = TAKE_PTR(config);
        return 0;
}

static int load_all(Loader *l) {
        if (l->n > 0)
                qsort(l->candidates, l->n, sizeof(Candidate), compare_candidates);

        l->set->configs = calloc(l->n + 1, sizeof(Config *));
        l->buffer = malloc(CONFIG_FILE_MAX + 1);
        if (!l->set->configs || !l->buffer)
                return -ENOMEM;

        for (size_t i = 0; i < l->n; i++) {
                if (i > 0 && streq(l->candidates[i].name, l->candidates[i - 1].name))
                        continue; /* masked */
                int k = load_candidate(l, &l->candidates[i]);
                if (k < 0)
                        return k;
        }
        return 0;
}

int config_set_load(char *const *dirs, char *const *files, ConfigSet **ret_, Diagnostics *diag) {
        _cleanup_config_set_ ConfigSet *set = calloc(1, sizeof(ConfigSet));
        _cleanup_(loader_done) Loader l = { .set = set, .diag = diag };
        size_t rank = 0;

        if (!set)
                return -ENOMEM;

        STRV_FOREACH(f, files) {
                _cleanup_free_ char *path = strdup(f);
                if (!path || add_candidate(&l, path, rank, true, false) < 0)
                        return -ENOMEM;
                (void)TAKE_PTR(path);
        }
        STRV_FOREACH(dir, dirs) {
                int k = find_in_directory(&l, dir, ++rank);
                if (k < 0)
                        return k;
        }

        int k = load_all(&l);
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(set);
        return 0;
}
