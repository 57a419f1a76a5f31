/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A learned profile before it is text. Inside lib/seccomp-learn*.c. */

#include "seccomp-learn.h"

/* A call that the profile is to have. */
typedef struct Wanted {
        const char *name;             /* borrowed */
        const SeccompTraceCall *call; /* NULL: it was not traced */
        const char *why;              /* it is there all the same */
        const char *of;               /* with "in place of": the other call */
        bool any_value;               /* it will be made in place of another, with arguments of its own */
        bool allowed;                 /* whatever the base says */
} Wanted;

typedef struct Learner {
        const SeccompTrace *trace;
        const SeccompLearnOptions *options;
        const char *const *newcomers;
        Wanted *wanted; /* sorted by name once all are there */
        size_t n_wanted;
        char **notes;
} Learner;

/* The call of that name, or NULL. */
Wanted *learner_find(const Learner *l, const char *name);

/* The profile as text (to be freed). 0 or -ENOMEM. */
int learner_write(Learner *l, char **ret_);
