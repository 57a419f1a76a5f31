/* SPDX-License-Identifier: Apache-2.0 */
/* The sorted walk: its order is that of the paths' bytes, its descriptors are few, and store paths are
 * grafted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "strbuf.h"
#include "temporary-tree.h"
#include "tree-sorted.h"

#define OPEN_MAX 16U /* directories that the walk alone may have open */

#define TREE(t)                                                                                             \
        _cleanup_(tree_done) Tree t = { .fd = -EBADF };                                                     \
        tree_new(&t)

/* Each path: a directory where it ends in "/", else a file. Parents come first. */
static void put(const Tree *t, const char *const *paths) {
        for (; *paths; paths++) {
                if (endswith(*paths, "/")) {
                        assert_int_equal(mkdirat(t->fd, *paths, 0755), 0);
                        continue;
                }
                _cleanup_close_ int fd = openat(t->fd, *paths, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                assert_true(fd >= 0);
        }
}

/* The paths of a walk, each on a line with its type, in order. */
static void walk(const Tree *t, const StorePaths *store, StrBuf *b) {
        _cleanup_tree_sorted_ TreeSorted *w = NULL;
        char last[4096] = "";
        TreeEntry e;
        int r;

        assert_int_equal(tree_sorted_new(t->fd, store, &w), 0);
        while ((r = tree_sorted_next(w, &e)) > 0) {
                if (!store && b->len > 0 && strcmp(last, e.path) >= 0)
                        fail_msg("%s comes before %s", last, e.path);
                assert_int_equal(strlen(e.path), e.path_n);
                assert_true(tree_sorted_open(w) <= OPEN_MAX);
                (void)snprintf(last, sizeof(last), "%s", e.path);
                strbuf_printf(b, "%s%s%s%s\n", e.path, e.type == DT_DIR ? "/" : "",
                        e.note == TREE_NOTE_HIDDEN ? " hidden" : "",
                        e.note == TREE_NOTE_NO_STORE ? " none" : "");
        }
        if (r < 0)
                fail_msg("%s: %s", tree_sorted_path(w), strerror(-r));
}

static void test_sorted_is_by_the_bytes_of_paths(void **state) {
        static const char *const paths[] = { "a/", "a-b", "a.c", "a0", "a/x", "a/x-y", "a\xff", "a!/",
                "a!/z", "a-/", "a-/q", "b/", "b/c/", "b/c/d", "b/c.d", "b/c0/", " ", "\n", NULL };
        _cleanup_strbuf_ StrBuf b = {};
        TREE(t);

        put(&t, paths);
        walk(&t, NULL, &b);
        assert_string_equal(b.data, "/\n\n\n "
                                    "\na/\na!/\na!/z\na-/\na-/q\na-b\na.c\na/x\na/x-y\na0\na\xff\nb/\nb/c/"
                                    "\nb/c.d\nb/c/d\nb/c0/\n");
}

static void test_sorted_of_an_empty_tree_is_its_root(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        TREE(t);

        walk(&t, NULL, &b);
        assert_string_equal(b.data, "/\n");
}

/* On the way down each directory has something that comes after what is in the next. */
static void test_sorted_comes_back_from_far_below(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        char path[512] = "";
        size_t n = 0, lines = 0;
        TREE(t);

        for (int i = 0; i < 60; i++) {
                (void)snprintf(path + n, sizeof(path) - n, "z");
                put(&t, (const char *const[]){ path, NULL });
                (void)snprintf(path + n, sizeof(path) - n, "d/");
                put(&t, (const char *const[]){ path, NULL });
                n += 2;
        }
        walk(&t, NULL, &b);
        for (const char *p = b.data; (p = strchr(p, '\n')); p++)
                lines++;
        assert_int_equal(lines, 121);
        assert_true(endswith(b.data, "\nd/z\nz\n"));
}

static void test_sorted_refuses_a_directory_that_was_exchanged(void **state) {
        _cleanup_tree_sorted_ TreeSorted *w = NULL;
        char path[512] = "";
        size_t n = 0;
        TreeEntry e;
        int r;
        TREE(t);

        for (int i = 0; i < 40; i++) {
                (void)snprintf(path + n, sizeof(path) - n, "d/");
                put(&t, (const char *const[]){ path, NULL });
                n += 2;
        }
        put(&t, (const char *const[]){ "d/z", "new/", "new/z", NULL });
        assert_int_equal(tree_sorted_new(t.fd, NULL, &w), 0);
        for (int i = 0; i < 30; i++)
                assert_int_equal(tree_sorted_next(w, &e), 1);
        assert_int_equal(renameat(t.fd, "d/d", t.fd, "new/d"), 0);
        assert_int_equal(renameat2(t.fd, "d", t.fd, "new", RENAME_EXCHANGE), 0);
        while ((r = tree_sorted_next(w, &e)) > 0)
                assert_string_not_equal(e.path, "d/z");
        assert_int_equal(r, -ESTALE);
        assert_string_equal(tree_sorted_path(w), "d/z");
}

static void test_sorted_refuses_too_long_a_path(void **state) {
        _cleanup_tree_sorted_ TreeSorted *w = NULL;
        char name[201] = {};
        TreeEntry e;
        int r;
        TREE(t);

        memset(name, 'd', 200);
        _cleanup_close_ int fd = openat(t.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < 21; i++) {
                assert_int_equal(mkdirat(fd, name, 0755), 0);
                int next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close_fd(fd);
                fd = next;
        }
        assert_int_equal(tree_sorted_new(t.fd, NULL, &w), 0);
        while ((r = tree_sorted_next(w, &e)) > 0)
                assert_true(e.path_n <= 4095);
        assert_int_equal(r, -ENAMETOOLONG);
}

/* ---- store paths ---- */

static StorePaths *store_make(const Tree *t, const char *const *names) {
        StorePaths *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        while (names[s->n])
                s->n++;
        s->paths = calloc(s->n, sizeof(*s->paths));
        s->text = strdup("");
        assert_true(s->paths && s->text);
        for (size_t i = 0; i < s->n; i++) {
                s->paths[i].name = strdup(names[i]);
                s->paths[i].fd = openat(t->fd, names[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
                assert_true(s->paths[i].name && s->paths[i].fd >= 0);
        }
        return s;
}

static const char *const store_names[] = { "h-a", "h-a-b", "h-file", NULL };

static void store_fill(const Tree *t) {
        put(t, (const char *const[]){
                       "h-a/", "h-a/bin/", "h-a/bin/x", "h-a-b/", "h-file", "h-other", NULL });
}

static void test_sorted_grafts_store_paths(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        TREE(t);
        TREE(host);

        store_fill(&host);
        put(&t, (const char *const[]){ "nix/", "nix/store/", "nix/var", "nix/store.d", "z", NULL });
        StorePaths *s = store_make(&host, store_names);
        walk(&t, s, &b);
        assert_string_equal(b.data,
                "/\nnix/\nnix/store/\nnix/store.d\nnix/store/h-a/\nnix/store/h-a-b/\nnix/store/h-a/bin/\n"
                "nix/store/h-a/bin/x\nnix/store/h-file\nnix/var\nz\n");
        store_paths_free(s);
}

static void test_sorted_shows_what_store_paths_would_hide(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        TREE(t);
        TREE(host);

        store_fill(&host);
        put(&t, (const char *const[]){ "nix/", "nix/store/", "nix/store/h-a/", "nix/store/h-a/evil", NULL });
        StorePaths *s = store_make(&host, (const char *const[]){ "h-file", NULL });
        walk(&t, s, &b);
        assert_string_equal(b.data, "/\nnix/\nnix/store/\nnix/store/h-a/ hidden\nnix/store/h-file\n");
        store_paths_free(s);
}

static void test_sorted_misses_the_directory_of_store_paths(void **state) {
        _cleanup_strbuf_ StrBuf b = {}, link = {};
        TREE(t);
        TREE(host);

        store_fill(&host);
        StorePaths *s = store_make(&host, store_names);
        put(&t, (const char *const[]){ "nix/", "usr", NULL });
        walk(&t, s, &b);
        assert_string_equal(b.data, "/\nnix/\nusr\nnix/store/ none\n");

        assert_int_equal(symlinkat("/tmp", t.fd, "nix/store"), 0);
        walk(&t, s, &link);
        assert_string_equal(link.data, "/\nnix/\nnix/store\nusr\nnix/store/ none\n");
        store_paths_free(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sorted_is_by_the_bytes_of_paths),
                cmocka_unit_test(test_sorted_of_an_empty_tree_is_its_root),
                cmocka_unit_test(test_sorted_comes_back_from_far_below),
                cmocka_unit_test(test_sorted_refuses_a_directory_that_was_exchanged),
                cmocka_unit_test(test_sorted_refuses_too_long_a_path),
                cmocka_unit_test(test_sorted_grafts_store_paths),
                cmocka_unit_test(test_sorted_shows_what_store_paths_would_hide),
                cmocka_unit_test(test_sorted_misses_the_directory_of_store_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
