/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles: what is accepted compiles to a program whose every jump lands inside it. */

#include "fuzz.h"
#include "seccomp-profile.h"

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

bool fuzz_one(const char *text, size_t n) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};

        int k = seccomp_profile_parse(text, n, &p, &error);
        CHECK(k == 0 || (k == -EINVAL && error.message));
        if (k < 0)
                return false;
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                const SeccompTarget target = { .arch = arch };
                SeccompProgram program = {};

                k = seccomp_compile(p, &target, &program);
                CHECK(k == 0 || k == -E2BIG);
                if (k == 0)
                        check_program(&program);
                free(program.filter);
        }
        return true;
}
