/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus graph`: who needs whom, as text, for graphviz, or as JSON; failed services and cycles stand out.
 */

#include "nucleus-services.h"

#include <getopt.h>

/* Can `from` reach `to` along the dependencies? */
static bool reaches(const Graph *g, size_t from, size_t to, bool *seen, size_t *stack) {
        size_t n = 0;

        memset(seen, 0, g->n_nodes * sizeof(*seen));
        seen[from] = true;
        stack[n++] = from;
        while (n > 0) {
                const Node *node = &g->nodes[stack[--n]];

                if (node == &g->nodes[to])
                        return true;
                for (size_t i = 0; i < node->n_edges; i++)
                        if (!seen[node->edges[i].node]) {
                                seen[node->edges[i].node] = true;
                                stack[n++] = node->edges[i].node;
                        }
        }
        return false;
}

typedef struct Printer {
        const Graph *graph;
        bool *seen;
        size_t *stack;
} Printer;

/* Whoever is in a cycle has an error, so the search is only made where there is one. */
static bool is_cyclic(const Printer *p, size_t from, const Edge *e) {
        const Graph *g = p->graph;

        return g->nodes[from].error && g->nodes[e->node].error &&
               reaches(g, e->node, from, p->seen, p->stack);
}

static int print_text(const Printer *p) {
        for (size_t i = 0; i < p->graph->n_nodes; i++) {
                const Node *n = &p->graph->nodes[i];

                printf("%s%s%s%s%s\n", colour(stdout, n->error ? COLOUR_RED : COLOUR_BOLD), n->name,
                        colour(stdout, COLOUR_RESET), n->error ? " failed: " : "", n->error ?: "");
                for (size_t e = 0; e < n->n_edges; e++)
                        printf("  %s (%s)%s\n", p->graph->nodes[n->edges[e].node].name,
                                dependency_condition_names[n->edges[e].condition],
                                is_cyclic(p, i, &n->edges[e]) ? " in a cycle" : "");
        }
        return finish_output(0);
}

/* Names hold only a-z, 0-9, "-" and "_"; the message is the one text that needs escaping. */
static void print_dot_string(const char *s) {
        (void)putchar('"');
        for (; *s; s++) {
                if (*s == '"' || *s == '\\')
                        (void)putchar('\\');
                (void)putchar(*s);
        }
        (void)putchar('"');
}

static void print_dot_node(const Node *n) {
        printf("  \"%s\"", n->name);
        if (n->error) {
                printf(" [color=red, fontcolor=red, tooltip=");
                print_dot_string(n->error);
                printf("]");
        }
        printf(";\n");
}

static int print_dot(const Printer *p) {
        printf("digraph nucleus {\n  rankdir=LR;\n  node [shape=box];\n");
        for (size_t i = 0; i < p->graph->n_nodes; i++)
                print_dot_node(&p->graph->nodes[i]);
        for (size_t i = 0; i < p->graph->n_nodes; i++) {
                const Node *n = &p->graph->nodes[i];
                for (size_t e = 0; e < n->n_edges; e++)
                        printf("  \"%s\" -> \"%s\" [label=\"%s\"%s];\n", n->name,
                                p->graph->nodes[n->edges[e].node].name,
                                dependency_condition_names[n->edges[e].condition],
                                is_cyclic(p, i, &n->edges[e]) ? ", color=red" : "");
        }
        printf("}\n");
        return finish_output(0);
}

static json_t *edges_to_json(const Printer *p, size_t from) {
        const Node *n = &p->graph->nodes[from];
        json_t *array = json_array();

        for (size_t e = 0; array && e < n->n_edges; e++) {
                json_t *o = json_pack("{ss ss sb}", "service", p->graph->nodes[n->edges[e].node].name,
                        "condition", dependency_condition_names[n->edges[e].condition], "cycle",
                        is_cyclic(p, from, &n->edges[e]));
                if (!o || json_array_append_new(array, o) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static int print_as_json(const Printer *p) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < p->graph->n_nodes; i++) {
                const Node *n = &p->graph->nodes[i];
                json_t *o =
                        json_pack("{ss so so so}", "name", n->name, "stack", json_text(n->service->stack),
                                "error", json_text(n->error), "depends_on", edges_to_json(p, i));
                if (!o || json_array_append_new(array, o) < 0) {
                        json_decref(array);
                        return out_of_memory();
                }
        }
        return print_json(array ? json_pack("{so}", "services", array) : NULL, 0);
}

typedef struct Format {
        const char *name;
        int (*print)(const Printer *p);
} Format;

static const Format formats[] = { { "text", print_text }, { "dot", print_dot }, { "json", print_as_json } };

static const Format *find_format(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (streq(formats[i].name, name))
                        return &formats[i];
        print_error("--format takes text, dot or json, not \"%s\"", name);
        return NULL;
}

int verb_graph(const Verb *verb, int argc, char **argv) {
        static const struct option options[] = {
                { "format", required_argument, NULL, 'f' },
                { "json", no_argument, NULL, 'j' },
                { "user", no_argument, NULL, 'u' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        _cleanup_services_ Services s = {};
        const Format *format = &formats[0];
        Scope scope = SCOPE_SYSTEM;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'f':
                case 'j':
                        format = find_format(c == 'j' ? "json" : optarg);
                        if (!format)
                                return usage_error(verb);
                        break;
                case 'u':
                        scope = SCOPE_USER;
                        break;
                case 'h':
                        return print_verb_help(verb);
                default:
                        return usage_error(verb);
                }
        if (optind != argc) {
                print_error("there is no argument \"%s\"", argv[optind]);
                return usage_error(verb);
        }

        int r = services_load(scope, NULL, &s);
        if (r != 0)
                return r;
        _cleanup_free_ bool *seen = calloc(s.graph->n_nodes + 1, sizeof(bool));
        _cleanup_free_ size_t *stack = calloc(s.graph->n_nodes + 1, sizeof(size_t));
        if (!seen || !stack)
                return out_of_memory();
        return format->print(&(Printer){ s.graph, seen, stack });
}
