/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Verbs of verbs, and what `seccomp` and `policy` share. */

#include "nucleus.h"

#define SUBVERBS_MAX 8U

/* Runs the verb that argv[1] names: a row of `subverbs`, whose names are two words and whose last is NULL.
 */
int run_subverb(const Verb *verb, const Verb *subverbs, int argc, char **argv);

/* Prints text of somebody's file on standard output: what could steer a terminal or deceive a reader as "?".
 */
void print_text(const char *s, size_t n);
