/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the verbs of `nucleus policy` share. */

#include "nucleus-services.h"
#include "nucleus-subverb.h"

#include "mode.h"

int verb_policy_pin(const Verb *verb, int argc, char **argv);
int verb_policy_explain(const Verb *verb, int argc, char **argv);

/* What `explain` is asked, and of whom. */
typedef struct Question {
        const char *syscall, *capability, *path;
        char **access; /* words */
        bool all, json;

        const char *profile; /* a policy file; NULL: none is named */
        const char *service; /* its name; NULL: none is named */
        Mode mode;           /* the tier: that of the service, where there is one */
        Services *services;  /* loaded where there is a service */
        const ServiceConfig *config;
} Question;

/* Each answers one question. 0, or an exit status, reported. */
int explain_syscall(const Question *q);
int explain_all(const Question *q);
int explain_capability(const Question *q);
int explain_path(const Question *q);

/* The line in which `word`, in quotes, first stands in a text; 0: in none. TOML has no places afterwards. */
unsigned line_of_word(const char *text, const char *word);
