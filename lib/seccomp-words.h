/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The words of OCI seccomp profiles as tables, for the parser and for messages. Inside the seccomp library.
 */

#include "seccomp-profile.h"

typedef struct SeccompActionWord {
        const char *name;
        uint32_t action;
        const char *refused; /* why this build does not take it; NULL: it does */
} SeccompActionWord;

/* Ends with a NULL name. Of two words for one action the first is the one to print. */
extern const SeccompActionWord seccomp_action_words[];

typedef struct SeccompFlagWord {
        const char *name;
        bool log;
        const char *refused; /* as above */
} SeccompFlagWord;

/* Those that are taken first; ends with a NULL name. */
extern const SeccompFlagWord seccomp_flag_words[];

/* By SeccompOperator. These three end with NULL. */
extern const char *const seccomp_operator_words[];
extern const char *const seccomp_oci_arch_words[]; /* "SCMP_ARCH_…" */
extern const char *const seccomp_go_arch_words[];  /* "amd64", in includes and excludes */
