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

const SeccompFlagWord seccomp_flag_words[] = {
        { "SECCOMP_FILTER_FLAG_LOG", true, NULL },
        { "SECCOMP_FILTER_FLAG_TSYNC", false,
                NULL }, /* one thread loads the filter: nothing to synchronise */
        { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", false,
                "it would switch off mitigations of the processor's bugs" },
        { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", false, "no supervisor answers notifications" },
        { "SECCOMP_FILTER_FLAG_NEW_LISTENER", false, "no supervisor answers notifications" },
        {},
};

const char *const seccomp_oci_arch_words[] = {
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_X32",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_MIPS",
        "SCMP_ARCH_MIPS64",
        "SCMP_ARCH_MIPS64N32",
        "SCMP_ARCH_MIPSEL",
        "SCMP_ARCH_MIPSEL64",
        "SCMP_ARCH_MIPSEL64N32",
        "SCMP_ARCH_PPC",
        "SCMP_ARCH_PPC64",
        "SCMP_ARCH_PPC64LE",
        "SCMP_ARCH_S390",
        "SCMP_ARCH_S390X",
        "SCMP_ARCH_PARISC",
        "SCMP_ARCH_PARISC64",
        "SCMP_ARCH_RISCV64",
        "SCMP_ARCH_LOONGARCH64",
        "SCMP_ARCH_M68K",
        "SCMP_ARCH_SH",
        "SCMP_ARCH_SHEB",
        NULL,
};

const char *const seccomp_go_arch_words[] = {
        "amd64",
        "arm",
        "arm64",
        "loong64",
        "loongarch64",
        "m68k",
        "mips",
        "mips64",
        "mips64le",
        "mips64n32",
        "mips64p32",
        "mips64p32le",
        "mips3l64n32", /* as Docker's own profile misspells it */
        "mipsel",
        "mipsel64",
        "mipsel64n32",
        "mipsle",
        "parisc",
        "parisc64",
        "ppc",
        "ppc64",
        "ppc64le",
        "riscv64",
        "s390",
        "s390x",
        "sh",
        "sheb",
        "x32",
        "x86",
        NULL,
};
