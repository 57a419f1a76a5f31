/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with each service, as one line for its failing unit. The full list is elsewhere (`nucleus
 * verify`), so a line holds the first few errors and the number of the others.
 */

#include "graph-errors.h"

#include "strbuf.h"

#define ERRORS_MAX 5U
#define ERROR_LENGTH_MAX 1000U

typedef struct Message {
        StrBuf text;
        size_t n;
} Message;

typedef struct Messages {
        Message *items; /* one for each node */
        size_t n;
} Messages;

static void messages_done(Messages *m) {
        for (size_t i = 0; m->items && i < m->n; i++)
                strbuf_done(&m->items[i].text);
        free(m->items);
}

/* Cuts text of UTF-8 between two characters. */
static void shorten(char *s) {
        size_t n = ERROR_LENGTH_MAX - strlen("...");

        if (strlen(s) <= ERROR_LENGTH_MAX)
                return;
        while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
                n--;
        strcpy(s + n, "...");
}

static int add(Message *m, const Diagnostic *d) {
        _cleanup_free_ char *line = NULL;

        if (m->n++ >= ERRORS_MAX)
                return 0;
        if (diagnostic_format(d, &line) < 0)
                return -ENOMEM;
        shorten(line);
        if (m->n > 1)
                strbuf_puts(&m->text, "; ");
        strbuf_puts(&m->text, line);
        return 0;
}

/* Errors of a whole file are those of each of its failed services. */
static int add_to_file(const Graph *g, const Config *c, Messages *m, const Diagnostic *d) {
        for (size_t i = 0; i < c->n_services; i++) {
                size_t node = c->services[i]->failed && c->services[i]->name
                                      ? name_map_get(&g->names, c->services[i]->name)
                                      : NAME_MAP_NONE;

                if (node == NAME_MAP_NONE)
                        continue;
                int k = add(&m->items[node], d);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int collect(const Graph *g, const ConfigSet *set, Messages *m, const Diagnostics *diag) {
        _cleanup_name_map_ NameMap files = {};
        _cleanup_free_ size_t *seen = calloc(set->n + 1, sizeof(size_t));
        int k = 0;

        if (!seen)
                return -ENOMEM;
        for (size_t i = 0; i < set->n; i++) {
                k = name_map_put(&files, set->configs[i]->file, i);
                if (k == -ENOMEM)
                        return k;
        }

        for (size_t i = 0; i < diag->n; i++) {
                const Diagnostic *d = &diag->items[i];
                size_t node = d->service ? name_map_get(&g->names, d->service) : NAME_MAP_NONE;

                if (d->severity != SEVERITY_ERROR)
                        continue;
                k = 0;
                if (node != NAME_MAP_NONE)
                        k = add(&m->items[node], d);
                else if (!d->service && d->file) {
                        size_t file = name_map_get(&files, d->file);
                        if (file != NAME_MAP_NONE && seen[file]++ < ERRORS_MAX)
                                k = add_to_file(g, set->configs[file], m, d);
                }
                if (k < 0)
                        return k;
        }
        return 0;
}

static int finish(Node *n, Message *m) {
        if (m->n == 0) {
                if (!n->service->failed)
                        return 0;
                /* Never run what its parser has marked, whatever became of the message. */
                strbuf_printf(&m->text, "%s: bad configuration", n->service->where.file ?: n->name);
        }
        if (m->n > ERRORS_MAX)
                strbuf_printf(&m->text, " (and %zu more errors)", m->n - ERRORS_MAX);
        return strbuf_finish(&m->text, &n->error);
}

int graph_attach_errors(Graph *g, const ConfigSet *set, const Diagnostics *diag) {
        _cleanup_(messages_done) Messages m = { .n = g->n_nodes };
        int k;

        m.items = calloc(g->n_nodes + 1, sizeof(Message));
        if (!m.items)
                return -ENOMEM;
        k = collect(g, set, &m, diag);
        for (size_t i = 0; i < g->n_nodes && k >= 0; i++)
                k = finish(&g->nodes[i], &m.items[i]);
        return k;
}
