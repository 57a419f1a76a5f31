/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles: what the parser refuses, and what the compiled program answers, as an interpreter of
 * classic BPF sees it. The cases are rows: rules, a call with arguments, the action.
 */

#include "test-bpf.h"

static char *profile_text(const char *rules) {
        char *text;

        assert_true(
                asprintf(&text, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [%s]}", rules) > 0);
        return text;
}

static SeccompProgram compile(const char *text, const SeccompArch *arch) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProgram program = {};

        if (seccomp_profile_parse(text, strlen(text), &p, &error) < 0)
                fail_msg("%s: %s", text, error.message ?: "no memory");
        assert_null(error.message);
        assert_int_equal(seccomp_compile(p, &(SeccompTarget){ .arch = arch }, &program), 0);
        bpf_assert_loadable(&program);
        return program;
}

static uint32_t call_number(const SeccompArch *arch, const char *name) {
        uint32_t nr = 0;

        assert_int_equal(seccomp_syscall_number(arch, name, &nr), 0);
        return nr;
}

/* ---- what a program answers ---- */

#define RULE(name, action, args)                                                                            \
        "{\"names\": [\"" name "\"], \"action\": \"SCMP_ACT_" action "\", \"args\": [" args "]}"
#define ARG(index, op, value) "{\"index\": " #index ", \"op\": \"SCMP_CMP_" op "\", \"value\": " #value "}"
#define MASK(index, mask, value)                                                                            \
        "{\"index\": " #index ", \"op\": \"SCMP_CMP_MASKED_EQ\", \"value\": " #mask                         \
        ", \"valueTwo\": " #value "}"

#define EPERM_ ERRNO(EPERM)

/* mmap's arguments 0, 1 and 5 have 64 bits; socket's, ioctl's request and clone's flags have 32. */
#define M(op, value) RULE("mmap", "ALLOW", ARG(0, op, value))
#define S(op, value) RULE("socket", "ALLOW", ARG(0, op, value))
#define FOUR_G 4294967296 /* 2^32 */

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
        /* all conditions of a rule must hold, also two on one argument */
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 16, 3, 0 }, ALLOW },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 16, 3, 9 }, EPERM_ },
        { RULE("socket", "ALLOW", ARG(0, "EQ", 16) ", " ARG(2, "EQ", 0)), "socket", { 2, 3, 0 }, EPERM_ },
        { RULE("mmap", "ALLOW", ARG(0, "GT", 2) ", " ARG(0, "LT", 5)), "mmap", { 2 }, EPERM_ },
        { RULE("mmap", "ALLOW", ARG(0, "GT", 2) ", " ARG(0, "LT", 5)), "mmap", { 4 }, ALLOW },
        { RULE("mmap", "ALLOW", ARG(0, "GT", 2) ", " ARG(0, "LT", 5)), "mmap", { 5 }, EPERM_ },
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
};

static void test_program_answers(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                        _cleanup_free_ char *text = profile_text(answers[i].rules);
                        _cleanup_program_ SeccompProgram p = compile(text, arch);
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
                _cleanup_program_ SeccompProgram p = compile(text, arch);
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
                _cleanup_program_ SeccompProgram p = compile(texts[i], arch);

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
                        _cleanup_program_ SeccompProgram p = compile(text, arch);
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
        _cleanup_program_ SeccompProgram p = compile(text, x86), q = compile(text, arm);

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
        _cleanup_program_ SeccompProgram p = compile(text, arch);

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

/* ---- what the parser refuses ---- */

#define TOP(rules) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": " rules "}"
#define ONE(rule) TOP("[" rule "]")
#define WITH(arg) ONE(RULE("mmap", "ALLOW", arg))

static const struct {
        const char *text, *error;
} refusals[] = {
        /* JSON itself */
        { "", "line 1, column 0: '[' or '{' expected near end of file" },
        { "null", "line 1, column 4: '[' or '{' expected near 'null'" },
        { "{\n\"defaultAction\" 1}", "line 2, column 17: ':' expected near '1'" },
        { TOP("[]") " x", "line 1, column 53: end of file expected near 'x'" },
        { TOP("[]") TOP("[]"), "end of file expected" },
        { TOP("[]") "\xff", "unable to decode byte 0xff" },
        { "{\"comment\": \"\xc3\x28\", " /* not UTF-8 */, "unable to decode byte" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultAction\": \"SCMP_ACT_ALLOW\"}",
                "duplicate object key near '\"defaultAction\"'" },
        { ONE("{\"names\": [\"read\"], \"names\": [\"write\"]}"), "duplicate object key near '\"names\"'" },
        { ONE("{\"names\": [\"re\\u0000ad\"]}"), "\\u0000 is not allowed" },
        /* the top */
        { "[]", "a profile must be an object" },
        { "{}", "\"defaultAction\" must be a string" },
        { "{\"defaultAction\": 1}", "\"defaultAction\" must be a string" },
        { "{\"defaultAction\": \"SCMP_ACT_NOPE\"}", "unknown action \"SCMP_ACT_NOPE\"" },
        { "{\"defaultAction\": \"ALLOW\"}", "unknown action \"ALLOW\"" },
        { "{\"defaultAction\": \"scmp_act_allow\"}", "unknown action \"scmp_act_allow\"" },
        { "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "unknown action \"SCMP_ACT_NOTIFY\"" },
        { "{\"defaultAction\": \"SCMP_ACT_TRACE\"}", "unknown action \"SCMP_ACT_TRACE\"" },
        { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
                "SCMP_ACT_ALLOW takes no errno" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": \"1\"}",
                "the errno must be a number" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": -1}",
                "the errno must be from 0 to 4095" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
                "the errno must be from 0 to 4095" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\"}", "\"syscalls\" must be a list of rules" },
        { TOP("{}"), "\"syscalls\" must be a list of rules" },
        { TOP("null"), "\"syscalls\" must be a list of rules" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": "
          "[]}",
                "key \"architectures\" is unknown or not supported by this build" },
        { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [], \"syscalls\": []}",
                "key \"flags\" is unknown or not supported by this build" },
        { "{\"defaultaction\": \"SCMP_ACT_ERRNO\"}",
                "key \"defaultaction\" is unknown or not supported by this build" },
        /* rules: the number is the rule's */
        { TOP("[1]"), "syscalls, rule 1: must be an object" },
        { TOP("[[]]"), "syscalls, rule 1: must be an object" },
        { ONE(RULE("read", "ALLOW", "") ", " RULE("raed", "ALLOW", "")),
                "syscalls, rule 2: unknown system call \"raed\"" },
        { ONE("{}"), "syscalls, rule 1: \"names\" must be a list of system calls" },
        { ONE("{\"names\": []}"), "syscalls, rule 1: \"names\" must be a list of system calls" },
        { ONE("{\"names\": \"read\"}"), "syscalls, rule 1: \"names\" must be a list of system calls" },
        { ONE("{\"names\": [1]}"), "syscalls, rule 1: \"names\" must hold strings" },
        { ONE("{\"names\": [\"\"]}"), "syscalls, rule 1: unknown system call \"\"" },
        { ONE("{\"names\": [\"READ\"]}"), "syscalls, rule 1: unknown system call \"READ\"" },
        { ONE("{\"names\": [\"read\"]}"), "syscalls, rule 1: \"action\" must be a string" },
        { ONE(RULE("read", "NOPE", "")), "syscalls, rule 1: unknown action \"SCMP_ACT_NOPE\"" },
        { ONE("{\"name\": \"read\"}"),
                "syscalls, rule 1: key \"name\" is unknown or not supported by this build" },
        { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {}}"),
                "syscalls, rule 1: key \"includes\" is unknown or not supported by this build" },
        { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": 1}"),
                "syscalls, rule 1: SCMP_ACT_ALLOW takes no errno" },
        { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1.5}"),
                "syscalls, rule 1: the errno must be a number" },
        { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": {}}"),
                "syscalls, rule 1: \"args\" must be a list" },
        { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": null}"),
                "syscalls, rule 1: \"args\" must be a list" },
        { ONE(RULE("read", "ALLOW", "") ", " RULE("read", "ERRNO", "")),
                "syscalls, rule 2: read is decided by rule 1 already" },
        { ONE(RULE("read", "ALLOW", "") ", " RULE("write", "ALLOW", "") ", " RULE("write", "LOG", "1")),
                "syscalls, rule 3: an entry of \"args\" must be an object" },
        { ONE(RULE("read", "ALLOW", "") ", " RULE("write", "ALLOW", "") ", " RULE(
                  "write", "LOG", ARG(0, "EQ", 1))),
                "syscalls, rule 3: write is decided by rule 2 already" },
        /* conditions */
        { WITH("7"), "an entry of \"args\" must be an object" },
        { WITH("{}"), "\"index\" must be a number from 0 to 5" },
        { WITH(ARG(-1, "EQ", 1)), "\"index\" must be a number from 0 to 5" },
        { WITH(ARG(6, "EQ", 1)), "\"index\" must be a number from 0 to 5" },
        { WITH(ARG(4294967296, "EQ", 1)), "\"index\" must be a number from 0 to 5" },
        { WITH(ARG(0.0, "EQ", 1)), "\"index\" must be a number from 0 to 5" },
        { WITH("{\"index\": 0, \"op\": \"SCMP_CMP_EQ\"}"),
                "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH(ARG(0, "EQ", -1)), "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH(ARG(0, "EQ", 1.0)), "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH(ARG(0, "EQ", "1")), "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH(ARG(0, "EQ", 9223372036854775808)), "too big integer" },
        { WITH(ARG(0, "EQ", 18446744073709551616)), "too big integer" },
        { WITH(MASK(0, 3, -1)), "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH(MASK(0, 3, null)), "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1" },
        { WITH("{\"index\": 0, \"value\": 1}"), "\"op\" must be a string" },
        { WITH(ARG(0, "XX", 1)), "unknown operator \"SCMP_CMP_XX\"" },
        { WITH("{\"index\": 0, \"value\": 1, \"op\": \"==\"}"), "unknown operator \"==\"" },
        { WITH("{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\", \"value_two\": 1}"),
                "key \"value_two\" is unknown or not supported by this build" },
        { WITH(MASK(0, 1, 2)), "\"valueTwo\" has bits outside of the mask \"value\"" },
        { WITH(MASK(0, 1, 4294967297)), "\"valueTwo\" has bits outside of the mask \"value\"" },
        /* widths: 2^32+1 would be compared as 1 */
        { ONE(RULE("socket", "ALLOW", ARG(0, "EQ", 4294967297))),
                "syscalls, rule 1: argument 0 of socket has 32 bits: the value is too large" },
        { ONE(RULE("ioctl", "ALLOW", ARG(1, "NE", 4294967296))),
                "syscalls, rule 1: argument 1 of ioctl has 32 bits: the value is too large" },
        { ONE(RULE("clone", "ALLOW", MASK(0, 4294967296, 0))),
                "syscalls, rule 1: argument 0 of clone has 32 bits: the value is too large" },
        { ONE("{\"names\": [\"mmap\", \"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" ARG(
                  0, "EQ", 4294967296) "]}"),
                "syscalls, rule 1: argument 0 of socket has 32 bits: the value is too large" },
};

static void assert_refused(const char *text, size_t n, const char *expected) {
        SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *message = NULL;

        int r = seccomp_profile_parse(text, n, &p, &error);
        assert_true(asprintf(&message, "line %u, column %u: %s", error.line, error.column,
                            error.message ?: "") > 0);
        if (r != -EINVAL || !error.message || !strstr(message, expected))
                fail_msg("%.200s\ngives %d, \"%s\"\nnot \"%s\"", text, r, message, expected);
        assert_null(p);
}

static void test_parser_refuses(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                assert_refused(refusals[i].text, strlen(refusals[i].text), refusals[i].error);
}

static void test_parser_refuses_a_nul_byte(void **state) {
        static const char behind[] = TOP("[]") "\0x", inside[] = "{\"defaultAction\0\": \"SCMP_ACT_ALLOW\"}";

        assert_refused(behind, sizeof(behind) - 1, "line 1, column 5");
        assert_refused(inside, sizeof(inside) - 1, "line 1, column ");
}

static void test_parser_refuses_depth(void **state) {
        static const char *const units[] = { "[", "{\"a\":" };

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                size_t length = strlen(units[i]), n = 100000 * length;
                _cleanup_free_ char *text = malloc(n);

                assert_non_null(text);
                for (size_t k = 0; k < n; k += length)
                        memcpy(text + k, units[i], length);
                assert_refused(text, n, "maximum parsing depth reached");
        }
}

/* Each byte that is cut off leaves an error, and never a shorter policy. */
static void test_parser_refuses_each_truncation(void **state) {
        static const char text[] = ONE(RULE("socket", "ALLOW", ARG(0, "EQ", 1)));

        for (size_t n = 0; n < sizeof(text) - 1; n++)
                assert_refused(text, n, "line 1, column ");
        _cleanup_program_ SeccompProgram p = compile(text, bpf_arch("x86_64"));

        assert_true(p.n > 4);
}

/* Comments are for people; equal rules twice and all operators on 63 bits are fine. */
static void test_parser_takes_what_is_legal(void **state) {
        static const char *const texts[] = {
                "{\"comment\": \"\", \"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}",
                ONE("{\"comment\": \"why\", \"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\"}"),
                ONE(RULE("read", "ALLOW", "") ", " RULE("read", "ALLOW", "")),
                WITH(MASK(0, 9223372036854775807, 9223372036854775807)),
                WITH(ARG(5, "EQ", 9223372036854775807)),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_program_ SeccompProgram p = compile(texts[i], bpf_arch("aarch64"));

                assert_true(p.n > 4);
        }
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
                cmocka_unit_test(test_parser_refuses),
                cmocka_unit_test(test_parser_refuses_a_nul_byte),
                cmocka_unit_test(test_parser_refuses_depth),
                cmocka_unit_test(test_parser_refuses_each_truncation),
                cmocka_unit_test(test_parser_takes_what_is_legal),
                cmocka_unit_test(test_arch_numbers),
                cmocka_unit_test(test_arch_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
