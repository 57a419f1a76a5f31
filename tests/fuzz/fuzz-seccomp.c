/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles: what is accepted compiles, for every target, to a program whose every jump lands inside
 * it; and what explains it ends in something that always decides. */

#include "fuzz.h"
#include "seccomp-profile.h"

static char *const denied[] = { (char *)"ptrace", (char *)"mmap", NULL };

static const SeccompTarget targets[] = {
        { .kernel_major = 4, .kernel_minor = 7 },
        { .kernel_major = 6, .kernel_minor = 18, .capabilities = UINT64_MAX, .denied = denied },
};

static void check_program(const SeccompProgram *program) {
        CHECK(program->n > 0 && program->n <= BPF_MAXINSNS);
        for (size_t i = 0; i < program->n; i++) {
                const struct sock_filter *f = &program->filter[i];

                if (BPF_CLASS(f->code) != BPF_JMP)
                        continue;
                if (BPF_OP(f->code) == BPF_JA)
                        CHECK(f->k < program->n - i - 1);
                else
                        CHECK(f->jt < program->n - i - 1 && f->jf < program->n - i - 1);
        }
        CHECK(BPF_CLASS(program->filter[program->n - 1].code) == BPF_RET);
}

static void check_explanation(const SeccompProfile *p, const SeccompTarget *target, const char *name) {
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        _cleanup_strbuf_ StrBuf b = {};
        size_t n = 0;

        int k = seccomp_explain(p, target, name, &verdicts, &n);
        CHECK(k == 0 || k == -EOPNOTSUPP);
        for (size_t i = 0; i < n; i++) {
                const SeccompRule *rule = verdicts[i].rule;

                CHECK((rule && rule->n_conditions > 0) == (i + 1 < n));
                seccomp_action_format(verdicts[i].action, &b);
                if (rule)
                        seccomp_conditions_format(rule, &b);
        }
        CHECK(k < 0 || n > 0);
}

static void check_target(const SeccompProfile *p, const SeccompTarget *target) {
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProgram program = {};

        int known = seccomp_profile_check(p, target, &error);
        CHECK(known == 0 || (known == -EINVAL && error.message && error.line > 0));
        int k = seccomp_compile(p, target, &program);
        CHECK(known == 0 ? k == 0 || k == -E2BIG : k == -ENOENT);
        if (k == 0)
                check_program(&program);
        free(program.filter);
        if (known < 0)
                return;
        for (size_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].names)
                        check_explanation(p, target, p->rules[i].names[0]);
        check_explanation(p, target, "mmap");
}

bool fuzz_one(const char *text, size_t n) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};

        int k = seccomp_profile_parse(text, n, &p, &error);
        CHECK(k == 0 || (k == -EINVAL && error.message && error.line > 0));
        if (k < 0)
                return false;
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                        SeccompTarget target = targets[i];

                        target.arch = arch;
                        check_target(p, &target);
                }
        return true;
}
