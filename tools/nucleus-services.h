/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All that the generator would see, for the verbs that ask about services. */

#include "graph.h"
#include "nucleus.h"

typedef struct Services {
        Diagnostics diag;
        ConfigSet *set;
        UnitNames taken;
        Graph *graph;
} Services;

void services_done(Services *s);
#define _cleanup_services_ _cleanup_(services_done)

/* Loads and checks everything, with `files` (or NULL) in their place. 0, or an exit status, reported. */
int services_load(Scope scope, char *const *files, Services *s);

/*
 * Prints one diagnostic on `f`: "file:line:column: error: message"; on a terminal with colours and the line
 * of the file, a caret beneath the column.
 */
void print_diagnostic(FILE *f, const Diagnostic *d);
