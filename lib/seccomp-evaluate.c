/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and rules applied to arguments. Must agree with seccomp-compile.c in all: widths above all. */

#include "seccomp-evaluate.h"

bool seccomp_condition_holds(const SeccompCondition *c, const char *name, uint64_t value) {
        if (seccomp_argument_is_int(name, c->index))
                value = (uint32_t)value;
        switch (c->op) {
        case SECCOMP_OPERATOR_NE:
                return value != c->value;
        case SECCOMP_OPERATOR_LT:
                return value < c->value;
        case SECCOMP_OPERATOR_LE:
                return value <= c->value;
        case SECCOMP_OPERATOR_EQ:
                return value == c->value;
        case SECCOMP_OPERATOR_GE:
                return value >= c->value;
        case SECCOMP_OPERATOR_GT:
                return value > c->value;
        case SECCOMP_OPERATOR_MASKED_EQ:
                return (value & c->value) == c->value_two;
        }
        return false;
}

SeccompMatch seccomp_rule_matches(const SeccompRule *rule, const char *name,
        const uint64_t arguments[SECCOMP_ARGUMENTS], unsigned known) {
        size_t n_yes = 0, n_no = 0;

        for (size_t i = 0; i < rule->n_conditions; i++) {
                const SeccompCondition *c = &rule->conditions[i];

                if (!(known & (1U << c->index)))
                        continue;
                if (seccomp_condition_holds(c, name, arguments[c->index]))
                        n_yes++;
                else
                        n_no++;
        }
        if (rule->any_condition)
                return n_yes > 0                    ? SECCOMP_MATCH_YES
                       : n_no == rule->n_conditions ? SECCOMP_MATCH_NO
                                                    : SECCOMP_MATCH_MAYBE;
        return n_no > 0                      ? SECCOMP_MATCH_NO
               : n_yes == rule->n_conditions ? SECCOMP_MATCH_YES
                                             : SECCOMP_MATCH_MAYBE;
}

uint32_t seccomp_verdicts_action(const SeccompVerdict *verdicts, size_t n, const char *name,
        const uint64_t arguments[SECCOMP_ARGUMENTS]) {
        for (size_t i = 0; i + 1 < n; i++)
                if (!verdicts[i].rule ||
                        seccomp_rule_matches(verdicts[i].rule, name, arguments, ~0U) == SECCOMP_MATCH_YES)
                        return verdicts[i].action;
        return verdicts[n - 1].action;
}

void seccomp_verdicts_format(const SeccompVerdict *verdicts, size_t n, StrBuf *b) {
        for (size_t i = 0; i < n; i++) {
                strbuf_puts(b, i > 0 ? "; " : "");
                seccomp_action_format(verdicts[i].action, b);
                if (verdicts[i].rule && verdicts[i].rule->n_conditions > 0) {
                        strbuf_puts(b, " where ");
                        seccomp_conditions_format(verdicts[i].rule, b);
                }
        }
}

bool seccomp_verdicts_permit(const SeccompVerdict *verdicts, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (seccomp_action_permits(verdicts[i].action))
                        return true;
        return false;
}
