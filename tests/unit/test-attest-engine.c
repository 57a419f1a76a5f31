/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation by threads: its results are those of one thread, its memory does not grow with the manifest.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest-tree.h"
#include "signature.h"

/* The same differences, whatever the threads do: those of the first batch that has any, in order. */
static void test_attest_finds_the_same_with_any_number_of_threads(void **state) {
        _cleanup_free_ char *first = NULL;
        char name[32];
        TREE(t);

        for (int i = 0; i < 600; i++) {
                (void)snprintf(name, sizeof(name), "etc/f%03d", i);
                put(&t, name, i % 7 ? "x" : "a longer text");
        }
        assert_written(&t, 2);
        for (int i = 200; i < 600; i += 3) {
                (void)snprintf(name, sizeof(name), "etc/f%03d", i);
                put(&t, name, i % 7 ? "y" : "a longer tex_");
        }
        for (unsigned threads = 1; threads <= 8; threads++) {
                AttestOptions options = { .threads = threads };
                _cleanup_attest_report_ AttestReport report = {};

                assert_int_equal(attest_verify(t.fd, &options, &report), -EBADMSG);
                assert_string_equal(report.changed.items[0].path, "etc/f200");
                assert_true(report.changed.count < 30);
                if (first)
                        assert_string_equal(report.message, first);
                else
                        first = strdup(report.message);
        }
        for (unsigned threads = 1; threads <= 8; threads++) {
                AttestOptions options = { .threads = threads, .all = true, .list_max = SIZE_MAX };
                _cleanup_attest_report_ AttestReport report = {};

                assert_int_equal(attest_verify(t.fd, &options, &report), -EBADMSG);
                assert_int_equal(report.changed.count, 134);
                for (size_t i = 1; i < report.changed.n; i++)
                        assert_true(
                                strcmp(report.changed.items[i - 1].path, report.changed.items[i].path) < 0);
        }
}

static void test_attest_counts_what_it_did(void **state) {
        for (unsigned threads = 1; threads <= 4; threads++) {
                AttestOptions options = { .threads = threads };
                _cleanup_attest_report_ AttestReport written = {}, report = {};
                TREE(t);

                assert_int_equal(linkat(t.fd, "etc/conf", t.fd, "etc/twin", 0), 0);
                assert_int_equal(attest_write(t.fd, 2, &options, &written), 0);
                assert_int_equal(attest_verify(t.fd, &options, &report), 0);
                assert_int_equal(report.done.entries, 11);
                assert_int_equal(report.done.entries_total, 11);
                assert_int_equal(report.done.bytes, 6 + 6 + 10);
                assert_int_equal(report.done.bytes_total, 6 + 6 + 10);
                assert_int_equal(written.done.entries, 11);
                assert_string_equal(written.digest, report.digest);
        }
}

/* The signature lies beside the manifest; but a directory of its name would hide what is in it. */
static void test_attest_leaves_its_own_files_out(void **state) {
        static const char *const own[] = { SIGNATURE_NAME, SIGNATURE_NAME ".new",
                ATTEST_MANIFEST_NAME ".new" };

        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                TREE(t);

                assert_written(&t, 2);
                put(&t, own[i], "anything");
                assert_fine(&t);
                assert_int_equal(unlinkat(t.fd, own[i], 0), 0);
                assert_int_equal(mkdirat(t.fd, own[i], 0755), 0);
                assert_mismatch(&t, NULL, NULL, own[i], NULL);
        }
}

static void test_attest_v2_needs_no_order_of_names(void **state) {
        static const char *const names[] = { "a-b", "a.c", "a0", "a/x", "a/x-", "a\xff" };
        TREE(t);

        assert_int_equal(mkdirat(t.fd, "a", 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                put(&t, names[i], "");
        assert_written(&t, 2);
        assert_fine(&t);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(unlinkat(t.fd, names[i], 0), 0);
                assert_mismatch(&t, names[i], NULL, NULL, NULL);
                put(&t, names[i], "");
        }
}

/* A manifest of more than is kept in memory. */
static void test_attest_reads_a_large_manifest_twice(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        char name[300], path[64];
        TREE(t);

        assert_int_equal(mkdirat(t.fd, "many", 0755), 0);
        for (int i = 0; i < 20000; i++) {
                (void)snprintf(name, sizeof(name), "many/%0200d", i);
                put(&t, name, "");
        }
        assert_written(&t, 2);
        struct stat st;
        assert_int_equal(fstatat(t.fd, ATTEST_MANIFEST_NAME, &st, 0), 0);
        assert_true(st.st_size > 4 * 1024 * 1024);
        assert_fine(&t);

        (void)snprintf(name, sizeof(name), "many/%0200d", 19999);
        put(&t, name, "x");
        assert_mismatch(&t, NULL, name, NULL, "size is 1, not 0");

        /* A last line that is none: the pin is looked at before. */
        (void)snprintf(path, sizeof(path), "%s/" ATTEST_MANIFEST_NAME, t.dir);
        assert_int_equal(truncate(path, st.st_size - 1), 0);
        assert_int_equal(attest_verify(t.fd, NULL, &report), -EINVAL);
        assert_non_null(strstr(report.message, "line 20012: no newline"));
        attest_report_done(&report);
        AttestOptions options = { .pin = "0" };
        assert_int_equal(attest_verify(t.fd, &options, &report), -EKEYREJECTED);
}

static void note_progress(const AttestProgress *p, void *userdata) {
        AttestProgress *last = userdata;

        assert_true(p->bytes > last->bytes || p->entries > last->entries);
        assert_true(p->bytes <= p->bytes_total);
        *last = *p;
}

/* Enough for a call or two on any machine. */
static void test_attest_reports_progress_within_a_file(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        AttestProgress last = {};
        AttestOptions options = { .threads = 1, .progress = note_progress, .userdata = &last };
        TREE(t);

        put(&t, "etc/large", "");
        _cleanup_close_ int fd = openat(t.fd, "etc/large", O_WRONLY | O_CLOEXEC);
        if (fallocate(fd, 0, 0, 512LL * 1024 * 1024) < 0)
                skip(); /* a file system without it */
        assert_written(&t, 2);
        assert_int_equal(attest_verify(t.fd, &options, &report), 0);
        assert_true(last.bytes > 0 && last.bytes < last.bytes_total);
}

/* ---- store paths ---- */

typedef struct Store {
        Tree host;
        StorePaths paths;
        StorePath path;
} Store;

static void store_make(Store *s) {
        tree_make(&s->host);
        s->path = (StorePath){ (char *)"h-etc", openat(s->host.fd, "etc", O_PATH | O_CLOEXEC) };
        assert_true(s->path.fd >= 0);
        s->paths = (StorePaths){ &s->path, 1, (char *)"/nix/store/h-etc\n", 17 };
}

static void store_done(Store *s) {
        close_fd(s->path.fd);
        tree_done(&s->host);
}

static void test_attest_covers_store_paths(void **state) {
        _cleanup_(store_done) Store s = {};
        _cleanup_attest_report_ AttestReport report = {};
        AttestOptions options = { .store = &s.paths };
        TREE(t);

        store_make(&s);
        assert_int_equal(mkdirat(t.fd, "nix", 0755), 0);
        assert_int_equal(mkdirat(t.fd, "nix/store", 0755), 0);
        put(&t, STORE_PATHS_NAME, s.paths.text);
        assert_int_equal(attest_write(t.fd, 2, &options, &report), 0);
        attest_report_done(&report);
        assert_int_equal(attest_verify(t.fd, &options, &report), 0);
        assert_int_equal(report.done.entries, 10 + 3 + 3);

        /* Without them they are missing. */
        attest_report_done(&report);
        assert_int_equal(attest_verify(t.fd, NULL, &report), -EBADMSG);

        put(&s.host, "etc/conf", "a = 2\n");
        attest_report_done(&report);
        assert_int_equal(attest_verify(t.fd, &options, &report), -EBADMSG);
        assert_list(&report.changed, "nix/store/h-etc/conf");
        put(&s.host, "etc/conf", "a = 1\n");

        /* Another list than the tree's. */
        s.paths.text = (char *)"/nix/store/h-usr\n";
        attest_report_done(&report);
        assert_int_equal(attest_verify(t.fd, &options, &report), -EBADMSG);
        assert_non_null(strstr(report.message, STORE_PATHS_NAME " is not what the manifest says"));
        s.paths.text = (char *)"/nix/store/h-etc\n";

        /* What would be hidden. */
        put(&t, "nix/store/odd", "");
        attest_report_done(&report);
        assert_int_equal(attest_verify(t.fd, &options, &report), -EBADMSG);
        assert_list(&report.extra, "nix/store/odd");
        attest_report_done(&report);
        assert_int_equal(attest_write(t.fd, 2, &options, &report), -EBADMSG);
        assert_list(&report.extra, "nix/store/odd");
}

static void test_attest_v1_covers_no_store_paths(void **state) {
        _cleanup_(store_done) Store s = {};
        _cleanup_attest_report_ AttestReport report = {}, read = {};
        AttestOptions options = { .store = &s.paths };
        TREE(t);

        store_make(&s);
        put(&t, STORE_PATHS_NAME, s.paths.text);
        assert_int_equal(attest_write(t.fd, 1, &options, &report), -EINVAL);
        assert_non_null(strstr(report.message, "write version 2"));
        assert_written(&t, 1);
        assert_true(attest_verify(t.fd, &options, &read) < 0);
        assert_non_null(strstr(read.message, "write version 2"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_attest_finds_the_same_with_any_number_of_threads),
                cmocka_unit_test(test_attest_counts_what_it_did),
                cmocka_unit_test(test_attest_leaves_its_own_files_out),
                cmocka_unit_test(test_attest_v2_needs_no_order_of_names),
                cmocka_unit_test(test_attest_reads_a_large_manifest_twice),
                cmocka_unit_test(test_attest_reports_progress_within_a_file),
                cmocka_unit_test(test_attest_covers_store_paths),
                cmocka_unit_test(test_attest_v1_covers_no_store_paths),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
