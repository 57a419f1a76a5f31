/* SPDX-License-Identifier: Apache-2.0 */
/* passwd(5) and group(5): what a line means, and that one that is wrong is never taken for root. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user-db.h"

#define UNSET 77U

/* What passwd_find_name() says of "web" in a text, and the ids that it gave. */
typedef struct Found {
        int r;
        uint32_t uid, gid;
        unsigned line;
} Found;

static Found find_user(const char *text, size_t n) {
        Found f = { .uid = UNSET, .gid = UNSET };

        f.r = passwd_find_name(text, n, "web", &f.uid, &f.gid, &f.line);
        if (f.r < 0 && (f.uid != UNSET || f.gid != UNSET))
                fail_msg("ids set in spite of an error: %s", text);
        return f;
}

static void test_user_is_found_by_name(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t uid, gid;
        } rows[] = {
                { "web:x:1000:1001::/:/bin/sh", 1000, 1001 },
                { "web:x:1000:1001::/:/bin/sh\n", 1000, 1001 },
                { "web::0:0:::\n", 0, 0 },
                { "root:x:0:0::/:/bin/sh\n\nweb:*:1:2:A, B:/home/web:\n", 1, 2 },
                { "webs:x:5:5::/:/\nwe:x:6:6::/:/\nweb:x:7:8::/:/\n", 7, 8 },
                { "web:x:4294967294:4294967294::/:/\n", 4294967294, 4294967294 },
                { "web:x:1:2::/:/\nweb:x:0:0::/:/\n", 1, 2 },          /* the first counts */
                { "bad\nweb2:x:::\n:::::::\nweb:x:1:2::/:/\n", 1, 2 }, /* others' errors are theirs */
                { "#web:x:0:0::/:/\n+web:x:0:0::/:/\n-web:x:0:0::/:/\n+\n-\n+::::::\nweb:x:1:2::/:/", 1, 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Found f = find_user(rows[i].text, strlen(rows[i].text));
                assert_int_equal(f.r, 0);
                assert_int_equal(f.uid, rows[i].uid);
                assert_int_equal(f.gid, rows[i].gid);
        }
}

static void test_user_of_a_wrong_line_is_refused(void **state _unused_) {
        static const char *const bad[] = {
                "web",
                "web:",
                "web:x",
                "web:x:1000",
                "web:x:1000:1001",
                "web:x:1000:1001::/",
                "web:x:1000:1001::/:/bin/sh:",
                "web:x::1001::/:/bin/sh",
                "web:x:1000:::/:/bin/sh",
                "web:x:::::",
                "web:x:4294967295:1::/:/",
                "web:x:1:4294967295::/:/",
                "web:x:4294967296:4294967296::/:/",
                "web:x:18446744073709551616:1::/:/",
                "web:x:65536000000000000:1::/:/",
                "web:x:+5:1::/:/",
                "web:x:-4:1::/:/",
                "web:x: 5:1::/:/",
                "web:x:5 :1::/:/",
                "web:x:5:\t1::/:/",
                "web:x:05:1::/:/",
                "web:x:5:00::/:/",
                "web:x:0x10:1::/:/",
                "web:x:12a:1::/:/",
                "web:x:5:1\r::/:/",
                "web:x:root:root::/:/",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = NULL;
                /* One that is right, further down, does not mend it. */
                assert_true(asprintf(&text, "# accounts\n%s\nweb:x:1:2::/:/\n", bad[i]) > 0);
                Found f = find_user(text, strlen(text));
                if (f.r != -EINVAL)
                        fail_msg("taken: %s", bad[i]);
                assert_int_equal(f.line, 2);
        }
}

static void test_user_is_not_found(void **state _unused_) {
        static const char *const texts[] = { "", "\n", "\n\n\n", "#web:x:1:2::/:/\n", "+web:x:1:2::/:/\n",
                " web:x:1:2::/:/\n", "WEB:x:1:2::/:/\n", "a:web:1:2::/:/\n", ":x:1:2::/:/\n" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_int_equal(find_user(texts[i], strlen(texts[i])).r, -ESRCH);
}

/* Any bytes: of every prefix, in memory that ends with it, and with a NUL in every place. */
static void test_user_is_read_within_the_text(void **state _unused_) {
        static const char text[] = "root:x:0:0::/:/bin/sh\nweb:x:1000:1001::/:/bin/sh\n";
        const size_t begin = strlen("root:x:0:0::/:/bin/sh\n"), end = sizeof(text) - 1;

        for (size_t n = 0; n < sizeof(text); n++) {
                _cleanup_free_ char *copy = malloc(n ?: 1);
                assert_non_null(copy);
                memcpy(copy, text, n);
                Found f = find_user(copy, n);
                assert_true(f.r < 0 || (f.uid == 1000 && f.gid == 1001));
        }
        for (size_t i = begin; i + 1 < end; i++) {
                char copy[sizeof(text)];
                memcpy(copy, text, sizeof(text));
                copy[i] = '\0';
                assert_true(find_user(copy, end).r < 0);
        }
}

static void test_user_line_is_bounded(void **state _unused_) {
        const size_t rest = strlen("web:x:1000:1001::/:/");
        _cleanup_free_ char *text = malloc(USER_DB_LINE_MAX + 1);

        assert_non_null(text);
        memcpy(text, "web:x:1000:1001::/:/", rest);
        memset(text + rest, 'a', USER_DB_LINE_MAX + 1 - rest);
        assert_int_equal(find_user(text, USER_DB_LINE_MAX).r, 0);
        assert_int_equal(find_user(text, USER_DB_LINE_MAX + 1).r, -EINVAL);
}

static void test_user_is_found_by_id(void **state _unused_) {
        static const char text[] = "a:x:1:10::/:/\nb:x:2:20::/:/\nc:x:02:30::/:/\nd:x:4::::\ne:x:5:50::\n";
        uint32_t gid = UNSET;
        unsigned line = 0;

        assert_int_equal(passwd_find_uid(text, strlen(text), 2, &gid, &line), 0);
        assert_int_equal(gid, 20);
        gid = UNSET;
        assert_int_equal(passwd_find_uid(text, strlen(text), 0, &gid, &line), -ESRCH);
        assert_int_equal(passwd_find_uid(text, strlen(text), 10, &gid, &line), -ESRCH);
        assert_int_equal(passwd_find_uid(text, strlen(text), 4, &gid, &line), -EINVAL);
        assert_int_equal(line, 4);
        assert_int_equal(passwd_find_uid(text, strlen(text), 5, &gid, &line), -EINVAL);
        assert_int_equal(line, 5);
        assert_int_equal(gid, UNSET);
}

static void test_group_is_found_by_name(void **state _unused_) {
        static const struct {
                const char *text;
                int r;
                uint32_t gid;
        } rows[] = {
                { "root:x:0:\nweb:x:1001:\n", 0, 1001 },
                { "web:x:1001:a,b", 0, 1001 },
                { "web::0:", 0, 0 },
                { "#web:x:1:\n+web:x:1:\n-web:x:1:\n", -ESRCH, UNSET },
                { "other:x:1:web\n", -ESRCH, UNSET },
                { "web", -EINVAL, UNSET },
                { "web:x:5", -EINVAL, UNSET },
                { "web:x::", -EINVAL, UNSET },
                { "web:x:4294967295:", -EINVAL, UNSET },
                { "web:x:4294967296:", -EINVAL, UNSET },
                { "web:x:-1:", -EINVAL, UNSET },
                { "web:x:+1:", -EINVAL, UNSET },
                { "web:x: 1:", -EINVAL, UNSET },
                { "web:x:01:", -EINVAL, UNSET },
                { "web:x:1:a:b", -EINVAL, UNSET },
                { "web:x:1:a:b:c:d", -EINVAL, UNSET },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint32_t gid = UNSET;
                unsigned line = 0;
                int r = group_find_name(rows[i].text, strlen(rows[i].text), "web", &gid, &line);
                if (r != rows[i].r || gid != rows[i].gid)
                        fail_msg("%s: %d, gid %u", rows[i].text, r, gid);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_user_is_found_by_name),
                cmocka_unit_test(test_user_of_a_wrong_line_is_refused),
                cmocka_unit_test(test_user_is_not_found),
                cmocka_unit_test(test_user_is_read_within_the_text),
                cmocka_unit_test(test_user_line_is_bounded),
                cmocka_unit_test(test_user_is_found_by_id),
                cmocka_unit_test(test_group_is_found_by_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
