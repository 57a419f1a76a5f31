/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules count for a target, and for which calls. The meaning of includes and excludes is that of
 * container engines: every capability of includes must be kept, and one of excludes is enough to leave a
 * rule out.
 */

#include "seccomp-select.h"

#include <linux/seccomp.h>

static bool arch_matches(const SeccompSelector *s, const SeccompTarget *t) {
        return s->archs & 1U << (t->arch - seccomp_archs);
}

static bool kernel_matches(const SeccompSelector *s, const SeccompTarget *t) {
        return t->kernel_major != s->kernel_major ? t->kernel_major > s->kernel_major
                                                  : t->kernel_minor >= s->kernel_minor;
}

bool seccomp_rule_applies(const SeccompRule *rule, const SeccompTarget *target) {
        const SeccompSelector *in = &rule->includes, *out = &rule->excludes;

        if ((in->by_arch && !arch_matches(in, target)) || (out->by_arch && arch_matches(out, target)))
                return false;
        if ((in->by_kernel && !kernel_matches(in, target)) ||
                (out->by_kernel && kernel_matches(out, target)))
                return false;
        return (in->capabilities & ~target->capabilities) == 0 &&
               (out->capabilities & target->capabilities) == 0;
}

uint32_t seccomp_beyond_action(const SeccompProfile *p) {
        bool is_errno = (p->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

        return is_errno ? SECCOMP_RET_ERRNO | ENOSYS : p->default_action;
}

void seccomp_calls_done(SeccompCalls *c) {
        for (size_t i = 0; i < c->n; i++)
                free(c->calls[i].rules);
        free(c->calls);
        *c = (SeccompCalls){};
}

/* The entry of a number, which is made where there is none. NULL: no memory. */
static SeccompCall *call_of(SeccompCalls *c, uint32_t nr, const char *name) {
        for (size_t i = 0; i < c->n; i++)
                if (c->calls[i].nr == nr)
                        return &c->calls[i];

        SeccompCall *q = reallocarray(c->calls, c->n + 1, sizeof(*q));
        if (!q)
                return NULL;
        c->calls = q;
        q[c->n] = (SeccompCall){ .nr = nr, .name = name };
        return &q[c->n++];
}

static int add_rule(SeccompCalls *c, uint32_t nr, const char *name, const SeccompRule *r) {
        SeccompCall *call = call_of(c, nr, name);

        if (!call)
                return -ENOMEM;
        /* A name that the rule lists twice, or two names of one number. */
        if (call->n_rules > 0 && call->rules[call->n_rules - 1] == r)
                return 0;
        /* What is behind a rule that always matches is never asked. */
        if (call->n_rules > 0 && call->rules[call->n_rules - 1]->n_conditions == 0)
                return 0;
        const SeccompRule **q = reallocarray(call->rules, call->n_rules + 1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        call->rules = q;
        q[call->n_rules++] = r;
        return 0;
}

static int collect_rule(SeccompCalls *c, const SeccompRule *rule, const SeccompTarget *target) {
        bool applies = seccomp_rule_applies(rule, target);

        if (applies && rule->unknown)
                return -ENOENT; /* seccomp_profile_check() says it in words */
        STRV_FOREACH(name, rule->names) {
                uint32_t nr;

                if (seccomp_syscall_number(target->arch, name, &nr) < 0)
                        continue; /* not on this architecture */
                if (nr >= c->beyond)
                        c->beyond = nr + 1;
                int r = applies ? add_rule(c, nr, name, rule) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int collect_floor(SeccompCalls *c, const SeccompTarget *target) {
        STRV_FOREACH(name, target->denied) {
                uint32_t nr;

                int r = seccomp_syscall_number(target->arch, name, &nr);
                if (r == -EOPNOTSUPP)
                        continue;
                if (r < 0)
                        return r; /* what was meant is unknown, so it would not be denied */
                SeccompCall *call = call_of(c, nr, name);
                if (!call)
                        return -ENOMEM;
                call->denied = true;
        }
        return 0;
}

static int call_compare(const void *a, const void *b) {
        uint32_t x = ((const SeccompCall *)a)->nr, y = ((const SeccompCall *)b)->nr;
        return x < y ? -1 : x > y;
}

/* They name calls for their own reasons: where the profile's list ends is not theirs to say. */
static int collect_first(SeccompCalls *c, const SeccompTarget *target) {
        for (size_t i = 0; i < target->n_first; i++)
                for (size_t k = 0; k < target->first[i].profile->n_rules; k++) {
                        int r = collect_rule(c, &target->first[i].profile->rules[k], target);
                        if (r < 0)
                                return r;
                }
        c->beyond = 0;
        for (size_t i = 0; i < c->n; i++)
                c->calls[i].n_first = c->calls[i].n_rules;
        return 0;
}

int seccomp_calls_collect(const SeccompProfile *p, const SeccompTarget *target, SeccompCalls *ret_) {
        *ret_ = (SeccompCalls){};
        int k = collect_first(ret_, target);
        if (k < 0)
                return k;
        for (size_t i = 0; i < p->n_rules; i++) {
                int r = collect_rule(ret_, &p->rules[i], target);
                if (r < 0)
                        return r;
        }
        int r = collect_floor(ret_, target);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ret_->n; i++)
                ret_->calls[i].fallback =
                        ret_->calls[i].nr >= ret_->beyond ? seccomp_beyond_action(p) : p->default_action;
        if (ret_->n > 1)
                qsort(ret_->calls, ret_->n, sizeof(SeccompCall), call_compare);
        return 0;
}
