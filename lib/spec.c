/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spec text to Spec and back, by the one table of spec-records.c. Pure: no I/O. nucleus-exec links this
 * file, so it must stay small and know no configuration.
 */

#include "spec.h"

#include <sched.h>

#include "escape.h"
#include "spec-internal.h"

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

const char *const attestation_method_names[_ATTESTATION_METHOD_MAX] = {
        [ATTESTATION_SHA256] = "sha256",
        [ATTESTATION_FSVERITY] = "fsverity",
        [ATTESTATION_DM_VERITY] = "dm-verity",
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
        strv_free(s->public_keys);
        free(s->image_sha256);
        free(s->image_fsverity);
        free(s->root_hash);
        for (size_t i = 0; i < s->n_volumes; i++) {
                free(s->volumes[i].source);
                free(s->volumes[i].target);
        }
        free(s->volumes);
        for (size_t i = 0; i < s->n_tmpfs; i++)
                free(s->tmpfs[i].target);
        free(s->tmpfs);
        free(s->seccomp);
        free(s->seccomp_program);
        free(s->seccomp_source);
        free(s->seccomp_lines);
        free(s->seccomp_trace);
        free(s->landlock);
        free(s->landlock_source);
        landlock_policy_free(s->landlock_policy);
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

unsigned spec_landlock_min_abi(const Spec *s) {
        unsigned abi = s->landlock_policy ? s->landlock_policy->min_abi : 0;

        return abi > s->landlock_min_abi ? abi : s->landlock_min_abi;
}

int spec_format(const Spec *s, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_printf(&b, "nucleus-spec %d\n", SPEC_VERSION);
        for (size_t i = 0; i < spec_records_n; i++)
                spec_records[i].format(&spec_records[i], s, &b);
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

/* How far the text has been read. */
typedef struct Reader {
        size_t current; /* the record of the last line: they come in the order of the table */
        unsigned line;
        uint64_t seen; /* a bit for each record */
} Reader;

static int read_record(Reader *r, Spec *s, const char *text, size_t n, char **reterr_) {
        _cleanup_strv_ char **fields = NULL;
        size_t i = r->current;

        int k = split(text, n, &fields);
        if (k < 0)
                return k == -ENOMEM ? k : fail(reterr_, r->line, "bad escaping");
        while (i < spec_records_n && !streq(spec_records[i].key, fields[0]))
                i++;
        if (i == spec_records_n)
                return fail(reterr_, r->line, "unknown or misplaced record");
        if ((r->seen & UINT64_C(1) << i) && !spec_records[i].repeated)
                return fail(reterr_, r->line, "repeated record");
        if (spec_records[i].n_fields > 0 && strv_length(fields) - 1 != spec_records[i].n_fields)
                return fail(reterr_, r->line, "wrong number of fields");
        r->current = i;
        r->seen |= UINT64_C(1) << i;

        k = spec_records[i].parse(&spec_records[i], s, fields + 1);
        return k < 0 && k != -ENOMEM ? fail(reterr_, r->line, "bad value") : k;
}

int spec_parse(const char *text, size_t n, Spec **ret_, char **reterr_) {
        _cleanup_spec_ Spec *s = calloc(1, sizeof(Spec));
        Reader r = { .line = 1 };

        *reterr_ = NULL;
        if (!s)
                return -ENOMEM;
        if (n > SPEC_TEXT_MAX || memchr(text, '\0', n))
                return fail(reterr_, r.line, "too long, or a NUL byte");

        char header[32];
        int h = snprintf(header, sizeof(header), "nucleus-spec %d\n", SPEC_VERSION);
        if (n < (size_t)h || memcmp(text, header, (size_t)h) != 0)
                return fail(reterr_, r.line, "not a spec of this version: reload the service manager");

        for (const char *p = text + h, *end = text + n; p < end;) {
                const char *eol = memchr(p, '\n', (size_t)(end - p));

                r.line++;
                if (!eol)
                        return fail(reterr_, r.line, "no newline at the end");
                int k = read_record(&r, s, p, (size_t)(eol - p), reterr_);
                if (k < 0)
                        return k;
                p = eol + 1;
        }

        const char *wrong = spec_records_missing(s, r.seen) ?: spec_problem(s);
        if (wrong)
                return fail(reterr_, r.line, wrong);
        *ret_ = TAKE_PTR(s);
        return 0;
}
