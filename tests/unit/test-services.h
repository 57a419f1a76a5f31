/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hand-made configuration for the tests of graph and units: what the parser would have made. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph.h"
#include "strbuf.h"
#include "unit.h"

static inline char *copy(const char *s) {
        char *p = strdup(s);

        assert_non_null(p);
        return p;
}

/* A file "NAME.toml" that holds one service of that name. */
static inline ServiceConfig *set_add(ConfigSet *set, const char *name) {
        Config *c = calloc(1, sizeof(Config));
        ServiceConfig *s = calloc(1, sizeof(ServiceConfig));

        set->configs = reallocarray(set->configs, set->n + 1, sizeof(Config *));
        assert_true(c && s && set->configs);
        set->configs[set->n++] = c;
        assert_true(asprintf(&c->file, "/etc/nucleus/%s.toml", name) > 0);
        c->name = copy(name);
        c->services = calloc(1, sizeof(ServiceConfig *));
        assert_non_null(c->services);
        c->services[c->n_services++] = s;

        s->name = copy(name);
        s->local_name = copy(name);
        s->where = (Position){ c->file, 1, 1 };
        s->mode = MODE_AGENT;
        assert_int_equal(strv_append(&s->command, "/bin/true"), 0);
        s->workdir = copy("/");
        s->user = copy("0");
        s->restart = copy("no");
        s->stop_timeout = 30 * UINT64_C(1000000);
        s->namespaces = NAMESPACE_USER | NAMESPACE_PID | NAMESPACE_MOUNT | NAMESPACE_NET;
        return s;
}

static inline void depend(ServiceConfig *s, const char *on, DependencyCondition condition) {
        s->depends_on = reallocarray(s->depends_on, s->n_depends_on + 1, sizeof(Dependency));
        assert_non_null(s->depends_on);
        s->depends_on[s->n_depends_on++] =
                (Dependency){ copy(on), condition, { s->where.file, (unsigned)s->n_depends_on + 2, 15 } };
}

typedef struct Fixture {
        ConfigSet *set;
        Graph *graph;
        Diagnostics diag;
} Fixture;

static inline int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        f->set = calloc(1, sizeof(ConfigSet));
        assert_non_null(f->set);
        *state = f;
        return 0;
}

static inline int fixture_teardown(void **state) {
        Fixture *f = *state;

        graph_free(f->graph);
        config_set_free(f->set);
        diagnostics_done(&f->diag);
        free(f);
        return 0;
}

static inline void build(Fixture *f, const UnitNames *taken) {
        assert_int_equal(graph_build(f->set, SCOPE_SYSTEM, taken, &f->graph, &f->diag), 0);
}
