/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile to the bytes that a kernel loads, by one compiler or another, for seccomp.py to compare.
 * Usage: seccomp-filter COMPILER PROFILE.json CAPABILITIES > FILTER, where CAPABILITIES is the mask of those
 * kept, in hexadecimal, and COMPILER is a row of the table below. The reader is always ours; so where two
 * rules for one call contradict each other, libseccomp's own order decides and not the profile's.
 */

#include <limits.h>
#include <seccomp.h>
#include <sys/utsname.h>

#include "seccomp-profile.h"

static const struct {
        const char *name;
        bool ours;
        uint32_t optimize; /* SCMP_FLTATR_CTL_OPTIMIZE: 1 is libseccomp's default, a line; 2 a binary tree */
        bool foreign;      /* with the machine's other ABIs, as engines add them from archMap */
} compilers[] = {
        { .name = "nucleus", .ours = true },
        { .name = "libseccomp", .optimize = 1 },
        { .name = "libseccomp-tree", .optimize = 2 },
        { .name = "engine", .optimize = 1, .foreign = true },
};

static const struct {
        uint32_t native, foreign;
} foreign_archs[] = {
        { SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
        { SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
        { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
};

static int read_file(const char *path, char **ret_, size_t *ret_n) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        _cleanup_free_ char *text = malloc(1 << 20);

        if (!f || !text)
                return -errno;
        *ret_n = fread(text, 1, 1 << 20, f);
        if (ferror(f) || !feof(f))
                return -EFBIG;
        *ret_ = TAKE_PTR(text);
        return 0;
}

static uint32_t library_action(uint32_t action) {
        switch (action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW:
                return SCMP_ACT_ALLOW;
        case SECCOMP_RET_ERRNO:
                return SCMP_ACT_ERRNO(action & SECCOMP_RET_DATA);
        case SECCOMP_RET_LOG:
                return SCMP_ACT_LOG;
        case SECCOMP_RET_TRAP:
                return SCMP_ACT_TRAP;
        case SECCOMP_RET_KILL_THREAD:
                return SCMP_ACT_KILL_THREAD;
        }
        return SCMP_ACT_KILL_PROCESS;
}

static struct scmp_arg_cmp library_condition(const SeccompCondition *c) {
        static const enum scmp_compare operators[] = {
                [SECCOMP_OPERATOR_NE] = SCMP_CMP_NE,
                [SECCOMP_OPERATOR_LT] = SCMP_CMP_LT,
                [SECCOMP_OPERATOR_LE] = SCMP_CMP_LE,
                [SECCOMP_OPERATOR_EQ] = SCMP_CMP_EQ,
                [SECCOMP_OPERATOR_GE] = SCMP_CMP_GE,
                [SECCOMP_OPERATOR_GT] = SCMP_CMP_GT,
                [SECCOMP_OPERATOR_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
        };

        return (struct scmp_arg_cmp){
                .arg = c->index, .op = operators[c->op], .datum_a = c->value, .datum_b = c->value_two
        };
}

/* One rule as engines hand it over: a call that the library does not know is left out, and so is what the
 * default does anyway and what another rule has said. */
static int add(scmp_filter_ctx ctx, const SeccompRule *rule, const char *name,
        struct scmp_arg_cmp *conditions, size_t n) {
        int nr = seccomp_syscall_resolve_name(name);

        if (nr == __NR_SCMP_ERROR)
                return 0;
        int r = seccomp_rule_add_array(ctx, library_action(rule->action), nr, (unsigned)n, conditions);
        return r == -EACCES || r == -EEXIST || r == -EDOM ? 0 : r;
}

static int add_rule(scmp_filter_ctx ctx, const SeccompRule *rule) {
        struct scmp_arg_cmp conditions[16];
        int r = 0;

        if (rule->n_conditions > ELEMENTSOF(conditions))
                return -E2BIG;
        for (size_t i = 0; i < rule->n_conditions; i++)
                conditions[i] = library_condition(&rule->conditions[i]);
        STRV_FOREACH(name, rule->names) {
                if (!rule->any_condition)
                        r = add(ctx, rule, name, conditions, rule->n_conditions);
                for (size_t i = 0; r >= 0 && rule->any_condition && i < rule->n_conditions; i++)
                        r = add(ctx, rule, name, &conditions[i], 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compile_with_library(
        const SeccompProfile *p, const SeccompTarget *target, uint32_t optimize, bool foreign) {
        scmp_filter_ctx ctx = seccomp_init(library_action(p->default_action));
        int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize) : -ENOMEM;

        for (size_t i = 0; r >= 0 && foreign && i < ELEMENTSOF(foreign_archs); i++)
                if (foreign_archs[i].native == target->arch->library)
                        r = seccomp_arch_add(ctx, foreign_archs[i].foreign);
        for (size_t i = 0; r >= 0 && i < p->n_rules; i++)
                if (seccomp_rule_applies(&p->rules[i], target))
                        r = add_rule(ctx, &p->rules[i]);
        if (r >= 0)
                r = seccomp_export_bpf(ctx, STDOUT_FILENO);
        seccomp_release(ctx);
        return r;
}

static int compile_with_ours(const SeccompProfile *p, const SeccompTarget *target) {
        SeccompProgram program;

        int r = seccomp_compile(p, target, &program);
        if (r < 0)
                return r;
        size_t n = fwrite(program.filter, sizeof(*program.filter), program.n, stdout);
        free(program.filter);
        return n == program.n && fflush(stdout) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv) {
        SeccompTarget target = { .arch = seccomp_arch_this() };
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *text = NULL;
        struct utsname uts;
        size_t n = 0, i = 0;

        while (argc == 4 && i < ELEMENTSOF(compilers) && !streq(compilers[i].name, argv[1]))
                i++;
        if (argc != 4 || i == ELEMENTSOF(compilers)) {
                fprintf(stderr, "Usage: seccomp-filter COMPILER PROFILE.json CAPABILITIES\n");
                return 2;
        }
        target.capabilities = strtoull(argv[3], NULL, 16);
        int r = uname(&uts) < 0
                        ? -errno
                        : seccomp_kernel_parse(uts.release, &target.kernel_major, &target.kernel_minor);
        if (r >= 0)
                r = read_file(argv[2], &text, &n);
        if (r >= 0)
                r = seccomp_profile_parse(text, n, &p, &error);
        if (r >= 0)
                r = compilers[i].ours
                            ? compile_with_ours(p, &target)
                            : compile_with_library(p, &target, compilers[i].optimize, compilers[i].foreign);
        if (r >= 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "%s:%u:%u: %s\n", argv[2], error.line, error.column, error.message ?: strerror(-r));
        return EXIT_FAILURE;
}
