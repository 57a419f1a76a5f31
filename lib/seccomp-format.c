/* SPDX-License-Identifier: Apache-2.0 */
/* Actions and conditions as text, for people. The words of actions are OCI's own. */

#include "seccomp-profile.h"
#include "seccomp-words.h"

#include <inttypes.h>
#include <linux/seccomp.h>

bool seccomp_action_permits(uint32_t action) {
        uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

        return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

void seccomp_action_format(uint32_t action, StrBuf *b) {
        uint32_t kind = action & SECCOMP_RET_ACTION_FULL, data = action & SECCOMP_RET_DATA;

        for (const SeccompActionWord *w = seccomp_action_words; w->name; w++) {
                if (w->action != kind)
                        continue;
                strbuf_puts(b, w->name);
                if (kind == SECCOMP_RET_ERRNO && strerrorname_np((int)data))
                        strbuf_printf(b, " (%s)", strerrorname_np((int)data));
                else if (kind == SECCOMP_RET_ERRNO || (kind == SECCOMP_RET_TRACE && data > 0))
                        strbuf_printf(b, " (%u)", data);
                return;
        }
        strbuf_printf(b, "0x%08x", action);
}

/* Small numbers are counts and families; larger ones are bits and commands, which people know in hex. */
static void put_value(StrBuf *b, uint64_t value) {
        strbuf_printf(b, value < 1024 ? "%" PRIu64 : "0x%" PRIx64, value);
}

void seccomp_condition_format(const SeccompCondition *c, StrBuf *b) {
        static const char *const signs[] = {
                [SECCOMP_OPERATOR_NE] = "!=",
                [SECCOMP_OPERATOR_LT] = "<",
                [SECCOMP_OPERATOR_LE] = "<=",
                [SECCOMP_OPERATOR_EQ] = "==",
                [SECCOMP_OPERATOR_GE] = ">=",
                [SECCOMP_OPERATOR_GT] = ">",
                [SECCOMP_OPERATOR_MASKED_EQ] = "==",
        };

        strbuf_printf(b, "arg%u ", c->index);
        if (c->op == SECCOMP_OPERATOR_MASKED_EQ) {
                strbuf_puts(b, "& ");
                put_value(b, c->value);
                strbuf_putc(b, ' ');
        }
        strbuf_printf(b, "%s ", signs[c->op]);
        put_value(b, c->op == SECCOMP_OPERATOR_MASKED_EQ ? c->value_two : c->value);
}

void seccomp_conditions_format(const SeccompRule *rule, StrBuf *b) {
        for (size_t i = 0; i < rule->n_conditions; i++) {
                if (i > 0)
                        strbuf_puts(b, rule->any_condition ? " or " : " and ");
                seccomp_condition_format(&rule->conditions[i], b);
        }
}
