/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a spec's records: one row for each, so that what one prints the other reads. A record's
 * parser takes canonical values only; what several records must agree on is for spec-check.c.
 */

#include "escape.h"
#include "spec-internal.h"

/* ---- values ---- */

int spec_parse_u64(const char *s, uint64_t *ret_) {
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

void spec_format_field(StrBuf *b, const char *value) {
        strbuf_putc(b, ' ');
        escape_field(b, value, strlen(value));
}

/* ---- records: how each is read from its fields, and printed ---- */

static int parse_string(const SpecRecord *r, Spec *s, char **fields) {
        *SPEC_MEMBER(char *, s, r) = TAKE_PTR(fields[0]);
        return 0;
}

static void format_string(const SpecRecord *r, const Spec *s, StrBuf *b) {
        const char *value = *SPEC_CONST_MEMBER(char *, s, r);

        if (!value)
                return;
        strbuf_puts(b, r->key);
        spec_format_field(b, value);
        strbuf_putc(b, '\n');
}

static int parse_strv(const SpecRecord *r, Spec *s, char **fields) {
        return strv_append(SPEC_MEMBER(char **, s, r), fields[0]);
}

static void format_strv(const SpecRecord *r, const Spec *s, StrBuf *b) {
        STRV_FOREACH(value, *SPEC_CONST_MEMBER(char **, s, r)) {
                strbuf_puts(b, r->key);
                spec_format_field(b, value);
                strbuf_putc(b, '\n');
        }
}

static int parse_number(const SpecRecord *r, Spec *s, char **fields) {
        uint64_t *v = SPEC_MEMBER(uint64_t, s, r);
        int k = spec_parse_u64(fields[0], v);

        return k < 0 ? k : *v == 0 ? -EINVAL : 0;
}

static void format_number(const SpecRecord *r, const Spec *s, StrBuf *b) {
        uint64_t v = *SPEC_CONST_MEMBER(uint64_t, s, r);

        if (v > 0)
                strbuf_printf(b, "%s %llu\n", r->key, (unsigned long long)v);
}

static int parse_yes(const SpecRecord *r, Spec *s, char **fields) {
        *SPEC_MEMBER(bool, s, r) = true;
        return streq(fields[0], "yes") ? 0 : -EINVAL;
}

static void format_yes(const SpecRecord *r, const Spec *s, StrBuf *b) {
        if (*SPEC_CONST_MEMBER(bool, s, r))
                strbuf_printf(b, "%s yes\n", r->key);
}

static int parse_mode(const SpecRecord *r, Spec *s, char **fields) {
        int m = mode_from_string(fields[0]);

        if (m < 0)
                return m;
        *SPEC_MEMBER(Mode, s, r) = (Mode)m;
        return 0;
}

static void format_mode(const SpecRecord *r, const Spec *s, StrBuf *b) {
        strbuf_printf(b, "%s %s\n", r->key, mode_rules(*SPEC_CONST_MEMBER(Mode, s, r))->name);
}

static int parse_namespaces(const SpecRecord *r, Spec *s, char **fields) {
        const NamespaceName *n = namespace_names;

        if (!fields[0])
                return -EINVAL;
        /* In the table's order, each once: anything else is not canonical. */
        STRV_FOREACH(f, fields) {
                while (n->name && !streq(n->name, f))
                        n++;
                if (!n->name)
                        return -EINVAL;
                *SPEC_MEMBER(unsigned, s, r) |= n->flag;
                n++;
        }
        return 0;
}

static void format_namespaces(const SpecRecord *r, const Spec *s, StrBuf *b) {
        unsigned flags = *SPEC_CONST_MEMBER(unsigned, s, r);

        if (flags == 0)
                return;
        strbuf_puts(b, r->key);
        for (const NamespaceName *n = namespace_names; n->name; n++)
                if (flags & n->flag)
                        spec_format_field(b, n->name);
        strbuf_putc(b, '\n');
}

static int parse_network(const SpecRecord *r, Spec *s, char **fields) {
        if (s->error)
                return -EINVAL; /* it would not be printed */
        for (int i = 0; i < _NETWORK_MAX; i++)
                if (streq(network_mode_names[i], fields[0])) {
                        *SPEC_MEMBER(NetworkMode, s, r) = (NetworkMode)i;
                        return 0;
                }
        return -EINVAL;
}

static void format_network(const SpecRecord *r, const Spec *s, StrBuf *b) {
        if (!s->error)
                strbuf_printf(b, "%s %s\n", r->key, network_mode_names[s->network]);
}

static bool is_digest(const char *s) {
        return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int parse_digest(const SpecRecord *r, Spec *s, char **fields) {
        return is_digest(fields[0]) ? parse_string(r, s, fields) : -EINVAL;
}

static int parse_attest(const SpecRecord *r _unused_, Spec *s, char **fields) {
        s->attest = true;
        if (streq(fields[0], "unpinned"))
                return 0;
        if (!is_digest(fields[0]))
                return -EINVAL;
        s->manifest_sha256 = TAKE_PTR(fields[0]);
        return 0;
}

static void format_attest(const SpecRecord *r, const Spec *s, StrBuf *b) {
        if (s->attest)
                strbuf_printf(b, "%s %s\n", r->key, s->manifest_sha256 ?: "unpinned");
}

/* The first method is not written: that is what every attested directory has. */
static int parse_attest_method(const SpecRecord *r, Spec *s, char **fields) {
        for (int i = ATTESTATION_SHA256 + 1; i < _ATTESTATION_METHOD_MAX; i++)
                if (streq(attestation_method_names[i], fields[0])) {
                        *SPEC_MEMBER(AttestationMethod, s, r) = (AttestationMethod)i;
                        return 0;
                }
        return -EINVAL;
}

static void format_attest_method(const SpecRecord *r, const Spec *s, StrBuf *b) {
        AttestationMethod method = *SPEC_CONST_MEMBER(AttestationMethod, s, r);

        if (method != ATTESTATION_SHA256)
                strbuf_printf(b, "%s %s\n", r->key, attestation_method_names[method]);
}

static int parse_volume(const SpecRecord *r _unused_, Spec *s, char **fields) {
        bool read_only = streq(fields[2], "ro");

        if (!read_only && !streq(fields[2], "rw"))
                return -EINVAL;
        if (fields[0][0] != '/' || fields[1][0] != '/')
                return -EINVAL;
        return spec_add_volume(s, fields[0], fields[1], read_only);
}

static void format_volumes(const SpecRecord *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; i < s->n_volumes; i++) {
                strbuf_puts(b, r->key);
                spec_format_field(b, s->volumes[i].source);
                spec_format_field(b, s->volumes[i].target);
                spec_format_field(b, s->volumes[i].read_only ? "ro" : "rw");
                strbuf_putc(b, '\n');
        }
}

static int parse_tmpfs(const SpecRecord *r _unused_, Spec *s, char **fields) {
        uint64_t size;
        int k = spec_parse_u64(fields[1], &size);

        if (k < 0 || size == 0 || fields[0][0] != '/') /* to the kernel 0 is no limit at all */
                return -EINVAL;
        return spec_add_tmpfs(s, fields[0], size);
}

static void format_tmpfs(const SpecRecord *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; i < s->n_tmpfs; i++) {
                strbuf_puts(b, r->key);
                spec_format_field(b, s->tmpfs[i].target);
                strbuf_printf(b, " %llu\n", (unsigned long long)s->tmpfs[i].size);
        }
}

#define STRING(key, member)                                                                                 \
        { key, offsetof(Spec, member), 1, false, parse_string, format_string }
#define STRV(key, member)                                                                                   \
        { key, offsetof(Spec, member), 1, true, parse_strv, format_strv }
#define NUMBER(key, member)                                                                                 \
        { key, offsetof(Spec, member), 1, false, parse_number, format_number }

#define DIGEST(key, member)                                                                                 \
        { key, offsetof(Spec, member), 1, false, parse_digest, format_string }
#define CAPABILITIES(key, member)                                                                           \
        { key, offsetof(Spec, member), 1, false, spec_parse_capabilities, spec_format_capabilities }
#define YES(key, member)                                                                                    \
        { key, offsetof(Spec, member), 1, false, parse_yes, format_yes }

const SpecRecord spec_records[] = {
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
        { "attest-method", offsetof(Spec, attestation_method), 1, false, parse_attest_method,
                format_attest_method },
        STRV("public-key", public_keys),
        DIGEST("image-sha256", image_sha256),
        DIGEST("image-fsverity", image_fsverity),
        DIGEST("root-hash", root_hash),
        { "volume", 0, 3, true, parse_volume, format_volumes },
        { "tmpfs", 0, 2, true, parse_tmpfs, format_tmpfs },
        CAPABILITIES("capabilities-bounding", capabilities_bounding),
        CAPABILITIES("capabilities-ambient", capabilities_ambient),
        STRING("seccomp", seccomp),
        STRING("seccomp-program", seccomp_program),
        STRING("seccomp-source", seccomp_source),
        STRING("seccomp-lines", seccomp_lines),
        STRING("seccomp-trace", seccomp_trace),
        { "landlock", offsetof(Spec, landlock), 1, false, spec_parse_landlock, format_string },
        STRING("landlock-source", landlock_source),
        { "landlock-min-abi", 0, 1, false, spec_parse_landlock_min_abi, spec_format_landlock_min_abi },
        { "landlock-rule", 0, 3, true, spec_parse_landlock_rule, spec_format_landlock_rules },
        { "landlock-port", 0, 2, true, spec_parse_landlock_port, spec_format_landlock_ports },
        { "landlock-scoped", 0, 0, false, spec_parse_landlock_scoped, spec_format_landlock_scoped },
        YES("log-denials", log_denials),
};

const size_t spec_records_n = ELEMENTSOF(spec_records);

/* What stands for nothing may not be left out: the first mode is the most lenient one. */
const char *spec_records_missing(const Spec *s, uint64_t seen) {
        for (size_t i = 0; i < spec_records_n; i++) {
                if (seen & UINT64_C(1) << i)
                        continue;
                if (spec_records[i].parse == parse_mode)
                        return "no mode";
                if (spec_records[i].parse == parse_network && !s->error)
                        return "no network";
        }
        return NULL;
}
