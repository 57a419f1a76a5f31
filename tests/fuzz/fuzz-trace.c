/* SPDX-License-Identifier: Apache-2.0 */
/* Traces, which a hostile service may have written: what is accepted is written and read the same again, and
 * the profile that is learned of it is one that the parser takes and the compiler lays out. */

#include "fuzz.h"
#include "seccomp-learn.h"

static void check_profile(const SeccompTrace *t) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_strv_ char **notes = NULL;
        _cleanup_free_ char *text = NULL;
        SeccompTarget target = { .arch = seccomp_arch_find(t->architecture) };
        SeccompLearnOptions o = { .base_name = "none", .target = &target, .arguments = true };
        SeccompProgram program = {};

        CHECK(target.arch);
        CHECK(seccomp_learn(t, &o, &text, &notes) == 0);
        CHECK(seccomp_profile_parse(text, strlen(text), &p, &error) == 0);
        CHECK(seccomp_compile(p, &target, &program) == 0);
        free(program.filter);
}

bool fuzz_one(const char *text, size_t n) {
        _cleanup_seccomp_trace_ SeccompTrace t = {}, again = {};
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *first = NULL, *second = NULL;

        int k = seccomp_trace_parse(text, n, &t, &error);
        CHECK(k == 0 || (k == -EINVAL && error.message));
        if (k < 0)
                return false;
        CHECK(seccomp_trace_format(&t, &first) == 0);
        CHECK(seccomp_trace_parse(first, strlen(first), &again, &error) == 0);
        CHECK(seccomp_trace_format(&again, &second) == 0);
        CHECK(streq(first, second));
        check_profile(&t);
        return true;
}
