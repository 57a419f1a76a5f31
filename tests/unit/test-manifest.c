/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest text: what is taken comes back byte for byte, and whatever is not canonical is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manifest.h"

#define D "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define UPPER "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define HEAD MANIFEST_HEADER_V2 "\n"
#define ROOT "d 0755 0 0 - - .\n"

typedef struct Case {
        const char *text;
        size_t n; /* 0: strlen() */
        size_t line;
        const char *reason; /* part of it */
} Case;

/* The text again, from the entries. */
typedef struct Again {
        const ManifestParser *parser;
        StrBuf text;
} Again;

static int format(const ManifestEntry *e, void *userdata) {
        Again *a = userdata;

        if (a->text.len == 0 && a->parser->version == 2)
                strbuf_puts(&a->text, HEAD);
        manifest_format_entry(&a->text, a->parser->version, e);
        return 0;
}

static void assert_round_trip(const char *text, int version, size_t entries) {
        ManifestParser p = {};
        Again a = { .parser = &p };

        if (manifest_parse_text(&p, text, strlen(text), format, &a) < 0)
                fail_msg("line %zu: %s", p.line, p.reason);
        assert_int_equal(p.version, version);
        assert_int_equal(p.entries, entries);
        assert_string_equal(a.text.data ?: "", text);
        strbuf_done(&a.text);
}

static void assert_refused(const Case *c) {
        ManifestParser p = {};

        int r = manifest_parse_text(&p, c->text, c->n ?: strlen(c->text), NULL, NULL);
        if (r != -EINVAL || p.line != c->line || !strstr(p.reason, c->reason))
                fail_msg("%s\ngave %d, line %zu: %s", c->text, r, p.line, p.reason ?: "(none)");
}

static void test_manifest_v1_round_trip(void **state) {
        assert_round_trip("", 1, 0);
        assert_round_trip(D "\tbin/sh\n", 1, 1);
        /* A TAB or a space in a name is kept. */
        assert_round_trip(D "\ta\tb\n" D "\ta b\n", 1, 2);
}

static void test_manifest_v1_sorts_by_bytes(void **state) {
        assert_round_trip(D "\ta-b\n" D "\ta/b\n" D "\tab\n" D "\t\xc3\xa4\n", 1, 4);
}

static void test_manifest_v2_round_trip(void **state) {
        assert_round_trip(HEAD ROOT, 2, 1);
        assert_round_trip(HEAD ROOT "d 1777 0 0 - - a\n"
                                    "f 4755 0 65534 3 " D " a/b\n"
                                    "l 0777 0 0 - ../x\\x20y a/c\\x0a\n"
                                    "f 0644 1 2 0 " D " d security.capability 0102 user.a -\n",
                2, 5);
}

static int keep_path(const ManifestEntry *e, void *userdata) {
        char *path = userdata;

        (void)snprintf(path, 16, "%s", e->path);
        return 0;
}

static void test_manifest_v2_keeps_any_name(void **state) {
        const char text[] = HEAD ROOT "f 0644 0 0 3 " D " \\x0af\\x09\\x5c\\xff\n";
        ManifestParser p = {};
        char path[16];

        assert_int_equal(manifest_parse_text(&p, text, strlen(text), keep_path, path), 0);
        assert_string_equal(path, "\nf\t\\\xff");
        assert_int_equal(p.bytes, 3);
}

static int keep_fsverity(const ManifestEntry *e, void *userdata) {
        ManifestEntry *kept = userdata;

        if (e->has_fsverity)
                *kept = *e;
        return 0;
}

static void test_manifest_v2_has_fsverity_beside_attributes(void **state) {
        const char text[] = HEAD ROOT "f 0644 0 0 3 " D " a fsverity.sha256 " D " user.a 00\n";
        ManifestParser p = {};
        uint8_t digest[SHA256_SIZE];
        ManifestEntry e = {};

        assert_int_equal(sha256_from_hex(D, 64, digest), 0);
        assert_int_equal(manifest_parse_text(&p, text, strlen(text), keep_fsverity, &e), 0);
        assert_true(e.has_fsverity);
        assert_memory_equal(e.fsverity, digest, SHA256_SIZE);
        assert_int_equal(e.xattrs_n, strlen(" user.a 00"));
        assert_memory_equal(e.xattrs, " user.a 00", e.xattrs_n);
        assert_round_trip(text, 2, 2);
}

static void test_manifest_refuses_a_long_line(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        ManifestParser p = {};

        strbuf_puts(&b, HEAD ROOT "d 0755 0 0 - - a user.a ");
        while (b.len < MANIFEST_LINE_MAX - 1000)
                strbuf_puts(&b, "0123456789abcdef0123456789abcdef");
        strbuf_puts(&b, "\n");
        assert_int_equal(manifest_parse_text(&p, b.data, b.len, NULL, NULL), 0);
        b.len--;
        for (int i = 0; i < 100; i++)
                strbuf_puts(&b, "0123456789abcdef0123456789abcdef");
        strbuf_puts(&b, "\n");
        p = (ManifestParser){};
        assert_int_equal(manifest_parse_text(&p, b.data, b.len, NULL, NULL), -EINVAL);
        assert_non_null(strstr(p.reason, "1 MiB"));
}

static void test_manifest_v1_refuses_what_is_not_canonical(void **state) {
        static const char nul[] = D "\ta\0b\n";
        static const Case cases[] = {
                { D "\t../x\n", 0, 1, "\"..\"" },
                { D "\ta/../x\n", 0, 1, "\"..\"" },
                { D "\t./x\n", 0, 1, "\".\"" },
                { D "\t/x\n", 0, 1, "absolute" },
                { D "\ta//x\n", 0, 1, "empty component" },
                { D "\ta/\n", 0, 1, "empty component" },
                { D "\t\n", 0, 1, "empty path" },
                { D "\ta\n" D "\ta\n", 0, 2, "twice" },
                { D "\tb\n" D "\ta\n", 0, 2, "not sorted" },
                { UPPER "\ta\n", 0, 1, "digest" },
                { "ba78\ta\n", 0, 1, "digest" },
                { D "  a\n", 0, 1, "TAB" },
                { D "\ta\r\n", 0, 1, "carriage return" },
                { D "\ta\rb\n", 0, 1, "control character" },
                { D "\ta", 0, 1, "newline" },
                { "\n", 0, 1, "empty line" },
                { D "\ta\n\n", 0, 2, "empty line" },
                { "\xef\xbb\xbf" D "\ta\n", 0, 1, "digest" },
                { nul, sizeof(nul) - 1, 1, "NUL" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_refused(&cases[i]);
}

static void test_manifest_v2_refuses_what_is_not_canonical(void **state) {
        static const Case cases[] = {
                { "nucleus-manifest 3\n" ROOT, 0, 1, "version" },
                { "nucleus-manifest 2 \n" ROOT, 0, 1, "version" },
                { "nucleus-manifest 2\r\n" ROOT, 0, 1, "version" },
                { "nucleus-manifest 2", 0, 1, "newline" },
                { HEAD, 0, 2, "root directory" },
                { HEAD "d 0755 0 0 - - a\n", 0, 2, "root directory" },
                { HEAD "f 0755 0 0 0 " D " .\n", 0, 2, "root directory" },
                { HEAD ROOT ROOT, 0, 3, "twice" },
                { HEAD ROOT "x 0755 0 0 - - a\n", 0, 3, "type" },
                { HEAD ROOT "p 0755 0 0 - - a\n", 0, 3, "type" },
                { HEAD ROOT "d 755 0 0 - - a\n", 0, 3, "mode" },
                { HEAD ROOT "d 0785 0 0 - - a\n", 0, 3, "mode" },
                { HEAD ROOT "d 0755 00 0 - - a\n", 0, 3, "uid" },
                { HEAD ROOT "d 0755 -1 0 - - a\n", 0, 3, "uid" },
                { HEAD ROOT "d 0755 0 4294967295 - - a\n", 0, 3, "gid" },
                { HEAD ROOT "d 0755 0 18446744073709551616 - - a\n", 0, 3, "gid" },
                { HEAD ROOT "d 0755 0 0 0 - a\n", 0, 3, "size" },
                { HEAD ROOT "f 0644 0 0 9223372036854775808 " D " a\n", 0, 3, "size" },
                { HEAD ROOT "f 0644 0 0 1 " UPPER " a\n", 0, 3, "digest" },
                { HEAD ROOT "d 0755 0 0 - x a\n", 0, 3, "content of a directory" },
                { HEAD ROOT "l 0777 0 0 - \\e a\n", 0, 3, "link target" },
                { HEAD ROOT "l 0777 0 0 - \\x41 a\n", 0, 3, "link target" },
                { HEAD ROOT "d 0755 0 0 - -\n", 0, 3, "path" },
                { HEAD ROOT "d 0755 0 0 - - \\e\n", 0, 3, "escape" },
                { HEAD ROOT "f 0644 0 0 1 " D " a fsverity.sha256 " UPPER "\n", 0, 3, "fsverity" },
                { HEAD ROOT "f 0644 0 0 1 " D " a fsverity.sha256 -\n", 0, 3, "fsverity" },
                { HEAD ROOT "f 0644 0 0 1 " D " a user.a - fsverity.sha256 " D "\n", 0, 3, "name" },
                { HEAD ROOT "d 0755 0 0 - - a fsverity.sha256 " D "\n", 0, 3, "regular file" },
                { HEAD ROOT "d 0755 0 0 - - a\\x2fb\n", 0, 3, "escape" },
                { HEAD ROOT "d 0755 0 0 - - a\tb\n", 0, 3, "escape" },
                { HEAD ROOT "d 0755 0 0 - - a\\x0A\n", 0, 3, "escape" },
                { HEAD ROOT "d 0755 0 0 - - ..\n", 0, 3, "\"..\"" },
                { HEAD ROOT "d 0755 0 0 - - /a\n", 0, 3, "absolute" },
                { HEAD ROOT "d  0755 0 0 - - a\n", 0, 3, "mode" },
                { HEAD ROOT "d 0755 0 0 - - a \n", 0, 3, "path" },
                { HEAD ROOT "d 0755 0 0 - - a user.a\n", 0, 3, "value" },
                { HEAD ROOT "d 0755 0 0 - - a user.a 0\n", 0, 3, "value" },
                { HEAD ROOT "d 0755 0 0 - - a user.a 0A\n", 0, 3, "value" },
                { HEAD ROOT "d 0755 0 0 - - a trusted.a 00\n", 0, 3, "name" },
                { HEAD ROOT "d 0755 0 0 - - a user.b - user.a -\n", 0, 3, "sorted" },
                { HEAD ROOT "d 0755 0 0 - - a user.a - user.a -\n", 0, 3, "sorted" },
                { HEAD ROOT "d 0755 0 0 - - a\r\n", 0, 3, "carriage return" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_refused(&cases[i]);
}

static void test_manifest_refuses_long_names(void **state) {
        char name[300] = {}, path[MANIFEST_PATH_MAX + 2] = {};

        memset(name, 'a', 255);
        assert_null(manifest_check_path(2, name));
        name[255] = 'a';
        assert_non_null(manifest_check_path(2, name));

        for (size_t i = 0; i < MANIFEST_PATH_MAX; i++)
                path[i] = i % 2 ? '/' : 'a';
        assert_null(manifest_check_path(2, path));
        path[MANIFEST_PATH_MAX] = 'a';
        assert_non_null(manifest_check_path(2, path));
}

static void test_manifest_covers_what_a_workload_can_see(void **state) {
        assert_true(manifest_covers_xattr("security.capability"));
        assert_true(manifest_covers_xattr("user.x"));
        assert_true(manifest_covers_xattr("system.posix_acl_access"));
        assert_false(manifest_covers_xattr("security.selinux"));
        assert_false(manifest_covers_xattr("security.ima"));
        assert_false(manifest_covers_xattr("trusted.overlay.opaque"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_manifest_v1_round_trip),
                cmocka_unit_test(test_manifest_v1_sorts_by_bytes),
                cmocka_unit_test(test_manifest_v2_round_trip),
                cmocka_unit_test(test_manifest_v2_keeps_any_name),
                cmocka_unit_test(test_manifest_v2_has_fsverity_beside_attributes),
                cmocka_unit_test(test_manifest_refuses_a_long_line),
                cmocka_unit_test(test_manifest_v1_refuses_what_is_not_canonical),
                cmocka_unit_test(test_manifest_v2_refuses_what_is_not_canonical),
                cmocka_unit_test(test_manifest_refuses_long_names),
                cmocka_unit_test(test_manifest_covers_what_a_workload_can_see),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
