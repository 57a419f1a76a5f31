/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Texts of seccomp profiles, for tests: the parts, the whole, and what comes of it. */

#include "test-bpf.h"

#define RULE(name, action, args)                                                                            \
        "{\"names\": [\"" name "\"], \"action\": \"SCMP_ACT_" action "\", \"args\": [" args "]}"
#define ARG(index, op, value) "{\"index\": " #index ", \"op\": \"SCMP_CMP_" op "\", \"value\": " #value "}"
#define MASK(index, mask, value)                                                                            \
        "{\"index\": " #index ", \"op\": \"SCMP_CMP_MASKED_EQ\", \"value\": " #mask                         \
        ", \"valueTwo\": " #value "}"

#define TOP(rules) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": " rules "}"
#define ONE(rule) TOP("[" rule "]")
#define WITH(arg) ONE(RULE("mmap", "ALLOW", arg))

static inline char *profile_text(const char *rules) {
        char *text;

        assert_true(
                asprintf(&text, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [%s]}", rules) > 0);
        return text;
}

static inline SeccompProfile *profile_parse(const char *text) {
        _cleanup_policy_error_ PolicyError error = {};
        SeccompProfile *p = NULL;

        if (seccomp_profile_parse(text, strlen(text), &p, &error) < 0)
                fail_msg("%.2000s: %u:%u: %s", text, error.line, error.column, error.message ?: "no memory");
        assert_null(error.message);
        return p;
}

static inline SeccompProgram profile_compile_for(const char *text, const SeccompTarget *target) {
        _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(text);
        SeccompProgram program = {};

        assert_int_equal(seccomp_compile(p, target, &program), 0);
        bpf_assert_loadable(&program);
        return program;
}

static inline SeccompProgram profile_compile(const char *text, const SeccompArch *arch) {
        return profile_compile_for(text, &(SeccompTarget){ .arch = arch });
}

static inline uint32_t call_number(const SeccompArch *arch, const char *name) {
        uint32_t nr = 0;

        assert_int_equal(seccomp_syscall_number(arch, name, &nr), 0);
        return nr;
}
