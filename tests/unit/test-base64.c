/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: the vectors of RFC 4648, every length, and nothing but the canonical text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base64.h"

static void test_base64_vectors(void **state) {
        static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
                { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
                { "\xff\xef\xbe", "/+++" } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = NULL;
                _cleanup_free_ void *data = NULL;
                size_t n = 99;

                assert_int_equal(base64_encode(rows[i][0], strlen(rows[i][0]), &text), 0);
                assert_string_equal(text, rows[i][1]);
                assert_int_equal(base64_decode(text, &data, &n), 0);
                assert_int_equal(n, strlen(rows[i][0]));
                assert_memory_equal(data, rows[i][0], n);
        }
}

static void test_base64_round_trips_every_byte(void **state) {
        unsigned char all[256];

        for (unsigned i = 0; i < sizeof(all); i++)
                all[i] = (unsigned char)i;
        for (size_t n = 0; n <= sizeof(all); n++) {
                _cleanup_free_ char *text = NULL;
                _cleanup_free_ void *data = NULL;
                size_t k;

                assert_int_equal(base64_encode(all, n, &text), 0);
                assert_int_equal(strlen(text), (n + 2) / 3 * 4);
                assert_int_equal(base64_decode(text, &data, &k), 0);
                assert_int_equal(k, n);
                assert_memory_equal(data, all, n);
        }
}

static void test_base64_refuses_what_is_not_canonical(void **state) {
        static const char *const rows[] = { "Z", "Zg", "Zg=", "Zg===", "=",
                "====", "Z===", "Zg==Zg==", "Zg= =", "Zh==", "Zm9=", "Zm9v\n", "Zm9v ", " Zm9", "Zm-v",
                "Zm_v", "Zm=v", "Z=9v", "Zm9\x80", "Zm9v===", "Zm9*" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                void *data = NULL;
                size_t n;

                if (base64_decode(rows[i], &data, &n) != -EINVAL)
                        fail_msg("\"%s\" was taken", rows[i]);
                assert_null(data);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base64_vectors),
                cmocka_unit_test(test_base64_round_trips_every_byte),
                cmocka_unit_test(test_base64_refuses_what_is_not_canonical),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
