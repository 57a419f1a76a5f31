/* SPDX-License-Identifier: Apache-2.0 */
/* The spec's escaping: every byte there and back, and nothing taken that is not canonical. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "escape.h"

static char *escaped(const char *s, size_t n) {
        StrBuf b = {};
        char *text = NULL;

        escape_field(&b, s, n);
        assert_int_equal(strbuf_finish(&b, &text), 0);
        return text;
}

static void test_escape_writes_one_field(void **state) {
        static const char *const rows[][2] = {
                { "", "\\e" },
                { "a", "a" },
                { " ", "\\x20" },
                { "\\", "\\x5c" },
                { "\\e", "\\x5ce" },
                { "a\tb\n", "a\\x09b\\x0a" },
                { "\xc3\xa4", "\\xc3\\xa4" },
                { "~\x7f\xff", "~\\x7f\\xff" },
                { "%h${X}\"'#;", "%h${X}\"'#;" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = escaped(rows[i][0], strlen(rows[i][0]));
                assert_string_equal(text, rows[i][1]);
        }
}

static void test_escape_round_trips_every_pair_of_bytes(void **state) {
        for (unsigned a = 1; a < 256; a++)
                for (unsigned b = 0; b < 256; b++) {
                        const char s[3] = { (char)a, (char)b };
                        _cleanup_free_ char *text = escaped(s, strlen(s)), *again = NULL;

                        for (const char *p = text; *p; p++)
                                assert_true(*p > ' ' && *p < 0x7f);
                        assert_int_equal(unescape_field(text, strlen(text), &again), 0);
                        assert_string_equal(again, s);
                }
}

static void test_escape_refuses_what_is_not_canonical(void **state) {
        static const char *const rows[] = { "", " ", "a b", "a\tb", "\\", "\\x", "\\x2", "\\x2g", "\\x0A",
                "\\x41", "\\x00", "\\n", "\\e\\e", "a\\e", "\\ea", "\\E", "\\X20", "\xc3\xa4", "a\x7f",
                "\\x5", "\\x7e", "\\x21", "\\x 9" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *text = NULL;
                if (unescape_field(rows[i], strlen(rows[i]), &text) != -EINVAL)
                        fail_msg("\"%s\" was taken", rows[i]);
                assert_null(text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape_writes_one_field),
                cmocka_unit_test(test_escape_round_trips_every_pair_of_bytes),
                cmocka_unit_test(test_escape_refuses_what_is_not_canonical),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
