/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles for a target: which rules count for which capabilities, kernel and architecture; what the
 * floor takes away; and the explanation of each call, which must say what the compiled program does.
 */

#include "test-profile.h"

#include <unistd.h>

#define CAP(n) (UINT64_C(1) << (n))
#define SYS_CHROOT CAP(18)
#define SYS_ADMIN CAP(21)

static uint32_t ask_for(const char *text, const SeccompTarget *target, const char *call, uint64_t arg0) {
        _cleanup_program_ SeccompProgram p = profile_compile_for(text, target);
        const struct seccomp_data data = {
                .nr = (int)call_number(target->arch, call),
                .arch = target->arch->audit_arch,
                .args = { arg0 },
        };

        return bpf_run(&p, &data, NULL);
}

/* ---- includes and excludes ---- */

#define CHROOT_WITH(member) "{\"names\": [\"chroot\"], \"action\": \"SCMP_ACT_ALLOW\", " member "}"
#define NEWER RULE("file_setattr", "ALLOW", "") ", "
#define IN(what) ONE(NEWER CHROOT_WITH("\"includes\": {" what "}"))
#define OUT(what) ONE(NEWER CHROOT_WITH("\"excludes\": {" what "}"))

static const struct {
        const char *text;
        uint64_t capabilities;
        unsigned kernel_major, kernel_minor;
        bool x86_64, aarch64; /* does the rule count? */
} selections[] = {
        /* every capability of includes must be kept */
        { IN("\"caps\": [\"CAP_SYS_CHROOT\"]"), 0, 0, 0, false, false },
        { IN("\"caps\": [\"CAP_SYS_CHROOT\"]"), SYS_ADMIN, 0, 0, false, false },
        { IN("\"caps\": [\"CAP_SYS_CHROOT\"]"), SYS_CHROOT, 0, 0, true, true },
        { IN("\"caps\": [\"CAP_SYS_CHROOT\", \"CAP_SYS_ADMIN\"]"), SYS_CHROOT, 0, 0, false, false },
        { IN("\"caps\": [\"CAP_SYS_CHROOT\", \"CAP_SYS_ADMIN\"]"), SYS_CHROOT | SYS_ADMIN, 0, 0, true,
                true },
        { IN("\"caps\": []"), 0, 0, 0, true, true },
        /* one of excludes is enough */
        { OUT("\"caps\": [\"CAP_SYS_CHROOT\", \"CAP_SYS_ADMIN\"]"), 0, 0, 0, true, true },
        { OUT("\"caps\": [\"CAP_SYS_CHROOT\", \"CAP_SYS_ADMIN\"]"), SYS_ADMIN, 0, 0, false, false },
        { OUT("\"caps\": [\"CAP_SYS_CHROOT\"]"), ~SYS_CHROOT, 0, 0, true, true },
        { OUT("\"caps\": []"), UINT64_MAX, 0, 0, true, true },
        /* architectures, by the name that engines use, and by ours */
        { IN("\"arches\": [\"amd64\", \"x32\"]"), 0, 0, 0, true, false },
        { IN("\"arches\": [\"aarch64\"]"), 0, 0, 0, false, true },
        { IN("\"arches\": [\"s390x\"]"), 0, 0, 0, false, false },
        { IN("\"arches\": []"), 0, 0, 0, true, true },
        { OUT("\"arches\": [\"SCMP_ARCH_X86_64\"]"), 0, 0, 0, false, true },
        { OUT("\"arches\": [\"s390x\", \"ppc64le\"]"), 0, 0, 0, true, true },
        /* kernels: numbers, not text */
        { IN("\"minKernel\": \"4.8\""), 0, 4, 7, false, false },
        { IN("\"minKernel\": \"4.8\""), 0, 4, 8, true, true },
        { IN("\"minKernel\": \"4.8\""), 0, 4, 18, true, true },
        { IN("\"minKernel\": \"4.8\""), 0, 6, 1, true, true },
        { IN("\"minKernel\": \"4.8\""), 0, 3, 19, false, false },
        { IN("\"minKernel\": \"10.0\""), 0, 6, 18, false, false },
        { IN("\"minKernel\": \"0.0\""), 0, 0, 0, true, true },
        { OUT("\"minKernel\": \"4.8\""), 0, 4, 7, true, true },
        { OUT("\"minKernel\": \"4.8\""), 0, 4, 8, false, false },
        /* all of it must agree */
        { IN("\"caps\": [\"CAP_SYS_CHROOT\"], \"arches\": [\"amd64\"], \"minKernel\": \"4.8\""), SYS_CHROOT,
                5, 0, true, false },
        { IN("\"caps\": [\"CAP_SYS_CHROOT\"], \"arches\": [\"amd64\"], \"minKernel\": \"4.8\""), 0, 5, 0,
                false, false },
        { ONE(NEWER CHROOT_WITH("\"includes\": {\"caps\": [\"CAP_SYS_CHROOT\"]}, \"excludes\": {\"caps\": "
                                "[\"CAP_SYS_ADMIN\"]}")),
                SYS_CHROOT, 0, 0, true, true },
        { ONE(NEWER CHROOT_WITH("\"includes\": {\"caps\": [\"CAP_SYS_CHROOT\"]}, \"excludes\": {\"caps\": "
                                "[\"CAP_SYS_ADMIN\"]}")),
                SYS_CHROOT | SYS_ADMIN, 0, 0, false, false },
};

static void test_target_selects_rules(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(selections); i++)
                for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                        const SeccompTarget target = {
                                .arch = arch,
                                .capabilities = selections[i].capabilities,
                                .kernel_major = selections[i].kernel_major,
                                .kernel_minor = selections[i].kernel_minor,
                        };
                        bool counts =
                                streq(arch->name, "x86_64") ? selections[i].x86_64 : selections[i].aarch64;
                        uint32_t action = ask_for(selections[i].text, &target, "chroot", 0);

                        if (action != (counts ? ALLOW : ERRNO(EPERM)))
                                fail_msg("%s, row %zu: 0x%x", arch->name, i, action);
                }
}

/* What a rule names that does not count here is known to the profile's author all the same: it is no call
 * newer than the profile. */
static void test_target_counts_names_of_rules_left_out(void **state) {
        const SeccompTarget target = { .arch = bpf_arch("x86_64") };
        static const char text[] = ONE(RULE("read", "ALLOW",
                "") ", {\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
                    "{\"caps\": [\"CAP_SYS_ADMIN\"]}}");

        assert_int_equal(ask_for(text, &target, "clone3", 0), ERRNO(EPERM));
        assert_int_equal(ask_for(text, &target, "io_uring_setup", 0), ERRNO(EPERM));
        assert_int_equal(ask_for(text, &target, "close_range", 0), ERRNO(ENOSYS));
}

#define UNKNOWN(selector)                                                                                   \
        ONE(RULE("read", "ALLOW",                                                                           \
                "") ",\n{\"names\": [\"write\", \n\"opennat\", \"not_there\"], \"action\": "                \
                    "\"SCMP_ACT_ALLOW\", \"includes\": {" selector "}}")

/* A name that nobody knows is an error where it counts, and only there. */
static void test_target_takes_unknown_names_where_they_do_not_count(void **state) {
        SeccompTarget target = { .arch = bpf_arch("x86_64"), .kernel_major = 6, .kernel_minor = 18 };
        static const struct {
                const char *text;
                bool counts;
        } rows[] = {
                { UNKNOWN("\"minKernel\": \"6.18\""), true },
                { UNKNOWN("\"minKernel\": \"6.19\""), false },
                { UNKNOWN("\"arches\": [\"riscv64\"]"), false },
                { UNKNOWN("\"arches\": [\"amd64\"]"), true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(rows[i].text);
                _cleanup_policy_error_ PolicyError error = {};
                SeccompProgram program = {};
                _cleanup_free_ SeccompVerdict *verdicts = NULL;
                size_t n;

                int r = seccomp_profile_check(p, &target, &error);
                assert_int_equal(r, rows[i].counts ? -EINVAL : 0);
                if (rows[i].counts) {
                        assert_int_equal(error.line, 3);
                        assert_string_equal(error.message, "syscalls, rule 2: unknown system call "
                                                           "\"opennat\"; did you mean \"openat\"?");
                        assert_int_equal(seccomp_compile(p, &target, &program), -ENOENT);
                        assert_int_equal(seccomp_explain(p, &target, "read", &verdicts, &n), -ENOENT);
                        continue;
                }
                assert_null(error.message);
                assert_int_equal(ask_for(rows[i].text, &target, "read", 0), ALLOW);
                assert_int_equal(ask_for(rows[i].text, &target, "write", 0), ERRNO(EPERM));
        }
}

/* ---- the floor ---- */

static void test_floor_comes_before_every_rule(void **state) {
        static char *const denied[] = { (char *)"mmap", (char *)"ptrace", (char *)"s390_pci_mmio_read",
                (char *)"file_setattr", NULL };
        static const struct {
                const char *text;
                uint32_t others; /* what calls get that nobody names */
        } rows[] = {
                { "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", ALLOW },
                { "{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": [" RULE("mmap", "ALLOW", "") "]}",
                        SECCOMP_RET_LOG },
                { ONE(RULE("mmap", "ALLOW", ARG(0, "EQ", 7)) ", " RULE("mmap", "TRACE", "") ", " RULE(
                          "ptrace", "ALLOW", "") ", " RULE("file_setattr", "LOG", "")),
                        ERRNO(EPERM) },
                { ONE(RULE("file_setattr", "KILL", "")), ERRNO(EPERM) },
        };

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                        const SeccompTarget with = { .arch = arch, .denied = denied },
                                            without = { .arch = arch };

                        for (size_t k = 0; denied[k]; k++) {
                                if (startswith(denied[k], "s390"))
                                        continue;
                                assert_int_equal(ask_for(rows[i].text, &with, denied[k], 7), ERRNO(EPERM));
                                assert_int_equal(
                                        ask_for(rows[i].text, &with, denied[k], HIGH), ERRNO(EPERM));
                        }
                        assert_int_equal(ask_for(rows[i].text, &with, "read", 0), rows[i].others);
                        /* the control: without the floor the first one is not denied, but by the last row */
                        if (i < ELEMENTSOF(rows) - 1)
                                assert_int_not_equal(
                                        ask_for(rows[i].text, &without, "mmap", 7), ERRNO(EPERM));
                }
}

/* What the floor names is no news of the profile's: calls between its list and the floor's give ENOSYS. */
static void test_floor_does_not_lengthen_the_list(void **state) {
        static char *const denied[] = { (char *)"mseal", (char *)"read", NULL };
        const SeccompTarget target = { .arch = bpf_arch("x86_64"), .denied = denied };
        static const char text[] = ONE(RULE("openat2", "ALLOW", ""));

        assert_int_equal(ask_for(text, &target, "read", 0), ERRNO(EPERM));
        assert_int_equal(ask_for(text, &target, "openat2", 0), ALLOW);
        assert_int_equal(ask_for(text, &target, "faccessat2", 0), ERRNO(ENOSYS));
        assert_int_equal(ask_for(text, &target, "mseal", 0), ERRNO(EPERM));
        assert_int_equal(ask_for(text, &target, "setxattrat", 0), ERRNO(ENOSYS));
}

static void test_floor_with_an_unknown_name_is_refused(void **state) {
        static char *const denied[] = { (char *)"mmap", (char *)"ptrcae", NULL };
        const SeccompTarget target = { .arch = bpf_arch("x86_64"), .denied = denied };
        _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(TOP("[]"));
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProgram program = {};

        assert_int_equal(seccomp_compile(p, &target, &program), -ENOENT);
        assert_null(program.filter);
        assert_int_equal(seccomp_profile_check(p, &target, &error), -EINVAL);
        assert_int_equal(error.line, 0);
        assert_string_equal(error.message, "unknown system call \"ptrcae\" in the list of denied ones");
}

/* ---- explanations ---- */

#define EXPLAINED                                                                                           \
        "{\n\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"EACCES\",\n\"syscalls\": [\n" RULE(  \
                "read", "ALLOW", "") ",\n" RULE("socket", "ERRNO",                                          \
                ARG(0, "EQ", 16) ", " ARG(2, "NE", 0)) ",\n" RULE("socket", "ALLOW",                        \
                ARG(0, "LT", 3) ", " ARG(0, "EQ", 10)) ",\n{\"name\": \"chroot\", "                         \
                                                       "\"action\": \"SCMP_ACT_ALLOW\", "                   \
                                                       "\"includes\": {\"caps\": "                          \
                                                       "[\"CAP_SYS_ADMIN\"]}},\n" RULE("mmap", "LOG",       \
                                                               MASK(2, 4, 4)) ",\n" RULE("mmap", "ALLOW",   \
                                                               "") ",\n" RULE("mmap", "KILL",               \
                                                               ARG(0, "GE", 1)) "\n]}"

static char *explain(const SeccompTarget *target, const char *name) {
        _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(EXPLAINED);
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        _cleanup_strbuf_ StrBuf b = {};
        char *text = NULL;
        size_t n = 0;

        int r = seccomp_explain(p, target, name, &verdicts, &n);
        if (r < 0)
                strbuf_printf(&b, "%s", strerrorname_np(-r));
        for (size_t i = 0; i < n; i++) {
                const SeccompVerdict *v = &verdicts[i];

                strbuf_printf(&b, "%s%u%s: ", i > 0 ? "; " : "", v->line,
                        v->by_floor ? " floor"
                        : v->rule   ? ""
                                    : " default");
                seccomp_action_format(v->action, &b);
                if (v->rule && v->rule->n_conditions > 0) {
                        strbuf_puts(&b, " if ");
                        seccomp_conditions_format(v->rule, &b);
                }
        }
        assert_int_equal(strbuf_finish(&b, &text), 0);
        return text;
}

static void test_explain_says_what_decides(void **state) {
        static char *const denied[] = { (char *)"read", NULL };
        const SeccompTarget plain = { .arch = bpf_arch("x86_64") },
                            admin = { .arch = plain.arch, .capabilities = SYS_ADMIN },
                            floor = { .arch = plain.arch, .denied = denied };
        const struct {
                const SeccompTarget *target;
                const char *call, *text;
        } rows[] = {
                { &plain, "read", "4: SCMP_ACT_ALLOW" },
                { &floor, "read", "0 floor: SCMP_ACT_ERRNO (EPERM)" },
                { &plain, "write", "2 default: SCMP_ACT_ERRNO (EACCES)" },
                { &plain, "chroot", "2 default: SCMP_ACT_ERRNO (EACCES)" },
                { &admin, "chroot", "7: SCMP_ACT_ALLOW" },
                { &plain, "mseal", "2 default: SCMP_ACT_ERRNO (ENOSYS)" },
                { &plain, "socket",
                        "5: SCMP_ACT_ERRNO (EPERM) if arg0 == 16 and arg2 != 0; 6: SCMP_ACT_ALLOW if "
                        "arg0 < 3 or arg0 == 10; 2 default: SCMP_ACT_ERRNO (EACCES)" },
                { &plain, "mmap", "8: SCMP_ACT_LOG if arg2 & 4 == 4; 9: SCMP_ACT_ALLOW" },
                { &plain, "nonesuch", "ENOENT" },
                { &plain, "s390_pci_mmio_read", "EOPNOTSUPP" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = explain(rows[i].target, rows[i].call);

                assert_string_equal(text, rows[i].text);
        }
}

/* One explainer for many calls, by number: the same answers, also where there is no name. */
static void test_explainer_agrees(void **state) {
        static char *const denied[] = { (char *)"mseal", NULL };
        const SeccompTarget target = { .arch = bpf_arch("x86_64"), .denied = denied };
        _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(EXPLAINED);
        _cleanup_seccomp_explainer_ SeccompExplainer *e = NULL;

        assert_int_equal(seccomp_explainer_new(p, &target, &e), 0);
        assert_int_equal(seccomp_explainer_beyond(e), call_number(target.arch, "chroot") + 1);
        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                _cleanup_free_ SeccompVerdict *a = NULL, *b = NULL;
                char name[SECCOMP_NAME_SIZE];
                size_t n_a = 0, n_b = 0;

                assert_int_equal(seccomp_explainer_ask(e, nr, &a, &n_a), 0);
                assert_true(n_a > 0);
                if (!seccomp_syscall_name(target.arch, nr, name)) {
                        assert_int_equal(n_a, 1);
                        assert_int_equal(a[0].action,
                                nr < seccomp_explainer_beyond(e) ? ERRNO(EACCES) : ERRNO(ENOSYS));
                        continue;
                }
                assert_int_equal(seccomp_explain(p, &target, name, &b, &n_b), 0);
                assert_int_equal(n_a, n_b);
                for (size_t i = 0; i < n_a; i++) {
                        assert_ptr_equal(a[i].rule, b[i].rule);
                        assert_int_equal(a[i].by_floor, b[i].by_floor);
                        assert_int_equal(a[i].line, b[i].line);
                        assert_int_equal(a[i].action, b[i].action);
                }
        }
}

static void test_actions_in_words(void **state) {
        static const struct {
                uint32_t action;
                const char *text;
                bool permits;
        } rows[] = {
                { ALLOW, "SCMP_ACT_ALLOW", true },
                { SECCOMP_RET_LOG, "SCMP_ACT_LOG", true },
                { SECCOMP_RET_TRACE, "SCMP_ACT_TRACE", true },
                { SECCOMP_RET_TRACE | 7, "SCMP_ACT_TRACE (7)", true },
                { ERRNO(EPERM), "SCMP_ACT_ERRNO (EPERM)", false },
                { ERRNO(0), "SCMP_ACT_ERRNO (0)", false },
                { ERRNO(4095), "SCMP_ACT_ERRNO (4095)", false },
                { SECCOMP_RET_TRAP, "SCMP_ACT_TRAP", false },
                { SECCOMP_RET_KILL_THREAD, "SCMP_ACT_KILL_THREAD", false },
                { SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_strbuf_ StrBuf b = {};

                seccomp_action_format(rows[i].action, &b);
                assert_string_equal(b.data, rows[i].text);
                assert_int_equal(seccomp_action_permits(rows[i].action), rows[i].permits);
        }
}

static void test_conditions_in_words(void **state) {
        static const struct {
                SeccompCondition condition;
                const char *text;
        } rows[] = {
                { { 0, SECCOMP_OPERATOR_EQ, 16, 0 }, "arg0 == 16" },
                { { 5, SECCOMP_OPERATOR_NE, 1023, 0 }, "arg5 != 1023" },
                { { 1, SECCOMP_OPERATOR_LT, 1024, 0 }, "arg1 < 0x400" },
                { { 1, SECCOMP_OPERATOR_LE, UINT64_MAX, 0 }, "arg1 <= 0xffffffffffffffff" },
                { { 2, SECCOMP_OPERATOR_GE, 0, 0 }, "arg2 >= 0" },
                { { 2, SECCOMP_OPERATOR_GT, 0, 0 }, "arg2 > 0" },
                { { 0, SECCOMP_OPERATOR_MASKED_EQ, 0x7e020000, 0 }, "arg0 & 0x7e020000 == 0" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_strbuf_ StrBuf b = {};

                seccomp_condition_format(&rows[i].condition, &b);
                assert_string_equal(b.data, rows[i].text);
        }
}

/* ---- names ---- */

static void test_names_and_numbers_agree(void **state) {
        char buffer[SECCOMP_NAME_SIZE];

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                size_t found = 0;

                for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++)
                        if (seccomp_syscall_name(arch, nr, buffer)) {
                                assert_int_equal(call_number(arch, buffer), nr);
                                found++;
                        }
                assert_true(found > 280);
                assert_null(seccomp_syscall_name(arch, UINT32_MAX, buffer));
                assert_null(seccomp_syscall_name(arch, 0x40000000, buffer));
                assert_string_equal(seccomp_syscall_name(arch, 469, buffer), "file_setattr");
        }
        assert_string_equal(seccomp_syscall_name(bpf_arch("x86_64"), 335, buffer), "uretprobe");
        assert_null(seccomp_syscall_name(bpf_arch("aarch64"), 335, buffer));
}

static void test_nearest_names(void **state) {
        static const struct {
                const char *name, *near;
        } rows[] = {
                { "opennat", "openat" },
                { "READ", "read" },
                { "io_uring_stup", "io_uring_setup" },
                { "cachstat", "cachestat" },
                { "completely_different_thing", NULL },
        };
        char buffer[SECCOMP_NAME_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *near = seccomp_syscall_nearest(rows[i].name, buffer);

                if (rows[i].near)
                        assert_string_equal(near, rows[i].near);
                else
                        assert_null(near);
        }
}

static void test_names_of_other_machines(void **state) {
        static const struct {
                const char *arch, *name, *here;
        } rows[] = {
                { "x86_64", "umount", "umount2" },
                { "aarch64", "umount", "umount2" },
                { "x86_64", "fstatat64", "newfstatat" },
                { "x86_64", "sendfile64", "sendfile" },
                { "x86_64", "umount2", NULL },     /* it has that one */
                { "x86_64", "swapcontext", NULL }, /* nothing has its purpose */
                { "x86_64", "no_such_call", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *here = seccomp_syscall_here(seccomp_arch_find(rows[i].arch), rows[i].name);

                if (rows[i].here)
                        assert_string_equal(here, rows[i].here);
                else
                        assert_null(here);
        }
}

static void test_kernel_releases(void **state) {
        static const struct {
                const char *text;
                int r;
                unsigned major, minor;
        } rows[] = {
                { "4.8", 0, 4, 8 },
                { "6.1.0-18-amd64", 0, 6, 1 },
                { "5.15.153.1-microsoft-standard-WSL2", 0, 5, 15 },
                { "6.18-rc1", 0, 6, 18 },
                { "", -EINVAL, 0, 0 },
                { "6", -EINVAL, 0, 0 },
                { "6.", -EINVAL, 0, 0 },
                { ".8", -EINVAL, 0, 0 },
                { "6-1", -EINVAL, 0, 0 },
                { "-6.1", -EINVAL, 0, 0 },
                { "65536.1", -EINVAL, 0, 0 },
                { "6.4294967297", -EINVAL, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unsigned major = 0, minor = 0;

                assert_int_equal(seccomp_kernel_parse(rows[i].text, &major, &minor), rows[i].r);
                assert_int_equal(major, rows[i].major);
                assert_int_equal(minor, rows[i].minor);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_target_selects_rules),
                cmocka_unit_test(test_target_counts_names_of_rules_left_out),
                cmocka_unit_test(test_target_takes_unknown_names_where_they_do_not_count),
                cmocka_unit_test(test_floor_comes_before_every_rule),
                cmocka_unit_test(test_floor_does_not_lengthen_the_list),
                cmocka_unit_test(test_floor_with_an_unknown_name_is_refused),
                cmocka_unit_test(test_explain_says_what_decides),
                cmocka_unit_test(test_explainer_agrees),
                cmocka_unit_test(test_actions_in_words),
                cmocka_unit_test(test_conditions_in_words),
                cmocka_unit_test(test_names_and_numbers_agree),
                cmocka_unit_test(test_nearest_names),
                cmocka_unit_test(test_names_of_other_machines),
                cmocka_unit_test(test_kernel_releases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
