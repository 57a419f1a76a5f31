/* SPDX-License-Identifier: Apache-2.0 */
/* Services checked against each other: dependencies, cycles, names, ids. */

#include "test-services.h"

#include "ids.h"

static const Node *node(const Fixture *f, const char *name) {
        const Node *n = graph_find(f->graph, name);

        assert_non_null(n);
        return n;
}

static void assert_error(const Fixture *f, const char *name, const char *error) {
        assert_non_null(node(f, name)->error);
        assert_string_equal(node(f, name)->error, error);
}

static void assert_contains(const char *text, const char *part) {
        if (!text || !strstr(text, part))
                fail_msg("\"%s\" not in \"%s\"", part, text ?: "(null)");
}

static void test_graph_edges_follow_dependencies(void **state) {
        Fixture *f = *state;

        set_add(f->set, "db");
        depend(set_add(f->set, "web"), "db", CONDITION_HEALTHY);
        build(f, NULL);

        assert_int_equal(f->graph->n_nodes, 2);
        assert_null(node(f, "db")->error);
        assert_null(node(f, "web")->error);
        assert_int_equal(node(f, "web")->n_edges, 1);
        assert_ptr_equal(&f->graph->nodes[node(f, "web")->edges[0].node], node(f, "db"));
        assert_int_equal(node(f, "web")->edges[0].condition, CONDITION_HEALTHY);
        assert_false(node(f, "db")->oneshot);
        assert_int_equal(f->diag.n, 0);
}

static void test_graph_order_is_by_name_whatever_the_input(void **state) {
        Fixture *f = *state;

        set_add(f->set, "c");
        set_add(f->set, "a");
        set_add(f->set, "b");
        build(f, NULL);
        assert_string_equal(f->graph->nodes[0].name, "a");
        assert_string_equal(f->graph->nodes[1].name, "b");
        assert_string_equal(f->graph->nodes[2].name, "c");
}

static void test_graph_completed_makes_oneshot(void **state) {
        Fixture *f = *state;

        set_add(f->set, "init");
        depend(set_add(f->set, "web"), "init", CONDITION_COMPLETED);
        build(f, NULL);
        assert_true(node(f, "init")->oneshot);
        assert_false(node(f, "web")->oneshot);
}

static void test_graph_oneshot_refused_with_restart_always(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "init");

        free(s->restart);
        s->restart = copy("always");
        depend(set_add(f->set, "web"), "init", CONDITION_COMPLETED);
        build(f, NULL);
        assert_contains(node(f, "init")->error, "restart = \"always\"");
        assert_null(node(f, "web")->error);
}

static void test_graph_cycle_named_in_full_from_each_service(void **state) {
        Fixture *f = *state;

        depend(set_add(f->set, "a"), "b", CONDITION_STARTED);
        depend(set_add(f->set, "b"), "c", CONDITION_STARTED);
        depend(set_add(f->set, "c"), "a", CONDITION_STARTED);
        depend(set_add(f->set, "outside"), "a", CONDITION_STARTED);
        build(f, NULL);

        assert_error(f, "a",
                "/etc/nucleus/a.toml:3:15: dependency cycle: a -> b -> c -> a; take one of these out of "
                "depends_on");
        assert_contains(node(f, "b")->error, "b -> c -> a -> b");
        assert_contains(node(f, "c")->error, "c -> a -> b -> c");
        assert_null(node(f, "outside")->error);
}

static void test_graph_self_edge_is_a_cycle(void **state) {
        Fixture *f = *state;

        depend(set_add(f->set, "a"), "a", CONDITION_STARTED);
        set_add(f->set, "b");
        build(f, NULL);
        assert_contains(node(f, "a")->error, "dependency cycle: a -> a;");
        assert_null(node(f, "b")->error);
}

static void test_graph_two_cycles_through_one_service(void **state) {
        Fixture *f = *state;
        ServiceConfig *a = set_add(f->set, "a");

        depend(a, "b", CONDITION_STARTED);
        depend(a, "c", CONDITION_STARTED);
        depend(set_add(f->set, "b"), "a", CONDITION_STARTED);
        depend(set_add(f->set, "c"), "a", CONDITION_STARTED);
        build(f, NULL);
        assert_contains(node(f, "b")->error, "b -> a -> b;");
        assert_contains(node(f, "c")->error, "c -> a -> c;");
        assert_contains(node(f, "a")->error, "a -> b -> a;");
}

static void test_graph_diamond_is_no_cycle(void **state) {
        Fixture *f = *state;
        ServiceConfig *top = set_add(f->set, "top");

        depend(top, "left", CONDITION_STARTED);
        depend(top, "right", CONDITION_STARTED);
        depend(set_add(f->set, "left"), "bottom", CONDITION_STARTED);
        depend(set_add(f->set, "right"), "bottom", CONDITION_STARTED);
        set_add(f->set, "bottom");
        build(f, NULL);
        assert_int_equal(f->diag.n, 0);
}

static void test_graph_long_chain_and_long_ring_are_bounded(void **state) {
        enum { N = 20000 };
        Fixture *f = *state;
        char name[32], next[32];

        /* One ring of N: a recursive search would overflow, a full message for each would take gigabytes. */
        f->set->configs = calloc(N, sizeof(Config *));
        assert_non_null(f->set->configs);
        for (int i = 0; i < N; i++) {
                ConfigSet one = {};
                (void)snprintf(name, sizeof(name), "s%d", i);
                (void)snprintf(next, sizeof(next), "s%d", (i + 1) % N);
                depend(set_add(&one, name), next, CONDITION_STARTED);
                f->set->configs[f->set->n++] = one.configs[0];
                free(one.configs);
        }
        build(f, NULL);
        for (size_t i = 0; i < f->graph->n_nodes; i++) {
                assert_contains(f->graph->nodes[i].error, "dependency cycle");
                assert_true(strlen(f->graph->nodes[i].error) < 2000);
        }
}

static void test_graph_missing_dependency_names_the_nearest(void **state) {
        Fixture *f = *state;

        set_add(f->set, "database");
        depend(set_add(f->set, "web"), "databse", CONDITION_STARTED);
        depend(set_add(f->set, "api"), "zzzzzzzz", CONDITION_STARTED);
        build(f, NULL);
        assert_error(f, "web",
                "/etc/nucleus/web.toml:3:15: depends_on names \"databse\", and there is no such service; "
                "did you "
                "mean \"database\"?");
        assert_contains(node(f, "api")->error, "add zzzzzzzz.toml");
        assert_null(node(f, "database")->error);
}

static void test_graph_dependency_on_a_failed_service_stays(void **state) {
        Fixture *f = *state;

        set_add(f->set, "bad")->failed = true;
        depend(set_add(f->set, "web"), "bad", CONDITION_STARTED);
        build(f, NULL);
        assert_contains(node(f, "bad")->error, "bad configuration");
        assert_null(node(f, "web")->error);
        assert_int_equal(node(f, "web")->n_edges, 1);
}

static void test_graph_duplicate_fails_and_names_both(void **state) {
        Fixture *f = *state;

        set_add(f->set, "web");
        ServiceConfig *twin = set_add(f->set, "web");
        twin->where.line = 7;
        build(f, NULL);
        assert_int_equal(f->graph->n_nodes, 1);
        assert_error(f, "web",
                "/etc/nucleus/web.toml:7:1: the service \"web\" is defined twice: also in "
                "/etc/nucleus/web.toml "
                "line 1; rename one of them");
}

static void test_graph_foreign_unit_is_not_overridden(void **state) {
        Fixture *f = *state;
        char *paths[] = { copy("/usr/lib/systemd/system/nucleus-web.service") };
        UnitNames taken = { .paths = paths, .n = 1 };

        assert_int_equal(name_map_put(&taken.names, "nucleus-web.service", 0), 0);
        set_add(f->set, "web");
        set_add(f->set, "db");
        depend(set_add(f->set, "front"), "web", CONDITION_STARTED);
        build(f, &taken);

        assert_true(node(f, "web")->foreign);
        assert_contains(node(f, "web")->error, "/usr/lib/systemd/system/nucleus-web.service");
        assert_contains(node(f, "front")->error, "somebody else");
        assert_null(node(f, "db")->error);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, node(f, "web"), "/x"), 0);
        assert_int_equal(u.n_files, 0);
        name_map_done(&taken.names);
        free(paths[0]);
}

static void test_graph_early_target_is_refused(void **state) {
        Fixture *f = *state;

        ServiceConfig *a = set_add(f->set, "a");
        assert_int_equal(strv_append(&a->wanted_by, "sysinit.target"), 0);
        ServiceConfig *b = set_add(f->set, "b");
        assert_int_equal(strv_append(&b->wanted_by, "multi-user.target"), 0);
        build(f, NULL);
        assert_contains(node(f, "a")->error, "sysinit.target");
        assert_null(node(f, "b")->error);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, node(f, "a"), "/x"), 0);
        assert_int_equal(u.n_links, 0);
        assert_int_equal(unit_add_node(&u, f->graph, node(f, "b"), "/x"), 0);
        assert_int_equal(u.n_links, 1);
}

static void test_graph_find_takes_unit_names(void **state) {
        Fixture *f = *state;

        set_add(f->set, "web");
        build(f, NULL);
        assert_ptr_equal(graph_find(f->graph, "nucleus-web.service"), node(f, "web"));
        assert_ptr_equal(graph_find(f->graph, "nucleus-web"), node(f, "web"));
        assert_ptr_equal(graph_find(f->graph, "web.service"), node(f, "web"));
        assert_null(graph_find(f->graph, "nucleus-"));
        assert_null(graph_find(f->graph, "other"));
}

static void test_ids_are_stable_aligned_and_apart(void **state) {
        IdSlots *slots = calloc(1, sizeof(IdSlots));
        bool *seen = calloc(ID_SLOTS, sizeof(bool));
        uint64_t first, again, id;
        char name[32];

        assert_true(slots && seen);
        assert_int_equal(ids_allot(slots, "web", &first), 0);
        for (size_t i = 1; i < ID_SLOTS; i++) {
                (void)snprintf(name, sizeof(name), "s%zu", i);
                assert_int_equal(ids_allot(slots, name, &id), 0);
                assert_true(id >= 0x30000000 && id + 65535 <= 0x7FFDFFFF && id % 65536 == 0 && id != first);
                assert_false(seen[(id - 0x30000000) / 65536]);
                seen[(id - 0x30000000) / 65536] = true;
        }
        assert_int_equal(ids_allot(slots, "one-too-many", &id), -ENOSPC);

        /* The range of a name is part of what we promise: it must not move between versions. */
        memset(slots, 0, sizeof(IdSlots));
        assert_int_equal(ids_allot(slots, "web", &again), 0);
        assert_int_equal(first, again);
        assert_int_equal(first, 1916207104);
        free(slots);
        free(seen);
}

#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                GRAPH_TEST(test_graph_edges_follow_dependencies),
                GRAPH_TEST(test_graph_order_is_by_name_whatever_the_input),
                GRAPH_TEST(test_graph_completed_makes_oneshot),
                GRAPH_TEST(test_graph_oneshot_refused_with_restart_always),
                GRAPH_TEST(test_graph_cycle_named_in_full_from_each_service),
                GRAPH_TEST(test_graph_self_edge_is_a_cycle),
                GRAPH_TEST(test_graph_two_cycles_through_one_service),
                GRAPH_TEST(test_graph_diamond_is_no_cycle),
                GRAPH_TEST(test_graph_long_chain_and_long_ring_are_bounded),
                GRAPH_TEST(test_graph_missing_dependency_names_the_nearest),
                GRAPH_TEST(test_graph_dependency_on_a_failed_service_stays),
                GRAPH_TEST(test_graph_duplicate_fails_and_names_both),
                GRAPH_TEST(test_graph_foreign_unit_is_not_overridden),
                GRAPH_TEST(test_graph_early_target_is_refused),
                GRAPH_TEST(test_graph_find_takes_unit_names),
                cmocka_unit_test(test_ids_are_stable_aligned_and_apart),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
