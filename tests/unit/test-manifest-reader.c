/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a manifest twice: both readings give the same lines, or the second is an error. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>

#include "manifest-reader.h"

static int skip_without_hash(void **state) {
        Hasher *h = NULL;

        if (hasher_new(&h) == -EOPNOTSUPP)
                exit(77);
        hasher_free(h);
        return 0;
}

static int make_file(const char *text, size_t n) {
        int fd = memfd_create("manifest", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, text, n, 0), n);
        return fd;
}

/* `lines` lines of about 100 bytes. */
static int make_lines(size_t lines, uint64_t *ret_size) {
        _cleanup_strbuf_ StrBuf b = {};

        for (size_t i = 0; i < lines; i++)
                strbuf_printf(&b, "%0100zu\n", i);
        *ret_size = b.len;
        return make_file(b.data, b.len);
}

static int read_lines(ManifestReader *r, size_t *ret_lines) {
        const char *line, *reason;
        size_t n;
        int k;

        for (*ret_lines = 0; (k = manifest_reader_next(r, &line, &n, &reason)) > 0; ++*ret_lines) {
                assert_int_equal(n, 100);
                assert_int_equal(strtoull(line, NULL, 10), *ret_lines);
        }
        return k;
}

static void test_reader_gives_the_same_lines_twice(void **state) {
        static const size_t sizes[] = { 0, 1, 100, 60000 };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_manifest_reader_ ManifestReader r = {};
                size_t lines;
                uint64_t size;

                _cleanup_close_ int fd = make_lines(sizes[i], &size);
                assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
                assert_int_equal(manifest_reader_begin(&r, fd, size), 0);
                assert_int_equal(read_lines(&r, &lines), 0);
                assert_int_equal(lines, sizes[i]);
                assert_int_equal(manifest_reader_rewind(&r), 0);
                assert_int_equal(read_lines(&r, &lines), 0);
                assert_int_equal(lines, sizes[i]);
                /* A large one is not held. */
                assert_true(r.buffer_size <= MANIFEST_KEEP_MAX + 1);
        }
}

static void test_reader_finds_a_file_that_was_changed_in_between(void **state) {
        _cleanup_manifest_reader_ ManifestReader r = {};
        uint64_t size;
        size_t lines;

        _cleanup_close_ int fd = make_lines(60000, &size);
        assert_true(size > MANIFEST_KEEP_MAX);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(manifest_reader_begin(&r, fd, size), 0);
        assert_int_equal(read_lines(&r, &lines), 0);
        /* The number stays what it is for strtoull(). */
        assert_int_equal(pwrite(fd, " ", 1, 101 * 30000), 1);
        assert_int_equal(manifest_reader_rewind(&r), 0);
        assert_int_equal(read_lines(&r, &lines), -ESTALE);
        assert_int_equal(lines, 60000);
}

static void test_reader_keeps_a_small_file(void **state) {
        _cleanup_manifest_reader_ ManifestReader r = {};
        uint64_t size;
        size_t lines;

        _cleanup_close_ int fd = make_lines(100, &size);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(manifest_reader_begin(&r, fd, size), 0);
        assert_int_equal(read_lines(&r, &lines), 0);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(manifest_reader_rewind(&r), 0);
        assert_int_equal(read_lines(&r, &lines), 0);
        assert_int_equal(lines, 100);
}

static void test_reader_finds_a_file_of_another_size(void **state) {
        static const int more[] = { -1, 1 };

        for (size_t i = 0; i < ELEMENTSOF(more); i++)
                for (size_t lines = 100; lines <= 60000; lines += 59900) {
                        _cleanup_manifest_reader_ ManifestReader r = {};
                        uint64_t size;
                        size_t n;

                        _cleanup_close_ int fd = make_lines(lines, &size);
                        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
                        assert_int_equal(manifest_reader_begin(&r, fd, size + (uint64_t)more[i]), 0);
                        assert_int_equal(read_lines(&r, &n), -ESTALE);
                }
}

static void test_reader_refuses_what_is_no_line(void **state) {
        _cleanup_manifest_reader_ ManifestReader r = {}, big = {};
        const char *line, *reason;
        size_t n;

        _cleanup_close_ int fd = make_file("a\nb", 3);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(manifest_reader_begin(&r, fd, 3), 0);
        assert_int_equal(manifest_reader_next(&r, &line, &n, &reason), 1);
        assert_int_equal(manifest_reader_next(&r, &line, &n, &reason), -EINVAL);
        assert_non_null(strstr(reason, "newline"));

        /* No end of line at all: it is not read into memory to find out. The digest can still be had. */
        const size_t size = 16U * 1024 * 1024;
        _cleanup_free_ char *text = malloc(size);
        assert_non_null(text);
        memset(text, 'x', size);
        _cleanup_close_ int long_fd = make_file(text, size);
        assert_int_equal(manifest_reader_begin(&big, long_fd, size), 0);
        assert_int_equal(manifest_reader_next(&big, &line, &n, &reason), -EINVAL);
        assert_non_null(strstr(reason, "1 MiB"));
        assert_true(big.buffer_size <= 4U * MANIFEST_LINE_MAX);
        assert_int_equal(manifest_reader_skip(&big), 0);

        Hasher *h = NULL;
        uint8_t digest[SHA256_SIZE];
        assert_int_equal(hasher_new(&h), 0);
        assert_int_equal(hasher_buffer(h, text, size, digest), 0);
        hasher_free(h);
        assert_memory_equal(big.digest, digest, sizeof(digest));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reader_gives_the_same_lines_twice),
                cmocka_unit_test(test_reader_finds_a_file_that_was_changed_in_between),
                cmocka_unit_test(test_reader_keeps_a_small_file),
                cmocka_unit_test(test_reader_finds_a_file_of_another_size),
                cmocka_unit_test(test_reader_refuses_what_is_no_line),
        };

        return cmocka_run_group_tests(tests, skip_without_hash, NULL);
}
