/* SPDX-License-Identifier: Apache-2.0 */
/* Capability and Landlock policies: what each file becomes, and each mistake with its place and its remedy.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "landlock-rights.h"
#include "policy.h"
#include "strbuf.h"

#define CAP(n) (UINT64_C(1) << (n))

/* ---- capabilities ---- */

static const struct {
        const char *text;
        uint64_t bounding, ambient;
} good_capabilities[] = {
        { "", 0, 0 },
        { "# nothing\n[bounding]\n[ambient]\n", 0, 0 },
        { "[bounding]\nkeep = []\n", 0, 0 },
        { "[bounding]\nkeep = [\"CAP_NET_BIND_SERVICE\"]\n", CAP(10), 0 },
        { "[bounding]\nkeep = [\"CAP_NET_RAW\", \"CAP_CHOWN\"]\n[ambient]\nkeep = [\"CAP_CHOWN\"]\n",
                CAP(13) | CAP(0), CAP(0) },
        { "ambient.keep = [\"CAP_CHECKPOINT_RESTORE\"]\nbounding.keep = [\"CAP_CHECKPOINT_RESTORE\"]\n",
                CAP(40), CAP(40) },
};

static void test_capability_policy_keeps_what_is_named(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good_capabilities); i++) {
                _cleanup_policy_error_ PolicyError e = {};
                CapabilityPolicy p = { 1, 1 };

                int r = capability_policy_parse(
                        good_capabilities[i].text, strlen(good_capabilities[i].text), &p, &e);
                if (r < 0)
                        fail_msg("%s: %s", good_capabilities[i].text, e.message);
                assert_true(p.bounding == good_capabilities[i].bounding);
                assert_true(p.ambient == good_capabilities[i].ambient);
        }
}

typedef struct Bad {
        const char *text;
        unsigned line, column;
        const char *message;
} Bad;

static const Bad bad_capabilities[] = {
        { "[bounding\n", 1, 10, "" },
        { "\n {\"bounding\": {}}", 1, 0, "this is JSON, and this policy is written in TOML" },
        { "[bounding]\nkeep = [\"CAP_NET_RAV\"]\n", 2, 9,
                "unknown capability \"CAP_NET_RAV\"; did you mean \"CAP_NET_RAW\"?" },
        { "[bounding]\nkeep = [\n  \"CAP_CHOWN\",\n  \"net_bind_service\"]\n", 4, 3,
                "unknown capability \"net_bind_service\"; did you mean \"CAP_NET_BIND_SERVICE\"?" },
        { "[bounding]\nkeep = [\"cap_kill\"]\n", 2, 9, "did you mean \"CAP_KILL\"?" },
        { "[bounding]\nkeep = [\"5\"]\n", 2, 9, "unknown capability \"5\"" },
        { "[bounding]\nkeep = [\"all\"]\n", 2, 9, "unknown capability \"all\"" },
        { "[bounding]\nkeep = [\"\"]\n", 2, 9, "unknown capability \"\"" },
        { "[bounding]\nkeep = [\"CAP_KILL\\u0000\"]\n", 2, 9, "control character U+0000" },
        { "[bounding]\nkeep = [\"CAP_KILL\", \"CAP_KILL\"]\n", 2, 21, "names \"CAP_KILL\" twice" },
        { "[bounding]\nkeep = [5]\n", 2, 9, "keep must be a string, not an integer" },
        { "[bounding]\nkeep = \"CAP_KILL\"\n", 2, 8, "keep must be an array, not a string" },
        { "[bounding]\nkeep = []\nkeep = []\n", 3, 8, "cannot redefine" },
        { "[bounding]\nkepe = []\n", 2, 1, "unknown key \"kepe\" in [bounding]; did you mean \"keep\"?" },
        { "[bounding]\ndrop = [\"CAP_KILL\"]\n", 2, 1,
                "unknown key \"drop\" in [bounding], where there may be: keep" },
        { "[boundng]\nkeep = []\n", 1, 2, "unknown key \"boundng\"; did you mean \"bounding\"?" },
        { "[inheritable]\n", 1, 2, "unknown key \"inheritable\", where there may be: bounding, ambient" },
        { "bounding = [\"CAP_KILL\"]\n", 1, 12, "bounding must be a table, not an array" },
        { "[ambient]\nkeep = [\"CAP_KILL\", \"CAP_CHOWN\"]\n[bounding]\nkeep = [\"CAP_CHOWN\"]\n", 2, 8,
                "[ambient] keeps what [bounding] does not; add there: CAP_KILL" },
        { "[ambient]\nkeep = [\"CAP_KILL\", \"CAP_CHOWN\"]\n", 2, 8, "add there: CAP_CHOWN, CAP_KILL" },
};

static void check_error(const Bad *bad, int r, const PolicyError *e) {
        if (r != -EINVAL || !e->message || !strstr(e->message, bad->message) || e->line != bad->line ||
                e->column != bad->column)
                fail_msg("%s\ngave %d, %u:%u: %s\nnot %u:%u: %s", bad->text, r, e->line, e->column,
                        e->message ?: "nothing", bad->line, bad->column, bad->message);
}

static void test_capability_policy_refuses_each_mistake(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_capabilities); i++) {
                _cleanup_policy_error_ PolicyError e = {};
                CapabilityPolicy p = { 7, 7 };

                int r = capability_policy_parse(
                        bad_capabilities[i].text, strlen(bad_capabilities[i].text), &p, &e);
                check_error(&bad_capabilities[i], r, &e);
                assert_true(p.bounding == 7 && p.ambient == 7);
        }
}

static void test_capability_names(void **state) {
        unsigned cap = 99;

        for (unsigned i = 0; i <= 40; i++) {
                assert_non_null(capability_name(i));
                assert_int_equal(capability_from_name(capability_name(i), &cap), 0);
                assert_int_equal(cap, i);
        }
        assert_string_equal(capability_name(0), "CAP_CHOWN");
        assert_string_equal(capability_name(40), "CAP_CHECKPOINT_RESTORE");
        assert_null(capability_name(63));
        assert_null(capability_name(64));
        assert_int_equal(capability_from_name("cap_chown", &cap), -ENOENT);
        assert_int_equal(capability_from_name("0", &cap), -ENOENT);
        assert_int_equal(capability_from_name("63", &cap), -ENOENT);
}

/* ---- Landlock's rights ---- */

static void test_landlock_rights_by_abi(void **state) {
        static const struct {
                uint64_t fs, net, scope;
        } rows[] = {
                { 0, 0, 0 }, { 0x1fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x7fff, 0, 0 }, { 0x7fff, 3, 0 },
                { 0xffff, 3, 0 }, { 0xffff, 3, 3 }, { 0xffff, 3, 3 },
                { 0xffff, 3, 3 }, /* one that we do not know yet */
        };

        for (unsigned abi = 0; abi < ELEMENTSOF(rows); abi++) {
                assert_int_equal(landlock_handled(LANDLOCK_KIND_FS, abi), rows[abi].fs);
                assert_int_equal(landlock_handled(LANDLOCK_KIND_NET, abi), rows[abi].net);
                assert_int_equal(landlock_handled(LANDLOCK_KIND_SCOPE, abi), rows[abi].scope);
        }
        assert_int_equal(landlock_file_rights(), 0xc007); /* execute, write, read, truncate, ioctl */
}

static void test_landlock_words(void **state) {
        static const struct {
                const char *word;
                uint64_t access;
                unsigned abi;
        } rows[] = { { "read", 0xc, 1 }, { "write", 2, 1 }, { "create", 0x1780, 1 }, { "remove", 0x30, 1 },
                { "execute", 1, 1 }, { "write_file", 2, 1 }, { "read_file", 4, 1 }, { "read_dir", 8, 1 },
                { "remove_dir", 0x10, 1 }, { "remove_file", 0x20, 1 }, { "make_char", 0x40, 1 },
                { "make_dir", 0x80, 1 }, { "make_reg", 0x100, 1 }, { "make_sock", 0x200, 1 },
                { "make_fifo", 0x400, 1 }, { "make_block", 0x800, 1 }, { "make_sym", 0x1000, 1 },
                { "refer", 0x2000, 2 }, { "truncate", 0x4000, 3 }, { "ioctl_dev", 0x8000, 5 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_FS, rows[i].word), rows[i].access);
                assert_int_equal(landlock_access_abi(LANDLOCK_KIND_FS, rows[i].access), rows[i].abi);
                assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_NET, rows[i].word), 0);
        }
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_NET, "bind_tcp"), 1);
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_NET, "connect_tcp"), 2);
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_SCOPE, "abstract_unix_socket"), 1);
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_SCOPE, "signal"), 2);
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_FS, "bind_tcp"), 0);
        assert_int_equal(landlock_access_of_word(LANDLOCK_KIND_FS, ""), 0);
}

/* The classes of the built-in policy are made of the table's rights, and no class has a device. */
static void test_landlock_classes(void **state) {
        uint64_t all = LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_EXECUTE |
                       LANDLOCK_CLASS_IOCTL_DEV;

        assert_int_equal(LANDLOCK_CLASS_READ, landlock_access_of_word(LANDLOCK_KIND_FS, "read"));
        assert_int_equal(LANDLOCK_CLASS_EXECUTE, landlock_access_of_word(LANDLOCK_KIND_FS, "execute"));
        assert_int_equal(LANDLOCK_CLASS_IOCTL_DEV, landlock_access_of_word(LANDLOCK_KIND_FS, "ioctl_dev"));
        assert_int_equal(all | landlock_access_of_word(LANDLOCK_KIND_FS, "make_char") |
                                 landlock_access_of_word(LANDLOCK_KIND_FS, "make_block"),
                landlock_handled(LANDLOCK_KIND_FS, LANDLOCK_ABI_MAX));
        assert_int_equal(LANDLOCK_CLASS_WRITE & 0x840, 0);
}

/* ---- Landlock's policy ---- */

static void append_policy(const LandlockPolicy *p, StrBuf *b) {
        strbuf_printf(b, "abi %u;", p->min_abi);
        for (size_t i = 0; i < p->n_rules; i++) {
                strbuf_printf(b, " %s%s ", p->rules[i].path, p->rules[i].optional ? "?" : "");
                landlock_access_format(LANDLOCK_KIND_FS, p->rules[i].access, ",", b);
        }
        for (size_t i = 0; i < p->n_ports; i++) {
                strbuf_printf(b, " %u ", p->ports[i].port);
                landlock_access_format(LANDLOCK_KIND_NET, p->ports[i].access, ",", b);
        }
        strbuf_puts(b, "; ");
        landlock_access_format(LANDLOCK_KIND_SCOPE, p->scoped, ",", b);
}

#define SCOPES "abstract_unix_socket,signal"

static const struct {
        const char *text, *becomes;
} good_landlock[] = {
        { "", "abi 0;; " SCOPES },
        { "min_abi = 3\n", "abi 3;; " SCOPES },
        { "min_abi = 99\n[scopes]\nsignal = false\n", "abi 99;; abstract_unix_socket" },
        { "scopes = { signal = false, abstract_unix_socket = false }", "abi 0;; " },
        { "scopes = { signal = true, abstract_unix_socket = true }", "abi 0;; " SCOPES },
        { "[[rules]]\npath = \"/\"\naccess = [\"read\", \"execute\"]\n",
                "abi 0; / execute,read_file,read_dir; " SCOPES },
        { "[[rules]]\npath = \"/a b\"\naccess = [\"read\", \"read_file\"]\noptional = true\n"
          "[[rules]]\npath = \"/b\"\naccess = [\"create\", \"write\", \"remove\", \"refer\"]\noptional = "
          "false\n",
                "abi 0; /a b? read_file,read_dir /b write_file,remove_dir,remove_file,make_dir,make_reg,"
                "make_sock,make_fifo,make_sym,refer; " SCOPES },
        { "[[ports]]\nport = 80\naccess = [\"connect_tcp\", \"bind_tcp\"]\n"
          "[[ports]]\nport = 65535\naccess = [\"bind_tcp\"]\n",
                "abi 4; 80 bind_tcp,connect_tcp 65535 bind_tcp; " SCOPES },
        { "min_abi = 6\nports = [{ port = 1, access = [\"bind_tcp\"] }]\n", "abi 6; 1 bind_tcp; " SCOPES },
        { "min_abi = 1\nports = []\nrules = []\n", "abi 1;; " SCOPES },
};

static void test_landlock_policy_grants_what_is_named(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good_landlock); i++) {
                _cleanup_policy_error_ PolicyError e = {};
                _cleanup_landlock_policy_ LandlockPolicy *p = NULL, *copy = NULL;
                _cleanup_strbuf_ StrBuf b = {}, again = {};

                if (landlock_policy_parse(good_landlock[i].text, strlen(good_landlock[i].text), &p, &e) < 0)
                        fail_msg("%s: %s", good_landlock[i].text, e.message);
                append_policy(p, &b);
                assert_string_equal(b.data, good_landlock[i].becomes);

                copy = landlock_policy_copy(p);
                assert_non_null(copy);
                append_policy(copy, &again);
                assert_string_equal(again.data, good_landlock[i].becomes);
        }
}

#define RULE "[[rules]]\npath = \"/a\"\naccess = [\"read\"]\n"

static const Bad bad_landlock[] = {
        { "min_abi = 3\n[[rules]\n", 2, 9, "expected ']'" },
        { "min_api = 3\n", 1, 1, "unknown key \"min_api\"; did you mean \"min_abi\"?" },
        { "min_abi = 0\n", 1, 11, "min_abi must be 1 to 999, not 0" },
        { "min_abi = -1\n", 1, 11, "min_abi must be 1 to 999, not -1" },
        { "min_abi = 1000\n", 1, 11, "min_abi must be 1 to 999, not 1000" },
        { "min_abi = \"3\"\n", 1, 11, "min_abi must be an integer, not a string" },
        { "min_abi = 3.0\n", 1, 11, "min_abi must be an integer, not a float" },
        { "network = true\n", 1, 1,
                "unknown key \"network\", where there may be: min_abi, rules, ports, scopes" },
        { "[rules]\npath = \"/\"\n", 1, 1, "there may be several rules: write [[rules]]" },
        { "[ports]\nport = 1\n", 1, 1, "there may be several ports: write [[ports]]" },
        { "rules = [\"/\"]\n", 1, 10, "rules must hold tables, [[rules]], not a string" },
        { "[[rules]]\naccess = [\"read\"]\n", 1, 1, "a rule without \"path\"" },
        { RULE "[[rules]]\npath = \"/b\"\n", 4, 1, "a rule without \"access\"" },
        { "[[rules]]\npath = \"/b\"\naccess = []\n", 3, 10, "access grants nothing" },
        { "[[rules]]\npath = \"/b\"\naccess = \"read\"\n", 3, 10, "access must be an array, not a string" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"raed\"]\n", 3, 11,
                "unknown access \"raed\"; did you mean \"read\"?" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"read\", \"make_regular\"]\n", 3, 19,
                "unknown access \"make_regular\"; did you mean \"make_reg\"?" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"Read\"]\n", 3, 11, "did you mean \"read\"?" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"everything-that-is\"]\n", 3, 11,
                "unknown access \"everything-that-is\", where there may be: read, write, create, remove, "
                "execute, write_file, " },
        { "[[rules]]\npath = \"/b\"\naccess = [\"read\", \"read\"]\n", 3, 19,
                "access names \"read\" twice" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"bind_tcp\"]\n", 3, 11, "bind_tcp is a right on ports" },
        { "[[rules]]\npath = \"/b\"\naccess = [4]\n", 3, 11, "access must be a string, not an integer" },
        { "[[rules]]\npath = \"/b\"\naces = []\n", 3, 1, "unknown key \"aces\" in [[rules]]; did you mean" },
        { "[[rules]]\npath = \"b\"\naccess = [\"read\"]\n", 2, 8, "path \"b\" must be an absolute path" },
        { "[[rules]]\npath = \"\"\naccess = [\"read\"]\n", 2, 8, "path \"\" must be an absolute path" },
        { "[[rules]]\npath = \"/b/../c\"\naccess = [\"read\"]\n", 2, 8, "must not hold \".\" or \"..\"" },
        { "[[rules]]\npath = \"/b/\"\naccess = [\"read\"]\n", 2, 8, "must not end in a slash" },
        { "[[rules]]\npath = \"/b\\nc\"\naccess = [\"read\"]\n", 2, 8, "control character U+000A" },
        { "[[rules]]\npath = 5\naccess = [\"read\"]\n", 2, 8, "path must be a string, not an integer" },
        { "[[rules]]\npath = \"/b\"\naccess = [\"read\"]\noptional = 1\n", 4, 12,
                "optional must be a boolean, not an integer" },
        { RULE RULE, 5, 8, "a second rule for /a" },
        { "[[ports]]\nport = 0\naccess = [\"bind_tcp\"]\n", 2, 8, "port must be 1 to 65535, not 0" },
        { "[[ports]]\nport = 65536\naccess = [\"bind_tcp\"]\n", 2, 8, "port must be 1 to 65535, not 65536" },
        { "[[ports]]\nport = -1\naccess = [\"bind_tcp\"]\n", 2, 8, "port must be 1 to 65535, not -1" },
        { "[[ports]]\nport = \"80\"\naccess = [\"bind_tcp\"]\n", 2, 8, "port must be an integer" },
        { "[[ports]]\naccess = [\"bind_tcp\"]\n", 1, 1, "a rule without \"port\"" },
        { "[[ports]]\nport = 80\n", 1, 1, "a rule without \"access\"" },
        { "[[ports]]\nport = 80\naccess = []\n", 3, 10, "access grants nothing" },
        { "[[ports]]\nport = 80\naccess = [\"read\"]\n", 3, 11, "read is a right on files, for [[rules]]" },
        { "[[ports]]\nport = 80\naccess = [\"bind_udp\"]\n", 3, 11, "did you mean \"bind_tcp\"?" },
        { "[[ports]]\nport = 80\naccess = [\"bind_tcp\"]\n[[ports]]\nport = 80\naccess = "
          "[\"connect_tcp\"]\n",
                5, 8, "a second rule for port 80" },
        { "[scopes]\nsignals = true\n", 2, 1,
                "unknown key \"signals\" in [scopes]; did you mean \"signal\"?" },
        { "[scopes]\nsignal = \"yes\"\n", 2, 10, "signal must be a boolean, not a string" },
        { "scopes = []\n", 1, 10, "scopes must be a table, not an array" },
        { "[scopes]\nsignal = true\nsignal = false\n", 3, 10, "cannot redefine" },
};

static void test_landlock_policy_refuses_each_mistake(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_landlock); i++) {
                _cleanup_policy_error_ PolicyError e = {};
                LandlockPolicy *p = NULL;

                int r = landlock_policy_parse(bad_landlock[i].text, strlen(bad_landlock[i].text), &p, &e);
                check_error(&bad_landlock[i], r, &e);
                assert_null(p);
        }
}

static void test_landlock_policy_is_bounded(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_policy_error_ PolicyError e = {};
        LandlockPolicy *p = NULL;

        for (unsigned i = 0; i <= LANDLOCK_RULES_MAX; i++)
                strbuf_printf(&b, "[[rules]]\npath = \"/%u\"\naccess = [\"read\"]\n", i);
        assert_int_equal(landlock_policy_parse(b.data, b.len, &p, &e), -EINVAL);
        assert_string_equal(e.message, "more than 512 rules");
        assert_int_equal(e.line, 3 * LANDLOCK_RULES_MAX + 1);
}

static void test_landlock_policy_takes_no_rule_that_cannot_be(void **state) {
        _cleanup_landlock_policy_ LandlockPolicy *p = landlock_policy_new();

        assert_non_null(p);
        assert_int_equal(landlock_policy_add_path(p, "a", 4, false), -EINVAL);
        assert_int_equal(landlock_policy_add_path(p, "/a", 0, false), -EINVAL);
        assert_int_equal(landlock_policy_add_path(p, "/a", UINT64_C(1) << 16, false), -EINVAL);
        assert_int_equal(landlock_policy_add_port(p, 0, 1), -EINVAL);
        assert_int_equal(landlock_policy_add_port(p, 65536, 1), -EINVAL);
        assert_int_equal(landlock_policy_add_port(p, 1, 4), -EINVAL);
        assert_int_equal(landlock_policy_add_path(p, "/a", 4, false), 0);
        assert_int_equal(landlock_policy_add_path(p, "/a", 8, false), -EEXIST);
        assert_int_equal(landlock_policy_add_port(p, 65535, 1), 0);
        assert_int_equal(landlock_policy_add_port(p, 65535, 1), -EEXIST);
}

static void test_policy_error_keeps_the_last(void **state) {
        _cleanup_policy_error_ PolicyError e = {};

        assert_int_equal(policy_error_set(&e, 3, 4, "%s", "one"), -EINVAL);
        assert_int_equal(policy_error_set(&e, 5, 0, "%s", "two"), -EINVAL);
        assert_string_equal(e.message, "two");
        assert_true(e.line == 5 && e.column == 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_capability_policy_keeps_what_is_named),
                cmocka_unit_test(test_capability_policy_refuses_each_mistake),
                cmocka_unit_test(test_capability_names),
                cmocka_unit_test(test_landlock_rights_by_abi),
                cmocka_unit_test(test_landlock_words),
                cmocka_unit_test(test_landlock_classes),
                cmocka_unit_test(test_landlock_policy_grants_what_is_named),
                cmocka_unit_test(test_landlock_policy_refuses_each_mistake),
                cmocka_unit_test(test_landlock_policy_is_bounded),
                cmocka_unit_test(test_landlock_policy_takes_no_rule_that_cannot_be),
                cmocka_unit_test(test_policy_error_keeps_the_last),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
