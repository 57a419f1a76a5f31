/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which rules of a profile decide which call, for one target. Inside the seccomp library. */

#include "seccomp-profile.h"

/* What one system call leads to: the rules that name it, in their order, or the floor's word. */
typedef struct SeccompCall {
        uint32_t nr;
        const char *name;
        const SeccompRule **rules; /* those that apply; none: the default */
        size_t n_rules;
        size_t n_first;    /* how many of them are of target->first */
        bool denied;       /* by the floor */
        uint32_t fallback; /* where no rule matches */
} SeccompCall;

typedef struct SeccompCalls {
        SeccompCall *calls; /* sorted by number; those that rules or the floor name */
        size_t n;
        uint32_t beyond; /* the first number above all that the profile names */
} SeccompCalls;

void seccomp_calls_done(SeccompCalls *c);
#define _cleanup_seccomp_calls_ _cleanup_(seccomp_calls_done)

/* 0, -ENOENT (an unknown name in target->denied) or -ENOMEM. *ret_ is to be done, also on error. */
int seccomp_calls_collect(const SeccompProfile *p, const SeccompTarget *target, SeccompCalls *ret_);

/* What the floor says to a call that it denies. */
#define SECCOMP_FLOOR_ACTION (SECCOMP_RET_ERRNO | EPERM)

/* What numbers above all that the profile names get. */
uint32_t seccomp_beyond_action(const SeccompProfile *p) _pure_;
