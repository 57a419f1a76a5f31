/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a rule says of a call whose arguments are known in part. As the compiled program would, see
 * seccomp-profile.h. Pure. */

#include "seccomp-profile.h"

#define SECCOMP_ARGUMENTS 6U

typedef enum SeccompMatch {
        SECCOMP_MATCH_NO,
        SECCOMP_MATCH_MAYBE, /* it depends on arguments that are not known */
        SECCOMP_MATCH_YES,
} SeccompMatch;

/* Does the condition hold for an argument of the call `name`? */
bool seccomp_condition_holds(const SeccompCondition *c, const char *name, uint64_t value);

/* `known`: bit N where arguments[N] is known. */
SeccompMatch seccomp_rule_matches(const SeccompRule *rule, const char *name,
        const uint64_t arguments[SECCOMP_ARGUMENTS], unsigned known);

/* The action of the first verdict that matches; all arguments are known. `n` is not 0. */
uint32_t seccomp_verdicts_action(const SeccompVerdict *verdicts, size_t n, const char *name,
        const uint64_t arguments[SECCOMP_ARGUMENTS]);

/* Appends what decides, in order: "SCMP_ACT_ALLOW where arg0 == 1; SCMP_ACT_ERRNO (EPERM)". */
void seccomp_verdicts_format(const SeccompVerdict *verdicts, size_t n, StrBuf *b);

/* Is there a verdict that lets the call through? */
bool seccomp_verdicts_permit(const SeccompVerdict *verdicts, size_t n);
