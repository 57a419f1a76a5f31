/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which drop-ins apply, in directories made for the test: order, masks, and what becomes of files that
 * cannot be believed. That the order is systemd's is for test_dropins.py to show.
 */

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dropin-find.h"
#include "strbuf.h"

typedef struct Place {
        char path[32]; /* with etc/ and usr/ in it, the search path */
        DropinIndex *index;
} Place;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void place_done(Place *p) {
        dropin_index_free(p->index);
        (void)nftw(p->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
#define _cleanup_place_ _cleanup_(place_done)

static char *below(const Place *p, const char *name) {
        char *path;

        assert_true(asprintf(&path, "%s/%s", p->path, name) > 0);
        return path;
}

/* Makes a file (content), a link ("-> TARGET") or a directory (name ends in "/"), and what it is in. */
static void make(const Place *p, const char *name, const char *content) {
        _cleanup_free_ char *path = below(p, name);

        for (char *s = path + 1; (s = strchr(s, '/')); s++) {
                *s = '\0';
                (void)mkdir(path, 0755);
                *s = '/';
        }
        if (endswith(path, "/"))
                return;
        if (startswith(content, "-> ")) {
                assert_int_equal(symlink(content + 3, path), 0);
                return;
        }
        _cleanup_fclose_ FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(content, f) >= 0);
}

static Place place(void) {
        Place p = { .path = "/tmp/dropin-find-XXXXXX" };
        char dirs[128];

        assert_non_null(mkdtemp(p.path));
        (void)snprintf(dirs, sizeof(dirs), "%s/etc:relative:%s/usr:%s/absent", p.path, p.path, p.path);
        assert_int_equal(setenv("NUCLEUS_UNIT_DIRS", dirs, true), 0);
        make(&p, "etc/", NULL);
        make(&p, "usr/", NULL);
        return p;
}

/* "PATH VALUE…\n" for each file that applies, then "! PATH:LINE: MESSAGE\n" for each error. */
static char *find(Place *p, const char *service) {
        _cleanup_diagnostics_ Diagnostics diag = {};
        _cleanup_free_ const DropinFile **files = NULL;
        _cleanup_strbuf_ StrBuf b = {};
        size_t n = 0;
        char *s = NULL;

        if (!p->index)
                assert_int_equal(dropin_index_new(SCOPE_SYSTEM, &p->index), 0);
        int k = dropin_index_find(p->index, service, &files, &n, &diag);
        assert_int_equal(k, diag.n_errors ? -EINVAL : 0);
        assert_true((n == 0) == !files);

        for (size_t i = 0; i < n; i++) {
                strbuf_puts(&b, files[i]->path + strlen(p->path) + 1);
                for (size_t j = 0; j < files[i]->n; j++)
                        strbuf_printf(&b, " %s=%s", files[i]->items[j].key, files[i]->items[j].value);
                strbuf_putc(&b, '\n');
        }
        for (size_t i = 0; i < diag.n; i++) {
                _cleanup_free_ char *line = NULL;
                assert_string_equal(diag.items[i].service, service);
                assert_int_equal(diagnostic_format(&diag.items[i], &line), 0);
                strbuf_printf(&b, "! %s\n", line + strlen(p->path) + 1);
        }
        assert_int_equal(strbuf_finish(&b, &s), 0);
        return s;
}

static void assert_found(Place *p, const char *service, const char *expected) {
        _cleanup_free_ char *s = find(p, service);
        assert_string_equal(s, expected);
}

static void assert_refused(Place *p, const char *service, const char *beginning) {
        _cleanup_free_ char *s = find(p, service);
        if (!startswith(s, beginning))
                fail_msg("%s", s);
}

#define TEXT(value) "[X-Nucleus]\nA=" value "\n"

/* ---- order ---- */

static void test_dropin_find_gives_nothing_where_there_is_none(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/other.service.d/a.conf", TEXT("1"));
        make(&p, "etc/nucleus-web.service", "");
        make(&p, "etc/nucleus-web.socket.d/a.conf", TEXT("1"));
        make(&p, "etc/nucleus.service.d/a.conf", TEXT("1"));
        make(&p, "etc/nucleus-we.service.d/a.conf", TEXT("1"));
        make(&p, "etc/nucleus-web-.service.d/a.conf", TEXT("1"));
        assert_found(&p, "web", "");
}

static void test_dropin_find_sorts_by_name_alone(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-web.service.d/b.conf", TEXT("2"));
        make(&p, "usr/nucleus-.service.d/a.conf", TEXT("1"));
        make(&p, "usr/service.d/c.conf", TEXT("3"));
        make(&p, "etc/nucleus-.service.d/B.conf", TEXT("0"));
        make(&p, "etc/nucleus-.service.d/.hidden.conf", TEXT("9"));
        make(&p, "etc/nucleus-.service.d/a.conf~", TEXT("9"));
        make(&p, "etc/nucleus-.service.d/a.toml", TEXT("9"));
        assert_found(&p, "web",
                "etc/nucleus-.service.d/B.conf A=0\nusr/nucleus-.service.d/a.conf A=1\n"
                "etc/nucleus-web.service.d/b.conf A=2\nusr/service.d/c.conf A=3\n");
        assert_found(&p, "db",
                "etc/nucleus-.service.d/B.conf A=0\nusr/nucleus-.service.d/a.conf A=1\n"
                "usr/service.d/c.conf A=3\n");
}

static void test_dropin_find_lets_the_search_path_win_over_the_longer_prefix(void **state) {
        static const char *const order[] = {
                "etc/nucleus-a-b.service.d",
                "etc/nucleus-a-.service.d",
                "etc/nucleus-.service.d",
                "usr/nucleus-a-b.service.d",
                "usr/nucleus-a-.service.d",
                "usr/nucleus-.service.d",
                "etc/service.d",
                "usr/service.d",
        };

        /* The first that is there: each is made, and before it all that come after. */
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                _cleanup_place_ Place p = place();
                _cleanup_free_ char *expected = NULL;

                for (size_t j = i; j < ELEMENTSOF(order); j++) {
                        _cleanup_free_ char *name = NULL;
                        assert_true(asprintf(&name, "%s/x.conf", order[j]) > 0);
                        make(&p, name, TEXT("1"));
                }
                assert_true(asprintf(&expected, "%s/x.conf A=1\n", order[i]) > 0);
                assert_found(&p, "a-b", expected);
        }
}

static void test_dropin_find_knows_every_prefix(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-a--b-.service.d/4.conf", TEXT("4"));
        make(&p, "etc/nucleus-a--.service.d/3.conf", TEXT("3"));
        make(&p, "etc/nucleus-a-.service.d/2.conf", TEXT("2"));
        make(&p, "etc/nucleus-.service.d/1.conf", TEXT("1"));
        make(&p, "etc/nucleus-a.service.d/5.conf", TEXT("5"));
        assert_found(&p, "a--b-",
                "etc/nucleus-.service.d/1.conf A=1\netc/nucleus-a-.service.d/2.conf A=2\n"
                "etc/nucleus-a--.service.d/3.conf A=3\netc/nucleus-a--b-.service.d/4.conf A=4\n");
        assert_found(&p, "a", "etc/nucleus-.service.d/1.conf A=1\netc/nucleus-a.service.d/5.conf A=5\n");
}

static void test_dropin_find_lets_the_same_name_mask(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-web.service.d/null.conf", "-> /dev/null");
        make(&p, "etc/nucleus-web.service.d/empty.conf", "");
        make(&p, "etc/nucleus-web.service.d/foreign.conf", "[Service]\nMemoryMax=1G\n");
        make(&p, "etc/nucleus-web.service.d/link.conf", "-> ../../x");
        make(&p, "x", TEXT("2"));
        make(&p, "usr/nucleus-web.service.d/null.conf", TEXT("1"));
        make(&p, "usr/nucleus-web.service.d/empty.conf", TEXT("1"));
        make(&p, "usr/nucleus-web.service.d/foreign.conf", TEXT("1"));
        make(&p, "usr/nucleus-web.service.d/link.conf", TEXT("1"));
        assert_found(&p, "web",
                "etc/nucleus-web.service.d/foreign.conf\netc/nucleus-web.service.d/link.conf A=2\n");
}

static void test_dropin_find_reads_each_file_once(void **state) {
        _cleanup_place_ Place p = place();
        _cleanup_diagnostics_ Diagnostics diag = {};
        _cleanup_free_ const DropinFile **a = NULL, **b = NULL;
        size_t n_a = 0, n_b = 0;

        make(&p, "etc/nucleus-.service.d/x.conf", TEXT("1"));
        assert_found(&p, "web", "etc/nucleus-.service.d/x.conf A=1\n");

        /* What is written from now on is for the next run. */
        make(&p, "etc/nucleus-.service.d/x.conf", TEXT("2"));
        make(&p, "etc/nucleus-.service.d/y.conf", TEXT("2"));
        make(&p, "etc/nucleus-db.service.d/z.conf", TEXT("2"));
        assert_found(&p, "db", "etc/nucleus-.service.d/x.conf A=1\n");
        assert_int_equal(dropin_index_find(p.index, "web", &a, &n_a, &diag), 0);
        assert_int_equal(dropin_index_find(p.index, "db", &b, &n_b, &diag), 0);
        assert_ptr_equal(a[0], b[0]);
}

/* ---- what is not believed ---- */

static void test_dropin_find_tells_what_is_wrong_for_every_service_that_is_concerned(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-a-.service.d/x.conf", "[X-Nucleus]\n\nA\n");
        make(&p, "etc/nucleus-a-.service.d/y.conf", TEXT("1"));
        for (int i = 0; i < 2; i++) {
                assert_found(&p, i ? "a-b" : "a-c",
                        "etc/nucleus-a-.service.d/y.conf A=1\n"
                        "! etc/nucleus-a-.service.d/x.conf:3: the line has no \"=\": write KEY=VALUE\n");
                assert_found(&p, "b", "");
        }
}

static void change_mode(const Place *p, const char *name, mode_t mode) {
        _cleanup_free_ char *path = below(p, name);
        assert_int_equal(chmod(path, mode), 0);
}

static void test_dropin_find_refuses_what_others_may_write(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-web.service.d/x.conf", TEXT("1"));
        make(&p, "etc/nucleus-db.service.d/x.conf", TEXT("1"));
        change_mode(&p, "etc/nucleus-web.service.d/x.conf", 0664);
        change_mode(&p, "etc/nucleus-db.service.d", 0757);
        assert_refused(&p, "web",
                "! etc/nucleus-web.service.d/x.conf: cannot take this drop-in: the file may be written by "
                "its group "
                "or by others");
        assert_refused(&p, "db",
                "! etc/nucleus-db.service.d: no drop-in here may be believed: the directory may be written "
                "by");
}

static void test_dropin_find_refuses_what_is_somebody_elses(void **state) {
        if (geteuid() != 0)
                skip();

        _cleanup_place_ Place p = place();
        make(&p, "etc/nucleus-web.service.d/x.conf", TEXT("1"));
        make(&p, "etc/nucleus-web.service.d/empty.conf", "");
        _cleanup_free_ char *x = below(&p, "etc/nucleus-web.service.d/x.conf"),
                            *empty = below(&p, "etc/nucleus-web.service.d/empty.conf");
        assert_int_equal(chown(x, 12345, 0), 0);
        assert_refused(&p, "web",
                "! etc/nucleus-web.service.d/x.conf: cannot take this drop-in: the file belongs to a user "
                "other");

        /* An empty file of somebody's masks nothing. */
        make(&p, "usr/nucleus-web.service.d/empty.conf", TEXT("1"));
        assert_int_equal(chown(empty, 12345, 0), 0);
        p.index = dropin_index_free(p.index);
        assert_refused(&p, "web",
                "! etc/nucleus-web.service.d/empty.conf: cannot take this drop-in: the file belongs");
}

static void test_dropin_find_refuses_what_is_no_file(void **state) {
        static const struct {
                const char *name, *content, *error;
        } cases[] = {
                { "x.conf/", NULL, "it is a directory, not a regular file" },
                { "x.conf", "-> absent", "No such file or directory" },
                { "x.conf", "-> x.conf", "Too many levels of symbolic links" },
                { "x.conf", "-> /dev/zero", "it is a device, not a regular file" },
                { "x.conf", "-> ../../fifo", "it is a FIFO, not a regular file" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_place_ Place p = place();
                _cleanup_free_ char *name = NULL, *expected = NULL, *fifo = below(&p, "fifo");

                assert_int_equal(mkfifo(fifo, 0600), 0);
                assert_true(asprintf(&name, "etc/nucleus-web.service.d/%s", cases[i].name) > 0);
                make(&p, name, cases[i].content);
                assert_true(asprintf(&expected,
                                    "! etc/nucleus-web.service.d/x.conf: cannot take this drop-in: %s\n",
                                    cases[i].error) > 0);
                assert_found(&p, "web", expected);
        }
}

static void test_dropin_find_refuses_a_file_beyond_the_limit(void **state) {
        _cleanup_place_ Place p = place();
        _cleanup_free_ char *path = below(&p, "etc/nucleus-web.service.d/x.conf");

        make(&p, "etc/nucleus-web.service.d/x.conf", TEXT("1"));
        assert_int_equal(truncate(path, DROPIN_FILE_MAX + 1), 0);
        assert_refused(&p, "web",
                "! etc/nucleus-web.service.d/x.conf: cannot take this drop-in: it is larger than 1 MiB\n");
}

static void test_dropin_find_takes_a_link_to_nothing_for_no_directory(void **state) {
        _cleanup_place_ Place p = place();

        make(&p, "etc/nucleus-web.service.d", "-> absent");
        make(&p, "etc/nucleus-.service.d", "-> ../elsewhere");
        make(&p, "elsewhere/x.conf", TEXT("1"));
        make(&p, "usr/nucleus-web.service.d", "a file");
        assert_found(&p, "web", "etc/nucleus-.service.d/x.conf A=1\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dropin_find_gives_nothing_where_there_is_none),
                cmocka_unit_test(test_dropin_find_sorts_by_name_alone),
                cmocka_unit_test(test_dropin_find_lets_the_search_path_win_over_the_longer_prefix),
                cmocka_unit_test(test_dropin_find_knows_every_prefix),
                cmocka_unit_test(test_dropin_find_lets_the_same_name_mask),
                cmocka_unit_test(test_dropin_find_reads_each_file_once),
                cmocka_unit_test(test_dropin_find_tells_what_is_wrong_for_every_service_that_is_concerned),
                cmocka_unit_test(test_dropin_find_refuses_what_others_may_write),
                cmocka_unit_test(test_dropin_find_refuses_what_is_somebody_elses),
                cmocka_unit_test(test_dropin_find_refuses_what_is_no_file),
                cmocka_unit_test(test_dropin_find_refuses_a_file_beyond_the_limit),
                cmocka_unit_test(test_dropin_find_takes_a_link_to_nothing_for_no_directory),
        };

        (void)umask(0022);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
