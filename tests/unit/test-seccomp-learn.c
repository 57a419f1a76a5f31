/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles that are made of traces, and the comparison of profiles. What is learned is held to two promises
 * on random traces: it lets through what was traced as the base does, and never what the base does not. The
 * second is asked of the compiled program as well, since that is what the kernel runs.
 */

#include "test-bpf.h"

#include "seccomp-builtin.h"
#include "seccomp-diff.h"
#include "seccomp-evaluate.h"
#include "seccomp-learn.h"

static SeccompTarget target(void) {
        return (SeccompTarget){ .arch = bpf_arch("x86_64"), .kernel_major = 6, .kernel_minor = 1 };
}

static SeccompProfile *parse(const char *text) {
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProfile *p = NULL;

        if (seccomp_profile_parse(text, strlen(text), &p, &error) < 0)
                fail_msg("line %u: %s\n%s", error.line, error.message ?: "no memory", text);
        return p;
}

static SeccompProfile *builtin(Mode mode) {
        size_t n;

        return parse(seccomp_builtin_profile(mode, &n));
}

/* ---- traces to learn from ---- */

static void read_trace(const char *text, SeccompTrace *ret_) {
        _cleanup_policy_error_ PolicyError error = {};

        if (seccomp_trace_parse(text, strlen(text), ret_, &error) < 0)
                fail_msg("line %u: %s", error.line, error.message ?: "no memory");
}

#define HEAD "{\"nucleus-trace\": 1, \"architecture\": \"x86_64\""
#define TRACE_OF(calls) HEAD ", \"syscalls\": {" calls "}}"
#define IOCTL(values) "\"ioctl\": {\"count\": 1, \"argument\": 1, \"values\": {" values "}}"

/* ---- learning ---- */

typedef struct Learned {
        SeccompProfile *profile;
        char *text;
        char **notes;
} Learned;

static void learned_done(Learned *l) {
        seccomp_profile_free(l->profile);
        free(l->text);
        strv_free(l->notes);
}

static void learn(const SeccompTrace *t, const SeccompProfile *base, bool arguments, char *const *allowed,
        Learned *ret_) {
        SeccompTarget on = target();
        SeccompLearnOptions o = { base, "base", &on, arguments, false, allowed };

        assert_int_equal(seccomp_learn(t, &o, &ret_->text, &ret_->notes), 0);
        ret_->profile = parse(ret_->text);
}

static uint32_t answer(const SeccompProfile *p, const char *name, const uint64_t arguments[6]) {
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        SeccompTarget on = target();
        size_t n = 0;

        assert_int_equal(seccomp_explain(p, &on, name, &verdicts, &n), 0);
        return seccomp_verdicts_action(verdicts, n, name, arguments);
}

static uint32_t answer_to(const SeccompProfile *p, const char *name, unsigned index, uint64_t value) {
        uint64_t arguments[6] = {};

        arguments[index] = value;
        return answer(p, name, arguments);
}

static bool has_note(const Learned *l, const char *start) {
        STRV_FOREACH(note, l->notes)
        if (startswith(note, start))
                return true;
        return false;
}

/* Deterministic: a failure can be looked into. */
static uint32_t next_random(uint32_t *seed) {
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 8;
}

static void random_trace(uint32_t *seed, SeccompTrace *t) {
        static const uint64_t values[] = { 0, 1, 2, 10, 16, 17, 38, 40, 0x5401, 0x5412, 0x541c, 0x10000000,
                0x1200011, 0x10000011, 0xffffffff };
        char buffer[SECCOMP_NAME_SIZE];

        t->architecture = strdup("x86_64");
        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                const char *name = seccomp_syscall_name(bpf_arch("x86_64"), nr, buffer);

                if (!name || next_random(seed) % 4)
                        continue;
                SeccompTraceCall *c = seccomp_trace_add(t, 0, nr, 1 + next_random(seed) % 9);
                assert_non_null(c);
                int argument = seccomp_trace_argument(name);
                for (unsigned i = 0; argument >= 0 && i < 3; i++)
                        assert_int_equal(seccomp_trace_add_value(c, (unsigned)argument,
                                                 values[next_random(seed) % ELEMENTSOF(values)], 1),
                                0);
        }
        assert_int_equal(seccomp_trace_name_calls(t), 0);
}

static void assert_not_looser(const SeccompProfile *base, const SeccompProfile *learned) {
        _cleanup_seccomp_diff_ SeccompDiff d = {};
        SeccompTarget on = target();

        assert_int_equal(seccomp_diff(base, learned, &on, &d), 0);
        for (size_t i = 0; i < d.n; i++)
                if (d.items[i].kind == SECCOMP_CHANGE_GAINED || d.items[i].more)
                        fail_msg("%s is let through:\n%s\nbut in the base:\n%s", d.items[i].name,
                                d.items[i].b, d.items[i].a);
}

/* The same, of the programs: what the explaining side and the compiler both get wrong shows here. */
static void assert_program_not_looser(const SeccompProfile *base, const SeccompProfile *learned) {
        static const uint64_t values[] = { 0, 1, 2, 10, 16, 40, 64, 0x5412, HIGH | 0x5412, 0x10000000,
                0x7fffffff };
        _cleanup_program_ SeccompProgram a = {}, b = {};
        SeccompTarget on = target();

        assert_int_equal(seccomp_compile(base, &on, &a), 0);
        assert_int_equal(seccomp_compile(learned, &on, &b), 0);
        bpf_assert_loadable(&b);
        for (int nr = 0; nr < 600; nr++)
                for (size_t i = 0; i < ELEMENTSOF(values) * 6; i++) {
                        struct seccomp_data data = { .nr = nr, .arch = on.arch->audit_arch };

                        data.args[i % 6] = values[i / 6];
                        if (seccomp_action_permits(bpf_run(&b, &data, NULL)) &&
                                !seccomp_action_permits(bpf_run(&a, &data, NULL)))
                                fail_msg("number %d, argument %zu of 0x%llx", nr, i % 6,
                                        (unsigned long long)values[i / 6]);
                }
}

/* Traced values get from what was learned what they get from the base. */
static void assert_serves(const SeccompTrace *t, const SeccompProfile *base, const SeccompProfile *learned) {
        for (size_t i = 0; i < t->n_calls; i++) {
                const SeccompTraceCall *c = &t->calls[i];
                size_t n = c->n_values ?: 1;

                for (size_t k = 0; k < n; k++) {
                        uint64_t value = c->n_values ? c->values[k].value : 0;
                        bool wanted = seccomp_action_permits(answer_to(base, c->name, c->argument, value));
                        if (seccomp_action_permits(answer_to(learned, c->name, c->argument, value)) !=
                                wanted)
                                fail_msg("%s with 0x%llx", c->name, (unsigned long long)value);
                }
        }
}

static void test_learn_is_never_looser_than_its_base_and_serves_the_trace(void **state) {
        uint32_t seed = 1;

        for (int mode = 0; mode < _MODE_MAX; mode++) {
                _cleanup_seccomp_profile_ SeccompProfile *base = builtin((Mode)mode);

                for (unsigned i = 0; i < 6; i++) {
                        _cleanup_seccomp_trace_ SeccompTrace t = {};
                        _cleanup_(learned_done) Learned l = {};

                        random_trace(&seed, &t);
                        learn(&t, base, i % 2, NULL, &l);
                        assert_not_looser(base, l.profile);
                        assert_program_not_looser(base, l.profile);
                        assert_serves(&t, base, l.profile);
                }
        }
}

/* The control: the comparison does see what is looser. */
static void test_learn_without_a_base_is_looser(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);
        _cleanup_seccomp_diff_ SeccompDiff d = {};
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned l = {};
        SeccompTarget on = target();

        read_trace(TRACE_OF("\"mount\": {\"count\": 1}, \"openat\": {\"count\": 1}"), &t);
        learn(&t, NULL, false, NULL, &l);
        assert_int_equal(seccomp_diff(base, l.profile, &on, &d), 0);
        assert_int_equal(d.counts[SECCOMP_CHANGE_GAINED], 1);
        for (size_t i = 0; i < d.n; i++)
                if (streq(d.items[i].name, "openat"))
                        assert_true(d.items[i].more);
        assert_int_equal(answer_to(l.profile, "mount", 0, 0), ALLOW);
        assert_int_equal(answer_to(l.profile, "mkdir", 0, 0), ERRNO(EPERM));
}

static void test_learn_tells_what_the_base_refuses(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned l = {};

        read_trace(TRACE_OF("\"read\": {\"count\": 1}, \"mount\": {\"count\": 2}, "
                            "\"socket\": {\"count\": 2, \"argument\": 0, \"values\": {\"0x1\": 1, \"0x28\": "
                            "1}}"),
                &t);
        learn(&t, base, false, NULL, &l);
        assert_int_equal(strv_length(l.notes), 2);
        assert_true(has_note(&l, "mount was traced 2 times, but base refuses it: SCMP_ACT_ERRNO (EPERM): "));
        assert_true(has_note(&l, "socket with argument 0 of 0x28 was traced 1 times, but base refuses it"));
        assert_int_equal(answer_to(l.profile, "mount", 0, 0), ERRNO(EPERM));
        assert_int_equal(answer_to(l.profile, "socket", 0, 40), ERRNO(EPERM));
        assert_int_equal(answer_to(l.profile, "socket", 0, 1), ALLOW);
}

static void test_learn_allows_what_is_asked_for(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);
        char *allowed[] = { (char *)"mount", (char *)"clone", NULL };
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned l = {};

        read_trace(TRACE_OF("\"mount\": {\"count\": 2}, \"umount2\": {\"count\": 1}"), &t);
        learn(&t, base, true, allowed, &l);
        assert_int_equal(answer_to(l.profile, "mount", 0, 0), ALLOW);
        assert_int_equal(answer_to(l.profile, "clone", 0, 0x10000000), ALLOW);
        assert_int_equal(answer_to(l.profile, "umount2", 0, 0), ERRNO(EPERM));
        assert_false(has_note(&l, "mount "));
}

static void test_learn_puts_clone_in_place_of_clone3(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned l = {};

        read_trace(TRACE_OF("\"clone3\": {\"count\": 2}, "
                            "\"clone\": {\"count\": 1, \"argument\": 0, \"values\": {\"0x1200011\": 1}}"),
                &t);
        learn(&t, base, true, NULL, &l);
        assert_int_equal(answer_to(l.profile, "clone3", 0, 0), ERRNO(ENOSYS));
        /* A thread's flags were never seen, since clone3 hid them; a new namespace stays refused. */
        assert_int_equal(answer_to(l.profile, "clone", 0, 0x3d0f00), ALLOW);
        assert_int_equal(answer_to(l.profile, "clone", 0, 0x10000000), ERRNO(EPERM));
        assert_int_equal(strv_length(l.notes), 0);
}

static void test_learn_narrows_arguments_only_where_all_are_known(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned wide = {}, narrow = {};

        read_trace(
                TRACE_OF(IOCTL("\"0x5401\": 1") ", \"prctl\": {\"count\": 1, \"argument\": 0, \"values\": "
                                                "{\"0x4\": 1}, \"values_cut\": true}"),
                &t);
        learn(&t, base, false, NULL, &wide);
        learn(&t, base, true, NULL, &narrow);
        assert_int_equal(answer_to(wide.profile, "ioctl", 1, 0x5402), ALLOW);
        assert_int_equal(answer_to(narrow.profile, "ioctl", 1, 0x5402), ERRNO(EPERM));
        assert_int_equal(answer_to(narrow.profile, "ioctl", 1, 0x5401), ALLOW);
        assert_int_equal(
                answer_to(narrow.profile, "ioctl", 1, HIGH | 0x5401), ALLOW); /* the kernel cuts it */
        assert_int_equal(answer_to(narrow.profile, "prctl", 0, 5), ALLOW);
}

static void test_learn_adds_what_no_program_goes_without(void **state) {
        static const char *const names[] = { "execve", "exit_group", "rt_sigreturn", "restart_syscall",
                "clock_gettime", "futex", "mmap", "tgkill" };
        _cleanup_seccomp_profile_ SeccompProfile *base = builtin(MODE_PRODUCTION);

        for (int i = 0; i < 2; i++) {
                _cleanup_seccomp_trace_ SeccompTrace t = {};
                _cleanup_(learned_done) Learned l = {};

                read_trace(TRACE_OF("\"read\": {\"count\": 1}"), &t);
                learn(&t, i ? base : NULL, false, NULL, &l);
                for (size_t k = 0; k < ELEMENTSOF(names); k++)
                        assert_int_equal(answer_to(l.profile, names[k], 0, 0), ALLOW);
                assert_int_equal(answer_to(l.profile, "write", 0, 0), ERRNO(EPERM));
                assert_int_equal(answer_to(l.profile, "statx", 0, 0), ERRNO(ENOSYS));
                assert_non_null(strstr(l.text, "Traced: read 1."));
                assert_non_null(strstr(l.text, "Not traced: "));
        }
}

static void test_learn_leaves_out_numbers_without_a_name(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_(learned_done) Learned l = {};

        read_trace(HEAD ", \"numbers\": {\"0\": 1, \"1001\": 3}, \"foreign\": "
                        "[{\"architecture\": \"0x40000003\", \"number\": 1001, \"count\": 1}]}",
                &t);
        learn(&t, NULL, false, NULL, &l);
        assert_int_equal(strv_length(l.notes), 1);
        assert_true(has_note(&l, "number 1001 was traced 3 times"));
}

/* ---- evaluation ---- */

static void test_evaluate_agrees_with_the_compiled_program(void **state) {
        static const uint64_t values[] = { 0, 1, 2, 3, 10, 16, 17, 58, 0x40, 0x5412, HIGH | 0x5412, 0x541c,
                0xc00, 0x1000, 0x400040, 0x7e020000, 0x10000000, 0xffffffff, HIGH };
        char buffer[SECCOMP_NAME_SIZE];
        SeccompTarget on = target();

        for (int mode = 0; mode < _MODE_MAX; mode++) {
                _cleanup_seccomp_profile_ SeccompProfile *p = builtin((Mode)mode);
                _cleanup_program_ SeccompProgram program = {};

                assert_int_equal(seccomp_compile(p, &on, &program), 0);
                for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                        const char *name = seccomp_syscall_name(on.arch, nr, buffer);
                        _cleanup_free_ SeccompVerdict *verdicts = NULL;
                        size_t n = 0;

                        if (!name)
                                continue;
                        assert_int_equal(seccomp_explain(p, &on, name, &verdicts, &n), 0);
                        for (size_t i = 0; i < ELEMENTSOF(values) * 36; i++) {
                                struct seccomp_data data = { .nr = (int)nr, .arch = on.arch->audit_arch };
                                uint64_t arguments[6] = {};

                                data.args[i % 6] = arguments[i % 6] = values[i / 36];
                                data.args[i / 6 % 6] = arguments[i / 6 % 6] =
                                        values[(i / 36 + i % 6) % ELEMENTSOF(values)];
                                assert_int_equal(seccomp_verdicts_action(verdicts, n, name, arguments),
                                        bpf_run(&program, &data, NULL));
                        }
                }
        }
}

/* ---- comparing ---- */

/* mseal is newer than mmap: calls beyond all that a profile names get ENOSYS. */
#define PROFILE(action, rules)                                                                              \
        "{\"defaultAction\": \"SCMP_ACT_" action "\", \"syscalls\": [{\"names\": [\"mseal\"], "             \
        "\"action\": \"SCMP_ACT_ALLOW\"}" rules "]}"
#define ALLOW_RULE(name, args)                                                                              \
        "{\"names\": [\"" name "\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" args "]}"
#define ARG(index, op, value) "{\"index\": " #index ", \"op\": \"SCMP_CMP_" op "\", \"value\": " #value "}"
#define MASK(index, mask, value)                                                                            \
        "{\"index\": " #index ", \"op\": \"SCMP_CMP_MASKED_EQ\", \"value\": " #mask                         \
        ", \"valueTwo\": " #value "}"
#define NOSYS "{\"names\": [\"mmap\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38}"

static const struct {
        const char *a, *b;
        SeccompChangeKind kind; /* of mmap */
        bool more, less;
} comparisons[] = {
        { "", "", SECCOMP_CHANGE_NONE, false, false },
        { "", ALLOW_RULE("mmap", ""), SECCOMP_CHANGE_GAINED, false, false },
        { ALLOW_RULE("mmap", ""), "", SECCOMP_CHANGE_LOST, false, false },
        { "", ALLOW_RULE("mmap", ARG(0, "EQ", 7)), SECCOMP_CHANGE_GAINED, false, false },
        { "", NOSYS, SECCOMP_CHANGE_ANSWER, false, false },
        { ALLOW_RULE("mmap", ARG(0, "EQ", 7)), ALLOW_RULE("mmap", ""), SECCOMP_CHANGE_ARGUMENTS, true,
                false },
        { ALLOW_RULE("mmap", ""), ALLOW_RULE("mmap", ARG(0, "NE", 7)), SECCOMP_CHANGE_ARGUMENTS, false,
                true },
        { ALLOW_RULE("mmap", ARG(0, "EQ", 7)), ALLOW_RULE("mmap", ARG(0, "EQ", 8)), SECCOMP_CHANGE_ARGUMENTS,
                true, true },
        { ALLOW_RULE("mmap", ARG(0, "LT", 7)), ALLOW_RULE("mmap", ARG(0, "LE", 7)), SECCOMP_CHANGE_ARGUMENTS,
                true, false },
        { ALLOW_RULE("mmap", ARG(0, "LT", 8)), ALLOW_RULE("mmap", ARG(0, "LE", 7)), SECCOMP_CHANGE_ARGUMENTS,
                false, false },
        { ALLOW_RULE("mmap", MASK(2, 6, 2)), ALLOW_RULE("mmap", MASK(2, 2, 2)), SECCOMP_CHANGE_ARGUMENTS,
                true, false },
        { ALLOW_RULE("mmap", MASK(2, 6, 0)), ALLOW_RULE("mmap", MASK(2, 14, 0)), SECCOMP_CHANGE_ARGUMENTS,
                false, true },
        { ALLOW_RULE("mmap", ARG(0, "EQ", 1) ", " ARG(1, "EQ", 2)), ALLOW_RULE("mmap", ARG(1, "EQ", 2)),
                SECCOMP_CHANGE_ARGUMENTS, true, false },
};

static void test_diff_says_in_which_direction(void **state) {
        SeccompTarget on = target();

        for (size_t i = 0; i < ELEMENTSOF(comparisons); i++) {
                _cleanup_free_ char *x = NULL, *y = NULL;
                _cleanup_seccomp_diff_ SeccompDiff d = {};

                assert_true(asprintf(&x, PROFILE("ERRNO", "%s%s"), *comparisons[i].a ? "," : "",
                                    comparisons[i].a) > 0);
                assert_true(asprintf(&y, PROFILE("ERRNO", "%s%s"), *comparisons[i].b ? "," : "",
                                    comparisons[i].b) > 0);
                _cleanup_seccomp_profile_ SeccompProfile *a = parse(x), *b = parse(y);
                assert_int_equal(seccomp_diff(a, b, &on, &d), 0);
                assert_int_equal(d.differs, comparisons[i].kind != SECCOMP_CHANGE_NONE);
                for (size_t k = 0; k < d.n; k++) {
                        const SeccompChange *c = &d.items[k];

                        if (!streq(c->name, "mmap"))
                                continue;
                        if (c->kind != comparisons[i].kind || c->more != comparisons[i].more ||
                                c->less != comparisons[i].less)
                                fail_msg("%s\n%s\n%s %d %d", x, y, seccomp_change_name(c->kind), c->more,
                                        c->less);
                }
        }
}

static void test_diff_sees_another_default(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *a = parse(PROFILE("ERRNO", ""));
        _cleanup_seccomp_profile_ SeccompProfile *b = parse(PROFILE("KILL_PROCESS", ""));
        _cleanup_seccomp_diff_ SeccompDiff d = {};
        SeccompTarget on = target();

        assert_int_equal(seccomp_diff(a, b, &on, &d), 0);
        assert_true(d.differs);
        assert_int_equal(d.counts[SECCOMP_CHANGE_ANSWER], d.n - 1);
        assert_string_equal(d.default_b, "SCMP_ACT_KILL_PROCESS");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_learn_is_never_looser_than_its_base_and_serves_the_trace),
                cmocka_unit_test(test_learn_without_a_base_is_looser),
                cmocka_unit_test(test_learn_tells_what_the_base_refuses),
                cmocka_unit_test(test_learn_allows_what_is_asked_for),
                cmocka_unit_test(test_learn_puts_clone_in_place_of_clone3),
                cmocka_unit_test(test_learn_narrows_arguments_only_where_all_are_known),
                cmocka_unit_test(test_learn_adds_what_no_program_goes_without),
                cmocka_unit_test(test_learn_leaves_out_numbers_without_a_name),
                cmocka_unit_test(test_evaluate_agrees_with_the_compiled_program),
                cmocka_unit_test(test_diff_says_in_which_direction),
                cmocka_unit_test(test_diff_sees_another_default),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
