/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a trace to a profile: the rules of a base, as far as they concern what was traced. So a learned
 * profile never lets through what its base does not, whatever the program did while it was watched; what the
 * base refuses is told. Calls that a trace may lack by chance are added, each with its reason. Pure.
 */

#include "seccomp-profile.h"
#include "seccomp-trace-file.h"

typedef struct SeccompLearnOptions {
        const SeccompProfile *base; /* NULL: whatever was traced is allowed */
        const char *base_name;      /* "production"; for comments */
        const SeccompTarget *target;
        bool arguments;       /* of arguments that were traced, no other values */
        bool runc;            /* what runc(8) itself needs too */
        char *const *allowed; /* calls that are let through whatever the base says; NULL: none */
} SeccompLearnOptions;

/*
 * The profile as OCI JSON into *ret_, and into *ret_notes what a reader must know of it, each a sentence
 * without a full stop: traced calls and values that the base refuses, numbers without a name. Both are to be
 * freed. The trace is of the target's architecture. 0 or -ENOMEM.
 */
int seccomp_learn(const SeccompTrace *t, const SeccompLearnOptions *o, char **ret_, char ***ret_notes);
