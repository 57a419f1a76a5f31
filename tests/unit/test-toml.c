/* SPDX-License-Identifier: Apache-2.0 */
/* TOML to a tree of nodes: types, order, positions; and what is refused before the TOML library sees it. */

#include "test-config.h"

static TomlDocument *parse_good(const char *text) {
        TomlDocument *d = NULL;
        TomlError error = {};

        if (toml_parse(text, strlen(text), &d, &error) < 0)
                fail_msg("%s\n%u:%u: %s", text, error.line, error.column, error.message);
        return d;
}

static void test_toml_converts_each_type(void **state) {
        static const TomlType types[] = { TOML_TYPE_STRING, TOML_TYPE_INTEGER, TOML_TYPE_FLOAT,
                TOML_TYPE_BOOLEAN, TOML_TYPE_DATE, TOML_TYPE_DATE, TOML_TYPE_ARRAY, TOML_TYPE_TABLE };
        _cleanup_toml_ TomlDocument *d =
                parse_good("z = \"a\\u0000b\"\ny = -5\nx = 1.5\nw = true\nv = 1979-05-27\n"
                           "u = 07:32:00\nt = [1, 2, 3]\ns = { b = 1, a = 2 }\n");
        const TomlNode *n = toml_root(d)->first;

        assert_int_equal(toml_root(d)->type, TOML_TYPE_TABLE);
        assert_int_equal(toml_root(d)->n_children, ELEMENTSOF(types));
        for (size_t i = 0; i < ELEMENTSOF(types); i++, n = n->next) {
                assert_non_null(n);
                assert_int_equal(n->type, types[i]);
                assert_int_equal(n->key_length, 1);
                assert_int_equal(n->key[0], 'z' - (int)i); /* in the order of the file */
                assert_int_equal(n->key_line, i + 1);
                assert_int_equal(n->key_column, 1);
                assert_int_equal(n->line, i + 1);
                assert_int_equal(n->column, 5);
                assert_false(isempty(toml_type_name(n->type)));
        }
        assert_null(n);

        n = toml_root(d)->first;
        assert_int_equal(n->string.length, 3);
        assert_memory_equal(n->string.text, "a\0b", 4);
        n = n->next;
        assert_int_equal(n->integer, -5);
        assert_true(n->next->real == 1.5);
        assert_true(n->next->next->boolean);
        for (int k = 0; k < 5; k++)
                n = n->next;
        assert_int_equal(n->n_children, 3);
        assert_null(n->first->key);
        assert_int_equal(n->first->next->next->integer, 3);
        assert_int_equal(n->first->next->column, 9);
        assert_string_equal(n->next->first->key, "b");
        assert_string_equal(n->next->first->next->key, "a");
}

static void test_toml_counts_columns_in_characters(void **state) {
        _cleanup_toml_ TomlDocument *d = parse_good("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\" = 1\n");

        assert_int_equal(toml_root(d)->first->column, 9);
        assert_int_equal(toml_root(d)->first->key_length, 9);
}

static void test_toml_takes_crlf(void **state) {
        _cleanup_toml_ TomlDocument *d = parse_good("# c\r\na = 1\r\nb = 2\r\n");

        assert_int_equal(toml_root(d)->n_children, 2);
        assert_int_equal(toml_root(d)->first->key_line, 2);
        assert_int_equal(toml_root(d)->first->next->key_line, 3);
}

static const struct {
        const char *text;
        unsigned line, column;
        const char *fragment;
} bad[] = {
        /* no TOML */
        { "a", 1, 2, "encountered end-of-file" },
        { "a = 1\nb = ", 2, 5, "" },
        { "a = 1\na = 2\n", 2, 5, "cannot redefine existing integer 'a'" },
        { "[t]\na = 1\n[t]\n", 3, 1, "cannot redefine existing table 't'" },
        { "a = \"x\ny\"", 1, 7, "string" },
        { "a = \"\\q\"", 1, 7, "escape" },
        { "a = 99999999999999999999", 1, 25, "not representable in 64 bits" },
        { "this is prose", 1, 6, "expected '=', saw 'i'" },
        /* what made the library fall over: an assertion, twice, one in a whole service, and "unreachable" */
        { "[{x]\n", 1, 2, "not the name of a table" },
        { "[{", 1, 2, "not the name of a table" },
        { "mode = \"agent\"\n  [ {sockets]]\n", 2, 5, "not the name of a table" },
        { "mo\xef\xb9\xbf"
          "de-",
                1, 3, "expected '=', saw '\xef\xb9\xbf'" },
        /* the shape */
        { "a = \"\xff\"\n", 1, 6, "not valid UTF-8; save the file as UTF-8" },
        { "a = 1\n\xc3\xa4\xc3", 2, 2, "not valid UTF-8" },
        { "\xed\xa0\x80", 1, 1, "not valid UTF-8" },
        { "a = [[[[[[[[[[[[[[[[[", 1, 21, "nested deeper than 16 levels" },
        { "a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { a = { "
          "a = {",
                1, 101, "nested deeper than 16 levels" },
        { "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", 1, 32, "a key of more than 16 parts" },
        { "[a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a]", 1, 33, "a key of more than 16 parts" },
        /* strings hide nothing: what follows them counts */
        { "a = \"\"\"\"\"\"\"\"\nb = [[[[[[[[[[[[[[[[[", 2, 21, "nested deeper" },
        { "a = \"\\\"\"\nb = [[[[[[[[[[[[[[[[[", 2, 21, "nested deeper" },
        { "a = '\\'\nb = [[[[[[[[[[[[[[[[[", 2, 21, "nested deeper" },
        { "a = '''\n'''''\nb = [[[[[[[[[[[[[[[[[", 3, 21, "nested deeper" },
        { "a = \"\"\"\\\"\"\"\\\"\"\"\"\nb = [[[[[[[[[[[[[[[[[", 2, 21, "nested deeper" },
        { "# \"\nb = [[[[[[[[[[[[[[[[[", 2, 21, "nested deeper" },
};

static void test_toml_refuses_bad_text_in_place(void **state) {
        size_t n_wrong = 0;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_toml_ TomlDocument *d = NULL;
                TomlError error = {};

                int k = toml_parse(bad[i].text, strlen(bad[i].text), &d, &error);
                if (k != -EINVAL || error.line != bad[i].line || error.column != bad[i].column ||
                        isempty(error.message) || !strstr(error.message, bad[i].fragment)) {
                        n_wrong++;
                        print_error("%s\ngave %d %u:%u: %s\n", bad[i].text, k, error.line, error.column,
                                error.message);
                }
                assert_null(d);
                assert_false(startswith(error.message, "Error while parsing"));
        }
        assert_int_equal(n_wrong, 0);
}

static void test_toml_takes_what_only_looks_nested(void **state) {
        static const char *const texts[] = {
                "", "a = \"[[[[[[[[[[[[[[[[[[[[[[[[[\"", "a = '[[[[[[[[[[[[[[[[[[[[[[[[['",
                "a = '''\n[[[[[[[[[[[[[[[[[[[[[[[[['''", "a = \"\"\"\n\\\"[[[[[[[[[[[[[[[[[[[[[[[\"\"\"\"\"",
                "# [[[[[[[[[[[[[[[[[[[[[[[[[[[[", "a = [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
                "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1",
                "a = \"\xef\xb9\xbf\xef\xac\xab\"", /* U+FE7F, U+FB2B: "unreachable" once */
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                toml_free(parse_good(texts[i]));
}

static void test_toml_refuses_nul(void **state) {
        _cleanup_toml_ TomlDocument *d = NULL;
        TomlError error = {};

        assert_int_equal(toml_parse("a = 1\nb\0 = 1\n", 13, &d, &error), -EINVAL);
        assert_int_equal(error.line, 2);
        assert_int_equal(error.column, 2);
        assert_string_equal(error.message, "a NUL byte; the file must be plain text");
}

/* Attacks 4 and 9. The bounds themselves are the test: past them nothing is parsed. */
static const struct {
        const char *head, *unit;
        size_t count;
        const char *fragment; /* NULL: fine */
} large[] = {
        { "a = ", "[", 100000, "nested deeper than 16 levels" },
        { "a = ", "{a=", 100000, "nested deeper than 16 levels" },
        { "a", ".a", 100000, "a key of more than 16 parts" },
        { "a = [", "1,", TOML_ELEMENTS_MAX, "more than 50000 values in one file; split it" },
        { "", "[[a]]\n", TOML_HEADERS_MAX + 1, "more than 10000 tables in one file; split it" },
        { "", "[[a]]\n", TOML_HEADERS_MAX, NULL },
        { "#", "x", TOML_TEXT_MAX, "more than 1048576 bytes in one file; split it" },
        { "#", "x", TOML_TEXT_MAX - 1, NULL },
};

static void test_toml_is_bounded(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(large); i++) {
                _cleanup_strbuf_ StrBuf b = {};
                _cleanup_toml_ TomlDocument *d = NULL;
                TomlError error = {};

                strbuf_puts(&b, large[i].head);
                for (size_t k = 0; k < large[i].count; k++)
                        strbuf_puts(&b, large[i].unit);
                assert_false(b.failed);
                int shape = toml_check_shape(b.data, b.len, &error);
                assert_int_equal(shape, large[i].fragment ? -EINVAL : 0);
                assert_int_equal(toml_parse(b.data, b.len, &d, &error), shape);
                if (large[i].fragment && !strstr(error.message, large[i].fragment))
                        fail_msg("row %zu: %s", i, error.message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_toml_converts_each_type),
                cmocka_unit_test(test_toml_counts_columns_in_characters),
                cmocka_unit_test(test_toml_takes_crlf),
                cmocka_unit_test(test_toml_refuses_bad_text_in_place),
                cmocka_unit_test(test_toml_takes_what_only_looks_nested),
                cmocka_unit_test(test_toml_refuses_nul),
                cmocka_unit_test(test_toml_is_bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
