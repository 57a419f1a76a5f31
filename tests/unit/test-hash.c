/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: the known answers of FIPS 180-4, in pieces and at once, and the one text of a digest. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash.h"

static const char *const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char *const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static int setup(void **state) {
        Hasher *h = NULL;
        int r = hasher_new(&h);

        if (r == -EOPNOTSUPP)
                return 0; /* each test then skips */
        *state = h;
        return r;
}

static int teardown(void **state) {
        hasher_free(*state);
        return 0;
}

static void test_hash_buffer_known_answers(void **state) {
        char hex[SHA256_HEX_SIZE];
        uint8_t digest[SHA256_SIZE];

        if (!*state)
                skip();
        assert_int_equal(hasher_buffer(*state, "abc", 3, digest), 0);
        sha256_to_hex(digest, hex);
        assert_string_equal(hex, ABC);

        /* The same hasher again: nothing is left over. */
        assert_int_equal(hasher_buffer(*state, "", 0, digest), 0);
        sha256_to_hex(digest, hex);
        assert_string_equal(hex, EMPTY);
}

static void test_hash_pieces_equal_whole(void **state) {
        uint8_t digest[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];

        if (!*state)
                skip();
        assert_int_equal(hasher_begin(*state), 0);
        for (const char *p = "abc"; *p; p++)
                assert_int_equal(hasher_update(*state, p, 1), 0);
        assert_int_equal(hasher_end(*state, digest), 0);
        sha256_to_hex(digest, hex);
        assert_string_equal(hex, ABC);
}

static void test_hex_round_trip(void **state) {
        uint8_t digest[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];

        assert_int_equal(sha256_from_hex(ABC, 64, digest), 0);
        sha256_to_hex(digest, hex);
        assert_string_equal(hex, ABC);
}

static void test_hex_refuses_all_but_64_lower_case_digits(void **state) {
        uint8_t digest[SHA256_SIZE];
        char s[66];

        assert_int_equal(sha256_from_hex(ABC, 63, digest), -EINVAL);
        (void)snprintf(s, sizeof(s), "%s0", ABC);
        assert_int_equal(sha256_from_hex(s, 65, digest), -EINVAL);
        (void)snprintf(s, sizeof(s), "%s", ABC);
        s[0] = 'B';
        assert_int_equal(sha256_from_hex(s, 64, digest), -EINVAL);
        s[0] = 'g';
        assert_int_equal(sha256_from_hex(s, 64, digest), -EINVAL);
        s[0] = ' ';
        assert_int_equal(sha256_from_hex(s, 64, digest), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hash_buffer_known_answers),
                cmocka_unit_test(test_hash_pieces_equal_whole),
                cmocka_unit_test(test_hex_round_trip),
                cmocka_unit_test(test_hex_refuses_all_but_64_lower_case_digits),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
