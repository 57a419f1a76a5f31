/* SPDX-License-Identifier: Apache-2.0 */
/* Root trees in the making: names of archives, the inodes' table, and what a tree resolves and removes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "rootfs-image.h"
#include "rootfs-path.h"
#include "rootfs-tree.h"

static void test_normalise_path_takes_what_names_one_place(void **state) {
        static const char *const pairs[][2] = {
                { "usr/bin", "usr/bin" },
                { "./usr//bin/", "usr/bin" },
                { "/usr/./bin", "usr/bin" },
                { ".", "" },
                { "/", "" },
                { "", "" },
                { "...", "..." },
                { "a..b", "a..b" },
                { "\xff\n", "\xff\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                _cleanup_free_ char *path = NULL;
                const char *problem = NULL;
                assert_int_equal(root_normalise_path(pairs[i][0], &path, &problem), 0);
                assert_string_equal(path, pairs[i][1]);
        }
}

static void test_normalise_path_refuses_to_climb(void **state) {
        for (const char *const *p =
                        (const char *const[]){ "..", "../a", "a/..", "a/../b", "/..", "./..", NULL };
                *p; p++) {
                _cleanup_free_ char *path = NULL;
                const char *problem = NULL;
                assert_int_equal(root_normalise_path(*p, &path, &problem), -EINVAL);
                assert_non_null(problem);
                assert_null(path);
        }
}

static void test_normalise_path_counts_bytes(void **state) {
        char text[4200];

        for (size_t n = 254; n <= 256; n++) {
                _cleanup_free_ char *path = NULL;
                const char *problem;
                memset(text, 'a', n);
                text[n] = '\0';
                assert_int_equal(root_normalise_path(text, &path, &problem), n > 255 ? -EINVAL : 0);
        }
        for (size_t n = 4094; n <= 4097; n++) {
                _cleanup_free_ char *path = NULL;
                const char *problem;
                for (size_t i = 0; i < n; i++)
                        text[i] = i % 100 == 99 ? '/' : 'a';
                text[n] = '\0';
                assert_int_equal(root_normalise_path(text, &path, &problem), n > 4095 ? -EINVAL : 0);
        }
}

static void test_inode_map_keeps_what_was_put(void **state) {
        InodeMap m = {};

        assert_null(inode_map_get(&m, &(struct stat){ .st_ino = 1 }));
        for (uint64_t i = 0; i < 5000; i++) {
                struct stat st = { .st_dev = i % 3, .st_ino = i / 3 };
                assert_int_equal(inode_map_put(&m, &st, i), 0);
                assert_int_equal(inode_map_put(&m, &st, i + 1), 0);
        }
        assert_int_equal(m.n, 5000);
        for (uint64_t i = 0; i < 5000; i++) {
                const uint64_t *value =
                        inode_map_get(&m, &(struct stat){ .st_dev = i % 3, .st_ino = i / 3 });
                assert_non_null(value);
                assert_int_equal(*value, i + 1);
        }
        assert_null(inode_map_get(&m, &(struct stat){ .st_dev = 3, .st_ino = 1 }));
        inode_map_done(&m);
        assert_null(m.entries);
}

static void test_image_names_match_as_docker_reads_them(void **state) {
        static const struct {
                const char *name, *wanted;
                bool same;
        } cases[] = {
                { "web:1", "web:1", true },
                { "web:latest", "web", true },
                { "docker.io/library/web:latest", "web", true },
                { "web:latest", "docker.io/library/web:latest", true },
                { "localhost:5000/web:latest", "localhost:5000/web", true },
                { "latest", "latest", true },
                { "web:1", "web", false },
                { "webserver:latest", "web", false },
                { "web:latest", "we", false },
                { "web:1:latest", "web:1", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(image_name_matches(cases[i].name, cases[i].wanted), cases[i].same);
}

typedef struct Place {
        char path[32];
        RootTree tree;
} Place;

static void place_make(Place *p) {
        (void)strcpy(p->path, "/tmp/test-rootfs.XXXXXX");
        assert_non_null(mkdtemp(p->path));
        p->tree.fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p->tree.fd >= 0);
}

static void place_done(Place *p) {
        assert_int_equal(root_empty(p->tree.fd, NULL), 0);
        assert_int_equal(rmdir(p->path), 0);
        close_fd(p->tree.fd);
        root_tree_done(&p->tree);
}

static void test_open_parent_makes_directories_within_links(void **state) {
        Place p = {};
        struct stat st;
        const char *name;

        place_make(&p);
        assert_int_equal(mkdirat(p.tree.fd, "usr", 0755), 0);
        assert_int_equal(symlinkat("/../../usr", p.tree.fd, "lib"), 0);
        assert_int_equal(symlinkat("/etc", p.tree.fd, "out"), 0);
        _cleanup_close_ int fd = -EBADF, none = -EBADF;
        assert_int_equal(root_open_parent(&p.tree, "lib/a/b/file", false, &none, &name), -ENOENT);
        assert_null(p.tree.message);
        assert_int_equal(root_open_parent(&p.tree, "lib/a/b/file", true, &fd, &name), 0);
        assert_string_equal(name, "file");
        assert_int_equal(fstatat(p.tree.fd, "usr/a/b", &st, 0), 0);
        /* /etc is there outside, and not in the tree. */
        assert_int_equal(access("/etc", F_OK), 0);
        assert_int_equal(root_open_parent(&p.tree, "out/file", true, &none, &name), -ENOENT);
        assert_non_null(strstr(p.tree.message, "leads nowhere in the tree"));
        place_done(&p);
}

static void test_empty_removes_what_is_deeper_than_a_path_is_long(void **state) {
        char name[201];
        Place p = {};

        memset(name, 'd', 200);
        name[200] = '\0';
        place_make(&p);
        int at = dup(p.tree.fd);
        for (unsigned depth = 0; depth < 100; depth++) {
                assert_int_equal(mkdirat(at, name, 0700), 0);
                int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close_fd(at);
                at = next;
        }
        close_fd(at);
        place_done(&p); /* which fails where anything is left */
}

static void test_remove_follows_no_link_and_keeps_the_layer(void **state) {
        Place p = { .tree.layered = true }, other = {};

        place_make(&p);
        place_make(&other);
        assert_int_equal(mkdirat(other.tree.fd, "precious", 0755), 0);
        assert_int_equal(mkdirat(p.tree.fd, "d", 0755), 0);
        _cleanup_close_ int d = openat(p.tree.fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(symlinkat(other.path, d, "link"), 0);
        assert_int_equal(mkdirat(d, "mine", 0755), 0);
        assert_int_equal(mkdirat(d, "lower", 0755), 0);
        assert_int_equal(root_layer_add(&p.tree, d, "mine"), 0);
        assert_int_equal(root_remove(p.tree.fd, "d", &p.tree.layer), 0);
        assert_int_equal(faccessat(d, "mine", F_OK, 0), 0);
        assert_int_equal(faccessat(d, "lower", F_OK, 0), -1);
        assert_int_equal(faccessat(d, "link", F_OK, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(faccessat(other.tree.fd, "precious", F_OK, 0), 0);
        assert_int_equal(root_remove(p.tree.fd, "d", NULL), 0);
        assert_int_equal(root_remove(p.tree.fd, "d", NULL), -ENOENT);
        place_done(&p);
        place_done(&other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_normalise_path_takes_what_names_one_place),
                cmocka_unit_test(test_normalise_path_refuses_to_climb),
                cmocka_unit_test(test_normalise_path_counts_bytes),
                cmocka_unit_test(test_inode_map_keeps_what_was_put),
                cmocka_unit_test(test_image_names_match_as_docker_reads_them),
                cmocka_unit_test(test_open_parent_makes_directories_within_links),
                cmocka_unit_test(test_empty_removes_what_is_deeper_than_a_path_is_long),
                cmocka_unit_test(test_remove_follows_no_link_and_keeps_the_layer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
