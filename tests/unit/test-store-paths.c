/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of store paths in each way that it can be right or wrong, the file that holds it, and the scanner
 * that finds what it forgot. Where the host has no Nix store, or an empty one, the scanner has nothing to
 * find but what it must not find.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "nix-references.h"

#define A "0123456789abcdfghijklmnpqrsvwxyz"
#define B "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
#define STORE "/nix/store/"
#define TEN "abcdefghij"
#define NAME_211 /* the longest */                                                                          \
        TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "k"

static StorePaths *parsed(const char *text) {
        _cleanup_free_ char *error = NULL;
        StorePaths *s = NULL;

        if (store_paths_parse(text, strlen(text), &s, &error) < 0)
                fail_msg("%s", error);
        assert_null(error);
        return s;
}

static void test_store_paths_are_sorted(void **state _unused_) {
        const char text[] = STORE B "-b\n" STORE A "-a_b.c+d?e=f\n";
        _cleanup_store_paths_ StorePaths *s = parsed(text);

        assert_int_equal(s->n, 2);
        assert_string_equal(s->paths[0].name, A "-a_b.c+d?e=f");
        assert_string_equal(s->paths[1].name, B "-b");
        assert_true(s->paths[0].fd < 0 && s->paths[1].fd < 0);
        /* What is attested is the text as it was. */
        assert_int_equal(s->text_size, strlen(text));
        assert_memory_equal(s->text, text, strlen(text));
}

static void test_store_paths_may_have_long_names(void **state _unused_) {
        _cleanup_store_paths_ StorePaths *s = parsed(STORE A "-" NAME_211 "\n");

        assert_int_equal(strlen(s->paths[0].name), 33 + 211);
}

static void test_store_paths_say_what_is_wrong(void **state _unused_) {
        static const struct {
                const char *text, *error;
        } rows[] = {
                { "", "line 1: there is no store path" },
                { "\n", "line 1: empty lines" },
                { STORE A "-a\n\n", "line 2: empty lines" },
                { STORE A "-a", "line 1: the last line must end in a newline" },
                { STORE A "-a\r\n", "line 1: lines must end in LF alone" },
                { STORE A "-a \n", "line 1: the name of a store path has" },
                { " " STORE A "-a\n", "line 1: a path must begin with /nix/store/" },
                { "/nix/store\n", "line 1: a path must begin with /nix/store/" },
                { "nix/store/" A "-a\n", "line 1: a path must begin with /nix/store/" },
                { STORE "\n", "line 1: a hash of 32 digits" },
                { STORE ".links\n", "line 1: a hash of 32 digits" },
                { STORE "..\n", "line 1: a hash of 32 digits" },
                { STORE "e123456789abcdfghijklmnpqrsvwxyz-a\n", "line 1: a hash of 32 digits" },
                { STORE "A123456789abcdfghijklmnpqrsvwxyz-a\n", "line 1: a hash of 32 digits" },
                { STORE "123456789abcdfghijklmnpqrsvwxyz-a\n", "line 1: a hash of 32 digits" },
                { STORE A "0-a\n", "line 1: \"-\" and a name must follow" },
                { STORE A "\n", "line 1: \"-\" and a name must follow" },
                { STORE A "-\n", "line 1: \"-\" and a name must follow" },
                { STORE A "-a/b\n", "line 1: only store paths themselves" },
                { STORE A "-a/\n", "line 1: only store paths themselves" },
                { STORE A "-\xc3\xa9\n", "line 1: the name of a store path has letters" },
                { STORE A "-" NAME_211 "x\n", "line 1: the name of a store path has at most 211" },
                { STORE A "-a\n" STORE B "-b\n" STORE A "-a\n", "line 3: " STORE A "-a is there twice" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *error = NULL;
                StorePaths *s = NULL;

                assert_int_equal(store_paths_parse(rows[i].text, strlen(rows[i].text), &s, &error), -EINVAL);
                assert_null(s);
                assert_non_null(error);
                if (!startswith(error, rows[i].error))
                        fail_msg("row %zu: %s", i, error);
        }
}

static void test_store_paths_refuse_a_nul(void **state _unused_) {
        static const char text[] = STORE A "-a\0b\n";
        _cleanup_free_ char *error = NULL;
        StorePaths *s = NULL;

        assert_int_equal(store_paths_parse(text, sizeof(text) - 1, &s, &error), -EINVAL);
        assert_non_null(strstr(error, "line 1: the name"));
}

/* ---- the file ---- */

static char directory[] = "/tmp/test-store-paths.XXXXXX";
static int root_fd = -EBADF;

static int setup(void **state _unused_) {
        assert_non_null(mkdtemp(directory));
        root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return root_fd < 0;
}

static int teardown(void **state _unused_) {
        (void)unlinkat(root_fd, STORE_PATHS_NAME, 0);
        close(root_fd);
        return rmdir(directory);
}

static void write_list(const char *text, size_t n, off_t size) {
        _cleanup_close_ int fd =
                openat(root_fd, STORE_PATHS_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, n), n);
        assert_int_equal(ftruncate(fd, size), 0);
}

static void test_store_paths_file_is_read(void **state _unused_) {
        static const char text[] = STORE A "-a\n";
        _cleanup_free_ char *error = NULL;
        StorePaths *none = (StorePaths *)text;
        _cleanup_store_paths_ StorePaths *s = NULL;

        assert_int_equal(store_paths_read(root_fd, &none, &error), 0);
        assert_null(none);
        write_list(text, strlen(text), (off_t)strlen(text));
        assert_int_equal(store_paths_read(root_fd, &s, &error), 0);
        assert_string_equal(s->text, text);
        assert_int_equal(unlinkat(root_fd, STORE_PATHS_NAME, 0), 0);
}

static void assert_refused(const char *part) {
        _cleanup_free_ char *error = NULL;
        StorePaths *s = NULL;

        assert_int_equal(store_paths_read(root_fd, &s, &error), -EINVAL);
        assert_non_null(error);
        assert_non_null(startswith(error, STORE_PATHS_NAME));
        if (!strstr(error, part))
                fail_msg("%s", error);
        assert_int_equal(unlinkat(root_fd, STORE_PATHS_NAME, 0), 0);
}

static void test_store_paths_file_must_be_a_small_file(void **state _unused_) {
        write_list("x\n", 2, 2);
        assert_refused(", line 1: a path must begin");
        write_list("", 0, STORE_PATHS_MAX + 1);
        assert_refused("larger than 4 MiB");
        assert_int_equal(symlinkat("/dev/zero", root_fd, STORE_PATHS_NAME), 0);
        assert_refused("symbolic link");
        assert_int_equal(mkfifoat(root_fd, STORE_PATHS_NAME, 0600), 0);
        assert_refused("no regular file");
}

static void test_store_paths_that_are_missing_are_named(void **state _unused_) {
        _cleanup_store_paths_ StorePaths *s = parsed(STORE A "-no-such-path\n");
        _cleanup_free_ char *error = NULL;

        assert_int_equal(store_paths_open(s, &error), -ENOENT);
        assert_non_null(error);
        if (access(STORE_DIRECTORY, F_OK) == 0)
                assert_non_null(strstr(error, STORE A "-no-such-path"));
        else
                assert_non_null(strstr(error, "/nix/store, whose paths"));
}

/* ---- references ---- */

/* A store of our own over the host's, where that is possible. */
static bool own_store(void) {
        static int can = -1;

        if (can >= 0)
                return can;
        can = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("tmpfs", "/nix", "tmpfs", 0, NULL) == 0 && mkdir(STORE_DIRECTORY, 0755) == 0 &&
              mkdir(STORE A "-dir", 0755) == 0 && mkdir(STORE B "-v1.2.3_x", 0755) == 0 &&
              mkdir(STORE "1111111111111111111111111111111c-" NAME_211, 0755) == 0;
        return can;
}

/* What is found where the content comes in pieces of `size` bytes. */
static void assert_finds(const StorePaths *list, const char *text, size_t n, const char *found) {
        _cleanup_nix_scanner_ NixScanner *s = NULL;

        assert_int_equal(nix_scanner_new(list, &s), 0);
        for (size_t size = 1; size <= n + 1; size += size < 300 ? 1 : 97) {
                nix_scanner_begin(s);
                for (size_t at = 0; at < n; at += size)
                        nix_scanner_update(s, text + at, n - at < size ? n - at : size);
                const char *name = nix_scanner_end(s);
                if (found && (!name || !streq(name, found)))
                        fail_msg("pieces of %zu: %s in place of %s", size, name ?: "nothing", found);
                if (!found && name)
                        fail_msg("pieces of %zu: %s", size, name);
        }
}

#define FINDS(list, text, found) assert_finds(list, text, sizeof(text) - 1, found)

static void test_references_are_found_in_any_pieces(void **state _unused_) {
        if (!own_store())
                skip();
        FINDS(NULL, STORE A "-dir", A "-dir");
        FINDS(NULL, "PATH=" STORE A "-dir/bin:/bin", A "-dir");
        FINDS(NULL, "a\0" STORE B "-v1.2.3_x\0b", B "-v1.2.3_x");
        FINDS(NULL, "see " STORE B "-v1.2.3_x.", B "-v1.2.3_x");
        FINDS(NULL, "see " STORE B "-v1.2.3_x?.=", B "-v1.2.3_x");
        FINDS(NULL, STORE STORE A "-dir", A "-dir");
        FINDS(NULL, "/nix/stor" STORE "0" STORE A "-dir", A "-dir");
        FINDS(NULL, STORE "1111111111111111111111111111111c-" NAME_211 "x",
                "1111111111111111111111111111111c-" NAME_211);
        /* The first counts. */
        FINDS(NULL, STORE B "-v1.2.3_x " STORE A "-dir", B "-v1.2.3_x");
}

static void test_references_that_are_listed_or_absent_are_fine(void **state _unused_) {
        _cleanup_store_paths_ StorePaths *list = parsed(STORE A "-dir\n");

        if (!own_store())
                skip();
        FINDS(list, STORE A "-dir", NULL);
        FINDS(list, STORE A "-dir " STORE B "-v1.2.3_x", B "-v1.2.3_x");
        /* Not on this host. */
        FINDS(NULL, STORE B "-other", NULL);
        FINDS(NULL, STORE "2222222222222222222222222222222c-dir " STORE A "-dir", A "-dir");
        /* No store paths. */
        FINDS(NULL, STORE, NULL);
        FINDS(NULL, STORE A, NULL);
        FINDS(NULL, STORE A "-", NULL);
        FINDS(NULL, STORE A "dir", NULL);
        FINDS(NULL, "/nix/Store/" A "-dir", NULL);
        FINDS(NULL, A "-dir", NULL);
        FINDS(NULL, "", NULL);
}

static void test_references_of_a_file_end_with_it(void **state _unused_) {
        _cleanup_nix_scanner_ NixScanner *s = NULL;

        if (!own_store())
                skip();
        assert_int_equal(nix_scanner_new(NULL, &s), 0);
        nix_scanner_begin(s);
        nix_scanner_update(s, STORE A, strlen(STORE A));
        assert_null(nix_scanner_end(s));
        nix_scanner_begin(s);
        nix_scanner_update(s, "-dir", 4);
        assert_null(nix_scanner_end(s));
        /* Nor does a file that was left stay. */
        nix_scanner_begin(s);
        nix_scanner_update(s, STORE A, strlen(STORE A));
        nix_scanner_begin(s);
        nix_scanner_update(s, "-dir", 4);
        assert_null(nix_scanner_end(s));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_store_paths_are_sorted),
                cmocka_unit_test(test_store_paths_may_have_long_names),
                cmocka_unit_test(test_store_paths_say_what_is_wrong),
                cmocka_unit_test(test_store_paths_refuse_a_nul),
                cmocka_unit_test(test_store_paths_file_is_read),
                cmocka_unit_test(test_store_paths_file_must_be_a_small_file),
                cmocka_unit_test(test_store_paths_that_are_missing_are_named),
                cmocka_unit_test(test_references_are_found_in_any_pieces),
                cmocka_unit_test(test_references_that_are_listed_or_absent_are_fine),
                cmocka_unit_test(test_references_of_a_file_end_with_it),
        };

        return cmocka_run_group_tests_name("store-paths", tests, setup, teardown);
}
