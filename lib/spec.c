/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spec text to Spec and back, both from one table of records, so that what one prints the other reads.
 * Pure: no I/O. nucleus-exec links this file, so it must stay small and know no configuration.
 */

#include "spec.h"

#include <sched.h>

#include "escape.h"
#include "path.h"
#include "strbuf.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const NamespaceName namespace_names[] = {
        { "user", NAMESPACE_USER, CLONE_NEWUSER, true },
        { "pid", NAMESPACE_PID, CLONE_NEWPID, true },
        { "mount", NAMESPACE_MOUNT, CLONE_NEWNS, true },
        { "net", NAMESPACE_NET, CLONE_NEWNET, true },
        { "uts", NAMESPACE_UTS, CLONE_NEWUTS, true },
        { "ipc", NAMESPACE_IPC, CLONE_NEWIPC, true },
        { "cgroup", NAMESPACE_CGROUP, CLONE_NEWCGROUP, true },
        { "time", NAMESPACE_TIME, CLONE_NEWTIME, false },
        {},
};

const char *const network_mode_names[_NETWORK_MAX] = {
        [NETWORK_NONE] = "none",
        [NETWORK_HOST] = "host",
};

bool service_name_is_valid(const char *name) {
        size_t n = strlen(name);

        if (n < 1 || n > 64 || name[0] == '-' || name[0] == '_')
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

Spec *spec_free(Spec *s) {
        if (!s)
                return NULL;
        free(s->name);
        free(s->error);
        strv_free(s->arguments);
        strv_free(s->environment);
        free(s->workdir);
        free(s->hostname);
        free(s->user);
        free(s->group);
        strv_free(s->supplementary_groups);
        free(s->rootfs);
        free(s->manifest_sha256);
        for (size_t i = 0; i < s->n_volumes; i++) {
                free(s->volumes[i].source);
                free(s->volumes[i].target);
        }
        free(s->volumes);
        for (size_t i = 0; i < s->n_tmpfs; i++)
                free(s->tmpfs[i].target);
        free(s->tmpfs);
        free(s->seccomp);
        free(s->landlock);
        free(s);
        return NULL;
}

int spec_add_volume(Spec *s, const char *source, const char *target, bool read_only) {
        SpecVolume *p = reallocarray(s->volumes, s->n_volumes + 1, sizeof(SpecVolume));
        if (!p)
                return -ENOMEM;
        s->volumes = p;

        _cleanup_free_ char *a = strdup(source), *b = strdup(target);
        if (!a || !b)
                return -ENOMEM;
        p[s->n_volumes++] = (SpecVolume){ TAKE_PTR(a), TAKE_PTR(b), read_only };
        return 0;
}

int spec_add_tmpfs(Spec *s, const char *target, uint64_t size) {
        SpecTmpfs *p = reallocarray(s->tmpfs, s->n_tmpfs + 1, sizeof(SpecTmpfs));
        if (!p)
                return -ENOMEM;
        s->tmpfs = p;

        char *copy = strdup(target);
        if (!copy)
                return -ENOMEM;
        p[s->n_tmpfs++] = (SpecTmpfs){ copy, size };
        return 0;
}

/* ---- values ---- */

static int parse_u64(const char *s, uint64_t *ret_) {
        uint64_t v = 0;

        if (isempty(s) || (s[0] == '0' && s[1]))
                return -EINVAL;
        for (; *s; s++) {
                if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10U, &v) ||
                        __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
                        return -EINVAL;
        }
        *ret_ = v;
        return 0;
}

/* ---- records: how each is read from its fields, and printed ---- */

typedef struct Record Record;

struct Record {
        const char *key;
        size_t offset;     /* into Spec */
        unsigned n_fields; /* besides the key; 0: any number */
        bool repeated;     /* may stand more than once */
        int (*parse)(const Record *r, Spec *s, char **fields);
        void (*format)(const Record *r, const Spec *s, StrBuf *b);
};

static void begin(StrBuf *b, const Record *r) {
        strbuf_puts(b, r->key);
}

static void field(StrBuf *b, const char *value) {
        strbuf_putc(b, ' ');
        escape_field(b, value, strlen(value));
}

#define MEMBER(type, s, r) ((type *)((char *)(s) + (r)->offset))
#define CONST_MEMBER(type, s, r) ((__typeof__(type) const *)((const char *)(s) + (r)->offset))

static int parse_string(const Record *r, Spec *s, char **fields) {
        *MEMBER(char *, s, r) = TAKE_PTR(fields[0]);
        return 0;
}

static void format_string(const Record *r, const Spec *s, StrBuf *b) {
        const char *value = *CONST_MEMBER(char *, s, r);

        if (!value)
                return;
        begin(b, r);
        field(b, value);
        strbuf_putc(b, '\n');
}

static int parse_strv(const Record *r, Spec *s, char **fields) {
        return strv_append(MEMBER(char **, s, r), fields[0]);
}

static void format_strv(const Record *r, const Spec *s, StrBuf *b) {
        STRV_FOREACH(value, *CONST_MEMBER(char **, s, r)) {
                begin(b, r);
                field(b, value);
                strbuf_putc(b, '\n');
        }
}

static int parse_number(const Record *r, Spec *s, char **fields) {
        uint64_t *v = MEMBER(uint64_t, s, r);
        int k = parse_u64(fields[0], v);

        return k < 0 ? k : *v == 0 ? -EINVAL : 0;
}

static void format_number(const Record *r, const Spec *s, StrBuf *b) {
        uint64_t v = *CONST_MEMBER(uint64_t, s, r);

        if (v > 0)
                strbuf_printf(b, "%s %llu\n", r->key, (unsigned long long)v);
}

static int parse_mode(const Record *r, Spec *s, char **fields) {
        int m = mode_from_string(fields[0]);

        if (m < 0)
                return m;
        *MEMBER(Mode, s, r) = (Mode)m;
        return 0;
}

static void format_mode(const Record *r, const Spec *s, StrBuf *b) {
        strbuf_printf(b, "%s %s\n", r->key, mode_rules(*CONST_MEMBER(Mode, s, r))->name);
}

static int parse_namespaces(const Record *r, Spec *s, char **fields) {
        const NamespaceName *n = namespace_names;

        if (!fields[0])
                return -EINVAL;
        /* In the table's order, each once: anything else is not canonical. */
        STRV_FOREACH(f, fields) {
                while (n->name && !streq(n->name, f))
                        n++;
                if (!n->name)
                        return -EINVAL;
                *MEMBER(unsigned, s, r) |= n->flag;
                n++;
        }
        return 0;
}

static void format_namespaces(const Record *r, const Spec *s, StrBuf *b) {
        unsigned flags = *CONST_MEMBER(unsigned, s, r);

        if (flags == 0)
                return;
        begin(b, r);
        for (const NamespaceName *n = namespace_names; n->name; n++)
                if (flags & n->flag)
                        field(b, n->name);
        strbuf_putc(b, '\n');
}

static int parse_network(const Record *r, Spec *s, char **fields) {
        if (s->error)
                return -EINVAL; /* it would not be printed */
        for (int i = 0; i < _NETWORK_MAX; i++)
                if (streq(network_mode_names[i], fields[0])) {
                        *MEMBER(NetworkMode, s, r) = (NetworkMode)i;
                        return 0;
                }
        return -EINVAL;
}

static void format_network(const Record *r, const Spec *s, StrBuf *b) {
        if (!s->error)
                strbuf_printf(b, "%s %s\n", r->key, network_mode_names[s->network]);
}

static int parse_attest(const Record *r _unused_, Spec *s, char **fields) {
        s->attest = true;
        if (streq(fields[0], "unpinned"))
                return 0;
        if (strlen(fields[0]) != 64 || strspn(fields[0], "0123456789abcdef") != 64)
                return -EINVAL;
        s->manifest_sha256 = TAKE_PTR(fields[0]);
        return 0;
}

static void format_attest(const Record *r, const Spec *s, StrBuf *b) {
        if (s->attest)
                strbuf_printf(b, "%s %s\n", r->key, s->manifest_sha256 ?: "unpinned");
}

static int parse_volume(const Record *r _unused_, Spec *s, char **fields) {
        bool read_only = streq(fields[2], "ro");

        if (!read_only && !streq(fields[2], "rw"))
                return -EINVAL;
        if (fields[0][0] != '/' || fields[1][0] != '/')
                return -EINVAL;
        return spec_add_volume(s, fields[0], fields[1], read_only);
}

static void format_volumes(const Record *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; i < s->n_volumes; i++) {
                begin(b, r);
                field(b, s->volumes[i].source);
                field(b, s->volumes[i].target);
                field(b, s->volumes[i].read_only ? "ro" : "rw");
                strbuf_putc(b, '\n');
        }
}

static int parse_tmpfs(const Record *r _unused_, Spec *s, char **fields) {
        uint64_t size;
        int k = parse_u64(fields[1], &size);

        if (k < 0 || size == 0 || fields[0][0] != '/') /* to the kernel 0 is no limit at all */
                return -EINVAL;
        return spec_add_tmpfs(s, fields[0], size);
}

static void format_tmpfs(const Record *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; i < s->n_tmpfs; i++) {
                begin(b, r);
                field(b, s->tmpfs[i].target);
                strbuf_printf(b, " %llu\n", (unsigned long long)s->tmpfs[i].size);
        }
}

#define STRING(key, member)                                                                                 \
        { key, offsetof(Spec, member), 1, false, parse_string, format_string }
#define STRV(key, member)                                                                                   \
        { key, offsetof(Spec, member), 1, true, parse_strv, format_strv }
#define NUMBER(key, member)                                                                                 \
        { key, offsetof(Spec, member), 1, false, parse_number, format_number }

static const Record records[] = {
        STRING("name", name),
        { "mode", offsetof(Spec, mode), 1, false, parse_mode, format_mode },
        STRING("error", error),
        STRV("argument", arguments),
        STRV("environment", environment),
        STRING("workdir", workdir),
        STRING("hostname", hostname),
        STRING("user", user),
        STRING("group", group),
        STRV("supplementary-group", supplementary_groups),
        NUMBER("id-base", id_base),
        { "namespaces", offsetof(Spec, namespaces), 0, false, parse_namespaces, format_namespaces },
        { "network", offsetof(Spec, network), 1, false, parse_network, format_network },
        NUMBER("listen-fds", listen_fds),
        STRING("rootfs", rootfs),
        { "attest", 0, 1, false, parse_attest, format_attest },
        { "volume", 0, 3, true, parse_volume, format_volumes },
        { "tmpfs", 0, 2, true, parse_tmpfs, format_tmpfs },
        STRING("seccomp", seccomp),
        STRING("landlock", landlock),
};

int spec_format(const Spec *s, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_printf(&b, "nucleus-spec %d\n", SPEC_VERSION);
        for (size_t i = 0; i < ELEMENTSOF(records); i++)
                records[i].format(&records[i], s, &b);
        return strbuf_finish(&b, ret_);
}

/* ---- text to Spec ---- */

static int fail(char **reterr_, unsigned line, const char *what) {
        if (asprintf(reterr_, "spec line %u: %s", line, what) < 0) {
                *reterr_ = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

/* Splits "key field field" at single spaces, unescaping each but the key. */
static int split(const char *line, size_t n, char ***ret_) {
        _cleanup_strv_ char **v = NULL;

        for (const char *end = line + n;;) {
                const char *space = memchr(line, ' ', (size_t)(end - line)) ?: end;
                _cleanup_free_ char *f = NULL;

                int k = unescape_field(line, (size_t)(space - line), &f);
                if (k >= 0)
                        k = strv_append(&v, f);
                if (k < 0)
                        return k;
                if (space == end)
                        break;
                line = space + 1;
        }
        *ret_ = TAKE_PTR(v);
        return 0;
}

/* What every spec must say, whoever made it: nucleus-exec trusts no front end to have checked. */
static const char *missing(const Spec *s) {
        if (!s->name || !service_name_is_valid(s->name))
                return "no valid name";
        if (s->error)
                return NULL;
        if (!s->arguments || s->arguments[0][0] != '/')
                return "no argument, or a program that is no absolute path";
        if (!s->workdir || s->workdir[0] != '/')
                return "no workdir, or one that is no absolute path";
        if (!s->user)
                return "no user";
        if (s->rootfs && s->rootfs[0] != '/')
                return "rootfs is no absolute path";
        if (!(s->namespaces & NAMESPACE_MOUNT) || !(s->namespaces & NAMESPACE_PID))
                return "the mount and pid namespaces are required";
        if (s->hostname && !(s->namespaces & NAMESPACE_UTS))
                return "hostname without a uts namespace";
        if ((s->network == NETWORK_HOST) == !!(s->namespaces & NAMESPACE_NET))
                return "network and the net namespace contradict each other";
        if (s->id_base > UINT32_MAX - SPEC_ID_COUNT || s->id_base % SPEC_ID_COUNT != 0)
                return "id-base out of range";
        if (!s->seccomp || !s->landlock)
                return "no seccomp or landlock policy";
        for (char *const *e = s->environment; e && *e; e++)
                if (!strchr(*e, '=') || (*e)[0] == '=')
                        return "environment without a name";
        return NULL;
}

static bool bad_target(const Spec *s, const char *target) {
        size_t n = 0;

        if (path_problem(target) || !path_is_mount_target(target))
                return true;
        for (size_t i = 0; i < s->n_volumes; i++)
                n += streq(s->volumes[i].target, target);
        for (size_t i = 0; i < s->n_tmpfs; i++)
                n += streq(s->tmpfs[i].target, target);
        return n > 1;
}

/* Front ends have checked all this with better messages: nothing here trusts them to. */
static const char *bad_value(const Spec *s) {
        if (s->error)
                return NULL;
        if (isempty(s->user) || (s->group && isempty(s->group)))
                return "an empty user or group";
        if (path_problem(s->workdir))
                return "a working directory that is not absolute and normalised";
        if (s->rootfs && path_problem(s->rootfs))
                return "a rootfs that is not absolute and normalised";
        for (size_t i = 0; i < s->n_volumes; i++) {
                if (path_problem(s->volumes[i].source) || !path_is_volume_source(s->volumes[i].source))
                        return "a source that is not absolute and normalised, or in /proc or /sys";
                if (bad_target(s, s->volumes[i].target))
                        return "a mount target that is not normalised, reserved, or there twice";
        }
        for (size_t i = 0; i < s->n_tmpfs; i++)
                if (bad_target(s, s->tmpfs[i].target))
                        return "a mount target that is not normalised, reserved, or there twice";
        return NULL;
}

/* The policies that nucleus-exec has built in. */
static int check_policy(const Spec *s, unsigned line, char **reterr_) {
        const char *unknown = s->error                         ? NULL
                              : !streq(s->seccomp, "default")  ? s->seccomp
                              : !streq(s->landlock, "default") ? s->landlock
                                                               : NULL;

        if (!unknown)
                return 0;
        if (asprintf(reterr_, "spec line %u: this build has no policy \"%s\"", line, unknown) < 0) {
                *reterr_ = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

static const char *violates_mode(const Spec *s) {
        const ModeRules *m = mode_rules(s->mode);

        if (s->error)
                return NULL;
        if (m->required_namespaces & ~s->namespaces)
                return "this mode requires more namespaces";
        if (m->require_rootfs && !s->rootfs)
                return "this mode requires a rootfs";
        if (m->require_attestation && !s->attest)
                return "this mode requires attestation";
        if (!m->allow_host_network && s->network == NETWORK_HOST)
                return "this mode does not allow the host's network";
        if (s->attest && !s->rootfs)
                return "attestation without a rootfs";
        return NULL;
}

/* What stands for nothing may not be left out: the first mode is the most lenient one. */
static const char *unsaid(const Spec *s, uint64_t seen) {
        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                if (seen & UINT64_C(1) << i)
                        continue;
                if (records[i].parse == parse_mode)
                        return "no mode";
                if (records[i].parse == parse_network && !s->error)
                        return "no network";
        }
        return NULL;
}

int spec_parse(const char *text, size_t n, Spec **ret_, char **reterr_) {
        _cleanup_spec_ Spec *s = calloc(1, sizeof(Spec));
        size_t current = 0;
        unsigned line = 1;
        uint64_t seen = 0; /* a bit for each record */

        *reterr_ = NULL;
        if (!s)
                return -ENOMEM;
        if (n > SPEC_TEXT_MAX || memchr(text, '\0', n))
                return fail(reterr_, line, "too long, or a NUL byte");

        char header[32];
        int h = snprintf(header, sizeof(header), "nucleus-spec %d\n", SPEC_VERSION);
        if (n < (size_t)h || memcmp(text, header, (size_t)h) != 0)
                return fail(reterr_, line, "not a spec of this version: reload the service manager");

        for (const char *p = text + h, *end = text + n; p < end;) {
                const char *eol = memchr(p, '\n', (size_t)(end - p));
                _cleanup_strv_ char **fields = NULL;

                line++;
                if (!eol)
                        return fail(reterr_, line, "no newline at the end");

                int k = split(p, (size_t)(eol - p), &fields);
                if (k < 0)
                        return k == -ENOMEM ? k : fail(reterr_, line, "bad escaping");

                size_t i = current;
                while (i < ELEMENTSOF(records) && !streq(records[i].key, fields[0]))
                        i++;
                if (i == ELEMENTSOF(records))
                        return fail(reterr_, line, "unknown or misplaced record");
                if ((seen & UINT64_C(1) << i) && !records[i].repeated)
                        return fail(reterr_, line, "repeated record");
                if (records[i].n_fields > 0 && strv_length(fields) - 1 != records[i].n_fields)
                        return fail(reterr_, line, "wrong number of fields");
                current = i;
                seen |= UINT64_C(1) << i;

                k = records[i].parse(&records[i], s, fields + 1);
                if (k < 0)
                        return k == -ENOMEM ? k : fail(reterr_, line, "bad value");
                p = eol + 1;
        }

        const char *wrong = unsaid(s, seen) ?: missing(s) ?: bad_value(s) ?: violates_mode(s);
        if (wrong)
                return fail(reterr_, line, wrong);
        int k = check_policy(s, line, reterr_);
        if (k < 0)
                return k;

        *ret_ = TAKE_PTR(s);
        return 0;
}
