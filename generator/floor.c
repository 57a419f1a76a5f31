/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging floors, and raising services to them. Must never let a later file or key take back what an earlier
 * one demands: there is no code here that lowers anything.
 */

#include "floor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>

#include "nearest.h"
#include "policy.h"
#include "safe-read.h"
#include "schema.h"
#include "seccomp-arch.h"
#include "signature.h"
#include "strv.h"

#define FLOOR_FILE_MAX (1024U * 1024)
#define ERRORS_MAX 20U

static int floor_error(Floor *f, Diagnostics *diag, Position where, const char *format, ...) _printf_(4, 5);

/* Told once as it is; the first one is kept whole, for every service to fail with. */
static int floor_error(Floor *f, Diagnostics *diag, Position where, const char *format, ...) {
        va_list ap;

        f->failed = true;
        if (f->n_errors++ >= ERRORS_MAX)
                return 0; /* enough is said */
        va_start(ap, format);
        int r = diagnostics_addv(diag, SEVERITY_ERROR, where, NULL, format, ap);
        va_end(ap);
        return r < 0 || f->error ? r : diagnostic_format(&diag->items[diag->n - 1], &f->error);
}

static void free_words(FloorWord *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(words[i].word);
        free(words);
}

Floor *floor_free(Floor *f) {
        if (!f)
                return NULL;
        free_words(f->syscalls, f->n_syscalls);
        free(f->syscall_names); /* the names are those of `syscalls` */
        free_words(f->public_keys, f->n_public_keys);
        free_words(f->file_keys, f->n_file_keys);
        for (size_t i = 0; i < f->n_files; i++)
                dropin_file_free(f->files[i]);
        free(f->files);
        free(f->error);
        free(f);
        return NULL;
}

/* ---- values ---- */

static int parse_mode(Floor *f, const char *value, Position where, Diagnostics *diag) {
        int mode = mode_from_string(value);

        if (mode < 0)
                return floor_error(f, diag, where,
                        "Mode= must be agent, strict-agent or production, not \"%.64s\"", value);
        if ((Mode)mode > f->mode) {
                f->mode = (Mode)mode;
                f->mode_where = where;
        }
        return 0;
}

static int parse_boolean(Floor *f, const char *key, const char *value, bool *target, Position *target_where,
        Position where, Diagnostics *diag) {
        bool yes;

        if (dropin_boolean(value, &yes) < 0)
                return floor_error(f, diag, where, "%s= must be yes or no, not \"%.64s\"", key, value);
        if (yes && !*target)
                *target_where = where;
        *target = *target || yes; /* no demands nothing, and takes nothing back */
        return 0;
}

static int parse_attestation(Floor *f, const char *value, Position where, Diagnostics *diag) {
        return parse_boolean(
                f, "RequireAttestation", value, &f->require_attestation, &f->attestation_where, where, diag);
}

static int parse_network(Floor *f, const char *value, Position where, Diagnostics *diag) {
        return parse_boolean(
                f, "DenyHostNetwork", value, &f->deny_host_network, &f->network_where, where, diag);
}

static int parse_abi(Floor *f, const char *value, Position where, Diagnostics *diag) {
        size_t n = strlen(value);

        if (n == 0 || n > 3 || strspn(value, "0123456789") != n)
                return floor_error(f, diag, where,
                        "LandlockMinABI= must be a number from 0 to 999, not \"%.64s\"", value);
        unsigned abi = (unsigned)strtoul(value, NULL, 10);
        if (abi > f->landlock_min_abi) {
                f->landlock_min_abi = abi;
                f->landlock_where = where;
        }
        return 0;
}

static int compare_words(const void *a, const void *b) {
        return strcmp(((const FloorWord *)a)->word, ((const FloorWord *)b)->word);
}

static bool is_syscall(const char *name) {
        uint32_t nr;

        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                if (seccomp_syscall_number(a, name, &nr) != -ENOENT)
                        return true;
        return false;
}

static int add_word(Floor *f, const char *name, Position where) {
        FloorWord key = { .word = (char *)name };
        if (f->n_syscalls > 0 &&
                bsearch(&key, f->syscalls, f->n_syscalls, sizeof(*f->syscalls), compare_words))
                return 0;

        FloorWord *words = reallocarray(f->syscalls, f->n_syscalls + 1, sizeof(*words));
        if (words)
                f->syscalls = words;
        char **names = reallocarray(f->syscall_names, f->n_syscalls + 2, sizeof(*names));
        if (names)
                f->syscall_names = names;
        char *copy = strdup(name);
        if (!words || !names || !copy) {
                free(copy);
                return -ENOMEM;
        }
        words[f->n_syscalls++] = (FloorWord){ copy, where };
        qsort(words, f->n_syscalls, sizeof(*words), compare_words);
        for (size_t i = 0; i < f->n_syscalls; i++)
                names[i] = words[i].word;
        names[f->n_syscalls] = NULL;
        return 0;
}

static int add_syscall(Floor *f, const char *name, Position where, Diagnostics *diag) {
        if (!is_syscall(name)) {
                char buffer[SECCOMP_NAME_SIZE];
                const char *near = seccomp_syscall_nearest(name, buffer);
                return floor_error(f, diag, where, "unknown system call \"%.64s\"%s%s%s", name,
                        near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
        }
        /* A call that this machine does not have denies nothing here: what is meant is denied with it. */
        const SeccompArch *arch = seccomp_arch_this();
        const char *here = arch ? seccomp_syscall_here(arch, name) : NULL;
        int r = add_word(f, name, where);
        return r < 0 || !here ? r : add_word(f, here, where);
}

static int add_capability(Floor *f, const char *name, Position where, Diagnostics *diag) {
        unsigned cap;

        if (capability_from_name(name, &cap) < 0 || cap >= 64) {
                const char *near = capability_nearest(name);
                return floor_error(f, diag, where, "unknown capability \"%.64s\"%s%s%s", name,
                        near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
        }
        if (!(f->capabilities & UINT64_C(1) << cap))
                f->capability_where[cap] = where;
        f->capabilities |= UINT64_C(1) << cap;
        return 0;
}

static int each_word(Floor *f, const char *value, Position where, Diagnostics *diag,
        int (*add)(Floor *, const char *, Position, Diagnostics *)) {
        char *next;
        int r;

        while ((r = dropin_next_word(&value, &next)) > 0) {
                _cleanup_free_ char *word = next;

                r = add(f, word, where, diag);
                if (r < 0)
                        return r;
        }
        return r;
}

static int parse_syscalls(Floor *f, const char *value, Position where, Diagnostics *diag) {
        return each_word(f, value, where, diag, add_syscall);
}

static int parse_capabilities(Floor *f, const char *value, Position where, Diagnostics *diag) {
        return each_word(f, value, where, diag, add_capability);
}

/* ---- public keys ---- */

static const FloorWord *find_key(const FloorWord *keys, size_t n, const char *key) {
        for (size_t i = 0; i < n; i++)
                if (streq(keys[i].word, key))
                        return &keys[i];
        return NULL;
}

static int add_public_key(Floor *f, const char *key, Position where, Diagnostics *diag) {
        if (!public_key_is_valid(key))
                return floor_error(f, diag, where,
                        "PublicKey= \"%.64s\" is no Ed25519 public key: 32 bytes in base64, as `nucleus "
                        "attest --sign` prints them",
                        key);
        if (find_key(f->file_keys, f->n_file_keys, key))
                return 0;
        if (f->n_file_keys >= PUBLIC_KEYS_MAX)
                return floor_error(f, diag, where, "more than %u public keys", PUBLIC_KEYS_MAX);

        FloorWord *keys = grown(f->file_keys, f->n_file_keys, sizeof(*keys));
        if (!keys)
                return -ENOMEM;
        f->file_keys = keys;
        char *copy = strdup(key);
        if (!copy)
                return -ENOMEM;
        keys[f->n_file_keys++] = (FloorWord){ copy, where };
        return 0;
}

static int parse_public_keys(Floor *f, const char *value, Position where, Diagnostics *diag) {
        return each_word(f, value, where, diag, add_public_key);
}

/* A file that names keys takes no other for good: a second one can only take keys away. */
static int merge_public_keys(Floor *f, Diagnostics *diag) {
        size_t n = 0;
        int r = 0;

        if (f->n_file_keys == 0)
                return 0;
        if (f->n_public_keys == 0) {
                f->public_keys = TAKE_PTR(f->file_keys);
                f->n_public_keys = f->n_file_keys;
                f->n_file_keys = 0;
                return 0;
        }
        Position first = f->public_keys[0].where, second = f->file_keys[0].where;
        for (size_t i = 0; i < f->n_public_keys; i++)
                if (find_key(f->file_keys, f->n_file_keys, f->public_keys[i].word))
                        f->public_keys[n++] = f->public_keys[i];
                else
                        free(f->public_keys[i].word);
        f->n_public_keys = n;
        if (n == 0) {
                free(f->public_keys);
                f->public_keys = NULL;
                r = floor_error(f, diag, second,
                        "no key is left: only those count that each file with PublicKey= names, and %s:%u "
                        "names others",
                        first.file, first.line);
        }
        free_words(f->file_keys, f->n_file_keys);
        f->file_keys = NULL;
        f->n_file_keys = 0;
        return r;
}

/* ---- files ---- */

const FloorKey floor_keys[] = {
        { "Mode", parse_mode, "The least strict tier that a service may have; one below is raised to it." },
        { "SystemCallDenied", parse_syscalls,
                "System calls, separated by spaces, that are answered with EPERM whatever a policy "
                "allows." },
        { "CapabilityDenied", parse_capabilities,
                "Capabilities, separated by spaces, that are dropped whatever a policy keeps." },
        { "LandlockMinABI", parse_abi,
                "The Landlock ABI that the kernel must have; services do not start on an older one." },
        { "RequireAttestation", parse_attestation,
                "Whether every service needs an attested root tree (a boolean)." },
        { "PublicKey", parse_public_keys,
                "Ed25519 public keys in base64, separated by spaces: every service needs an attested root "
                "tree that one of them has signed. May be given more than once in a file; of several files, "
                "only the keys that each of them names count." },
        { "DenyHostNetwork", parse_network,
                "Whether services with the host's network are refused (a boolean)." },
        {},
};

static const char *nearest_key(const char *name) {
        size_t distance = SIZE_MAX;
        const char *near = NULL;

        for (const FloorKey *k = floor_keys; k->name; k++)
                name_consider(name, k->name, &near, &distance);
        return near;
}

static int merge_key(Floor *f, const DropinAssignment *a, Position where, Diagnostics *diag) {
        for (const FloorKey *k = floor_keys; k->name; k++) {
                if (!streq(k->name, a->key))
                        continue;
                if (isempty(a->value))
                        return floor_error(f, diag, where,
                                "%s= is empty: a floor is only ever raised, nothing resets it", a->key);
                return k->parse(f, a->value, where, diag);
        }
        const char *near = nearest_key(a->key);
        return floor_error(f, diag, where, "unknown key %.64s= in [Floor]%s%s%s", a->key,
                near ? "; did you mean " : "", near ?: "", near ? "=?" : "");
}

int floor_merge(Floor *f, DropinFile *file, Diagnostics *diag) {
        DropinFile **files = reallocarray(f->files, f->n_files + 1, sizeof(*files));

        if (!files) {
                dropin_file_free(file);
                return -ENOMEM;
        }
        f->files = files;
        files[f->n_files++] = file;
        for (size_t i = 0; i < file->n; i++) {
                Position where = { .file = file->path, .line = file->items[i].line };
                int r = merge_key(f, &file->items[i], where, diag);
                if (r < 0)
                        return r;
        }
        return merge_public_keys(f, diag);
}

/* ---- directories ---- */

static int merge_path(Floor *f, const char *path, Diagnostics *diag) {
        Position where = { .file = path };
        _cleanup_policy_error_ PolicyError what = {};
        _cleanup_free_ char *text = NULL;
        DropinFile *file = NULL;
        SafeFile safe = {};

        int r = safe_read_new(path, 0, FLOOR_FILE_MAX, &text, &safe);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return floor_error(f, diag, where, "%s", safe.why);
        if (safe.masked)
                return floor_error(
                        f, diag, where, "it is /dev/null, but nothing masks a floor: remove the file");
        r = dropin_parse_only(text, safe.n, "Floor", &file, &what);
        if (r == -ENOMEM)
                return r;
        where.line = what.line;
        if (r < 0)
                return floor_error(f, diag, where, "%s", what.message ?: strerror(-r));
        file->path = strdup(path);
        if (!file->path) {
                dropin_file_free(file);
                return -ENOMEM;
        }
        return floor_merge(f, file, diag);
}

static int is_visible(const struct dirent *e) {
        return e->d_name[0] != '.';
}

static int merge_entry(Floor *f, const char *dir, const char *name, Diagnostics *diag) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", dir, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (!endswith(name, ".conf"))
                return diagnostics_add(diag, SEVERITY_WARNING, (Position){ .file = path }, NULL,
                        "no part of the floor: its name does not end in .conf");
        return merge_path(f, path, diag);
}

/* A directory that others may write cannot be asked what the floor is. */
static int check_directory(Floor *f, const char *dir, Diagnostics *diag) {
        Position where = { .file = dir };
        struct stat st;

        _cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return floor_error(f, diag, where, "cannot read: %m");
        const char *why = distrust_reason(fd, &st);
        return why ? floor_error(f, diag, where, "the directory %s", why) : 0;
}

static int load_conf_d(Floor *f, const char *dir, Diagnostics *diag) {
        struct dirent **entries;

        int n = scandir(dir, &entries, is_visible, alphasort);
        if (n < 0)
                return errno == ENOMEM ? -ENOMEM
                                       : floor_error(f, diag, (Position){ .file = dir }, "cannot read: %m");
        int r = check_directory(f, dir, diag);
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = merge_entry(f, dir, entries[i]->d_name, diag);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* Is something there, be it a link to nowhere? */
static int exists(Floor *f, const char *path, Diagnostics *diag, bool *ret_) {
        struct stat st;

        *ret_ = lstat(path, &st) == 0;
        return *ret_ || errno == ENOENT || errno == ENOTDIR
                       ? 0
                       : floor_error(f, diag, (Position){ .file = path }, "cannot read: %m");
}

static int load_directory(Floor *f, const char *dir, Diagnostics *diag) {
        _cleanup_free_ char *file = NULL, *conf_d = NULL;
        bool has_file = false, has_conf_d = false;

        if (asprintf(&file, "%s/floor.conf", dir) < 0)
                file = NULL;
        if (asprintf(&conf_d, "%s/floor.conf.d", dir) < 0)
                conf_d = NULL;
        if (!file || !conf_d)
                return -ENOMEM;

        int r = exists(f, file, diag, &has_file);
        if (r >= 0)
                r = exists(f, conf_d, diag, &has_conf_d);
        if (r >= 0 && (has_file || has_conf_d))
                r = check_directory(f, dir, diag);
        if (r >= 0 && has_file)
                r = merge_path(f, file, diag);
        return r < 0 || !has_conf_d ? r : load_conf_d(f, conf_d, diag);
}

int floor_load(char *const *dirs, Floor **ret_, Diagnostics *diag) {
        _cleanup_floor_ Floor *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        STRV_FOREACH(dir, dirs) {
                int r = load_directory(f, dir, diag);
                if (r < 0)
                        return r;
        }
        *ret_ = TAKE_PTR(f);
        return 0;
}

/* ---- services ---- */

static int raise_attestation(const Floor *f, ServiceConfig *s, Diagnostics *diag) {
        Origin *verify = schema_origin(s, "attestation", "verify");
        Origin *keys = schema_origin(s, "attestation", "public_key");
        bool demanded = f->require_attestation || f->n_public_keys > 0;
        const FloorWord *first = f->public_keys;

        if (demanded && !(s->attestation_verify && origin_is_explicit(verify))) {
                s->attestation_verify = true;
                *verify = (Origin){ .kind = ORIGIN_FLOOR,
                        .where = f->require_attestation ? f->attestation_where : first->where };
        }
        if (f->n_public_keys == 0)
                return 0;
        STRV_FOREACH(key, s->public_keys) {
                if (find_key(first, f->n_public_keys, key))
                        continue;
                s->failed = true;
                return diagnostics_add(diag, SEVERITY_ERROR, keys->where, s->name,
                        "public_key %s is not one of the floor's, whose first one is %s (%s:%u)", key,
                        first->word, first->where.file, first->where.line);
        }
        if (s->public_keys)
                return 0;
        for (size_t i = 0; i < f->n_public_keys; i++)
                if (strv_append(&s->public_keys, f->public_keys[i].word) < 0)
                        return -ENOMEM;
        *keys = (Origin){ .kind = ORIGIN_FLOOR, .where = first->where };
        return 0;
}

int floor_apply(const Floor *f, ServiceConfig *s, Diagnostics *diag) {
        if (f->failed) {
                s->failed = true;
                return diagnostics_add(diag, SEVERITY_ERROR, s->where, s->name,
                        "the floor cannot be read, and nothing starts without it: %s",
                        f->error ?: "out of memory");
        }
        if (!s->origins)
                return 0;

        if (s->mode < f->mode) {
                s->mode = f->mode;
                *schema_origin(s, "", "mode") = (Origin){ .kind = ORIGIN_FLOOR, .where = f->mode_where };
        }
        int r = raise_attestation(f, s, diag);
        if (r < 0)
                return r;
        s->policy.landlock_min_abi = f->landlock_min_abi;
        if (f->deny_host_network && s->network == NETWORK_HOST) {
                s->failed = true;
                return diagnostics_add(diag, SEVERITY_ERROR, schema_origin(s, "network", "mode")->where,
                        s->name, "the host's network is denied by %s:%u", f->network_where.file,
                        f->network_where.line);
        }
        return 0;
}
