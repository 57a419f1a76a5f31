/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation over small trees: writing and verifying agree, and each kind of change is found and named. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest-tree.h"
#include "tree-follow.h"

static void test_attest_verifies_what_it_wrote(void **state) {
        for (int version = 1; version <= 2; version++) {
                TREE(t);
                struct stat st;

                assert_written(&t, version);
                assert_fine(&t);
                assert_int_equal(fstatat(t.fd, ATTEST_MANIFEST_NAME, &st, 0), 0);
                assert_int_equal(st.st_mode, S_IFREG | 0444);
                /* Again: a manifest is no part of its tree. */
                assert_written(&t, 3 - version);
                assert_fine(&t);
                assert_int_equal(faccessat(t.fd, ATTEST_MANIFEST_NAME ".new", F_OK, 0), -1);
        }
}

static void test_attest_v1_lists_what_links_lead_to(void **state) {
        char text[1024] = {};
        TREE(t);

        assert_written(&t, 1);
        _cleanup_close_ int fd = openat(t.fd, ATTEST_MANIFEST_NAME, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        const char *const names[] = { "bin/alias", "bin/tool", "etc/conf", "usr/bin/alias", "usr/bin/tool" };
        char *line = text;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_true(strlen(line) > 65);
                char *end = strchr(line, '\n');
                *end = '\0';
                assert_string_equal(line + 65, names[i]);
                line = end + 1;
        }
        assert_string_equal(line, "");
}

static void test_attest_finds_each_change_of_content(void **state) {
        for (int version = 1; version <= 2; version++) {
                TREE(t);
                assert_written(&t, version);

                put(&t, "etc/conf", "a = 2\n");
                assert_mismatch(&t, NULL, "etc/conf", NULL, "content");
                put(&t, "etc/conf", "a = 1\n");
                assert_fine(&t);
                put(&t, "etc/more", "");
                assert_mismatch(&t, NULL, NULL, "etc/more", "1 extra (etc/more)");
                assert_int_equal(unlinkat(t.fd, "etc/more", 0), 0);
                assert_int_equal(unlinkat(t.fd, "etc/conf", 0), 0);
                assert_mismatch(&t, "etc/conf", NULL, NULL, "1 missing (etc/conf)");
        }
}

static void test_attest_v2_finds_what_content_does_not_show(void **state) {
        TREE(t);
        assert_written(&t, 2);

        assert_int_equal(fchmodat(t.fd, "usr/bin/tool", 04755, 0), 0);
        assert_mismatch(&t, NULL, "usr/bin/tool", NULL, "mode is 4755, not 0644");
        assert_int_equal(fchmodat(t.fd, "usr/bin/tool", 0644, 0), 0);

        assert_int_equal(unlinkat(t.fd, "empty", AT_REMOVEDIR), 0);
        assert_mismatch(&t, "empty", NULL, NULL, NULL);
        assert_int_equal(mkdirat(t.fd, "empty", 0755), 0);
        assert_fine(&t);

        put_link(&t, "tool", "etc/new");
        assert_mismatch(&t, NULL, NULL, "etc/new", NULL);
        assert_int_equal(unlinkat(t.fd, "etc/new", 0), 0);

        /* The same content by another way. */
        assert_int_equal(unlinkat(t.fd, "usr/bin/alias", 0), 0);
        put_link(&t, "./tool", "usr/bin/alias");
        assert_mismatch(&t, NULL, "usr/bin/alias", NULL, "target is ./tool, not tool");
}

static void test_attest_v2_covers_extended_attributes(void **state) {
        char path[64];
        TREE(t);

        (void)snprintf(path, sizeof(path), "%s/etc/conf", t.dir);
        if (setxattr(path, "user.test", "a", 1, 0) < 0)
                skip(); /* a file system without them */
        assert_written(&t, 2);
        assert_fine(&t);
        assert_int_equal(setxattr(path, "user.test", "b", 1, 0), 0);
        assert_mismatch(
                &t, NULL, "etc/conf", NULL, "extended attributes are user.test 62, not user.test 61");
        assert_int_equal(removexattr(path, "user.test"), 0);
        assert_mismatch(&t, NULL, "etc/conf", NULL, "extended attributes are none");
}

static void test_attest_writes_no_special_file(void **state) {
        for (int version = 1; version <= 2; version++) {
                _cleanup_attest_report_ AttestReport report = {};
                TREE(t);

                assert_int_equal(mkfifoat(t.fd, "etc/fifo", 0644), 0);
                assert_int_equal(attest_write(t.fd, version, NULL, &report), -EBADMSG);
                assert_list(&report.extra, "etc/fifo");
                assert_string_equal(report.extra.items[0].what, "FIFO");
                assert_int_equal(faccessat(t.fd, ATTEST_MANIFEST_NAME, F_OK, 0), -1);
        }
}

static void test_attest_v1_refuses_links_that_loop_or_leave(void **state) {
        static const char *const targets[] = { "loop", "../../../etc/passwd", "../bin/../../../x" };

        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                _cleanup_attest_report_ AttestReport report = {};
                TREE(t);

                assert_written(&t, 1);
                put_link(&t, targets[i], "etc/loop");
                assert_mismatch(&t, NULL, NULL, "etc/loop", NULL);
                assert_int_equal(attest_write(t.fd, 1, NULL, &report), -EBADMSG);
                assert_list(&report.extra, "etc/loop");
                assert_non_null(strstr(report.message, i == 0 ? "loops" : "leaves the root"));
        }
}

static void test_attest_v1_does_not_enter_an_ancestor(void **state) {
        TREE(t);
        put_link(&t, ".", "usr/bin/X11");
        put_link(&t, "/usr", "etc/usr");
        put_link(&t, "/etc", "usr/etc");
        assert_written(&t, 1);
        assert_fine(&t);
}

/* Which of the expected names a walk met, and as what. */
typedef struct Met {
        const char *path;
        mode_t type;
        bool met;
} Met;

static int note_met(const WalkEntry *e, void *userdata) {
        for (Met *m = userdata; m->path; m++)
                if (streq(m->path, e->path) && (e->st.st_mode & S_IFMT) == m->type && !e->problem)
                        m->met = true;
        return 0;
}

static void test_follow_turns_to_the_nix_store(void **state) {
        Met all[] = {
                { "sbin/run", S_IFREG, false },        /* through a link to a directory of the store */
                { "sbin/other", S_IFREG, false },      /* from store path to store path */
                { "sbin/up", S_IFREG, false },         /* relative, within the store */
                { "sbin/passwd", S_IFLNK, false },     /* in the store, /etc is the tree's: not there */
                { "etc/absent", S_IFLNK, false },      /* neither in the tree nor in the store */
                { "nix/store/own/f", S_IFREG, false }, /* what the tree has itself comes first */
                { "etc/own", S_IFREG, false },
                {},
        };
        TREE(t);
        TREE(store);

        for (const char *const *d = (const char *const[]){ "pkg", "pkg/bin", "lib", NULL }; *d; d++)
                assert_int_equal(mkdirat(store.fd, *d, 0755), 0);
        put(&store, "pkg/bin/run", "run\n");
        put(&store, "lib/x", "x\n");
        put_link(&store, "/nix/store/lib/x", "pkg/bin/other");
        put_link(&store, "../../lib/x", "pkg/bin/up");
        put_link(&store, "/etc/passwd", "pkg/bin/passwd");
        put_link(&t, "/nix/store/pkg/bin", "sbin");
        put_link(&t, "/nix/store/none/bin", "etc/absent");
        for (const char *const *d =
                        (const char *const[]){ "nix", "nix/store", "nix/store/pkg", "nix/store/own", NULL };
                *d; d++)
                assert_int_equal(mkdirat(t.fd, *d, 0755), 0);
        put(&t, "nix/store/own/f", "");
        put_link(&t, "/nix/store/own/f", "etc/own");

        assert_int_equal(tree_follow(t.fd, store.fd, note_met, all, NULL), 0);
        for (const Met *m = all; m->path; m++)
                if (!m->met)
                        fail_msg("%s was not met", m->path);

        /* Without a store the same link leads nowhere. */
        Met none[] = { { "sbin", S_IFLNK, false }, {} };
        assert_int_equal(tree_follow(t.fd, -EBADF, note_met, none, NULL), 0);
        assert_true(none[0].met);
}

static void test_attest_v1_bounds_names_through_links(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        char name[16], target[16];
        TREE(t);

        /* d0/{a,b} -> d1, d1/{a,b} -> d2, …: two to the thirtieth names. */
        for (int i = 0; i < 30; i++) {
                (void)snprintf(name, sizeof(name), "d%02d", i);
                assert_int_equal(mkdirat(t.fd, name, 0755), 0);
                (void)snprintf(target, sizeof(target), "/d%02d", i + 1);
                (void)snprintf(name, sizeof(name), "d%02d/a", i);
                put_link(&t, target, name);
                (void)snprintf(name, sizeof(name), "d%02d/b", i);
                put_link(&t, target, name);
        }
        assert_int_equal(mkdirat(t.fd, "d30", 0755), 0);
        assert_int_equal(attest_write(t.fd, 1, NULL, &report), -E2BIG);
        assert_non_null(strstr(report.message, "too many names"));
}

static void test_attest_pin_refuses_before_looking(void **state) {
        _cleanup_attest_report_ AttestReport wrong = {}, right = {}, none = {};
        AttestOptions options = {};
        char pin[SHA256_HEX_SIZE];
        TREE(t);

        assert_int_equal(attest_verify(t.fd, NULL, &none), -ENOENT);
        assert_int_equal(attest_write(t.fd, 2, NULL, &right), 0);
        memcpy(pin, right.digest, sizeof(pin));
        options.pin = pin;
        attest_report_done(&right);
        assert_int_equal(attest_verify(t.fd, &options, &right), 0);
        pin[0] = pin[0] == '0' ? '1' : '0';
        assert_int_equal(attest_verify(t.fd, &options, &wrong), -EKEYREJECTED);
        assert_int_equal(wrong.done.entries, 0);
}

static void test_attest_manifest_must_be_a_file(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        TREE(t);

        assert_written(&t, 2);
        assert_int_equal(renameat(t.fd, ATTEST_MANIFEST_NAME, t.fd, "etc/m"), 0);
        put_link(&t, "etc/m", ATTEST_MANIFEST_NAME);
        assert_int_equal(attest_verify(t.fd, NULL, &report), -EINVAL);
        assert_non_null(strstr(report.message, "symbolic link"));
}

static void test_attest_replaces_a_planted_temporary(void **state) {
        struct stat st;
        TREE(t);

        put_link(&t, "/etc/passwd", ATTEST_MANIFEST_NAME ".new");
        assert_written(&t, 2);
        assert_fine(&t);
        assert_int_equal(fstatat(t.fd, ATTEST_MANIFEST_NAME ".new", &st, AT_SYMLINK_NOFOLLOW), -1);
}

static void test_attest_lists_are_bounded(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        char name[32];
        TREE(t);

        assert_written(&t, 2);
        for (int i = 49; i >= 0; i--) {
                (void)snprintf(name, sizeof(name), "etc/x%02d", i);
                put(&t, name, "");
        }
        assert_int_equal(attest_verify(t.fd, NULL, &report), -EBADMSG);
        assert_int_equal(report.extra.count, 50);
        assert_int_equal(report.extra.n, ATTEST_LIST_DEFAULT);
        assert_string_equal(report.extra.items[0].path, "etc/x00");
        assert_string_equal(report.extra.items[4].path, "etc/x04");
}

static void test_attest_message_forges_no_line(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        TREE(t);

        assert_written(&t, 2);
        put(&t, "etc/a\nb\x1b[31m\xff", "");
        assert_int_equal(attest_verify(t.fd, NULL, &report), -EBADMSG);
        for (const char *p = report.message; *p; p++)
                assert_in_range(*p, ' ', '~');
        assert_non_null(strstr(report.message, "etc/a\\x0ab\\x1b[31m\\xff"));
}

static void test_attest_notes_privileged_files(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        TREE(t);

        assert_int_equal(fchmodat(t.fd, "usr/bin/tool", 04755, 0), 0);
        assert_int_equal(attest_write(t.fd, 2, NULL, &report), 0);
        assert_list(&report.privileged, "usr/bin/tool");
        assert_string_equal(report.privileged.items[0].what, "setuid");
}

static void test_attest_refuses_a_depth_beyond_paths(void **state) {
        _cleanup_attest_report_ AttestReport report = {};
        char name[201] = {};
        TREE(t);

        memset(name, 'd', 200);
        _cleanup_close_ int fd = openat(t.fd, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < 25; i++) {
                assert_int_equal(mkdirat(fd, name, 0755), 0);
                int next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close_fd(fd);
                fd = next;
        }
        assert_int_equal(attest_write(t.fd, 2, NULL, &report), -ENAMETOOLONG);
        assert_non_null(strstr(report.message, "more than 4095 bytes"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_attest_verifies_what_it_wrote),
                cmocka_unit_test(test_attest_v1_lists_what_links_lead_to),
                cmocka_unit_test(test_attest_finds_each_change_of_content),
                cmocka_unit_test(test_attest_v2_finds_what_content_does_not_show),
                cmocka_unit_test(test_attest_v2_covers_extended_attributes),
                cmocka_unit_test(test_attest_writes_no_special_file),
                cmocka_unit_test(test_attest_v1_refuses_links_that_loop_or_leave),
                cmocka_unit_test(test_attest_v1_does_not_enter_an_ancestor),
                cmocka_unit_test(test_follow_turns_to_the_nix_store),
                cmocka_unit_test(test_attest_v1_bounds_names_through_links),
                cmocka_unit_test(test_attest_pin_refuses_before_looking),
                cmocka_unit_test(test_attest_manifest_must_be_a_file),
                cmocka_unit_test(test_attest_replaces_a_planted_temporary),
                cmocka_unit_test(test_attest_lists_are_bounded),
                cmocka_unit_test(test_attest_message_forges_no_line),
                cmocka_unit_test(test_attest_notes_privileged_files),
                cmocka_unit_test(test_attest_refuses_a_depth_beyond_paths),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
