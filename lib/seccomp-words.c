/* SPDX-License-Identifier: Apache-2.0 */
/* The words of OCI seccomp profiles (runtime-spec, config-linux.md). */

#include "seccomp-words.h"

#include <linux/seccomp.h>

const SeccompActionWord seccomp_action_words[] = {
        { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, NULL },
        { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, NULL },
        { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, NULL },
        { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, NULL },
        { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, NULL },
        { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, NULL },
        { "SCMP_ACT_LOG", SECCOMP_RET_LOG, NULL },
        { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, NULL },
        { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, "no supervisor would answer its notifications" },
        {},
};

const char *const seccomp_operator_words[] = {
        [SECCOMP_OPERATOR_NE] = "SCMP_CMP_NE",
        [SECCOMP_OPERATOR_LT] = "SCMP_CMP_LT",
        [SECCOMP_OPERATOR_LE] = "SCMP_CMP_LE",
        [SECCOMP_OPERATOR_EQ] = "SCMP_CMP_EQ",
        [SECCOMP_OPERATOR_GE] = "SCMP_CMP_GE",
        [SECCOMP_OPERATOR_GT] = "SCMP_CMP_GT",
        [SECCOMP_OPERATOR_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
        NULL,
};
