/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 decoding against an encoder, and which characters are control or deceptive. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "utf8.h"

static size_t encode(uint32_t c, char *s) {
        if (c < 0x80) {
                s[0] = (char)c;
                return 1;
        }
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n; i-- > 1; c >>= 6)
                s[i] = (char)(0x80 | (c & 0x3f));
        s[0] = (char)((0xf00 >> n) | c);
        return n;
}

static void test_utf8_decodes_every_character_and_no_surrogate(void **state) {
        for (uint32_t c = 0; c < 0x110000; c++) {
                char s[4];
                uint32_t d = UINT32_MAX;
                size_t n = encode(c, s), k = utf8_decode(s, n, &d);

                if (c >= 0xd800 && c <= 0xdfff)
                        assert_int_equal(k, 0);
                else if (k != n || d != c)
                        fail_msg("U+%04X gave %zu, U+%04X", c, k, d);
                assert_int_equal(utf8_decode(s, n - 1, &d), 0); /* cut short */
        }
}

static void test_utf8_refuses_what_is_no_utf8(void **state) {
        static const char *const texts[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
                "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xc3(", "\xe2\x82(",
                "\xf0\x9f\x98(", "\xc3\xc3" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                uint32_t c;
                if (utf8_decode(texts[i], strlen(texts[i]), &c) != 0)
                        fail_msg("row %zu was taken", i);
        }
}

static void test_utf8_knows_control_characters(void **state) {
        size_t n = 0;

        for (uint32_t c = 0; c < 0x110000; c++)
                n += character_is_control(c);
        assert_int_equal(n, 32 + 33 + 2);
        static const uint32_t control[] = { 0, '\t', '\n', '\r', 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0x2028,
                0x2029 };
        for (size_t i = 0; i < ELEMENTSOF(control); i++)
                assert_true(character_is_control(control[i]));
        static const uint32_t fine[] = { ' ', '~', 0xa0, 0x2027, 0x202a };
        for (size_t i = 0; i < ELEMENTSOF(fine); i++)
                assert_false(character_is_control(fine[i]));
}

static void test_utf8_knows_deceptive_characters(void **state) {
        static const uint32_t bad[] = { 0x61c, 0x200b, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d,
                0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff };
        static const uint32_t fine[] = { 'a', 0x5d0, 0x627, 0x200c, 0x200d, 0x2010, 0x202f, 0x206a, 0xfefe };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_true(character_is_deceptive(bad[i]));
        for (size_t i = 0; i < ELEMENTSOF(fine); i++)
                assert_false(character_is_deceptive(fine[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8_decodes_every_character_and_no_surrogate),
                cmocka_unit_test(test_utf8_refuses_what_is_no_utf8),
                cmocka_unit_test(test_utf8_knows_control_characters),
                cmocka_unit_test(test_utf8_knows_deceptive_characters),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
