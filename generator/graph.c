/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services checked against each other. Every step is linear in what it looks at, but for sorting. Must never
 * drop a service that has a valid name: one with an error stays, as a node that carries it.
 */

#include "graph.h"

#include "graph-cycle.h"
#include "graph-errors.h"
#include "ids.h"
#include "nearest.h"
#include "schema.h"
#include "unit.h"

/* More than systemd would take (its DefaultLimitNOFILE= leaves room for 1024 in all). */
#define SOCKETS_MAX 256U

Graph *graph_free(Graph *g) {
        if (!g)
                return NULL;
        for (size_t i = 0; i < g->n_nodes; i++) {
                free(g->nodes[i].edges);
                free(g->nodes[i].error);
        }
        free(g->nodes);
        for (size_t i = 0; i < g->n_stacks; i++)
                free(g->stacks[i].members);
        free(g->stacks);
        name_map_done(&g->names);
        free(g);
        return NULL;
}

/* ---- nodes ---- */

static int compare_nodes(const void *a, const void *b) {
        const Node *x = a, *y = b;
        int k = strcmp(x->name, y->name);

        return k ?: (x->id_base > y->id_base) - (x->id_base < y->id_base);
}

/* "shop-" and "-x" would be valid together: a stack's part must be a name by itself. */
static bool is_node(const ServiceConfig *s) {
        return s->name && service_name_is_valid(s->name) &&
               (!s->local_name || service_name_is_valid(s->local_name));
}

/* All services, sorted. Until ids are allotted, id_base holds the place in the set: sorting is stable. */
static int collect_nodes(Graph *g, const ConfigSet *set) {
        size_t n = 0, n_stacks = 0;

        for (size_t i = 0; i < set->n; i++) {
                n += set->configs[i]->n_services;
                n_stacks += !!set->configs[i]->stack;
        }
        g->nodes = calloc(n + 1, sizeof(Node));
        g->stacks = calloc(n_stacks + 1, sizeof(Stack));
        if (!g->nodes || !g->stacks)
                return -ENOMEM;

        for (size_t i = 0; i < set->n; i++) {
                const Config *c = set->configs[i];
                size_t stack = NAME_MAP_NONE;

                if (c->stack && c->stack->name && service_name_is_valid(c->stack->name)) {
                        stack = g->n_stacks++;
                        g->stacks[stack].config = c->stack;
                }
                for (size_t j = 0; j < c->n_services; j++)
                        if (is_node(c->services[j])) {
                                g->nodes[g->n_nodes] = (Node){
                                        .name = c->services[j]->name,
                                        .service = c->services[j],
                                        .stack = stack,
                                        .id_base = g->n_nodes,
                                };
                                g->n_nodes++;
                        }
        }
        if (g->n_nodes > 0)
                qsort(g->nodes, g->n_nodes, sizeof(Node), compare_nodes);
        return 0;
}

/* "web is defined twice", once for each of the two, so that both places are shown. */
static int report_duplicate(const ServiceConfig *a, const ServiceConfig *b, Diagnostics *diag) {
        return diagnostics_add(diag, SEVERITY_ERROR, b->where, a->name,
                "the service \"%s\" is defined twice: also in %s line %u; rename one of them", a->name,
                a->where.file ?: "another file", a->where.line ?: 1);
}

/* Leaves one node for each name. */
static int merge_duplicates(Graph *g, Diagnostics *diag) {
        size_t n = 0;

        for (size_t i = 0; i < g->n_nodes; i++) {
                if (n > 0 && streq(g->nodes[n - 1].name, g->nodes[i].name)) {
                        int k = report_duplicate(g->nodes[n - 1].service, g->nodes[i].service, diag);
                        if (k < 0)
                                return k;
                        continue;
                }
                g->nodes[n++] = g->nodes[i];
        }
        g->n_nodes = n;
        return 0;
}

static int index_nodes(Graph *g, Diagnostics *diag) {
        _cleanup_free_ IdSlots *slots = calloc(1, sizeof(IdSlots));
        int k;

        if (!slots)
                return -ENOMEM;
        for (size_t i = 0; i < g->n_nodes; i++) {
                Node *n = &g->nodes[i];

                k = name_map_put(&g->names, n->name, i);
                if (k < 0)
                        return k;
                n->id_base = 0;
                if (g->scope == SCOPE_USER || ids_allot(slots, n->name, &n->id_base) >= 0)
                        continue;
                k = diagnostics_add(diag, SEVERITY_ERROR, n->service->where, n->name,
                        "there are more than %zu services: no range of user ids is left for this one",
                        ID_SLOTS);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int index_stacks(Graph *g) {
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->nodes[i].stack != NAME_MAP_NONE)
                        g->stacks[g->nodes[i].stack].n_members++;
        for (size_t i = 0; i < g->n_stacks; i++) {
                g->stacks[i].members = calloc(g->stacks[i].n_members + 1, sizeof(size_t));
                if (!g->stacks[i].members)
                        return -ENOMEM;
                g->stacks[i].n_members = 0;
        }
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->nodes[i].stack != NAME_MAP_NONE) {
                        Stack *s = &g->stacks[g->nodes[i].stack];
                        s->members[s->n_members++] = i;
                }
        return 0;
}

/* ---- dependencies ---- */

/* A service of the same stack first, then a full name. */
static size_t resolve(const Graph *g, const ServiceConfig *s, const char *name) {
        char full[160];
        size_t i = NAME_MAP_NONE;

        if (s->stack && snprintf(full, sizeof(full), "%s-%s", s->stack, name) < (int)sizeof(full))
                i = name_map_get(&g->names, full);
        return i != NAME_MAP_NONE ? i : name_map_get(&g->names, name);
}

static int report_missing(
        const Graph *g, const Node *n, const Dependency *d, size_t *hints, Diagnostics *diag) {
        /* Each search looks at every service: enough of them for a person to read. */
        const char *near = *hints > 0 ? graph_nearest(g, d->service) : NULL;

        if (*hints > 0)
                (*hints)--;
        if (near)
                return diagnostics_add(diag, SEVERITY_ERROR, d->where, n->name,
                        "depends_on names \"%s\", and there is no such service; did you mean \"%s\"?",
                        d->service, near);
        return diagnostics_add(diag, SEVERITY_ERROR, d->where, n->name,
                n->service->stack ? "depends_on names \"%s\", and there is no such service; add "
                                    "[services.%s] or correct the name"
                                  : "depends_on names \"%s\", and there is no such service; add %s.toml or "
                                    "correct the name",
                d->service, d->service);
}

/* `seen` holds, for each service, which one named it last: a second naming adds nothing. */
static int add_edges(Graph *g, Node *n, const Node **seen, size_t *hints, Diagnostics *diag) {
        const ServiceConfig *s = n->service;

        if (s->n_depends_on == 0)
                return 0;
        n->edges = calloc(s->n_depends_on, sizeof(Edge));
        if (!n->edges)
                return -ENOMEM;

        for (size_t i = 0; i < s->n_depends_on; i++) {
                const Dependency *d = &s->depends_on[i];
                size_t to = d->service ? resolve(g, s, d->service) : NAME_MAP_NONE;

                if (to == NAME_MAP_NONE) {
                        int k = d->service ? report_missing(g, n, d, hints, diag) : 0;
                        if (k < 0)
                                return k;
                        continue;
                }
                if (d->condition == CONDITION_COMPLETED)
                        g->nodes[to].oneshot = true;
                if (seen[to] == n)
                        continue;
                seen[to] = n;
                n->edges[n->n_edges++] = (Edge){ to, d->condition, d->where };
        }
        return 0;
}

static int add_all_edges(Graph *g, Diagnostics *diag) {
        _cleanup_free_ const Node **seen = calloc(g->n_nodes + 1, sizeof(Node *));
        size_t hints = 20;

        if (!seen)
                return -ENOMEM;
        for (size_t i = 0; i < g->n_nodes; i++) {
                int k = add_edges(g, &g->nodes[i], seen, &hints, diag);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* ---- rules that need more than one service, or systemd ---- */

/* Where a key at the top of a service stands, or where the service does. */
static Position where_is(const ServiceConfig *s, const char *key) {
        const SchemaRow *row = schema_find("", key);

        if (!row || !s->origins || s->origins[schema_index(row)].kind != ORIGIN_FILE)
                return s->where;
        return s->origins[schema_index(row)].where;
}

static int check_wanted_by(char *const *wanted_by, Position where, const char *service, Diagnostics *diag) {
        int k = 0;

        STRV_FOREACH(unit, wanted_by) {
                if (!unit_name_is_valid(unit))
                        k = diagnostics_add(diag, SEVERITY_ERROR, where, service,
                                "wanted_by = \"%s\": not the name of a unit", unit);
                else if (unit_is_early_target(unit))
                        k = diagnostics_add(diag, SEVERITY_ERROR, where, service,
                                "wanted_by = \"%s\": services start after this target, so it cannot wait "
                                "for "
                                "one; use \"multi-user.target\"",
                                unit);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int check_sockets(const Node *n, Diagnostics *diag) {
        const ServiceConfig *s = n->service;

        if (s->n_sockets > SOCKETS_MAX)
                return diagnostics_add(diag, SEVERITY_ERROR, s->where, n->name,
                        "%zu sockets; a service may have %u", s->n_sockets, SOCKETS_MAX);

        for (size_t i = 0; i < s->n_sockets; i++) {
                const Socket *sock = &s->sockets[i];
                const char *values[] = { sock->listen, sock->name, sock->mode, sock->user, sock->group };

                for (size_t v = 0; v < ELEMENTSOF(values); v++) {
                        if (!values[v] || unit_value_is_plain(values[v]))
                                continue;
                        int k = diagnostics_add(diag, SEVERITY_ERROR, sock->where, n->name,
                                "\"%s\" cannot be written into a socket unit: no control characters, no "
                                "backslash at the end, no white space around it",
                                values[v]);
                        if (k < 0)
                                return k;
                }
        }
        return 0;
}

/* systemd refuses such a unit as a whole (systemd.service(5), Restart=). */
static int check_oneshot(const Node *n, Diagnostics *diag) {
        const char *restart = n->service->restart;

        if (!n->oneshot || !restart || (!streq(restart, "always") && !streq(restart, "on-success")))
                return 0;
        return diagnostics_add(diag, SEVERITY_ERROR, where_is(n->service, "restart"), n->name,
                "restart = \"%s\", but a service waits for the completion of this one; use \"on-failure\" "
                "or "
                "\"no\"",
                restart);
}

static int check_values(const Node *n, Diagnostics *diag) {
        int k = check_wanted_by(n->service->wanted_by, where_is(n->service, "wanted_by"), n->name, diag);

        if (k >= 0)
                k = check_sockets(n, diag);
        return k < 0 ? k : check_oneshot(n, diag);
}

static int check_foreign(const UnitNames *taken, const char *name, const char *suffix, Position where,
        const char *service, Diagnostics *diag, bool *ret_) {
        char unit[96];

        *ret_ = false;
        if (!taken)
                return 0;
        (void)snprintf(unit, sizeof(unit), "nucleus-%s.%s", name, suffix);
        size_t i = name_map_get(&taken->names, unit);
        if (i == NAME_MAP_NONE)
                return 0;
        *ret_ = true;
        return diagnostics_add(diag, SEVERITY_ERROR, where, service,
                "%s exists already as %s, so no unit is made; rename the configuration, or remove that unit",
                unit, taken->paths[i]);
}

static int check_node_foreign(Node *n, const UnitNames *taken, Diagnostics *diag) {
        bool service, socket = false;
        int k = check_foreign(taken, n->name, "service", n->service->where, n->name, diag, &service);

        if (k >= 0 && n->service->n_sockets > 0)
                k = check_foreign(taken, n->name, "socket", n->service->where, n->name, diag, &socket);
        n->foreign = service || socket;
        return k;
}

/* No unit of ours stands for such a dependency, so systemd would not fail the dependent. */
static int check_foreign_dependencies(const Graph *g, const Node *n, Diagnostics *diag) {
        for (size_t e = 0; e < n->n_edges; e++) {
                const Node *to = &g->nodes[n->edges[e].node];

                if (!to->foreign)
                        continue;
                int k = diagnostics_add(diag, SEVERITY_ERROR, n->edges[e].where, n->name,
                        "depends_on names \"%s\", whose unit belongs to somebody else", to->name);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int check_all(Graph *g, const UnitNames *taken, Diagnostics *diag) {
        int k = 0;

        for (size_t i = 0; i < g->n_nodes && k >= 0; i++) {
                k = check_values(&g->nodes[i], diag);
                if (k >= 0)
                        k = check_node_foreign(&g->nodes[i], taken, diag);
        }
        for (size_t i = 0; i < g->n_nodes && k >= 0; i++)
                k = check_foreign_dependencies(g, &g->nodes[i], diag);
        for (size_t i = 0; i < g->n_stacks && k >= 0; i++) {
                const StackConfig *s = g->stacks[i].config;

                k = check_foreign(taken, s->name, "target", s->where, NULL, diag, &g->stacks[i].foreign);
                if (k >= 0)
                        k = check_wanted_by(s->wanted_by, s->where, NULL, diag);
        }
        return k < 0 ? k : graph_check_cycles(g, diag);
}

int graph_build(const ConfigSet *set, Scope scope, const UnitNames *taken, Graph **ret_, Diagnostics *diag) {
        _cleanup_graph_ Graph *g = calloc(1, sizeof(Graph));
        int k;

        if (!g)
                return -ENOMEM;
        g->scope = scope;

        k = collect_nodes(g, set);
        if (k >= 0)
                k = merge_duplicates(g, diag);
        if (k >= 0)
                k = index_nodes(g, diag);
        if (k >= 0)
                k = index_stacks(g);
        if (k >= 0)
                k = add_all_edges(g, diag);
        if (k >= 0)
                k = check_all(g, taken, diag);
        if (k >= 0)
                k = graph_attach_errors(g, set, diag);
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(g);
        return 0;
}

/* ---- looking up ---- */

const Node *graph_find(const Graph *g, const char *name) {
        char plain[96];

        size_t i = name_map_get(&g->names, name);
        if (i == NAME_MAP_NONE) {
                const char *rest = startswith(name, "nucleus-") ?: name;
                size_t n = strlen(rest) - (endswith(rest, ".service") ? strlen(".service") : 0);

                if (n >= sizeof(plain))
                        return NULL;
                memcpy(plain, rest, n);
                plain[n] = '\0';
                i = name_map_get(&g->names, plain);
        }
        return i == NAME_MAP_NONE ? NULL : &g->nodes[i];
}

const char *graph_nearest(const Graph *g, const char *name) {
        size_t length = strlen(name), best = SIZE_MAX;
        const char *found = NULL;

        for (size_t i = 0; i < g->n_nodes; i++) {
                const char *other = g->nodes[i].name;
                size_t n = strlen(other), gap = n > length ? n - length : length - n;

                /* Names that differ in length by more than the best found are not even compared. */
                if (gap >= best || !name_is_near(gap, name))
                        continue;
                size_t d = name_distance(name, other);
                if (d < best && name_is_near(d, name)) {
                        best = d;
                        found = other;
                }
        }
        return found;
}

/* Below the RuntimeDirectory= of the unit. */
static int add_trace(const Node *n, Spec *s) {
        char user[32] = "";

        if (!n->service->seccomp_trace)
                return 0;
        if (n->id_base == 0)
                (void)snprintf(user, sizeof(user), "user/%u/", geteuid());
        if (asprintf(&s->seccomp_trace, "/run/%snucleus/trace/%s.json", user, n->name) < 0) {
                s->seccomp_trace = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int good_to_spec(const Node *n, Spec **ret_) {
        _cleanup_spec_ Spec *s = NULL;

        int r = config_to_spec(n->service, n->id_base, &s);
        if (r >= 0)
                r = add_trace(n, s);
        if (r >= 0)
                *ret_ = TAKE_PTR(s);
        return r;
}

int node_to_spec(const Node *n, Spec **ret_) {
        if (!n->error)
                return good_to_spec(n, ret_);

        _cleanup_spec_ Spec *s = calloc(1, sizeof(Spec));
        if (!s)
                return -ENOMEM;
        s->mode = n->service->mode;
        s->name = strdup(n->name);
        s->error = strdup(n->error);
        if (!s->name || !s->error)
                return -ENOMEM;
        *ret_ = TAKE_PTR(s);
        return 0;
}
