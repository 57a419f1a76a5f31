/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories of drop-ins, each listed once, and their files, each read once, for all services of a run.
 * Must never write, and must never leave out a file that systemd would read without an error that says so.
 */

#include "dropin-find.h"

#include "override.h"
#include "safe-read.h"
#include "unit-path.h"

#define TYPE_DIRECTORY "service.d"
#define DIRECTORY_SUFFIX "." TYPE_DIRECTORY
#define FILE_SUFFIX ".conf"

typedef struct Entry {
        char *path;
        const char *name; /* in `path` */
        bool plain;       /* known to be a regular file, not a link */
        bool loaded;
        DropinFile *file; /* NULL where it is masked, or wrong */
        PolicyError error;
} Entry;

typedef struct Directory {
        char *path;
        size_t rank; /* of the directory of the search path that it is in: the lowest wins */
        bool listed;
        Entry *entries;
        size_t n;
        char *problem;          /* why nothing in it is read */
        struct Directory *next; /* of the same name, with a higher rank */
} Directory;

struct DropinIndex {
        Directory **directories;
        size_t n;
        size_t n_ranks;
        NameMap names; /* of a directory to the index of the one with the lowest rank */
        char *buffer;  /* DROPIN_FILE_MAX + 1 bytes */

        /* A directory of the search path that could not be looked through: no service is sure of its
         * drop-ins. */
        char *unsearched;
        int error;
};

static void directory_free(Directory *d) {
        for (size_t i = 0; i < d->n; i++) {
                free(d->entries[i].path);
                dropin_file_free(d->entries[i].file);
                policy_error_done(&d->entries[i].error);
        }
        free(d->entries);
        free(d->problem);
        free(d->path);
        free(d);
}

DropinIndex *dropin_index_free(DropinIndex *x) {
        if (!x)
                return NULL;
        for (size_t i = 0; i < x->n; i++)
                directory_free(x->directories[i]);
        free(x->directories);
        name_map_done(&x->names);
        free(x->buffer);
        free(x->unsearched);
        free(x);
        return NULL;
}

/* ---- directories ---- */

static int add_directory(DropinIndex *x, const char *parent, const char *name, size_t rank) {
        Directory **p = grown(x->directories, x->n, sizeof(Directory *));
        if (!p)
                return -ENOMEM;
        x->directories = p;

        Directory *d = calloc(1, sizeof(Directory));
        if (!d)
                return -ENOMEM;
        p[x->n++] = d;
        d->rank = rank;
        if (asprintf(&d->path, "%s/%s", parent, name) < 0) {
                d->path = NULL;
                return -ENOMEM;
        }

        size_t first = name_map_get(&x->names, name);
        if (first == NAME_MAP_NONE)
                return name_map_put(&x->names, strrchr(d->path, '/') + 1, x->n - 1);

        Directory *last = x->directories[first];
        while (last->next)
                last = last->next;
        last->next = d;
        return 0;
}

static bool is_ours_to_care(const char *name) {
        return streq(name, TYPE_DIRECTORY) ||
               (startswith(name, "nucleus-") && endswith(name, DIRECTORY_SUFFIX));
}

/* What systemd itself cannot look into is as good as empty. */
static bool is_absence(int error) {
        return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP ||
               error == ENAMETOOLONG;
}

static int find_directories(DropinIndex *x, const char *parent, size_t rank) {
        const struct dirent *e;

        _cleanup_(closedirp) DIR *d = opendir(parent);
        if (!d)
                return is_absence(errno) ? 0 : -errno;

        for (errno = 0; (e = readdir(d)); errno = 0) {
                if (!is_ours_to_care(e->d_name))
                        continue;
                int k = add_directory(x, parent, e->d_name, rank);
                if (k < 0)
                        return k;
        }
        return -errno;
}

static int search(DropinIndex *x, const char *dir) {
        int k = find_directories(x, dir, x->n_ranks++);

        if (k >= 0 || k == -ENOMEM || x->unsearched)
                return k == -ENOMEM ? k : 0;
        x->error = k;
        x->unsearched = strdup(dir);
        return x->unsearched ? 0 : -ENOMEM;
}

int dropin_index_new(Scope scope, DropinIndex **ret_) {
        _cleanup_dropin_index_ DropinIndex *x = calloc(1, sizeof(DropinIndex));
        _cleanup_strv_ char **dirs = NULL;
        const char *replaced = getenv("NUCLEUS_UNIT_DIRS");

        if (!x)
                return -ENOMEM;

        int k = replaced ? append_directories(&dirs, replaced, NULL) : unit_directories(scope, true, &dirs);
        STRV_FOREACH(dir, dirs) {
                if (k >= 0)
                        k = search(x, dir);
        }
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(x);
        return 0;
}

/* ---- what is in them ---- */

static int add_entry(Directory *d, const struct dirent *e) {
        if (e->d_name[0] == '.' || !endswith(e->d_name, FILE_SUFFIX))
                return 0;

        Entry *p = grown(d->entries, d->n, sizeof(Entry));
        if (!p)
                return -ENOMEM;
        d->entries = p;

        Entry new = { .plain = e->d_type == DT_REG };
        if (asprintf(&new.path, "%s/%s", d->path, e->d_name) < 0)
                return -ENOMEM;
        new.name = strrchr(new.path, '/') + 1;
        p[d->n++] = new;
        return 0;
}

static int set_problem(Directory *d, const char *before, const char *what) {
        if (asprintf(&d->problem, "%s%s", before, what) < 0) {
                d->problem = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int set_problem_errno(Directory *d, int error) {
        return error == ENOMEM ? -ENOMEM : set_problem(d, "cannot read drop-ins here: ", strerror(error));
}

static int list_directory(Directory *d) {
        const struct dirent *e;
        struct stat st;

        if (d->listed)
                return 0;
        d->listed = true;

        _cleanup_(closedirp) DIR *dir = opendir(d->path);
        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : set_problem_errno(d, errno);
        if (fstat(dirfd(dir), &st) < 0)
                return set_problem_errno(d, errno);

        const char *why = distrust_reason(dirfd(dir), &st);
        if (why)
                return set_problem(d, "no drop-in here may be believed: the directory ", why);

        for (errno = 0; (e = readdir(dir)); errno = 0) {
                int k = add_entry(d, e);
                if (k < 0)
                        return k;
        }
        return errno ? set_problem_errno(d, errno) : 0;
}

static int load_entry(DropinIndex *x, Entry *e) {
        SafeFile file;

        if (e->loaded)
                return 0;
        e->loaded = true;
        if (!x->buffer && !(x->buffer = malloc(DROPIN_FILE_MAX + 1)))
                return -ENOMEM;

        int k = safe_read(e->path, e->plain ? SAFE_READ_PLAIN : 0, x->buffer, DROPIN_FILE_MAX, &file);
        if (k == -EINVAL)
                k = policy_error_set(&e->error, 0, 0, "cannot take this drop-in: %s", file.why);
        else if (k == 0 && file.n > 0)
                k = dropin_parse_for(
                        x->buffer, file.n, DROPIN_SECTION, override_key_known, &e->file, &e->error);
        if (k == -EINVAL)
                return 0;
        if (k == 0 && e->file && !(e->file->path = strdup(e->path)))
                k = -ENOMEM;
        return k;
}

/* ---- which apply ---- */

/* A file that may apply, unless one of that name stands before it. */
typedef struct Candidate {
        Entry *entry;
        size_t order; /* its directory's: the lowest wins */
        size_t level; /* of directories with one order: how much of the service's name was cut off */
} Candidate;

typedef struct Search {
        DropinIndex *index;
        const char *service;
        Diagnostics *diag;
        Candidate *candidates;
        size_t n;
        bool wrong;
} Search;

static void search_done(Search *s) {
        free(s->candidates);
}

static int add_error(Search *s, const char *path, unsigned line, unsigned column, const char *message) {
        s->wrong = true;
        return diagnostics_add(
                s->diag, SEVERITY_ERROR, (Position){ path, line, column }, s->service, "%s", message);
}

static int add_candidates(Search *s, Directory *d, size_t order, size_t level) {
        int k = list_directory(d);
        if (k < 0)
                return k;
        if (d->problem)
                return add_error(s, d->path, 0, 0, d->problem);
        for (size_t i = 0; i < d->n; i++) {
                Candidate *p = grown(s->candidates, s->n, sizeof(Candidate));
                if (!p)
                        return -ENOMEM;
                s->candidates = p;
                p[s->n++] = (Candidate){ &d->entries[i], order, level };
        }
        return 0;
}

/* All directories of a name. Those of `service.d` come after all others, wherever they are. */
static int add_named(Search *s, const char *name, size_t first_order, size_t level) {
        size_t i = name_map_get(&s->index->names, name);
        int k = 0;

        if (i == NAME_MAP_NONE)
                return 0;
        for (Directory *d = s->index->directories[i]; d && k >= 0; d = d->next)
                k = add_candidates(s, d, first_order + d->rank, level);
        return k;
}

static int collect(Search *s) {
        _cleanup_free_ char *name = NULL;
        size_t level = 0;

        if (asprintf(&name, "nucleus-%s" DIRECTORY_SUFFIX, s->service) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        int k = add_named(s, name, 0, level);

        /* "nucleus-a-b": then "nucleus-a-", then "nucleus-". */
        for (size_t i = strlen("nucleus-") + strlen(s->service) - 1; k >= 0 && i > 0; i--)
                if (name[i - 1] == '-') {
                        strcpy(name + i, DIRECTORY_SUFFIX);
                        k = add_named(s, name, 0, ++level);
                }
        return k < 0 ? k : add_named(s, TYPE_DIRECTORY, s->index->n_ranks, ++level);
}

static int compare_candidates(const void *a, const void *b) {
        const Candidate *x = a, *y = b;
        int k = strcmp(x->entry->name, y->entry->name);

        return k ?: (x->order > y->order) - (x->order < y->order) ?: (x->level > y->level) - (x->level < y->level);
}

static int take_candidates(Search *s, const DropinFile **files, size_t *ret_n) {
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++) {
                Entry *e = s->candidates[i].entry;

                if (i > 0 && streq(e->name, s->candidates[i - 1].entry->name))
                        continue; /* masked */
                int k = load_entry(s->index, e);
                if (k >= 0 && e->error.message)
                        k = add_error(s, e->path, e->error.line, e->error.column, e->error.message);
                if (k < 0)
                        return k;
                if (e->file)
                        files[n++] = e->file;
        }
        *ret_n = n;
        return 0;
}

int dropin_index_find(
        DropinIndex *x, const char *service, const DropinFile ***ret_, size_t *ret_n, Diagnostics *diag) {
        _cleanup_(search_done) Search s = { .index = x, .service = service, .diag = diag };
        _cleanup_free_ const DropinFile **files = NULL;
        size_t n = 0;

        int k = x->n > 0 ? collect(&s) : 0;
        if (k >= 0 && x->unsearched)
                k = add_error(&s, x->unsearched, 0, 0, strerror(-x->error));
        if (k >= 0 && s.n > 0) {
                qsort(s.candidates, s.n, sizeof(Candidate), compare_candidates);
                files = calloc(s.n, sizeof(DropinFile *));
                k = files ? take_candidates(&s, files, &n) : -ENOMEM;
        }
        if (k < 0)
                return k;
        *ret_ = n > 0 ? TAKE_PTR(files) : NULL;
        *ret_n = n;
        return s.wrong ? -EINVAL : 0;
}
