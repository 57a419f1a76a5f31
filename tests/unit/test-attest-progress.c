/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told of a long attestation. When it is told is tested in test_images.py. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest-progress.h"

#define MB 1000000ULL

static void assert_text(AttestProgress p, uint64_t elapsed_ms, const char *expected) {
        char text[PROGRESS_TEXT_MAX];

        progress_format(&p, elapsed_ms, text);
        assert_string_equal(text, expected);
}

static void test_progress_names_part_size_and_time_left(void **state) {
        assert_text((AttestProgress){ .bytes = 310 * MB, .bytes_total = 690 * MB }, 2448,
                "44% (310 of 690 MB, 3 s left)");
        assert_text((AttestProgress){ .bytes = 1, .bytes_total = 100 * MB }, 1000, "0% (0 of 100 MB)");
        assert_text((AttestProgress){ .bytes = 999 * MB, .bytes_total = 1000 * MB }, 999000,
                "99% (999 of 1000 MB, 1 s left)");
}

static void test_progress_counts_files_where_bytes_are_unknown(void **state) {
        assert_text((AttestProgress){ .entries = 50, .entries_total = 200, .bytes = 5 * MB }, 1000,
                "25% (50 of 200 files, 3 s left)");
        /* By fs-verity no byte is ever read. */
        assert_text((AttestProgress){ .entries = 50, .entries_total = 200, .bytes_total = 5 * MB }, 1000,
                "25% (50 of 200 files, 3 s left)");
}

static void test_progress_without_a_total_says_what_is_done(void **state) {
        assert_text((AttestProgress){ .entries = 12, .bytes = 34 * MB }, 1000, "12 files, 34 MB so far");
        assert_text((AttestProgress){}, 1000, "0 files, 0 MB so far");
}

static void test_progress_divides_by_nothing(void **state) {
        assert_text((AttestProgress){ .bytes_total = 5 * MB }, 0, "0% (0 of 5 MB)");
        assert_text((AttestProgress){ .bytes = 5 * MB, .bytes_total = 5 * MB }, 7000,
                "100% (5 of 5 MB, 0 s left)");
        assert_text((AttestProgress){ .bytes = 9 * MB, .bytes_total = 5 * MB }, 7000,
                "100% (5 of 5 MB, 0 s left)");
}

static void test_progress_fits_the_largest_numbers(void **state) {
        char text[PROGRESS_TEXT_MAX];

        progress_format(
                &(AttestProgress){ .bytes = UINT64_MAX - 1, .bytes_total = UINT64_MAX }, UINT64_MAX, text);
        assert_non_null(strchr(text, ')'));
        progress_format(&(AttestProgress){ .bytes = 1, .bytes_total = UINT64_MAX }, 3600000, text);
        assert_non_null(strchr(text, ')'));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_progress_names_part_size_and_time_left),
                cmocka_unit_test(test_progress_counts_files_where_bytes_are_unknown),
                cmocka_unit_test(test_progress_without_a_total_says_what_is_done),
                cmocka_unit_test(test_progress_divides_by_nothing),
                cmocka_unit_test(test_progress_fits_the_largest_numbers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
