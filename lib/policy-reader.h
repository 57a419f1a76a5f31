/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parsers of TOML policies share: tables whose keys are known, and lists of words. Not for others.
 * Each function: 0, -EINVAL with *reterr_, or -ENOMEM. */

#include "policy.h"
#include "toml.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A key that a table may have. */
typedef struct PolicyKey {
        const char *name;
        TomlType type;
        const TomlNode **value; /* NULL before; set where the key is there */
        bool tables;            /* a list of tables: [[name]] */
} PolicyKey;

int policy_read_document(const char *text, size_t n, TomlDocument **ret_, PolicyError *reterr_);

/* Hands the members of `table` to `keys` (which end with a NULL name); any other is an error. `where` is how
 * the table is called in messages, "" at the top. */
int policy_read_table(const TomlNode *table, const char *where, const PolicyKey *keys, PolicyError *reterr_);

/* The text of a string without NUL and control characters; borrowed. */
int policy_read_string(const TomlNode *v, const char *what, const char **ret_, PolicyError *reterr_);

/* Calls `take` for each string of a list, none of which may be there twice. */
typedef int (*PolicyTakeWord)(const TomlNode *v, const char *word, void *userdata, PolicyError *reterr_);
int policy_read_words(
        const TomlNode *list, const char *what, PolicyTakeWord take, void *userdata, PolicyError *reterr_);

/* Calls `take` for each table of a list of tables. */
typedef int (*PolicyTakeTable)(const TomlNode *table, void *userdata, PolicyError *reterr_);
int policy_read_tables(
        const TomlNode *list, const char *what, PolicyTakeTable take, void *userdata, PolicyError *reterr_);

/* An error at a value. */
#define policy_error_at(e, node, ...) policy_error_set(e, (node)->line, (node)->column, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
