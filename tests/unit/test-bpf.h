/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the kernel does with a seccomp filter, for tests: the check when it is loaded (bpf_check_classic()
 * and seccomp_check_filter()), and the run. Only the instructions that our compiler writes; any other fails
 * the test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "seccomp-profile.h"

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))
#define HIGH (UINT64_C(1) << 32)

static inline SeccompProgram bpf_program_freed(SeccompProgram p) {
        free(p.filter);
        return (SeccompProgram){};
}

static inline void bpf_program_done(SeccompProgram *p) {
        *p = bpf_program_freed(*p);
}
#define _cleanup_program_ _cleanup_(bpf_program_done)

/* All jumps land inside, all loads are aligned and inside of seccomp_data, and the end is a return. */
static inline void bpf_assert_loadable(const SeccompProgram *p) {
        assert_in_range(p->n, 1, BPF_MAXINSNS);
        for (size_t i = 0; i < p->n; i++) {
                const struct sock_filter *f = &p->filter[i];

                switch (f->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        assert_int_equal(f->k % 4, 0);
                        assert_true(f->k < sizeof(struct seccomp_data));
                        break;
                case BPF_JMP | BPF_JA:
                        assert_true(f->k < p->n - i - 1);
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                case BPF_JMP | BPF_JGT | BPF_K:
                case BPF_JMP | BPF_JGE | BPF_K:
                        assert_true(i + 1 + f->jt < p->n && i + 1 + f->jf < p->n);
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                case BPF_RET | BPF_K:
                        break;
                default:
                        fail_msg("instruction %zu has the code 0x%x", i, f->code);
                }
        }
        assert_int_equal(p->filter[p->n - 1].code, BPF_RET | BPF_K);
}

/* One system call. `ret_steps`, where it is not NULL, is how many instructions it took. */
static inline uint32_t bpf_run(const SeccompProgram *p, const struct seccomp_data *data, size_t *ret_steps) {
        uint32_t a = 0;

        for (size_t i = 0, steps = 1; i < p->n; i++, steps++) {
                const struct sock_filter *f = &p->filter[i];
                bool yes = false;

                switch (f->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        memcpy(&a, (const char *)data + f->k, sizeof(a));
                        continue;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= f->k;
                        continue;
                case BPF_JMP | BPF_JA:
                        i += f->k;
                        continue;
                case BPF_RET | BPF_K:
                        if (ret_steps)
                                *ret_steps = steps;
                        return f->k;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        yes = a == f->k;
                        break;
                case BPF_JMP | BPF_JGT | BPF_K:
                        yes = a > f->k;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        yes = a >= f->k;
                        break;
                default:
                        fail_msg("instruction %zu has the code 0x%x", i, f->code);
                }
                i += yes ? f->jt : f->jf;
        }
        fail_msg("the program ran over its end");
        return 0;
}

static inline const SeccompArch *bpf_arch(const char *name) {
        const SeccompArch *a = seccomp_arch_find(name);

        assert_non_null(a);
        return a;
}
