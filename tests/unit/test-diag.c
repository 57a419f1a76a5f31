/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics as text, what a hostile one cannot do, "did you mean", and what is wrong with a path. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diag.h"
#include "nearest.h"
#include "path.h"

static void test_diag_leaves_out_what_is_unknown(void **state) {
        static const struct {
                Position where;
                const char *text;
        } rows[] = {
                { { "f", 1, 2 }, "f:1:2: m" },
                { { "f", 1, 0 }, "f:1: m" },
                { { "f", 0, 2 }, "f: m" },
                { { "f", 0, 0 }, "f: m" },
                { { NULL, 1, 2 }, "m" },
                { { "a\nb", 1, 2 }, "a\\x0ab:1:2: m" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_diagnostics_ Diagnostics d = {};
                _cleanup_free_ char *text = NULL;

                assert_int_equal(diagnostics_add(&d, SEVERITY_ERROR, rows[i].where, NULL, "m"), 0);
                assert_int_equal(diagnostic_format(&d.items[0], &text), 0);
                assert_string_equal(text, rows[i].text);
        }
}

static void test_diag_shows_control_and_bidi_characters_escaped(void **state) {
        static const char *const rows[][2] = {
                { "a\nnucleus: forged", "a\\x0anucleus: forged" },
                { "\r\t\x1b[31m\x7f", "\\x0d\\x09\\x1b[31m\\x7f" },
                { "\xc2\x85\xe2\x80\xa8", "\\u0085\\u2028" },
                { "\xe2\x80\xae\xef\xbb\xbf", "\\u202e\\ufeff" },
                { "\xff\xc3", "\\xff\\xc3" },
                { "\xc3\xa4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac" },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_diagnostics_ Diagnostics d = {};

                assert_int_equal(
                        diagnostics_add(&d, SEVERITY_ERROR, (Position){}, "s", "%s", rows[i][0]), 0);
                assert_string_equal(d.items[0].message, rows[i][1]);
                assert_string_equal(d.items[0].service, "s");
        }
}

static void test_diag_counts_errors_and_keeps_order(void **state) {
        _cleanup_diagnostics_ Diagnostics d = {};

        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(diagnostics_add(&d, i % 4 ? SEVERITY_WARNING : SEVERITY_ERROR, (Position){},
                                         NULL, "%u", i),
                        0);
        assert_int_equal(d.n, 100);
        assert_int_equal(d.n_errors, 25);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(strtoul(d.items[i].message, NULL, 10), i);
        diagnostics_done(&d);
        assert_int_equal(d.n, 0);
        assert_null(d.items);
}

static void test_nearest_measures_edits(void **state) {
        static const struct {
                const char *a, *b;
                size_t distance;
        } rows[] = { { "", "", 0 }, { "", "abc", 3 }, { "abc", "", 3 }, { "mode", "mode", 0 },
                { "mod", "mode", 1 }, { "modes", "mode", 1 }, { "node", "mode", 1 },
                { "memroy", "memory", 2 }, { "kitten", "sitting", 3 } };
        char longest[NAME_DISTANCE_MAX + 2] = {};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(name_distance(rows[i].a, rows[i].b), rows[i].distance);
                assert_int_equal(name_distance(rows[i].b, rows[i].a), rows[i].distance);
        }
        memset(longest, 'a', NAME_DISTANCE_MAX);
        assert_int_equal(name_distance(longest, ""), NAME_DISTANCE_MAX);
        longest[NAME_DISTANCE_MAX] = 'a';
        assert_true(name_distance(longest, "a") == SIZE_MAX && name_distance("a", longest) == SIZE_MAX);
        assert_true(name_is_near(1, "ab"));
        assert_false(name_is_near(2, "ab"));
        assert_true(name_is_near(3, "memory"));
        assert_false(name_is_near(SIZE_MAX, longest));
}

static void test_path_problems(void **state) {
        static const char *const good[] = { "/", "/a", "/a/b", "/...", "/.a", "/a..", "/ ", "/\xc3\xa4" };
        static const char *const bad[][2] = { { "", "absolute" }, { "a", "absolute" }, { "./a", "absolute" },
                { "//", "slash" }, { "/a/", "slash" }, { "//a", "doubled" }, { "/a//b", "doubled" },
                { "/.", "\"..\"" }, { "/..", "\"..\"" }, { "/a/.", "\"..\"" }, { "/a/../b", "\"..\"" },
                { "/./a", "\"..\"" } };
        char large[4098] = "/";

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_null(path_problem(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                const char *wrong = path_problem(bad[i][0]);
                if (!wrong || !strstr(wrong, bad[i][1]))
                        fail_msg("%s: %s", bad[i][0], wrong ?: "fine");
        }
        for (size_t i = 0; i < 4096; i++)
                large[i] = i % 2 ? 'a' : '/';
        assert_non_null(path_problem(large)); /* 4096 bytes */
        large[4095] = '\0';
        assert_string_equal(path_problem(large), "must not end in a slash");
        large[4094] = '\0';
        assert_null(path_problem(large));
        memset(large + 1, 'a', 256);
        large[257] = '\0';
        assert_string_equal(path_problem(large), "has a component of more than 255 bytes");
        large[256] = '\0';
        assert_null(path_problem(large));
}

static void test_path_is_mount_target(void **state) {
        static const char *const good[] = { "/a", "/device", "/process", "/srv/proc", "/sysroot" };
        static const char *const bad[] = { "/", "/dev", "/dev/shm", "/proc", "/proc/sys", "/sys",
                "/sys/fs" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(path_is_mount_target(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(path_is_mount_target(bad[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_diag_leaves_out_what_is_unknown),
                cmocka_unit_test(test_diag_shows_control_and_bidi_characters_escaped),
                cmocka_unit_test(test_diag_counts_errors_and_keeps_order),
                cmocka_unit_test(test_nearest_measures_edits),
                cmocka_unit_test(test_path_problems),
                cmocka_unit_test(test_path_is_mount_target),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
