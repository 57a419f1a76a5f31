/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles: what the compiled program answers, as an interpreter of classic BPF sees it. The cases
 * are rows: rules, a call with arguments, the action.
 */

#include "test-profile.h"

/* ---- what a program answers ---- */

#define EPERM_ ERRNO(EPERM)

/* mmap's arguments 0, 1 and 5 have 64 bits; socket's, ioctl's request and clone's flags have 32. */
#define M(op, value) RULE("mmap", "ALLOW", ARG(0, op, value))
#define S(op, value) RULE("socket", "ALLOW", ARG(0, op, value))
#define TWICE_AND_ONE ARG(0, "EQ", 2) ", " ARG(0, "EQ", 5) ", " ARG(2, "EQ", 9)

static const struct {
        const char *rules, *call;
        uint64_t args[6];
        uint32_t action;
} answers[] = {
        /* 64 bits: below, at and above, in the low half */
        { M("EQ", 7), "mmap", { 6 }, EPERM_ },
        { M("EQ", 7), "mmap", { 7 }, ALLOW },
        { M("EQ", 7), "mmap", { 8 }, EPERM_ },
        { M("NE", 7), "mmap", { 6 }, ALLOW },
        { M("NE", 7), "mmap", { 7 }, EPERM_ },
        { M("NE", 7), "mmap", { 8 }, ALLOW },
        { M("LT", 7), "mmap", { 6 }, ALLOW },
        { M("LT", 7), "mmap", { 7 }, EPERM_ },
        { M("LT", 7), "mmap", { 8 }, EPERM_ },
        { M("LE", 7), "mmap", { 6 }, ALLOW },
        { M("LE", 7), "mmap", { 7 }, ALLOW },
        { M("LE", 7), "mmap", { 8 }, EPERM_ },
        { M("GE", 7), "mmap", { 6 }, EPERM_ },
        { M("GE", 7), "mmap", { 7 }, ALLOW },
        { M("GE", 7), "mmap", { 8 }, ALLOW },
        { M("GT", 7), "mmap", { 6 }, EPERM_ },
        { M("GT", 7), "mmap", { 7 }, EPERM_ },
        { M("GT", 7), "mmap", { 8 }, ALLOW },
        /* 64 bits: the upper half counts, and before the lower one */
        { M("EQ", 7), "mmap", { HIGH | 7 }, EPERM_ },
        { M("NE", 7), "mmap", { HIGH | 7 }, ALLOW },
        { M("LT", 7), "mmap", { HIGH | 6 }, EPERM_ },
        { M("LE", 7), "mmap", { HIGH | 6 }, EPERM_ },
        { M("GE", 7), "mmap", { HIGH | 6 }, ALLOW },
        { M("GT", 7), "mmap", { HIGH | 6 }, ALLOW },
        { M("EQ", 12884901893), "mmap", { 3 * HIGH | 5 }, ALLOW },
        { M("EQ", 12884901893), "mmap", { 5 }, EPERM_ },
        { M("EQ", 12884901893), "mmap", { 2 * HIGH | 5 }, EPERM_ },
        { M("NE", 12884901893), "mmap", { 3 * HIGH | 5 }, EPERM_ },
        { M("NE", 12884901893), "mmap", { 2 * HIGH | 5 }, ALLOW },
        { M("NE", 12884901893), "mmap", { 3 * HIGH | 4 }, ALLOW },
        { M("LT", 12884901893), "mmap", { 2 * HIGH | 9 }, ALLOW },
        { M("LT", 12884901893), "mmap", { 3 * HIGH | 4 }, ALLOW },
        { M("LT", 12884901893), "mmap", { 3 * HIGH | 5 }, EPERM_ },
        { M("LT", 12884901893), "mmap", { 4 * HIGH }, EPERM_ },
        { M("LE", 12884901893), "mmap", { 3 * HIGH | 5 }, ALLOW },
        { M("LE", 12884901893), "mmap", { 3 * HIGH | 6 }, EPERM_ },
        { M("LE", 12884901893), "mmap", { 4 * HIGH | 1 }, EPERM_ },
        { M("LE", 12884901893), "mmap", { 2 * HIGH | 9 }, ALLOW },
        { M("GE", 12884901893), "mmap", { 3 * HIGH | 4 }, EPERM_ },
        { M("GE", 12884901893), "mmap", { 3 * HIGH | 5 }, ALLOW },
        { M("GE", 12884901893), "mmap", { 4 * HIGH | 1 }, ALLOW },
        { M("GE", 12884901893), "mmap", { 2 * HIGH | 9 }, EPERM_ },
        { M("GT", 12884901893), "mmap", { 3 * HIGH | 5 }, EPERM_ },
        { M("GT", 12884901893), "mmap", { 3 * HIGH | 6 }, ALLOW },
        { M("GT", 12884901893), "mmap", { 4 * HIGH | 1 }, ALLOW },
        /* the comparison has no sign */
        { M("GT", 7), "mmap", { UINT64_MAX }, ALLOW },
        { M("LT", 7), "mmap", { UINT64_MAX }, EPERM_ },
        { M("EQ", 9223372036854775807), "mmap", { INT64_MAX }, ALLOW },
        { M("EQ", 9223372036854775808), "mmap", { 1ULL << 63 }, ALLOW },
        { M("EQ", 9223372036854775808), "mmap", { INT64_MAX }, EPERM_ },
        { M("EQ", 18446744073709551615), "mmap", { UINT64_MAX }, ALLOW },
        { M("EQ", 18446744073709551615), "mmap", { UINT64_MAX - 1 }, EPERM_ },
        { M("GE", 18446744073709551614), "mmap", { UINT64_MAX - 2 }, EPERM_ },
        { RULE("mmap", "ALLOW", MASK(1, 18446744069414584320, 18446744065119617024)), "mmap",
                { 0, UINT64_C(0xfffffffe) << 32 | 7 }, ALLOW },
        { RULE("mmap", "ALLOW", MASK(1, 18446744069414584320, 18446744065119617024)), "mmap",
                { 0, UINT64_MAX }, EPERM_ },
        { M("GE", 0), "mmap", { 0 }, ALLOW },
        { M("LT", 0), "mmap", { 0 }, EPERM_ },
        { M("GT", 4294967295), "mmap", { UINT32_MAX }, EPERM_ },
        { M("GT", 4294967295), "mmap", { HIGH }, ALLOW },
        /* 32 bits: the upper half is what the kernel does not read */
        { S("EQ", 1), "socket", { 1 }, ALLOW },
        { S("EQ", 1), "socket", { HIGH | 1 }, ALLOW },
        { S("EQ", 1), "socket", { 2 }, EPERM_ },
        { S("NE", 1), "socket", { 1 }, EPERM_ },
        { S("NE", 1), "socket", { HIGH | 1 }, EPERM_ },
        { S("NE", 1), "socket", { UINT64_MAX << 32 | 1 }, EPERM_ },
        { S("NE", 1), "socket", { HIGH | 2 }, ALLOW },
        { S("LT", 2), "socket", { HIGH | 1 }, ALLOW },
        { S("LE", 1), "socket", { HIGH | 2 }, EPERM_ },
        { S("GE", 2), "socket", { HIGH | 1 }, EPERM_ },
        { S("GT", 1), "socket", { HIGH | 1 }, EPERM_ },
        { S("GT", 1), "socket", { HIGH | 2 }, ALLOW },
        { RULE("ioctl", "ALLOW", ARG(1, "NE", 21522)), "ioctl", { 0, HIGH | 0x5412 }, EPERM_ },
        { RULE("ioctl", "ALLOW", ARG(2, "NE", 21522)), "ioctl", { 0, 0, HIGH | 0x5412 }, ALLOW },
        /* 16 bits: a mode */
        { RULE("chmod", "ALLOW", ARG(1, "NE", 2541)), "chmod", { 0, 04755 }, EPERM_ },
        { RULE("chmod", "ALLOW", ARG(1, "NE", 2541)), "chmod", { 0, 0x10000 | 04755 }, EPERM_ },
        { RULE("chmod", "ALLOW", ARG(1, "NE", 2541)), "chmod", { 0, HIGH | 04755 }, EPERM_ },
        { RULE("chmod", "ALLOW", ARG(1, "NE", 2541)), "chmod", { 0, 0755 }, ALLOW },
        { RULE("chmod", "ALLOW", MASK(1, 3072, 0)), "chmod", { 0, 0xf0000 | 0777 }, ALLOW },
        { RULE("chmod", "ALLOW", MASK(1, 3072, 0)), "chmod", { 0, 0xf0000 | 02777 }, EPERM_ },
        /* masks, of both widths */
        { RULE("clone", "ALLOW", MASK(0, 2114060288, 0)), "clone", { 17 }, ALLOW },
        { RULE("clone", "ALLOW", MASK(0, 2114060288, 0)), "clone", { 0x10000011 }, EPERM_ },
        { RULE("clone", "ALLOW", MASK(0, 2114060288, 0)), "clone", { HIGH | 0x10000011 }, EPERM_ },
        { RULE("clone", "ALLOW", MASK(0, 2114060288, 0)), "clone", { HIGH | 17 }, ALLOW },
        { RULE("mmap", "ALLOW", MASK(1, 12, 4)), "mmap", { 0, 0x14 }, ALLOW },
        { RULE("mmap", "ALLOW", MASK(1, 12, 4)), "mmap", { 0, HIGH | 0x14 }, ALLOW },
        { RULE("mmap", "ALLOW", MASK(1, 12, 4)), "mmap", { 0, 0x1c }, EPERM_ },
        { RULE("mmap", "ALLOW", MASK(1, 12884901888, 4294967296)), "mmap", { 0, 5 * HIGH | 9 }, ALLOW },
        { RULE("mmap", "ALLOW", MASK(1, 12884901888, 4294967296)), "mmap", { 0, 3 * HIGH }, EPERM_ },
        { RULE("mmap", "ALLOW", MASK(1, 12884901888, 4294967296)), "mmap", { 0, 1 }, EPERM_ },
        /* the arguments are told apart */
        { RULE("mmap", "ALLOW", ARG(5, "EQ", 9)), "mmap", { 9, 9, 9, 9, 9, 0 }, EPERM_ },
        { RULE("mmap", "ALLOW", ARG(5, "EQ", 9)), "mmap", { 0, 0, 0, 0, 0, 9 }, ALLOW },
        /* all conditions of a rule must hold */
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 16, 3, 0 }, ALLOW },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 16, 3, 9 }, EPERM_ },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 2, 3, 0 }, EPERM_ },
        /* where one argument is looked at twice, each condition is a rule of its own, as engines have it */
        { RULE("mmap", "ALLOW", ARG(0, "EQ", 2) ", " ARG(0, "EQ", 5)), "mmap", { 2 }, ALLOW },
        { RULE("mmap", "ALLOW", ARG(0, "EQ", 2) ", " ARG(0, "EQ", 5)), "mmap", { 5 }, ALLOW },
        { RULE("mmap", "ALLOW", ARG(0, "EQ", 2) ", " ARG(0, "EQ", 5)), "mmap", { 3 }, EPERM_ },
        { RULE("mmap", "ALLOW", TWICE_AND_ONE), "mmap", { 5, 1 }, ALLOW },
        { RULE("mmap", "ALLOW", TWICE_AND_ONE), "mmap", { 3, 0, 9 }, ALLOW },
        { RULE("mmap", "ALLOW", TWICE_AND_ONE), "mmap", { 3, 0, 8 }, EPERM_ },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 1) ", " ARG(0, "EQ", 2)), "socket", { HIGH | 2 }, ALLOW },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 1) ", " ARG(0, "EQ", 2)), "socket", { 3 }, EPERM_ },
        /* rules of one call are tried in order, each alone; the first that holds decides */
        { S("EQ", 1) ", " S("EQ", 2), "socket", { 1 }, ALLOW },
        { S("EQ", 1) ", " S("EQ", 2), "socket", { 2 }, ALLOW },
        { S("EQ", 1) ", " S("EQ", 2), "socket", { 3 }, EPERM_ },
        { M("EQ", 1) ", " RULE("mmap", "KILL_PROCESS", ""), "mmap", { 1 }, ALLOW },
        { M("EQ", 1) ", " RULE("mmap", "KILL_PROCESS", ""), "mmap", { 2 }, SECCOMP_RET_KILL_PROCESS },
        { RULE("mmap", "TRAP", ARG(0, "LT", 5)) ", " M("LT", 9), "mmap", { 4 }, SECCOMP_RET_TRAP },
        { RULE("mmap", "TRAP", ARG(0, "LT", 5)) ", " M("LT", 9), "mmap", { 8 }, ALLOW },
        { RULE("mmap", "TRAP", ARG(0, "LT", 5)) ", " M("LT", 9), "mmap", { 9 }, EPERM_ },
        { M("LT", 9) ", " RULE("mmap", "TRAP", ARG(0, "LT", 5)), "mmap", { 4 }, ALLOW },
        /* actions */
        { RULE("read", "ALLOW", ""), "read", {}, ALLOW },
        { RULE("read", "ALLOW", ""), "write", {}, ERRNO(ENOSYS) }, /* beyond the list */
        { RULE("write", "ALLOW", ""), "read", {}, EPERM_ },
        { RULE("read", "LOG", ""), "read", {}, SECCOMP_RET_LOG },
        { RULE("read", "KILL", ""), "read", {}, SECCOMP_RET_KILL_THREAD },
        { RULE("read", "KILL_THREAD", ""), "read", {}, SECCOMP_RET_KILL_THREAD },
        { RULE("read", "KILL_PROCESS", ""), "read", {}, SECCOMP_RET_KILL_PROCESS },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38}", "read", {},
                ERRNO(ENOSYS) },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 0}", "read", {}, ERRNO(0) },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 4095}", "read", {},
                ERRNO(4095) },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\"}", "read", {}, ERRNO(EPERM) },
        { RULE("read", "TRACE", ""), "read", {}, ERRNO(ENOSYS) },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 65535}", "read", {},
                ERRNO(ENOSYS) },
        { "{\"name\": \"read\", \"action\": \"SCMP_ACT_ALLOW\", \"args\": null}", "read", {}, ALLOW },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"EINVAL\"}", "read", {},
                ERRNO(EINVAL) },
        { "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": \"13\"}", "read", {},
                ERRNO(EACCES) },
};

static void test_program_answers(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                        uint32_t nr;
                        if (seccomp_syscall_number(arch, answers[i].call, &nr) < 0)
                                continue; /* chmod, on aarch64 */
                        _cleanup_free_ char *text = profile_text(answers[i].rules);
                        _cleanup_program_ SeccompProgram p = profile_compile(text, arch);
                        struct seccomp_data data = {
                                .nr = (int)call_number(arch, answers[i].call),
                                .arch = arch->audit_arch,
                        };

                        memcpy(data.args, answers[i].args, sizeof(data.args));
                        /* "beyond the list" holds where read is below write; both architectures have it so
                         */
                        uint32_t action = bpf_run(&p, &data, NULL);
                        if (action != answers[i].action)
                                fail_msg("%s, row %zu: 0x%x, not 0x%x", arch->name, i, action,
                                        answers[i].action);
                }
}

static uint32_t ask(const SeccompProgram *p, uint32_t audit_arch, uint32_t nr) {
        return bpf_run(p, &(struct seccomp_data){ .nr = (int)nr, .arch = audit_arch }, NULL);
}

static void test_program_kills_other_architectures(void **state) {
        static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64, 0,
                UINT32_MAX };

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_free_ char *text = profile_text(RULE("read", "ALLOW", ""));
                _cleanup_program_ SeccompProgram p = profile_compile(text, arch);
                uint32_t nr = call_number(arch, "read");

                assert_int_equal(ask(&p, arch->audit_arch, nr), ALLOW);
                for (size_t i = 0; i < ELEMENTSOF(others); i++)
                        assert_int_equal(ask(&p, others[i], nr), SECCOMP_RET_KILL_PROCESS);
                for (const SeccompArch *other = seccomp_archs; other->name; other++)
                        if (other != arch)
                                assert_int_equal(ask(&p, other->audit_arch, nr), SECCOMP_RET_KILL_PROCESS);
        }
}

/* A profile that allows by default must not let the other ABI's numbers through either. */
static void test_program_knows_no_x32(void **state) {
        static const char *const texts[] = {
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}",
                "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" RULE("read", "ALLOW", "") "]}",
        };
        const SeccompArch *arch = bpf_arch("x86_64");

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_program_ SeccompProgram p = profile_compile(texts[i], arch);

                assert_int_equal(ask(&p, arch->audit_arch, 0), ALLOW);
                for (uint32_t nr = 0; nr < 600; nr++)
                        assert_int_equal(ask(&p, arch->audit_arch, 0x40000000 | nr), ERRNO(ENOSYS));
                assert_int_equal(ask(&p, arch->audit_arch, UINT32_MAX), ERRNO(ENOSYS));
        }
}

/* ENOSYS makes a program use what came before; another default is the user's word and stands. */
static void test_program_beyond_the_list(void **state) {
        static const struct {
                const char *action;
                uint32_t inside, beyond;
        } defaults[] = {
                { "\"SCMP_ACT_ERRNO\"", ERRNO(EPERM), ERRNO(ENOSYS) },
                { "\"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 13", ERRNO(EACCES), ERRNO(ENOSYS) },
                { "\"SCMP_ACT_KILL_PROCESS\"", SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS },
                { "\"SCMP_ACT_ALLOW\"", ALLOW, ALLOW },
        };

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (size_t i = 0; i < ELEMENTSOF(defaults); i++) {
                        _cleanup_free_ char *text = NULL;

                        assert_true(asprintf(&text,
                                            "{\"defaultAction\": %s, \"syscalls\": [" RULE(
                                                    "faccessat2", "LOG", "") "]}",
                                            defaults[i].action) > 0);
                        _cleanup_program_ SeccompProgram p = profile_compile(text, arch);
                        assert_int_equal(ask(&p, arch->audit_arch, 438), defaults[i].inside);
                        assert_int_equal(ask(&p, arch->audit_arch, 439), SECCOMP_RET_LOG);
                        assert_int_equal(ask(&p, arch->audit_arch, 440), defaults[i].beyond);
                        assert_int_equal(ask(&p, arch->audit_arch, 0x3fffffff), defaults[i].beyond);
                }
}

/* A call of one architecture alone is no error, and nothing where it does not exist. */
static void test_program_leaves_out_what_an_architecture_lacks(void **state) {
        _cleanup_free_ char *text =
                profile_text(RULE("arch_prctl", "ALLOW", "") ", " RULE("open", "ALLOW", ""));
        const SeccompArch *x86 = bpf_arch("x86_64"), *arm = bpf_arch("aarch64");
        _cleanup_program_ SeccompProgram p = profile_compile(text, x86), q = profile_compile(text, arm);

        assert_int_equal(ask(&p, x86->audit_arch, 2), ALLOW);
        assert_int_equal(ask(&p, x86->audit_arch, 158), ALLOW);
        for (uint32_t nr = 0; nr < 600; nr++)
                assert_int_equal(ask(&q, arm->audit_arch, nr), ERRNO(ENOSYS));
}

/* A name twice in one rule, and two names of one number, are one rule of that number. */
static void test_program_takes_repeated_names(void **state) {
        static const char rule[] =
                "{\"names\": [\"read\", \"read\", \"read\", \"read\", \"write\", \"write\"], \"action\": "
                "\"SCMP_ACT_ALLOW\", \"args\": [" ARG(2, "LT", 9) "]}";
        _cleanup_free_ char *text = profile_text(rule);
        const SeccompArch *arch = bpf_arch("x86_64");
        _cleanup_program_ SeccompProgram p = profile_compile(text, arch);

        assert_int_equal(ask(&p, arch->audit_arch, 0), ALLOW);
        assert_int_equal(ask(&p, arch->audit_arch, 1), ALLOW);
}

/* The kernel takes 4096 instructions; what is longer is an error and never a shorter program. */
static void test_program_too_long_refused(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_free_ char *rules = NULL, *text = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProgram program = {};
        size_t size;
        FILE *f = open_memstream(&rules, &size);

        assert_non_null(f);
        for (int i = 0; i < 2000; i++)
                fprintf(f,
                        "%s" RULE(
                                "socket", "ALLOW", "{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": %d}"),
                        i ? ", " : "", i);
        assert_int_equal(fclose(f), 0);
        text = profile_text(rules);
        assert_int_equal(seccomp_profile_parse(text, strlen(text), &p, &error), 0);
        assert_int_equal(
                seccomp_compile(p, &(SeccompTarget){ .arch = bpf_arch("x86_64") }, &program), -E2BIG);
        assert_null(program.filter);
}

/* ---- architectures ---- */

static void test_arch_numbers(void **state) {
        static const struct {
                const char *name;
                int x86_64, aarch64; /* -1: not there */
        } numbers[] = {
                { "read", 0, 63 },
                { "open", 2, -1 },
                { "ioctl", 16, 29 },
                { "socket", 41, 198 },
                { "clone", 56, 220 },
                { "openat", 257, 56 },
                { "clone3", 435, 435 },
                { "cachestat", 451, 451 },
                { "fchmodat2", 452, 452 },
                { "mseal", 462, 462 },
                { "file_setattr", 469, 469 },
        };
        const SeccompArch *x86 = bpf_arch("SCMP_ARCH_X86_64"), *arm = bpf_arch("arm64");
        uint32_t nr = 0;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                assert_int_equal(call_number(x86, numbers[i].name), numbers[i].x86_64);
                if (numbers[i].aarch64 >= 0)
                        assert_int_equal(call_number(arm, numbers[i].name), numbers[i].aarch64);
                else
                        assert_int_equal(seccomp_syscall_number(arm, numbers[i].name, &nr), -EOPNOTSUPP);
        }
        assert_int_equal(seccomp_syscall_number(x86, "raed", &nr), -ENOENT);
}

static void test_arch_names(void **state) {
        assert_null(seccomp_arch_find("SCMP_ARCH_X86"));
        assert_null(seccomp_arch_find(""));
        assert_true(seccomp_arch_oci_known("SCMP_ARCH_X86"));
        assert_true(seccomp_arch_oci_known("SCMP_ARCH_AARCH64"));
        assert_false(seccomp_arch_oci_known("x86_64"));
        assert_false(seccomp_arch_oci_known("SCMP_ARCH_NOPE"));
        assert_true(seccomp_argument_is_int("ioctl", 1));
        assert_false(seccomp_argument_is_int("ioctl", 2));
        assert_false(seccomp_argument_is_int("mmap", 0));
        assert_int_equal(seccomp_argument_bits("fchmodat2", 2), 16);
        assert_int_equal(seccomp_argument_bits("fchmodat2", 3), 32);
        assert_int_equal(seccomp_argument_bits("fchmodat2", 1), 64);
        assert_int_equal(seccomp_argument_bits("accept", 0), 32); /* the first row and the last */
        assert_int_equal(seccomp_argument_bits("writev", 0), 32);
        assert_int_equal(seccomp_argument_bits("writev", 1), 64);
        assert_int_equal(seccomp_argument_bits("nonesuch", 0), 64);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_program_answers),
                cmocka_unit_test(test_program_kills_other_architectures),
                cmocka_unit_test(test_program_knows_no_x32),
                cmocka_unit_test(test_program_beyond_the_list),
                cmocka_unit_test(test_program_leaves_out_what_an_architecture_lacks),
                cmocka_unit_test(test_program_takes_repeated_names),
                cmocka_unit_test(test_program_too_long_refused),
                cmocka_unit_test(test_arch_numbers),
                cmocka_unit_test(test_arch_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
