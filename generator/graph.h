/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All services and what they depend on, checked against each other: names that occur twice or belong to
 * somebody else's unit, dependencies that do not exist, cycles. Pure: reads nothing, writes nothing.
 *
 * A service with an error keeps its node, which carries the message: it becomes a unit that fails with it.
 */

#include "load.h"

typedef struct Edge {
        size_t node; /* index of the dependency */
        DependencyCondition condition;
        Position where;
} Edge;

typedef struct Node {
        const char *name;             /* the service's full name; borrowed */
        const ServiceConfig *service; /* borrowed; with `error` set its values may be missing or wrong */
        size_t stack;                 /* index of the stack, or NAME_MAP_NONE */
        uint64_t id_base;             /* 0 in the user scope */
        Edge *edges;                  /* dependencies that exist, in the order of the file */
        size_t n_edges;
        bool oneshot; /* somebody waits for its completion: Type=oneshot */
        bool foreign; /* its unit name is taken by `error`'s file: no unit may be written */
        char *error;  /* "file:line:column: message" of what is wrong, one line; NULL: fine */
} Node;

typedef struct Stack {
        const StackConfig *config; /* borrowed */
        size_t *members;           /* indices of its services, in the order of names */
        size_t n_members;
        bool foreign; /* the target's name is taken: no unit may be written */
} Stack;

typedef struct Graph {
        Node *nodes; /* sorted by name: the order of everything that is printed */
        size_t n_nodes;
        Stack *stacks; /* sorted by name */
        size_t n_stacks;
        NameMap names; /* full service name to index */
        Scope scope;
} Graph;

Graph *graph_free(Graph *g);
DEFINE_CLEANUP(Graph *, graph_free)
#define _cleanup_graph_ _cleanup_(graph_freep)

/*
 * Makes the graph of a set, which must outlive it. `taken` (or NULL) says which unit names are somebody
 * else's. Adds to `diag` what it finds, and takes from it the errors that concern each service (those of
 * config_set_load() too) into Node.error. 0 or -ENOMEM.
 */
int graph_build(const ConfigSet *set, Scope scope, const UnitNames *taken, Graph **ret_, Diagnostics *diag);

/* The node of a service: its full name, also as "nucleus-NAME" and "nucleus-NAME.service". NULL: none. */
const Node *graph_find(const Graph *g, const char *name);

/* The name of a service most like `name`, for "did you mean"; NULL where none is near. */
const char *graph_nearest(const Graph *g, const char *name);

/*
 * The Spec of a node; of one with an error, the spec that makes nucleus-exec fail with the message.
 * 0 or -ENOMEM.
 */
int node_to_spec(const Node *n, Spec **ret_);
