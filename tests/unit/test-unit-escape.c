/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in units. The decoder here is written from systemd's documentation and knows nothing of unit.c: the
 * spec must come out of it byte for byte, whatever the configuration holds.
 */

#include "test-services.h"

static const char *const hostile[] = {
        "%h",
        "%%",
        "%",
        "%n%i%H",
        "$X",
        "${X}",
        "$$",
        ";",
        " ; ",
        "\"",
        "'quoted'",
        "-@:+!|",
        "@",
        "tab\there",
        "trailing space ",
        " leading space",
        "\\",
        "ends in a backslash\\",
        "two\\\\",
        "\\x25h",
        "\\n",
        "line\nExecStartPost=/bin/evil",
        "cr\rExecStartPost=/bin/evil",
        "#comment",
        ";comment",
        "[Service]",
        "gr\xc3\xbc\xc3\x9f",
        "not utf-8 \xff\xfe",
        "\x01\x7f",
        "",
};

static int hex(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What systemd makes of StandardInputText=: strips the line, takes C escapes, expands specifiers. */
static void decode(const char *line, size_t n, StrBuf *ret) {
        _cleanup_strbuf_ StrBuf b = {};

        assert_true(n == 0 || (line[0] != ' ' && line[n - 1] != ' ' && line[n - 1] != '\\'));
        for (size_t i = 0; i < n; i++) {
                assert_true(line[i] >= ' ' && line[i] < 0x7f);
                if (line[i] != '\\') {
                        strbuf_putc(&b, line[i]);
                        continue;
                }
                assert_true(i + 3 < n && line[i + 1] == 'x');
                strbuf_putc(&b, (char)(hex(line[i + 2]) * 16 + hex(line[i + 3])));
                i += 3;
        }
        for (size_t i = 0; i < b.len; i++) {
                if (b.data[i] == '%')
                        assert_int_equal(b.data[++i], '%');
                strbuf_putc(ret, b.data[i]);
        }
        strbuf_putc(ret, '\n');
}

/* Every line of a unit is a comment, empty, a section or "Key=value": the spec's lines are collected. */
static void decode_unit(const char *text, StrBuf *spec) {
        static const char key[] = "StandardInputText=";

        for (const char *line = text, *eol; (eol = strchr(line, '\n')); line = eol + 1) {
                assert_true(eol == line || eol[-1] != '\\');
                if (strncmp(line, key, strlen(key)) == 0)
                        decode(line + strlen(key), (size_t)(eol - line) - strlen(key), spec);
        }
}

static size_t count_lines(const char *text, const char *start) {
        size_t n = 0;

        for (const char *line = text, *eol; (eol = strchr(line, '\n')); line = eol + 1)
                n += !!startswith(line, start);
        return n;
}

static void test_unit_spec_round_trips_hostile_arguments(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "web");

        for (size_t i = 0; i < ELEMENTSOF(hostile); i++)
                assert_int_equal(strv_append(&s->command, hostile[i]), 0);
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        _cleanup_strbuf_ StrBuf spec = {};
        _cleanup_spec_ Spec *expected = NULL;
        _cleanup_free_ char *text = NULL;
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/usr/libexec/x"), 0);
        decode_unit(u.files[0].text, &spec);
        assert_int_equal(node_to_spec(&f->graph->nodes[0], &expected), 0);
        assert_int_equal(spec_format(expected, &text), 0);
        assert_string_equal(spec.data, text);
        assert_int_equal(count_lines(u.files[0].text, "Exec"), 1);
        assert_int_equal(count_lines(u.files[0].text, "["), 2);

        for (size_t i = 0; i < ELEMENTSOF(hostile); i++)
                assert_string_equal(expected->arguments[i + 1], hostile[i]);
}

static void test_unit_description_stays_one_line_and_unexpanded(void **state) {
        Fixture *f = *state;

        set_add(f->set, "a")->description = copy("100% \\");
        set_add(f->set, "b")->description = copy("x\nExecStartPost=/bin/evil\r\n[Install]");
        set_add(f->set, "c")->description = copy("even \\\\");
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[i], "/x"), 0);
                assert_int_equal(count_lines(u.files[i].text, "ExecStart"), 1);
                assert_int_equal(count_lines(u.files[i].text, "["), 2);
        }
        assert_non_null(strstr(u.files[0].text, "\nDescription=100%% \\\\\nDocumentation="));
        assert_non_null(strstr(u.files[2].text, "\nDescription=even \\\\\nDocumentation="));
}

static void test_unit_description_is_cut_between_characters(void **state) {
        Fixture *f = *state;
        char *long_text = calloc(1, 2001);

        assert_non_null(long_text);
        for (size_t i = 0; i < 2000; i += 2)
                memcpy(long_text + i, "\xc3\xbc", 2);
        memmove(long_text + 1, long_text, 1999);
        long_text[0] = 'x';
        set_add(f->set, "a")->description = long_text;
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/x"), 0);
        const char *eol = strstr(u.files[0].text, "\nDocumentation=");
        assert_non_null(eol);
        assert_int_equal((unsigned char)eol[-2], 0xc3);
        assert_int_equal((unsigned char)eol[-1], 0xbc);
}

static void test_unit_error_becomes_a_failing_unit(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "bad");

        s->failed = true;
        s->memory = 1;
        assert_int_equal(strv_append(&s->wanted_by, "multi-user.target"), 0);
        assert_int_equal(diagnostics_add(&f->diag, SEVERITY_ERROR, (Position){ s->where.file, 3, 4 }, "bad",
                                 "it is 100%% wrong\\"),
                0);
        depend(s, "bad", CONDITION_STARTED);
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        _cleanup_strbuf_ StrBuf spec = {};
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/x"), 0);
        decode_unit(u.files[0].text, &spec);
        assert_non_null(
                startswith(spec.data, "nucleus-spec 1\nname bad\nmode agent\nerror "
                                      "/etc/nucleus/bad.toml:3:4:\\x20it\\x20is\\x20100%\\x20wrong"));
        assert_int_equal(count_lines(u.files[0].text, "Requires="), 0);
        assert_int_equal(count_lines(u.files[0].text, "MemoryMax="), 0);
        assert_int_equal(count_lines(u.files[0].text, "Restart="), 0);
        assert_int_equal(u.n_links, 1);
}

static void test_unit_line_too_long_for_systemd_becomes_a_failing_unit(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "long");
        _cleanup_free_ char *value = malloc(200001);

        assert_non_null(value);
        memset(value, ' ', 200000);
        value[200000] = '\0';
        assert_int_equal(strv_append(&s->command, value), 0);
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/x"), 0);
        assert_int_equal(u.n_files, 1);
        assert_true(u.files[0].length < 2000);
        assert_non_null(strstr(u.files[0].text, "StandardInputText=error "));
}

static void test_unit_limits_become_directives(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "a");

        s->memory = 512 << 20;
        s->cpu_quota = 12345;
        s->pids = 256;
        s->io_weight = 50;
        s->stop_timeout = 1500000;
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/x"), 0);
        assert_non_null(
                strstr(u.files[0].text, "\nTimeoutStopSec=1500ms\nMemoryMax=536870912\nMemorySwapMax="
                                        "0\nCPUQuota=123.45%\nTasksMax=256\n"
                                        "IOWeight=50\n"));
}

static void test_unit_links_are_sorted_and_each_once(void **state) {
        Fixture *f = *state;
        ServiceConfig *s = set_add(f->set, "a");

        assert_int_equal(strv_append(&s->wanted_by, "z.target"), 0);
        assert_int_equal(strv_append(&s->wanted_by, "b.target"), 0);
        assert_int_equal(strv_append(&s->wanted_by, "z.target"), 0);
        build(f, NULL);

        _cleanup_unit_set_ UnitSet u = {};
        assert_int_equal(unit_add_node(&u, f->graph, &f->graph->nodes[0], "/x"), 0);
        unit_set_sort_links(&u);
        assert_int_equal(u.n_links, 2);
        assert_string_equal(u.links[0].directory, "b.target.wants");
        assert_string_equal(u.links[1].directory, "z.target.wants");
}

static void test_unit_name_is_checked(void **state) {
        assert_true(unit_name_is_valid("multi-user.target"));
        assert_true(unit_name_is_valid("a@b.service"));
        assert_false(unit_name_is_valid("../x.target"));
        assert_false(unit_name_is_valid(".target"));
        assert_false(unit_name_is_valid("a.conf"));
        assert_false(unit_name_is_valid(""));
        assert_false(unit_name_is_valid("a b.target"));
        assert_false(unit_name_is_valid("a\n.target"));
        assert_true(unit_value_is_plain("/run/x y.sock"));
        assert_false(unit_value_is_plain("/run/x\\"));
        assert_false(unit_value_is_plain("/run/x\n"));
        assert_false(unit_value_is_plain(" 80"));
}

#define UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                UNIT_TEST(test_unit_spec_round_trips_hostile_arguments),
                UNIT_TEST(test_unit_description_stays_one_line_and_unexpanded),
                UNIT_TEST(test_unit_description_is_cut_between_characters),
                UNIT_TEST(test_unit_error_becomes_a_failing_unit),
                UNIT_TEST(test_unit_line_too_long_for_systemd_becomes_a_failing_unit),
                UNIT_TEST(test_unit_limits_become_directives),
                UNIT_TEST(test_unit_links_are_sorted_and_each_once),
                cmocka_unit_test(test_unit_name_is_checked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
