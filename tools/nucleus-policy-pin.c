/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nucleus policy pin`: the lines that pin a file. It is read as the generator reads it, and hashed and
 * checked from the same bytes. Must never print a line for a file that would be refused.
 */

#include "nucleus-policy.h"
#include "nucleus-seccomp.h"

#include "hash.h"
#include "manifest.h"
#include "override.h"
#include "policy.h"
#include "safe-read.h"

#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#define POLICY_SIZE_MAX (1U << 20)     /* as in the generator */
#define MANIFEST_SIZE_MAX (256U << 20) /* held in memory; nucleus-exec takes larger manifests */

typedef struct Arguments {
        bool drop_in, json, help;
        int kind; /* index into kinds; -1: the content says */
        char **files;
} Arguments;

/* One file that may be pinned. */
typedef struct Pin {
        const char *file;
        char *path; /* absolute */
        int kind;
        char sha256[SHA256_HEX_SIZE];
} Pin;

static void pin_done(Pin *p) {
        free(p->path);
}

/* ---- kinds ---- */

/* The first parser that takes the bytes decides; the messages are those of the kind that they look like. */
typedef struct Kind {
        const char *name;
        const char *table, *key; /* of the configuration; NULL: only the pin is written there */
        const char *pin_key;
        size_t max;
        int (*check)(const char *text, size_t n, PolicyError *reterr_);
        bool (*resembles)(const char *text);
} Kind;

/* The tiers that take no list of what is denied. */
static int warn_of_deny_list(void) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *modes = NULL;

        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                if (mode_rules(mode)->deny_by_default)
                        strbuf_printf(&b, "%s%s", b.len > 0 ? ", " : "", mode_rules(mode)->name);
        if (strbuf_finish(&b, &modes) < 0)
                return -ENOMEM;
        print_warning("the profile lets through by default, which is refused in mode %s", modes);
        return 0;
}

/* As the generator does it. */
static int check_starts(const SeccompProfile *p, const SeccompTarget *target, PolicyError *reterr_) {
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        size_t n = 0;

        int r = seccomp_explain(p, target, "execve", &verdicts, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (seccomp_action_permits(verdicts[i].action))
                        return 0;
        return r < 0 ? r
                     : policy_error_set(reterr_, p->default_line, 0,
                               "the profile does not allow execve, so that nothing can start");
}

static int check_seccomp(const char *text, size_t n, PolicyError *reterr_) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        SeccompProgram program = {};
        SeccompTarget target;

        int r = seccomp_profile_parse(text, n, &p, reterr_);
        if (r < 0 || target_of_this_machine(&target) != 0)
                return r;
        r = seccomp_profile_check(p, &target, reterr_);
        if (r >= 0)
                r = seccomp_compile(p, &target, &program);
        free(program.filter);
        if (r == -E2BIG)
                return policy_error_set(reterr_, 0, 0,
                        "the filter would be longer than the kernel takes: use fewer conditions");
        if (r >= 0)
                r = check_starts(p, &target, reterr_);
        return r >= 0 && seccomp_action_permits(p->default_action) ? warn_of_deny_list() : r;
}

static int check_capabilities(const char *text, size_t n, PolicyError *reterr_) {
        CapabilityPolicy p;

        return capability_policy_parse(text, n, &p, reterr_);
}

static int check_landlock(const char *text, size_t n, PolicyError *reterr_) {
        _cleanup_landlock_policy_ LandlockPolicy *p = NULL;

        return landlock_policy_parse(text, n, &p, reterr_);
}

static int check_manifest(const char *text, size_t n, PolicyError *reterr_) {
        ManifestParser p = {};

        int r = manifest_parse_text(&p, text, n, NULL, NULL);
        return r == -EINVAL ? policy_error_set(reterr_, (unsigned)p.line, 0, "%s", p.reason) : r;
}

static bool is_json(const char *text) {
        return text[strspn(text, " \t\r\n")] == '{';
}

/* Does a line begin with one of the words? */
static bool has_line(const char *text, const char *const *words) {
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                for (const char *const *w = words; *w; w++)
                        if (startswith(line + strspn(line, " \t"), *w))
                                return true;
        }
        return false;
}

static bool is_capabilities(const char *text) {
        static const char *const words[] = { "[bounding", "[ambient", "bounding", "ambient", NULL };

        return has_line(text, words);
}

static bool is_landlock(const char *text) {
        static const char *const words[] = { "min_abi", "[[rules", "[[ports", "[scopes", "rules", "ports",
                "scopes", NULL };

        return has_line(text, words);
}

/* The first line of version 2, or one of version 1. */
static bool is_manifest(const char *text) {
        return startswith(text, MANIFEST_HEADER_V2) ||
               (strspn(text, "0123456789abcdef") == 64 && text[64] == '\t');
}

static const Kind kinds[] = {
        { "seccomp", "policy", "seccomp", "seccomp_sha256", POLICY_SIZE_MAX, check_seccomp, is_json },
        { "capabilities", "policy", "capabilities", "capabilities_sha256", POLICY_SIZE_MAX,
                check_capabilities, is_capabilities },
        { "landlock", "policy", "landlock", "landlock_sha256", POLICY_SIZE_MAX, check_landlock,
                is_landlock },
        { "manifest", "attestation", NULL, "manifest_sha256", MANIFEST_SIZE_MAX, check_manifest,
                is_manifest },
};

static int kind_of(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i].resembles(text))
                        return (int)i;
        return -1;
}

static int kind_from_name(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].name, name))
                        return (int)i;
        return -1;
}

/* ---- one file ---- */

/* Its directory's real path, but its own name: a link that is moved to a new version is a file's name too.
 */
static int absolute_path(const char *file, char **ret_) {
        _cleanup_free_ char *a = strdup(file), *b = strdup(file), *directory = NULL;

        if (!a || !b)
                return -ENOMEM;
        directory = realpath(dirname(a), NULL);
        if (!directory)
                return -errno;
        if (asprintf(ret_, "%s/%s", streq(directory, "/") ? "" : directory, basename(b)) < 0) {
                *ret_ = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int hash_text(const char *text, size_t n, Pin *p) {
        _cleanup_hasher_ Hasher *hasher = NULL;
        uint8_t digest[SHA256_SIZE];

        int r = hasher_new(&hasher);
        if (r >= 0)
                r = hasher_buffer(hasher, text, n, digest);
        if (r < 0) {
                print_error(
                        "cannot hash: %s", r == -ENOPKG ? "libcrypto.so.3 cannot be loaded" : strerror(-r));
                return STATUS_FAILED;
        }
        sha256_to_hex(digest, p->sha256);
        return 0;
}

/* The first line that says something, and where what it begins with belongs. */
static int unclear_kind(const char *file, const char *text) {
        static const struct {
                const char *key, *tables;
        } misplaced[] = {
                { "keep", "[bounding] or [ambient]" },
                { "path", "[[rules]]" },
                { "access", "[[rules]] or [[ports]]" },
                { "optional", "[[rules]]" },
                { "port", "[[ports]]" },
        };
        unsigned line = 1;

        while (*text && strchr(" \t\r\n#", *text)) {
                text += *text == '#' ? strcspn(text, "\n") : 0;
                line += *text == '\n';
                text += *text != '\0';
        }
        size_t n = strcspn(text, " \t\r\n=");
        for (size_t i = 0; i < ELEMENTSOF(misplaced); i++)
                if (n == strlen(misplaced[i].key) && startswith(text, misplaced[i].key)) {
                        print_error("%s:%u: %s belongs below %s, which must stand before it", file, line,
                                misplaced[i].key, misplaced[i].tables);
                        return STATUS_FAILED;
                }
        print_error("%s:%u: this is neither seccomp JSON, nor a capability or Landlock policy, nor a "
                    "manifest; --kind says which it should be",
                file, line);
        return STATUS_FAILED;
}

/* The content says what it is, or the caller does. */
static int check_text(const char *text, size_t n, Pin *p) {
        _cleanup_policy_error_ PolicyError error = {};

        if (p->kind < 0)
                p->kind = kind_of(text);
        if (p->kind < 0)
                return unclear_kind(p->file, text);
        int r = n > kinds[p->kind].max ? policy_error_set(&error, 0, 0, "is larger than a policy may be")
                                       : kinds[p->kind].check(text, n, &error);
        return r < 0 ? report_policy_error(p->file, &error, r) : 0;
}

/* Where others may put another file in its place, services refuse it; it may be meant to go elsewhere. */
static void warn_of_directory(const Pin *p) {
        _cleanup_free_ char *copy = strdup(p->path);
        const char *directory = copy ? dirname(copy) : NULL, *why = NULL;
        struct stat st;

        _cleanup_close_ int fd = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
        if (fd >= 0 && fstat(fd, &st) >= 0 && !streq(directory, "/nix/store") && kinds[p->kind].key)
                why = distrust_reason(fd, &st);
        if (why)
                print_warning(
                        "%s: its directory %s: services refuse it there, so move it first", p->file, why);
}

static int pin_file(Pin *p) {
        _cleanup_free_ char *text = NULL;
        SafeFile file = {};

        int r = absolute_path(p->file, &p->path);
        if (r == -ENOMEM)
                return out_of_memory();
        if (r < 0) {
                print_error("%s: %s", p->file, strerror(-r));
                return STATUS_FAILED;
        }
        r = safe_read_new(p->path, 0, MANIFEST_SIZE_MAX, &text, &file);
        if (r == -ENOMEM)
                return out_of_memory();
        if (r < 0 || file.masked) {
                print_error("%s: %s", p->file, r < 0 ? file.why : "is empty");
                return STATUS_FAILED;
        }
        r = check_text(text, file.n, p);
        if (r == 0)
                r = hash_text(text, file.n, p);
        if (r == 0)
                warn_of_directory(p);
        return r;
}

/* ---- what is printed ---- */

/* The drop-in's key for one of the configuration; NULL: a drop-in cannot say that. */
static const char *dropin_key(const char *table, const char *key) {
        for (const OverrideKey *k = override_keys; key && k->name; k++)
                if (streq(k->table, table) && streq(k->key, key))
                        return k->name;
        return NULL;
}

static int print_toml_string(const char *key, const char *value) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        seccomp_json_string(&b, value); /* a basic string of TOML has the same escapes */
        if (strbuf_finish(&b, &text) < 0)
                return out_of_memory();
        printf("%s = %s\n", key, text);
        return 0;
}

static int print_toml(const Pin *p, bool header) {
        const Kind *k = &kinds[p->kind];
        int r = 0;

        if (header)
                printf("[%s]\n", k->table);
        if (k->key)
                r = print_toml_string(k->key, p->path);
        return r == 0 ? print_toml_string(k->pin_key, p->sha256) : r;
}

static int print_dropin(const Pin *p, bool header) {
        const Kind *k = &kinds[p->kind];
        const char *key = dropin_key(k->table, k->key), *pin_key = dropin_key(k->table, k->pin_key);

        if (!pin_key) {
                print_error("%s: a drop-in cannot pin a %s; the service's own file can", p->file, k->name);
                return STATUS_FAILED;
        }
        if (header)
                printf("[X-Nucleus]\n");
        if (key)
                printf("%s=%s\n", key, p->path);
        printf("%s=%s\n", pin_key, p->sha256);
        return 0;
}

static json_t *lines_to_json(const char *key, const Pin *p, const char *pin_key) {
        json_t *o = json_object();

        if (o && key && json_object_set_new(o, key, json_text(p->path)) < 0)
                return NULL;
        if (o && pin_key && json_object_set_new(o, pin_key, json_string(p->sha256)) < 0)
                return NULL;
        return o;
}

static json_t *pin_to_json(const Pin *p) {
        const Kind *k = &kinds[p->kind];

        return json_pack("{so ss ss ss so so}", "file", json_text(p->path), "kind", k->name, "sha256",
                p->sha256, "table", k->table, "toml", lines_to_json(k->key, p, k->pin_key), "drop_in",
                lines_to_json(dropin_key(k->table, k->key), p, dropin_key(k->table, k->pin_key)));
}

/* A second file of one kind, or another table, begins a block of its own. */
static int print_pin(const Arguments *a, const Pin *p, const char **table, unsigned *seen) {
        const char *wanted = a->drop_in ? "X-Nucleus" : kinds[p->kind].table;
        bool header = !*table || !streq(*table, wanted) || (*seen & (1U << p->kind));

        if (header && *table)
                (void)putchar('\n');
        *seen = (header ? 0 : *seen) | (1U << p->kind);
        *table = wanted;
        return a->drop_in ? print_dropin(p, header) : print_toml(p, header);
}

static int pin_files(const Arguments *a) {
        json_t *list = a->json ? json_array() : NULL;
        const char *table = NULL;
        unsigned seen = 0;
        int status = 0;

        for (char **file = a->files; *file; file++) {
                _cleanup_(pin_done) Pin p = { .file = *file, .kind = a->kind };

                int r = pin_file(&p);
                if (r == 0 && a->json)
                        r = json_array_append_new(list, pin_to_json(&p)) < 0 ? out_of_memory() : 0;
                else if (r == 0)
                        r = print_pin(a, &p, &table, &seen);
                status = status ?: r;
        }
        return a->json ? print_json(list, status) : finish_output(status);
}

int verb_policy_pin(const Verb *verb, int argc, char **argv) {
        enum { OPTION_DROP_IN = 256, OPTION_KIND, OPTION_JSON };
        static const struct option options[] = {
                { "drop-in", no_argument, NULL, OPTION_DROP_IN },
                { "kind", required_argument, NULL, OPTION_KIND },
                { "json", no_argument, NULL, OPTION_JSON },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        Arguments a = { .kind = -1 };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_DROP_IN:
                        a.drop_in = true;
                        break;
                case OPTION_KIND:
                        a.kind = kind_from_name(optarg);
                        if (a.kind < 0) {
                                print_error("--kind takes seccomp, capabilities, landlock or manifest, not "
                                            "\"%s\"",
                                        optarg);
                                return usage_error(verb);
                        }
                        break;
                case OPTION_JSON:
                        a.json = true;
                        break;
                case 'h':
                        return print_verb_help(verb);
                default:
                        return usage_error(verb);
                }
        if (optind == argc) {
                print_error("the file is missing");
                return usage_error(verb);
        }
        a.files = argv + optind;
        return pin_files(&a);
}
