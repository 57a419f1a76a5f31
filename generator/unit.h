/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Node to unit text. Pure. One function of unit.c writes all values: nothing else may print text of a
 * configuration into a unit.
 */

#include "graph.h"

typedef struct UnitFile {
        char *name; /* "nucleus-web.service" */
        char *text;
        size_t length;
} UnitFile;

/* A link `directory`/`unit` to ../`unit`, as `systemctl enable` would make. */
typedef struct UnitLink {
        char *directory; /* "multi-user.target.wants" */
        char *unit;      /* "nucleus-web.service" */
} UnitLink;

typedef struct UnitSet {
        UnitFile *files;
        size_t n_files;
        UnitLink *links;
        size_t n_links;
} UnitSet;

void unit_set_done(UnitSet *u);
#define _cleanup_unit_set_ _cleanup_(unit_set_done)

/*
 * Adds the units of one node: its .service, and its .socket where it has sockets; one that fails where the
 * node has an error; nothing where its name is somebody else's. `exec_path` is nucleus-exec's. 0 or -ENOMEM.
 */
int unit_add_node(UnitSet *u, const Graph *g, const Node *n, const char *exec_path);

/* Adds the .target of a stack. 0 or -ENOMEM. */
int unit_add_stack(UnitSet *u, const Graph *g, const Stack *s);
