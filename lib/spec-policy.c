/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a spec's policies, and what they must hold to together: nucleus-exec applies them as they
 * are, so nothing may pass here that would grant what nobody reads.
 */

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base64.h"
#include "escape.h"
#include "landlock-rights.h"
#include "path.h"
#include "seccomp-lines.h"
#include "spec-internal.h"

#define ABI_MAX 999U /* of a demand; no kernel has so many */

/* ---- capabilities: 16 hexadecimal digits ---- */

int spec_parse_capabilities(const SpecRecord *r, Spec *s, char **fields) {
        uint64_t set = 0;

        if (strlen(fields[0]) != 16)
                return -EINVAL;
        for (const char *p = fields[0]; *p; p++) {
                int digit = hex_digit(*p);
                if (digit < 0)
                        return digit;
                set = set << 4 | (uint64_t)digit;
        }
        *SPEC_MEMBER(uint64_t, s, r) = set;
        return set == 0 ? -EINVAL : 0;
}

void spec_format_capabilities(const SpecRecord *r, const Spec *s, StrBuf *b) {
        uint64_t set = *SPEC_CONST_MEMBER(uint64_t, s, r);

        if (set != 0)
                strbuf_printf(b, "%s %016llx\n", r->key, (unsigned long long)set);
}

/* ---- Landlock ---- */

int spec_parse_landlock(const SpecRecord *r _unused_, Spec *s, char **fields) {
        s->landlock = TAKE_PTR(fields[0]);
        if (!streq(s->landlock, "custom"))
                return 0;
        s->landlock_policy = landlock_policy_new();
        return s->landlock_policy ? 0 : -ENOMEM;
}

int spec_parse_landlock_min_abi(const SpecRecord *r _unused_, Spec *s, char **fields) {
        uint64_t abi;
        int k = spec_parse_u64(fields[0], &abi);

        if (k < 0 || abi < 1 || abi > ABI_MAX)
                return -EINVAL;
        s->landlock_min_abi = (unsigned)abi;
        if (s->landlock_policy)
                s->landlock_policy->min_abi = (unsigned)abi;
        return 0;
}

void spec_format_landlock_min_abi(const SpecRecord *r, const Spec *s, StrBuf *b) {
        unsigned abi = spec_landlock_min_abi(s);

        if (abi > 0)
                strbuf_printf(b, "%s %u\n", r->key, abi);
}

/* One more right, which must stand behind all before it. */
static int add_right(LandlockKind kind, const char *word, uint64_t *access) {
        const LandlockRight *right = landlock_right_find(kind, word);

        if (!right || right->bit <= *access)
                return -EINVAL;
        *access |= right->bit;
        return 0;
}

static int parse_access(LandlockKind kind, char *words, uint64_t *ret_) {
        uint64_t access = 0;

        for (char *word; (word = strsep(&words, ","));) {
                int k = add_right(kind, word, &access);
                if (k < 0)
                        return k;
        }
        *ret_ = access;
        return 0;
}

int spec_parse_landlock_rule(const SpecRecord *r _unused_, Spec *s, char **fields) {
        bool optional = streq(fields[0], "optional");
        uint64_t access;

        if (!s->landlock_policy || (!optional && !streq(fields[0], "required")))
                return -EINVAL;
        int k = parse_access(LANDLOCK_KIND_FS, fields[1], &access);
        return k < 0 ? k : landlock_policy_add_path(s->landlock_policy, fields[2], access, optional);
}

void spec_format_landlock_rules(const SpecRecord *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; s->landlock_policy && i < s->landlock_policy->n_rules; i++) {
                const LandlockPathRule *rule = &s->landlock_policy->rules[i];

                strbuf_printf(b, "%s %s ", r->key, rule->optional ? "optional" : "required");
                landlock_access_format(LANDLOCK_KIND_FS, rule->access, ",", b);
                spec_format_field(b, rule->path);
                strbuf_putc(b, '\n');
        }
}

int spec_parse_landlock_port(const SpecRecord *r _unused_, Spec *s, char **fields) {
        uint64_t access, port;

        if (!s->landlock_policy)
                return -EINVAL;
        int k = parse_access(LANDLOCK_KIND_NET, fields[0], &access);
        if (k >= 0)
                k = spec_parse_u64(fields[1], &port);
        if (k >= 0)
                k = port > UINT16_MAX ? -EINVAL
                                      : landlock_policy_add_port(s->landlock_policy, (unsigned)port, access);
        return k;
}

void spec_format_landlock_ports(const SpecRecord *r, const Spec *s, StrBuf *b) {
        for (size_t i = 0; s->landlock_policy && i < s->landlock_policy->n_ports; i++) {
                strbuf_printf(b, "%s ", r->key);
                landlock_access_format(LANDLOCK_KIND_NET, s->landlock_policy->ports[i].access, ",", b);
                strbuf_printf(b, " %u\n", s->landlock_policy->ports[i].port);
        }
}

int spec_parse_landlock_scoped(const SpecRecord *r _unused_, Spec *s, char **fields) {
        if (!s->landlock_policy || !fields[0])
                return -EINVAL;
        STRV_FOREACH(word, fields) {
                int k = add_right(LANDLOCK_KIND_SCOPE, word, &s->landlock_policy->scoped);
                if (k < 0)
                        return k;
        }
        return 0;
}

void spec_format_landlock_scoped(const SpecRecord *r, const Spec *s, StrBuf *b) {
        if (!s->landlock_policy || s->landlock_policy->scoped == 0)
                return;
        strbuf_printf(b, "%s ", r->key);
        landlock_access_format(LANDLOCK_KIND_SCOPE, s->landlock_policy->scoped, " ", b);
        strbuf_putc(b, '\n');
}

/* ---- checks ---- */

static const char *capabilities_problem(const Spec *s) {
        if (s->capabilities_ambient & ~s->capabilities_bounding)
                return "ambient capabilities that are not in the bounding set";
        if (s->capabilities_bounding != 0 && !(s->namespaces & NAMESPACE_USER))
                return "capabilities without a user namespace, where they are the host's";
        if (s->capabilities_bounding & UINT64_C(1) << CAP_SETFCAP)
                return "CAP_SETFCAP, with which files of volumes get capabilities of the host";
        return NULL;
}

/* Its answer would be whoever's the workload makes its own listener: not ours. */
static bool asks_somebody(const struct sock_filter *f) {
        uint32_t action = f->k & SECCOMP_RET_ACTION_FULL;

        if (BPF_CLASS(f->code) != BPF_RET)
                return false;
        return BPF_RVAL(f->code) != BPF_K || action == SECCOMP_RET_TRACE || action == SECCOMP_RET_USER_NOTIF;
}

static const char *program_problem(const char *text) {
        _cleanup_free_ void *program = NULL;
        size_t n;

        int k = base64_decode(text, &program, &n);
        if (k < 0)
                return k == -ENOMEM ? "out of memory" : "a seccomp program that is not base64";
        if (n == 0 || n % sizeof(struct sock_filter) != 0 || n / sizeof(struct sock_filter) > BPF_MAXINSNS)
                return "a seccomp program that is no list of at most 4096 instructions";
        for (size_t i = 0; i < n / sizeof(struct sock_filter); i++)
                if (asks_somebody((const struct sock_filter *)program + i))
                        return "a seccomp program that leaves a call to a tracer or a listener";
        return NULL;
}

static const char *seccomp_problem(const Spec *s) {
        bool custom = streq(s->seccomp, "custom");

        if (!custom && !streq(s->seccomp, "default"))
                return "an unknown seccomp policy, neither default nor custom";
        if (custom != !!s->seccomp_program)
                return custom ? "seccomp custom without a program" : "seccomp default with a program";
        if (s->seccomp_source && (!custom || isempty(s->seccomp_source)))
                return "a seccomp source that is empty, or of no program";
        if (s->seccomp_lines && !seccomp_lines_valid(s->seccomp_lines))
                return "seccomp lines that are no list of calls, actions and lines";
        if (s->seccomp_trace && path_problem(s->seccomp_trace))
                return "a seccomp trace that is not absolute and normalised";
        return custom ? program_problem(s->seccomp_program) : NULL;
}

static const char *landlock_problem(const Spec *s) {
        if (!streq(s->landlock, "custom") && !streq(s->landlock, "default"))
                return "an unknown landlock policy, neither default nor custom";
        if (s->landlock_source && (!s->landlock_policy || isempty(s->landlock_source)))
                return "a landlock source that is empty, or of no policy";
        if (s->landlock_policy && s->landlock_policy->n_ports > 0 &&
                spec_landlock_min_abi(s) < LANDLOCK_ABI_NET)
                return "landlock ports without the landlock-min-abi that has them";
        return NULL;
}

const char *spec_policy_problem(const Spec *s) {
        if (s->error)
                return NULL;
        return capabilities_problem(s) ?: seccomp_problem(s) ?: landlock_problem(s);
}
