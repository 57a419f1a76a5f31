/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the two halves of the profile's parser share. Inside the seccomp library. */

#include "json-text.h"
#include "seccomp-words.h"

/* Where in the profile we are, and whom to tell. */
typedef struct SeccompReader {
        unsigned rule; /* from 1; 0: at the top */
        PolicyError *reterr_;
} SeccompReader;

/* An error at a value. Returns -EINVAL or -ENOMEM. */
int seccomp_bad(const SeccompReader *r, JsonNode where, const char *format, ...) _printf_(3, 4);

/* An error about a word that is none of `words`, with the nearest, or with all where none is near. `what` is
 * what it should be ("action"), `prefix` what all of them begin with and people leave out. */
int seccomp_bad_word(const SeccompReader *r, JsonNode where, const char *what, const char *word,
        const char *const *words, const char *prefix);

/* Unknown keys of an object are an error, and so is what is no object: 0, -EINVAL or -ENOMEM. */
int seccomp_check_keys(const SeccompReader *r, JsonNode object, const char *what, const char *const *known);

/* The keys of an action: "action", "errnoRet" and, as a name, "errno". */
typedef struct SeccompActionKeys {
        const char *action, *number, *name;
} SeccompActionKeys;

int seccomp_action_parse(
        const SeccompReader *r, JsonNode object, const SeccompActionKeys *keys, uint32_t *ret_);

/* The names in `node`, a list of strings or nothing; `take` is called with each. */
int seccomp_each_word(const SeccompReader *r, JsonNode node, const char *what,
        int (*take)(const SeccompReader *r, JsonNode where, const char *word, void *data), void *data);

/* One entry of "syscalls". *ret_ is to be done, also on error. */
int seccomp_rule_parse(const SeccompReader *r, JsonNode object, SeccompRule *ret_);
bool seccomp_rule_is_selective(const SeccompRule *rule) _pure_; /* has it includes or excludes? */
void seccomp_rule_done(SeccompRule *rule);
