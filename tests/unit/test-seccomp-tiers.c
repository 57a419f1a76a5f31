/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in profiles beside each other. A stricter tier never allows what a looser one denies, which is
 * decided by what their programs do and not by what their texts look like; and each text says of every
 * system call why it is allowed or denied.
 */

#include "test-bpf.h"

#include "seccomp-builtin.h"

#define LAST 469U /* the highest number that the profiles name */

typedef struct Tiers {
        SeccompProfile *profiles[_MODE_MAX];
} Tiers;

static int setup(void **state) {
        Tiers *t = calloc(1, sizeof(*t));

        assert_non_null(t);
        for (Mode mode = 0; mode < _MODE_MAX; mode++) {
                _cleanup_policy_error_ PolicyError error = {};
                size_t n = 0;

                const char *text = seccomp_builtin_profile(mode, &n);
                if (seccomp_profile_parse(text, n, &t->profiles[mode], &error) < 0)
                        fail_msg("%s:%u: %s", mode_rules(mode)->name, error.line,
                                error.message ?: "no memory");
        }
        *state = t;
        return 0;
}

static int teardown(void **state) {
        Tiers *t = *state;

        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                seccomp_profile_free(t->profiles[mode]);
        free(t);
        return 0;
}

static SeccompProgram compile(const Tiers *t, Mode mode, const SeccompArch *arch) {
        SeccompProgram p = {};

        assert_int_equal(seccomp_compile(t->profiles[mode], &(SeccompTarget){ .arch = arch }, &p), 0);
        return p;
}

/* ---- a stricter tier allows less ---- */

/* Values of one argument that may make a difference: what any tier compares it with, and what is beside. */
typedef struct Values {
        uint64_t values[256];
        size_t n;
} Values;

static void values_add(Values *v, uint64_t value) {
        for (size_t i = 0; i < v->n; i++)
                if (v->values[i] == value)
                        return;
        assert_true(v->n < ELEMENTSOF(v->values));
        v->values[v->n++] = value;
}

static void values_of_condition(Values *v, const SeccompCondition *q) {
        const uint64_t bases[] = { q->value, q->value_two, q->value ^ q->value_two };

        for (size_t i = 0; i < ELEMENTSOF(bases); i++) {
                values_add(v, bases[i]);
                values_add(v, (uint32_t)(bases[i] + 1));
                values_add(v, (uint32_t)(bases[i] - 1));
                values_add(v, (uint32_t)~bases[i]);
                values_add(v, HIGH | bases[i]);
        }
        /* Each bit of a mask by itself, beside the value. */
        if (q->op == SECCOMP_OPERATOR_MASKED_EQ)
                for (unsigned bit = 0; bit < 32; bit++)
                        values_add(v, q->value_two ^ (1U << bit));
}

static void values_of_call(const Tiers *t, const char *call, Values values[6]) {
        for (unsigned arg = 0; arg < 6; arg++) {
                values[arg].n = 0;
                values_add(&values[arg], 0);
        }
        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                for (size_t i = 0; i < t->profiles[mode]->n_rules; i++) {
                        const SeccompRule *rule = &t->profiles[mode]->rules[i];

                        for (size_t k = 0; strv_contains(rule->names, call) && k < rule->n_conditions; k++)
                                values_of_condition(
                                        &values[rule->conditions[k].index], &rule->conditions[k]);
                }
}

/* Does `strict` allow the call with arguments that `loose` denies? Every combination of the values. */
static bool exceeds(const SeccompProgram *strict, const SeccompProgram *loose, struct seccomp_data *data,
        const Values values[6], unsigned arg) {
        if (arg == 6)
                return bpf_run(strict, data, NULL) == ALLOW && bpf_run(loose, data, NULL) != ALLOW;
        for (size_t i = 0; i < values[arg].n; i++) {
                data->args[arg] = values[arg].values[i];
                if (exceeds(strict, loose, data, values, arg + 1))
                        return true;
        }
        return false;
}

/* Appends the names of all calls that `strict` allows in some way in which `loose` does not, with a space
 * behind each. */
static void list_excess(const Tiers *t, const SeccompArch *arch, Mode strict, Mode loose, StrBuf *b) {
        _cleanup_program_ SeccompProgram p = compile(t, strict, arch), q = compile(t, loose, arch);
        char buffer[SECCOMP_NAME_SIZE];

        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                struct seccomp_data data = { .nr = (int)nr, .arch = arch->audit_arch };
                const char *call = seccomp_syscall_name(arch, nr, buffer) ?: "unknown";
                Values values[6];

                values_of_call(t, call, values);
                if (exceeds(&p, &q, &data, values, 0))
                        strbuf_printf(b, "%s ", call);
        }
        assert_false(b->failed);
}

static void test_tiers_stricter_allows_no_more(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (Mode mode = 1; mode < _MODE_MAX; mode++) {
                        _cleanup_strbuf_ StrBuf excess = {};

                        list_excess(*state, arch, mode, mode - 1, &excess);
                        if (excess.len > 0)
                                fail_msg("%s: %s allows more than %s of: %s", arch->name,
                                        mode_rules(mode)->name, mode_rules(mode - 1)->name, excess.data);
                }
}

/* The other way round: what each step takes away, and nothing else. It is the control of the test above,
 * which has to see every one of these; and whoever changes a tier has to say so here. */
static void test_tiers_differ_in_what_is_written_here(void **state) {
        static const char *const expected[_MODE_MAX] = {
                [MODE_STRICT_AGENT] =
                        "mincore socket setsockopt msgget msgsnd msgrcv msgctl mknod personality "
                        "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr "
                        "get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify "
                        "mq_getsetattr mknodat tee vmsplice name_to_handle_at futex_waitv "
                        "cachestat futex_wake futex_wait futex_requeue setxattrat removexattrat ",
                [MODE_PRODUCTION] = "ioprio_set sched_setattr ",
        };

        for (Mode mode = 1; mode < _MODE_MAX; mode++) {
                _cleanup_strbuf_ StrBuf less = {};

                list_excess(*state, bpf_arch("x86_64"), mode - 1, mode, &less);
                assert_string_equal(less.data, expected[mode]);
        }
}

/* ---- the texts ---- */

/* Is there a rule for the call that decides whatever the arguments are? */
static bool decided(const SeccompProfile *p, const char *call) {
        for (size_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].n_conditions == 0 && strv_contains(p->rules[i].names, call))
                        return true;
        return false;
}

/* Nothing is left to the default: each call has a group, whose reason `nucleus policy explain` shows. Those
 * that a newer libseccomp knows beyond our own table are not for this version to name. */
static void test_tiers_name_every_system_call(void **state) {
        static const char *const newer[] = { "uretprobe", "uprobe", NULL };
        const Tiers *t = *state;
        char buffer[SECCOMP_NAME_SIZE];

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++)
                for (uint32_t nr = 0, n = 0; nr <= LAST; nr++) {
                        const char *call = seccomp_syscall_name(arch, nr, buffer);

                        if (!call || strv_contains((char *const *)newer, call))
                                continue;
                        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                                if (!decided(t->profiles[mode], call))
                                        fail_msg("%s.seccomp.json: no group decides %s",
                                                mode_rules(mode)->name, call);
                        n++;
                        assert_true(nr < LAST || n > 300);
                }
}

/* One or two sentences, for a reader at a terminal. */
static void test_tiers_give_a_reason_for_each_group(void **state) {
        const Tiers *t = *state;

        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                for (size_t i = 0; i < t->profiles[mode]->n_rules; i++) {
                        const SeccompRule *rule = &t->profiles[mode]->rules[i];
                        size_t n = rule->comment ? strlen(rule->comment) : 0;

                        if (n < 10 || n > 320 || rule->comment[n - 1] != '.')
                                fail_msg("%s.seccomp.json:%u: this group needs a reason of one or two "
                                         "sentences",
                                        mode_rules(mode)->name, rule->line);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tiers_stricter_allows_no_more),
                cmocka_unit_test(test_tiers_differ_in_what_is_written_here),
                cmocka_unit_test(test_tiers_name_every_system_call),
                cmocka_unit_test(test_tiers_give_a_reason_for_each_group),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
