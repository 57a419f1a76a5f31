/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profiles that container engines ship, unchanged: they compile, and mean what they mean there. What
 * they mean there is what libseccomp makes of the rules that runc and crun would hand it, which this file
 * picks by its own reading of the JSON. Two differences are meant, and part of the comparison: libseccomp is
 * asked about the arguments as the kernel cuts them, and numbers above all that the profile names give
 * ENOSYS.
 *
 * The profiles are Debian's, and not part of the source: tools/deps unpacks them.
 */

#include <jansson.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy.h"
#include "test-profile.h"

#define NUMBERS 600U /* all that there are, and some to come */

static const char *const profiles[] = {
        ENGINE_PROFILES "/podman.json",
        ENGINE_PROFILES "/docker.json",
};

typedef struct Profile {
        const char *path;
        json_t *root;
        char *text;
        SeccompProfile *profile;
} Profile;

static void profile_done(Profile *p) {
        seccomp_profile_free(p->profile);
        json_decref(p->root);
        free(p->text);
}

static Profile load(const char *path) {
        Profile p = { .path = path };
        json_error_t error;

        if (access(path, R_OK) < 0) {
                if (getenv("NUCLEUS_MUST_WORK"))
                        fail_msg("%s is missing: run tools/deps", path);
                print_message("skipped: %s is missing: run tools/deps\n", path);
                skip();
        }
        p.root = json_load_file(path, 0, &error);
        assert_non_null(p.root);

        /* Byte for byte as shipped, so that places are right, too. */
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        p.text = calloc(1, 1 << 20);
        assert_non_null(p.text);
        assert_in_range(fread(p.text, 1, (1 << 20) - 1, f), 1000, (1 << 20) - 2);
        fclose(f);
        p.profile = profile_parse(p.text);
        return p;
}

/* ---- what an engine would do: the rules that count, by the text ---- */

static bool lists(json_t *list, const char *word) {
        json_t *entry;
        size_t i;

        json_array_foreach(list, i, entry) if (streq(json_string_value(entry), word)) return true;
        return false;
}

static bool keeps(const SeccompTarget *t, const char *name) {
        unsigned capability;

        assert_int_equal(capability_from_name(name, &capability), 0);
        return t->capabilities & UINT64_C(1) << capability;
}

static bool is_as_new(const SeccompTarget *t, const char *version) {
        unsigned major, minor;

        assert_int_equal(sscanf(version, "%u.%u", &major, &minor), 2);
        return t->kernel_major > major || (t->kernel_major == major && t->kernel_minor >= minor);
}

/* As Docker's and podman's setupSeccomp() do. */
static bool counts(json_t *rule, const SeccompTarget *t) {
        json_t *in = json_object_get(rule, "includes"), *out = json_object_get(rule, "excludes"), *entry;
        const char *version;
        size_t i;

        if (lists(json_object_get(out, "arches"), t->arch->go_name))
                return false;
        json_array_foreach(
                json_object_get(out, "caps"), i, entry) if (keeps(t, json_string_value(entry))) return false;
        version = json_string_value(json_object_get(out, "minKernel"));
        if (version && is_as_new(t, version))
                return false;
        if (json_array_size(json_object_get(in, "arches")) > 0 &&
                !lists(json_object_get(in, "arches"), t->arch->go_name))
                return false;
        json_array_foreach(
                json_object_get(in, "caps"), i, entry) if (!keeps(t, json_string_value(entry))) return false;
        version = json_string_value(json_object_get(in, "minKernel"));
        return !version || is_as_new(t, version);
}

static uint32_t action_of(json_t *object, const char *action_key, const char *errno_key) {
        const char *action = json_string_value(json_object_get(object, action_key));
        json_t *number = json_object_get(object, errno_key);

        if (streq(action, "SCMP_ACT_ALLOW"))
                return SCMP_ACT_ALLOW;
        assert_string_equal(action, "SCMP_ACT_ERRNO");
        return SCMP_ACT_ERRNO((uint32_t)(number ? json_integer_value(number) : EPERM));
}

static enum scmp_compare operator_of(const char *name) {
        static const struct {
                const char *name;
                enum scmp_compare op;
        } operators[] = {
                { "SCMP_CMP_NE", SCMP_CMP_NE },
                { "SCMP_CMP_LT", SCMP_CMP_LT },
                { "SCMP_CMP_LE", SCMP_CMP_LE },
                { "SCMP_CMP_EQ", SCMP_CMP_EQ },
                { "SCMP_CMP_GE", SCMP_CMP_GE },
                { "SCMP_CMP_GT", SCMP_CMP_GT },
                { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
        };

        for (size_t i = 0; i < ELEMENTSOF(operators); i++)
                if (streq(operators[i].name, name))
                        return operators[i].op;
        fail_msg("%s is no operator", name);
        return _SCMP_CMP_MIN;
}

static unsigned args_of(json_t *rule, struct scmp_arg_cmp *ret) {
        json_t *arg;
        size_t i;

        json_array_foreach(json_object_get(rule, "args"), i, arg) {
                assert_true(i < 6);
                ret[i] = (struct scmp_arg_cmp){
                        .arg = (unsigned)json_integer_value(json_object_get(arg, "index")),
                        .op = operator_of(json_string_value(json_object_get(arg, "op"))),
                        .datum_a = (scmp_datum_t)json_integer_value(json_object_get(arg, "value")),
                        .datum_b = (scmp_datum_t)json_integer_value(json_object_get(arg, "valueTwo")),
                };
                for (size_t k = 0; k < i; k++)
                        assert_int_not_equal(ret[k].arg, ret[i].arg); /* none of them repeats one */
        }
        return (unsigned)json_array_size(json_object_get(rule, "args"));
}

static SeccompProgram take_program(scmp_filter_ctx ctx) {
        SeccompProgram program = {};
        int fd = memfd_create("filter", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
        off_t size = lseek(fd, 0, SEEK_END);
        assert_true(size > 0);
        program.filter = malloc((size_t)size);
        assert_non_null(program.filter);
        assert_int_equal(pread(fd, program.filter, (size_t)size, 0), size);
        program.n = (size_t)size / sizeof(*program.filter);
        close(fd);
        return program;
}

/* The filter of the library; *ret_beyond is the first number above all that the profile names. */
static SeccompProgram reference(const Profile *p, const SeccompTarget *t, uint32_t *ret_beyond) {
        uint32_t fallback = action_of(p->root, "defaultAction", "defaultErrnoRet");
        scmp_filter_ctx ctx = seccomp_init(fallback);
        json_t *rule, *entry;
        size_t i, k;

        assert_non_null(ctx);
        assert_int_equal(t->arch->library, seccomp_arch_native()); /* it takes numbers of the native one */
        *ret_beyond = 0;
        json_array_foreach(json_object_get(p->root, "syscalls"), i, rule) {
                uint32_t action = action_of(rule, "action", "errnoRet");
                struct scmp_arg_cmp args[6];
                unsigned n = args_of(rule, args);

                json_array_foreach(json_object_get(rule, "names"), k, entry) {
                        const char *name = json_string_value(entry);
                        uint32_t nr;

                        if (seccomp_syscall_number(t->arch, name, &nr) < 0)
                                continue;
                        *ret_beyond = nr >= *ret_beyond ? nr + 1 : *ret_beyond;
                        if (!counts(rule, t) || action == fallback)
                                continue;
                        int r = seccomp_rule_add_array(ctx, action, (int)nr, n, args);
                        if (r < 0)
                                fail_msg("rule %zu, %s: %s", i + 1, name, strerror(-r));
                }
        }

        SeccompProgram program = take_program(ctx);
        seccomp_release(ctx);
        return program;
}

/* ---- cases: every number, with the values that its rules compare and those beside them ---- */

typedef struct Case {
        struct seccomp_data data;
        uint32_t action;
} Case;

typedef struct Cases {
        Case *cases;
        size_t n, size;
        const SeccompTarget *target;
        SeccompProgram reference;
        uint32_t beyond, beyond_action;
} Cases;

static void cases_done(Cases *c) {
        free(c->cases);
        free(c->reference.filter);
}

static void cases_add(Cases *c, const char *name, uint32_t nr, const uint64_t *args) {
        struct seccomp_data cut = { .nr = (int)nr, .arch = c->target->arch->audit_arch };

        if (c->n == c->size) {
                c->size = c->size ? 2 * c->size : 4096;
                c->cases = reallocarray(c->cases, c->size, sizeof(Case));
                assert_non_null(c->cases);
        }
        Case *q = &c->cases[c->n++];
        q->data = cut;
        for (unsigned i = 0; i < 6; i++) {
                unsigned bits = name ? seccomp_argument_bits(name, i) : 64;

                q->data.args[i] = args[i];
                cut.args[i] = bits < 64 ? args[i] & ((UINT64_C(1) << bits) - 1) : args[i];
        }
        q->action = nr >= c->beyond ? c->beyond_action : bpf_run(&c->reference, &cut, NULL);
}

static void cases_of_rule(Cases *c, const char *name, uint32_t nr, json_t *rule) {
        struct scmp_arg_cmp compared[6];
        unsigned n = args_of(rule, compared);

        for (unsigned i = 0; i < n; i++)
                for (unsigned bit = 0; bit < 66; bit++) {
                        uint64_t args[6] = {};

                        for (unsigned k = 0; k < n; k++)
                                args[compared[k].arg] = compared[k].datum_a;
                        if (bit < 64)
                                args[compared[i].arg] ^= UINT64_C(1) << bit;
                        else
                                args[compared[i].arg] += bit - 65; /* the value, and one less */
                        cases_add(c, name, nr, args);
                        for (unsigned k = 0; k < n; k++)
                                args[compared[k].arg] = k == i ? UINT64_C(1) << (bit & 63) : 0;
                        cases_add(c, name, nr, args);
                }
}

static Cases make_cases(const Profile *p, const SeccompTarget *t) {
        static const uint64_t none[6],
                all[6] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
        Cases c = { .target = t };

        c.reference = reference(p, t, &c.beyond);
        c.beyond_action = ERRNO(ENOSYS);
        for (uint32_t nr = 0; nr < NUMBERS; nr++) {
                char buffer[SECCOMP_NAME_SIZE];
                const char *name = seccomp_syscall_name(t->arch, nr, buffer);
                json_t *rule;
                size_t i;

                cases_add(&c, name, nr, none);
                cases_add(&c, name, nr, all);
                json_array_foreach(json_object_get(p->root, "syscalls"), i,
                        rule) if (name && lists(json_object_get(rule, "names"), name))
                        cases_of_rule(&c, name, nr, rule);
        }
        return c;
}

/* The first case in which the program differs, or NULL. */
static const Case *difference(const SeccompProgram *p, const Cases *c) {
        for (size_t i = 0; i < c->n; i++)
                if (bpf_run(p, &c->cases[i].data, NULL) != c->cases[i].action)
                        return &c->cases[i];
        return NULL;
}

/* ---- targets: every capability alone, all but it, none and all; old kernels and new ---- */

static void for_each_target(const Profile *p, void (*body)(const Profile *p, const SeccompTarget *t)) {
        SeccompTarget t = { .arch = seccomp_arch_this() };

        for (unsigned new = 0; new < 2; new ++) {
                t.kernel_major = new ? 6 : 4;
                t.kernel_minor = new ? 18 : 7;
                for (unsigned i = 0; i < 2 * 42; i++) {
                        /* 41 capabilities, and the empty set as the 42nd */
                        t.capabilities = i / 2 < 41 ? UINT64_C(1) << (i / 2) : 0;
                        if (i & 1)
                                t.capabilities = ~t.capabilities;
                        body(p, &t);
                }
        }
}

static void compare(const Profile *p, const SeccompTarget *t) {
        _cleanup_program_ SeccompProgram ours = {};
        _cleanup_(cases_done) Cases cases = make_cases(p, t);
        const Case *d;

        assert_int_equal(seccomp_compile(p->profile, t, &ours), 0);
        bpf_assert_loadable(&ours);
        assert_true(cases.n > 2 * NUMBERS + 5 * 66);
        d = difference(&ours, &cases);
        if (d)
                fail_msg(
                        "%s, capabilities 0x%llx, call %d (0x%llx, 0x%llx, 0x%llx): we say 0x%x, libseccomp "
                        "0x%x",
                        p->path, (unsigned long long)t->capabilities, d->data.nr, d->data.args[0],
                        d->data.args[1], d->data.args[2], bpf_run(&ours, &d->data, NULL), d->action);
}

static void test_engine_profile_means_the_same_here(void **state) {
        _cleanup_(profile_done) Profile p = load(*state);

        for_each_target(&p, compare);
}

/* The control: each value that is returned or compared matters to some case, but for what the text itself
 * repeats: podman's has one rule of socket twice, so that either of the two could be wrong, and nothing gets
 * past the second. */
static void test_engine_comparison_sees_every_change(void **state) {
        _cleanup_(profile_done) Profile p = load(*state);
        const SeccompTarget t = { .arch = seccomp_arch_this(), .kernel_major = 6, .kernel_minor = 18 };
        _cleanup_(cases_done) Cases cases = make_cases(&p, &t);
        _cleanup_program_ SeccompProgram ours = {};
        size_t unseen = 0;

        assert_int_equal(seccomp_compile(p.profile, &t, &ours), 0);
        /* Behind the prologue, which the cases do not reach: test-seccomp.c does. */
        for (size_t i = t.arch->foreign_bit ? 6 : 4; i < ours.n; i++) {
                struct sock_filter *f = &ours.filter[i];

                if (f->code != (BPF_RET | BPF_K) && f->code != (BPF_JMP | BPF_JEQ | BPF_K))
                        continue;
                f->k ^= 1;
                if (!difference(&ours, &cases)) {
                        print_message("%s: nobody sees instruction %zu changed\n", p.path, i);
                        unseen++;
                }
                f->k ^= 1;
        }
        assert_true(unseen <= (endswith(p.path, "/podman.json") ? 4 : 0));
}

/* ---- explanations: the verdicts, followed by hand, say what the program does ---- */

static bool holds(const char *name, const SeccompCondition *c, const uint64_t *args) {
        unsigned bits = seccomp_argument_bits(name, c->index);
        uint64_t a = bits < 64 ? args[c->index] & ((UINT64_C(1) << bits) - 1) : args[c->index];

        switch (c->op) {
        case SECCOMP_OPERATOR_NE:
                return a != c->value;
        case SECCOMP_OPERATOR_LT:
                return a < c->value;
        case SECCOMP_OPERATOR_LE:
                return a <= c->value;
        case SECCOMP_OPERATOR_EQ:
                return a == c->value;
        case SECCOMP_OPERATOR_GE:
                return a >= c->value;
        case SECCOMP_OPERATOR_GT:
                return a > c->value;
        case SECCOMP_OPERATOR_MASKED_EQ:
                return (a & c->value) == c->value_two;
        }
        return false;
}

static void explain(const Profile *p, const SeccompTarget *t) {
        _cleanup_(cases_done) Cases cases = make_cases(p, t);
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        size_t n = 0;
        int nr = -1;

        for (size_t i = 0; i < cases.n; i++) {
                const Case *c = &cases.cases[i];
                char name[SECCOMP_NAME_SIZE];
                size_t k = 0;

                if (!seccomp_syscall_name(t->arch, (uint32_t)c->data.nr, name))
                        continue;
                if (c->data.nr != nr) {
                        free(TAKE_PTR(verdicts));
                        assert_int_equal(seccomp_explain(p->profile, t, name, &verdicts, &n), 0);
                        nr = c->data.nr;
                }
                for (;; k++) {
                        const SeccompRule *rule = verdicts[k].rule;
                        bool all = true;

                        for (size_t m = 0; rule && m < rule->n_conditions; m++)
                                all = all &&
                                      holds(name, &rule->conditions[m], (const uint64_t *)c->data.args);
                        assert_true(k < n);
                        if (all)
                                break;
                }
                assert_int_equal(verdicts[k].action, c->action);
                assert_true(verdicts[k].line > 0);
        }
}

static void test_engine_profile_is_explained_as_it_is(void **state) {
        static const uint64_t sets[] = { 0, UINT64_C(1) << 21, UINT64_MAX };
        _cleanup_(profile_done) Profile p = load(*state);

        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                explain(&p, &(SeccompTarget){ seccomp_arch_this(), sets[i], 6, 18, NULL });
}

/* Rules and their lines: the text's first mention of the rule's own names is on or below it. */
static void test_engine_profile_has_lines(void **state) {
        _cleanup_(profile_done) Profile p = load(*state);
        unsigned before = 0;

        assert_int_equal(p.profile->n_rules, json_array_size(json_object_get(p.root, "syscalls")));
        for (size_t i = 0; i < p.profile->n_rules; i++) {
                const SeccompRule *rule = &p.profile->rules[i];
                const char *line = p.text;

                assert_int_equal(rule->number, i + 1);
                assert_true(rule->line > before);
                for (unsigned k = 1; k < rule->line; k++)
                        line = strchr(line, '\n') + 1;
                assert_int_equal(line[strspn(line, " \t")], '{');
                before = rule->line;
        }
}

/* All cost of a call is in the search: against the library's filter, on the longest way. */
static void test_engine_profile_is_shorter_to_run_than_the_librarys(void **state) {
        _cleanup_(profile_done) Profile p = load(*state);
        const SeccompTarget t = { .arch = seccomp_arch_this(), .kernel_major = 6, .kernel_minor = 18 };
        _cleanup_(cases_done) Cases cases = make_cases(&p, &t);
        _cleanup_program_ SeccompProgram ours = {};
        size_t most = 0, most_there = 0;

        assert_int_equal(seccomp_compile(p.profile, &t, &ours), 0);
        for (size_t i = 0; i < cases.n; i++) {
                size_t steps = 0;

                bpf_run(&ours, &cases.cases[i].data, &steps);
                most = steps > most ? steps : most;
                bpf_run(&cases.reference, &cases.cases[i].data, &steps);
                most_there = steps > most_there ? steps : most_there;
        }
        assert_true(5 * most < most_there);
}

int main(void) {
        int failed = 0;

        for (size_t i = 0; i < ELEMENTSOF(profiles); i++) {
                void *path = (void *)profiles[i];
                const struct CMUnitTest tests[] = {
                        cmocka_unit_test_prestate(test_engine_profile_means_the_same_here, path),
                        cmocka_unit_test_prestate(test_engine_comparison_sees_every_change, path),
                        cmocka_unit_test_prestate(test_engine_profile_is_explained_as_it_is, path),
                        cmocka_unit_test_prestate(test_engine_profile_has_lines, path),
                        cmocka_unit_test_prestate(
                                test_engine_profile_is_shorter_to_run_than_the_librarys, path),
                };
                failed += cmocka_run_group_tests_name(profiles[i], tests, NULL, NULL);
        }
        return failed;
}
