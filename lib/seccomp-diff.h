/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What one profile lets through and another does not, call by call, for one target. Pure. */

#include "seccomp-profile.h"

typedef enum SeccompChangeKind {
        SECCOMP_CHANGE_NONE,
        SECCOMP_CHANGE_GAINED,    /* B lets it through, for some arguments at least; A never */
        SECCOMP_CHANGE_LOST,      /* the reverse */
        SECCOMP_CHANGE_ARGUMENTS, /* both do, but not for the same arguments, or not in the same words */
        SECCOMP_CHANGE_ANSWER,    /* neither does, but the answer is another */
        _SECCOMP_CHANGE_MAX,
} SeccompChangeKind;

/* "none", "gained", "lost", "arguments", "answer". */
const char *seccomp_change_name(SeccompChangeKind kind);

typedef struct SeccompChange {
        char *name; /* of the system call */
        SeccompChangeKind kind;
        bool more, less; /* of SECCOMP_CHANGE_ARGUMENTS: there are arguments for which only B, or only A,
                            lets it through. Neither: none were found */
        char *a, *b;     /* what decides, as text */
} SeccompChange;

typedef struct SeccompDiff {
        SeccompChange *items; /* every call of the architecture, by name */
        size_t n;
        size_t counts[_SECCOMP_CHANGE_MAX];
        char *default_a, *default_b; /* the default actions, as text */
        bool differs;                /* in any call, or in the defaults */
} SeccompDiff;

void seccomp_diff_done(SeccompDiff *d);
#define _cleanup_seccomp_diff_ _cleanup_(seccomp_diff_done)

/* 0, -ENOENT where the target denies a call that nobody knows, or -ENOMEM. */
int seccomp_diff(
        const SeccompProfile *a, const SeccompProfile *b, const SeccompTarget *target, SeccompDiff *ret_);
