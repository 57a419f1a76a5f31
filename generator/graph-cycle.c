/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services depend on themselves, and through whom. First the strongly connected components (Tarjan,
 * with a stack of our own: a chain may be long), then within each a shortest way from every service back to
 * itself. Both are bounded, whatever the configuration.
 */

#include "graph-cycle.h"

#include "strbuf.h"

/* Names in one message. A cycle of more services is nothing that anybody wrote by hand. */
#define NAMES_MAX 64U

/* Edges that the search for ways looks at in one run; what is left after that shares one message. */
#define STEPS_MAX 4000000U

typedef struct Vertex {
        size_t index, low; /* Tarjan's; index 0: not seen yet */
        size_t next_edge;
        size_t parent;    /* in the depth-first search, then in the search for a way back */
        size_t component; /* 0: none yet, or alone and without an edge to itself */
        size_t visited;   /* start + 1 of the search that was here */
        bool on_stack;
} Vertex;

typedef struct Search {
        const Graph *g;
        Vertex *v;
        size_t *stack, n_stack;
        size_t *queue;
        size_t last_index, n_components;
        size_t steps;
        Diagnostics *diag;
} Search;

static void search_done(Search *s) {
        free(s->v);
        free(s->stack);
        free(s->queue);
}

static bool depends_on_itself(const Node *n, size_t i) {
        for (size_t e = 0; e < n->n_edges; e++)
                if (n->edges[e].node == i)
                        return true;
        return false;
}

/* All that depends on `i` is known: takes its component off the stack. */
static void close_component(Search *s, size_t i) {
        bool cyclic = s->stack[s->n_stack - 1] != i || depends_on_itself(&s->g->nodes[i], i);
        size_t j;

        if (cyclic)
                s->n_components++;
        do {
                j = s->stack[--s->n_stack];
                s->v[j].on_stack = false;
                s->v[j].component = cyclic ? s->n_components : 0;
        } while (j != i);
}

static void open_vertex(Search *s, size_t i, size_t parent) {
        s->v[i].index = s->v[i].low = ++s->last_index;
        s->v[i].parent = parent;
        s->v[i].on_stack = true;
        s->stack[s->n_stack++] = i;
}

static void find_components_from(Search *s, size_t root) {
        open_vertex(s, root, NAME_MAP_NONE);
        for (size_t i = root; i != NAME_MAP_NONE;) {
                Vertex *v = &s->v[i];
                const Node *n = &s->g->nodes[i];

                if (v->next_edge < n->n_edges) {
                        size_t j = n->edges[v->next_edge++].node;
                        if (s->v[j].index == 0) {
                                open_vertex(s, j, i);
                                i = j;
                        } else if (s->v[j].on_stack && s->v[j].index < v->low)
                                v->low = s->v[j].index;
                        continue;
                }

                if (v->low == v->index)
                        close_component(s, i);
                if (v->parent != NAME_MAP_NONE && v->low < s->v[v->parent].low)
                        s->v[v->parent].low = v->low;
                i = v->parent;
        }
}

/* The last service before `start` on a shortest way from it back to it; NAME_MAP_NONE: gave up. */
static size_t find_way_back(Search *s, size_t start) {
        size_t head = 0, tail = 0;

        s->queue[tail++] = start;
        s->v[start].visited = start + 1;
        while (head < tail) {
                size_t i = s->queue[head++];
                const Node *n = &s->g->nodes[i];

                for (size_t e = 0; e < n->n_edges; e++) {
                        size_t j = n->edges[e].node;

                        if (j == start)
                                return i;
                        if (++s->steps > STEPS_MAX)
                                return NAME_MAP_NONE;
                        if (s->v[j].component != s->v[start].component || s->v[j].visited == start + 1)
                                continue;
                        s->v[j].visited = start + 1;
                        s->v[j].parent = i;
                        s->queue[tail++] = j;
                }
        }
        return NAME_MAP_NONE;
}

static const Edge *edge_to(const Node *n, size_t to) {
        for (size_t e = 0; e < n->n_edges; e++)
                if (n->edges[e].node == to)
                        return &n->edges[e];
        return NULL;
}

static int report_way(Search *s, size_t start, size_t last) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *names = NULL;
        size_t n = 0;

        /* Parents lead backwards: turn the way around, into the queue, which is free now. */
        for (size_t i = last; i != start; i = s->v[i].parent)
                s->queue[n++] = i;

        strbuf_puts(&b, s->g->nodes[start].name);
        for (size_t k = 0; k < n; k++) {
                if (k == NAMES_MAX) {
                        strbuf_printf(&b, " -> (%zu more)", n - k);
                        break;
                }
                strbuf_printf(&b, " -> %s", s->g->nodes[s->queue[n - 1 - k]].name);
        }
        strbuf_printf(&b, " -> %s", s->g->nodes[start].name);
        if (strbuf_finish(&b, &names) < 0)
                return -ENOMEM;

        const Node *node = &s->g->nodes[start];
        const Edge *edge = edge_to(node, n > 0 ? s->queue[n - 1] : start);
        return diagnostics_add(s->diag, SEVERITY_ERROR, edge ? edge->where : node->service->where,
                node->name, "dependency cycle: %s; take one of these out of depends_on", names);
}

static int report(Search *s, size_t i) {
        size_t last = s->steps > STEPS_MAX ? NAME_MAP_NONE : find_way_back(s, i);

        if (last != NAME_MAP_NONE)
                return report_way(s, i, last);
        return diagnostics_add(s->diag, SEVERITY_ERROR, s->g->nodes[i].service->where, s->g->nodes[i].name,
                "dependency cycle among very many services; see the first messages of this kind");
}

int graph_check_cycles(const Graph *g, Diagnostics *diag) {
        _cleanup_(search_done) Search s = { .g = g, .diag = diag };

        s.v = calloc(g->n_nodes + 1, sizeof(Vertex));
        s.stack = calloc(g->n_nodes + 1, sizeof(size_t));
        s.queue = calloc(g->n_nodes + 1, sizeof(size_t));
        if (!s.v || !s.stack || !s.queue)
                return -ENOMEM;

        for (size_t i = 0; i < g->n_nodes; i++)
                if (s.v[i].index == 0)
                        find_components_from(&s, i);
        for (size_t i = 0; i < g->n_nodes; i++)
                if (s.v[i].component > 0) {
                        int k = report(&s, i);
                        if (k < 0)
                                return k;
                }
        return 0;
}
