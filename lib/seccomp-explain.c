/* SPDX-License-Identifier: Apache-2.0 */
/* Why a call gets what it gets: the same selection that the compiler lays out, for people. */

#include "seccomp-select.h"

#include <linux/seccomp.h>

/* A kernel release is "MAJOR.MINOR", and then whatever a distribution put there. */
int seccomp_kernel_parse(const char *release, unsigned *ret_major, unsigned *ret_minor) {
        unsigned numbers[2] = {};
        const char *p = release;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                const char *start = p;

                for (; *p >= '0' && *p <= '9'; p++) {
                        numbers[i] = 10 * numbers[i] + (unsigned)(*p - '0');
                        if (numbers[i] > UINT16_MAX)
                                return -EINVAL;
                }
                if (p == start || (i == 0 && *p++ != '.'))
                        return -EINVAL;
        }
        *ret_major = numbers[0];
        *ret_minor = numbers[1];
        return 0;
}

static bool is_known(const SeccompTarget *target, const char *name) {
        uint32_t nr;

        return seccomp_syscall_number(target->arch, name, &nr) != -ENOENT;
}

int seccomp_profile_check(const SeccompProfile *p, const SeccompTarget *target, PolicyError *reterr_) {
        char buffer[SECCOMP_NAME_SIZE];

        for (size_t i = 0; i < p->n_rules; i++) {
                const SeccompRule *rule = &p->rules[i];

                if (!rule->unknown || !seccomp_rule_applies(rule, target))
                        continue;
                const char *near = seccomp_syscall_nearest(rule->unknown, buffer);
                return policy_error_set(reterr_, rule->unknown_line, 0,
                        "syscalls, rule %u: unknown system call \"%.64s\"%s%s%s", rule->number,
                        rule->unknown, near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
        }
        STRV_FOREACH(name, target->denied)
        if (!is_known(target, name))
                return policy_error_set(
                        reterr_, 0, 0, "unknown system call \"%.64s\" in the list of denied ones", name);
        return 0;
}

struct SeccompExplainer {
        const SeccompProfile *profile;
        SeccompCalls calls;
        const SeccompFirst *first;
        size_t n_first;
};

SeccompExplainer *seccomp_explainer_free(SeccompExplainer *e) {
        if (e)
                seccomp_calls_done(&e->calls);
        free(e);
        return NULL;
}

int seccomp_explainer_new(const SeccompProfile *p, const SeccompTarget *target, SeccompExplainer **ret_) {
        _cleanup_seccomp_explainer_ SeccompExplainer *e = calloc(1, sizeof(*e));

        if (!e)
                return -ENOMEM;
        e->profile = p;
        e->first = target->first;
        e->n_first = target->n_first;
        int r = seccomp_calls_collect(p, target, &e->calls);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(e);
        return 0;
}

uint32_t seccomp_explainer_beyond(const SeccompExplainer *e) {
        return e->calls.beyond;
}

static int number_compare(const void *nr, const void *call) {
        uint32_t x = *(const uint32_t *)nr, y = ((const SeccompCall *)call)->nr;
        return x < y ? -1 : x > y;
}

/* Of the profile before the profile that has the rule. */
static const char *path_of(const SeccompExplainer *e, const SeccompRule *rule) {
        for (size_t i = 0; i < e->n_first; i++) {
                const SeccompProfile *p = e->first[i].profile;
                if (rule >= p->rules && rule < p->rules + p->n_rules)
                        return e->first[i].path;
        }
        return NULL;
}

int seccomp_explainer_ask(const SeccompExplainer *e, uint32_t nr, SeccompVerdict **ret_, size_t *ret_n) {
        const SeccompCalls *calls = &e->calls;
        const SeccompCall *call =
                calls->n == 0 ? NULL
                              : bsearch(&nr, calls->calls, calls->n, sizeof(*calls->calls), number_compare);
        size_t n_rules = call ? call->n_rules : 0, n = 0;
        SeccompVerdict *verdicts = calloc(n_rules + 1, sizeof(*verdicts));

        if (!verdicts)
                return -ENOMEM;
        if (call && call->denied) {
                verdicts[n++] = (SeccompVerdict){ .by_floor = true, .action = SECCOMP_FLOOR_ACTION };
                n_rules = 0;
        }
        for (size_t i = 0; i < n_rules; i++)
                verdicts[n++] = (SeccompVerdict){
                        .rule = call->rules[i],
                        .first = i < call->n_first ? path_of(e, call->rules[i]) : NULL,
                        .line = call->rules[i]->line,
                        .action = call->rules[i]->action,
                };
        if (n == 0 || (verdicts[n - 1].rule && verdicts[n - 1].rule->n_conditions > 0))
                verdicts[n++] = (SeccompVerdict){ .line = e->profile->default_line,
                        .action = nr >= calls->beyond ? seccomp_beyond_action(e->profile)
                                                      : e->profile->default_action };
        *ret_ = verdicts;
        *ret_n = n;
        return 0;
}

int seccomp_explain(const SeccompProfile *p, const SeccompTarget *target, const char *name,
        SeccompVerdict **ret_, size_t *ret_n) {
        _cleanup_seccomp_explainer_ SeccompExplainer *e = NULL;
        uint32_t nr;

        int r = seccomp_syscall_number(target->arch, name, &nr);
        if (r >= 0)
                r = seccomp_explainer_new(p, target, &e);
        return r < 0 ? r : seccomp_explainer_ask(e, nr, ret_, ret_n);
}
