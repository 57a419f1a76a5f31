/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and reading configuration files: which directories are believed, which file masks which. Must
 * never write or follow what a file says.
 */

#include "load.h"

#include "dropin-find.h"
#include "floor.h"
#include "safe-read.h"
#include "service-policy.h"

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
        dropin_index_free(s->dropins);
        policy_store_free(s->policies);
        floor_free(s->floor);
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

        const char *why = distrust_reason(dirfd(d), &st);
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

static int read_file(Loader *l, const Candidate *c, Config **ret_) {
        SafeReadFlags flags = (c->given ? SAFE_READ_ANYBODYS : 0) | (c->plain ? SAFE_READ_PLAIN : 0);
        SafeFile file;

        int k = safe_read(c->path, flags, l->buffer, CONFIG_FILE_MAX, &file);
        if (k == -EINVAL)
                return skip(l, c, ret_, file.why);
        if (k < 0 || file.masked)
                return k;
        if (file.distrust &&
                diagnostics_add(l->diag, SEVERITY_WARNING, (Position){ .file = c->path }, c->name,
                        "the generator would skip this file: it %s", file.distrust) < 0)
                return -ENOMEM;
        return config_parse(l->buffer, file.n, c->path, c->name, ret_, l->diag);
}

static int load_candidate(Loader *l, const Candidate *c) {
        _cleanup_config_ Config *config = NULL;

        if (!service_name_is_valid(c->name))
                return diagnostics_add(l->diag, SEVERITY_ERROR, (Position){ .file = c->path }, NULL,
                        "skipped: the name of the file must be a service's name and \".toml\"; a name has 1 "
                        "to 64 of a-z, 0-9, \"-\", \"_\" and begins with a letter or digit");

        int k = read_file(l, c, &config);
        if (k < 0)
                return k;
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
