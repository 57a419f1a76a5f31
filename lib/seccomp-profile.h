/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System call policy: an OCI seccomp profile as data, and its compilation to a classic BPF program. Pure.
 *
 * The program checks the architecture, then the bit that marks another ABI's numbers, and then finds the
 * number by binary search over ranges of numbers with the same outcome: the kernel runs a filter once for
 * every system call number when it is loaded, so a long line of comparisons is paid for hundreds of times.
 *
 * Where several rules name a call, they are tried in the order of the profile and the first whose arguments
 * match decides; all conditions of one rule must hold. Numbers above all that the profile names (calls newer
 * than the profile) give ENOSYS where the default action is an errno, so that programs use their fallback.
 */

#include <linux/filter.h>

#include "seccomp-arch.h"
#include "strv.h"

typedef enum SeccompOperator {
        SECCOMP_OPERATOR_NE,
        SECCOMP_OPERATOR_LT,
        SECCOMP_OPERATOR_LE,
        SECCOMP_OPERATOR_EQ,
        SECCOMP_OPERATOR_GE,
        SECCOMP_OPERATOR_GT,
        SECCOMP_OPERATOR_MASKED_EQ, /* (argument & value) == value_two */
} SeccompOperator;

typedef struct SeccompCondition {
        unsigned index; /* of the argument, 0-5 */
        SeccompOperator op;
        uint64_t value, value_two;
} SeccompCondition;

typedef struct SeccompRule {
        char **names;
        uint32_t action; /* SECCOMP_RET_… with its data */
        SeccompCondition *conditions;
        size_t n_conditions;
} SeccompRule;

typedef struct SeccompProfile {
        uint32_t default_action;
        SeccompRule *rules;
        size_t n_rules;
} SeccompProfile;

typedef struct SeccompProgram {
        struct sock_filter *filter;
        size_t n;
} SeccompProgram;

SeccompProfile *seccomp_profile_free(SeccompProfile *p);
DEFINE_CLEANUP(SeccompProfile *, seccomp_profile_free)
#define _cleanup_seccomp_profile_ _cleanup_(seccomp_profile_freep)

/*
 * Reads `n` bytes of JSON. On -EINVAL *reterr_ (to be freed) says what is wrong and where: the line of a
 * syntax error, the rule's index otherwise. Unknown and duplicate keys, unknown calls, actions and operators
 * are errors. 0, -EINVAL or -ENOMEM.
 */
int seccomp_profile_parse(const char *text, size_t n, SeccompProfile **ret_, char **reterr_);

/*
 * Compiles for one architecture. Calls that it does not have are left out. The program is to be freed.
 * 0, -E2BIG where it would be longer than the kernel takes, or -ENOMEM.
 */
int seccomp_compile(const SeccompProfile *p, const SeccompArch *arch, SeccompProgram *ret_);
