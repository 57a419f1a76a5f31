/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles as text: what is refused, in which words and at which place, and what is taken. Rows:
 * a text, the error with its place.
 */

#include "test-profile.h"

#define TOP_WITH(member) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " member ", \"syscalls\": []}"
#define RULE_WITH(member) ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", " member "}")
#define DEFAULT(action) "{\"defaultAction\": \"" action "\"}"

typedef struct Row {
        const char *text, *error; /* the error begins with "line:column: " */
} Row;

static void assert_refused(const char *text, size_t n, const char *expected) {
        SeccompProfile *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *message = NULL;

        int r = seccomp_profile_parse(text, n, &p, &error);
        assert_true(asprintf(&message, "%u:%u: %s", error.line, error.column, error.message ?: "") > 0);
        if (r != -EINVAL || !startswith(message, expected))
                fail_msg("%.300s\ngives %d, \"%s\"\nnot \"%s\"", text, r, message, expected);
        assert_null(p);
}

static void assert_all_refused(const Row *rows, size_t n) {
        for (size_t i = 0; i < n; i++)
                assert_refused(rows[i].text, strlen(rows[i].text), rows[i].error);
}

/* ---- JSON itself ---- */

static void test_json_refuses(void **state) {
        static const Row rows[] = {
                { "", "1:0: '[' or '{' expected near end of file" },
                { "# kept\n[bounding]\n",
                        "1:0: this looks like TOML, and a seccomp profile is written in JSON" },
                { "\n[bounding]\n", "1:0: this looks like TOML" },
                { "keep = []", "1:0: this looks like TOML" },
                { "[\n]", "1:1: a profile must be an object" },
                { "null", "1:4: '[' or '{' expected near 'null'" },
                { "{\n\"defaultAction\" 1}", "2:17: ':' expected near '1'" },
                { TOP("[]") " x", "1:53: end of file expected near 'x'" },
                { TOP("[]") TOP("[]"), "1:52: end of file expected" },
                { TOP("[]") "\xff", "1:51: unable to decode byte 0xff" },
                { "{\"comment\": \"\xc3\x28\", " /* not UTF-8 */, "1:13: unable to decode byte" },
                { "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultAction\": \"SCMP_ACT_ALLOW\"}",
                        "1:51: duplicate object key near '\"defaultAction\"'" },
                { ONE("\n{\"names\": [\"read\"], \"names\": [\"write\"]}"),
                        "2:27: duplicate object key near '\"names\"'" },
                { ONE("{\"names\": [\"re\\u0000ad\"]}"), "1:72: \\u0000 is not allowed" },
                { "[]", "1:1: a profile must be an object" },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

static void test_json_refuses_a_nul_byte(void **state) {
        static const char behind[] = TOP("[]") "\0x", inside[] = "{\"defaultAction\0\": \"SCMP_ACT_ALLOW\"}";

        assert_refused(behind, sizeof(behind) - 1, "1:52: ");
        assert_refused(inside, sizeof(inside) - 1, "1:15: ");
}

static void test_json_refuses_depth(void **state) {
        static const char *const units[] = { "[", "{\"a\":" };

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                size_t length = strlen(units[i]), n = 100000 * length;
                _cleanup_free_ char *text = malloc(n);

                assert_non_null(text);
                for (size_t k = 0; k < n; k += length)
                        memcpy(text + k, units[i], length);
                assert_refused(text, n,
                        i == 0 ? "1:2049: maximum parsing depth reached"
                               : "1:10241: maximum parsing depth reached");
        }
}

/* Each byte that is cut off leaves an error, and never a shorter policy. */
static void test_json_refuses_each_truncation(void **state) {
        static const char text[] = ONE(RULE("socket", "ALLOW", ARG(0, "EQ", 1)));

        for (size_t n = 0; n < sizeof(text) - 1; n++)
                assert_refused(text, n, "1:");
        _cleanup_program_ SeccompProgram p = profile_compile(text, bpf_arch("x86_64"));

        assert_true(p.n > 4);
}

/* ---- the top ---- */

static void test_profile_refuses(void **state) {
        static const Row rows[] = {
                { "{}", "1:1: \"defaultAction\" must be a string" },
                { "{\"defaultAction\": null}", "1:1: \"defaultAction\" must be a string" },
                { "{\n  \"defaultAction\": 1}", "2:20: \"defaultAction\" must be a string" },
                { "{\"d\\u0065faultAction\": 1}", "1:24: \"defaultAction\" must be a string" },
                { TOP("{}"), "1:49: \"syscalls\" must be a list of rules" },
                { TOP("\"read\""), "1:49: \"syscalls\" must be a list of rules" },
                /* actions */
                { DEFAULT("SCMP_ACT_NOPE"),
                        "1:19: unknown action \"SCMP_ACT_NOPE\"; did you mean \"SCMP_ACT_LOG\"?" },
                { DEFAULT("SCMP_ACT_ERNO"),
                        "1:19: unknown action \"SCMP_ACT_ERNO\"; did you mean \"SCMP_ACT_ERRNO\"?" },
                { DEFAULT("ALLOW"), "1:19: unknown action \"ALLOW\"; did you mean \"SCMP_ACT_ALLOW\"?" },
                { DEFAULT("kill"), "1:19: unknown action \"kill\"; did you mean \"SCMP_ACT_KILL\"?" },
                { DEFAULT("scmp_act_allow"),
                        "1:19: unknown action \"scmp_act_allow\"; did you mean \"SCMP_ACT_ALLOW\"?" },
                { DEFAULT(""), "1:19: unknown action \"\"; there are SCMP_ACT_KILL_THREAD, SCMP_ACT_KILL, "
                               "SCMP_ACT_KILL_PROCESS, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, "
                               "SCMP_ACT_LOG, SCMP_ACT_ALLOW" },
                { DEFAULT("SCMP_ACT_NOTIFY"), "1:19: SCMP_ACT_NOTIFY is not supported: " },
                /* errno */
                { "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
                        "1:56: SCMP_ACT_ALLOW takes no errno" },
                { "{\"defaultAction\": \"SCMP_ACT_KILL\", \"defaultErrno\": \"EPERM\"}",
                        "1:52: SCMP_ACT_KILL takes no errno" },
                { TOP_WITH("\"defaultErrnoRet\": \"1\""), "1:56: \"defaultErrnoRet\" must be a number" },
                { TOP_WITH("\"defaultErrnoRet\": -1"), "1:56: \"defaultErrnoRet\" must be from 0 to 4095" },
                { TOP_WITH("\"defaultErrnoRet\": 4096"),
                        "1:56: \"defaultErrnoRet\" must be from 0 to 4095" },
                { TOP_WITH("\"defaultErrnoRet\": 18446744073709551615"),
                        "1:56: \"defaultErrnoRet\" must be from 0 to 4095" },
                { TOP_WITH("\"defaultErrno\": 1"), "1:53: \"defaultErrno\" must be a string" },
                { TOP_WITH("\"defaultErrno\": \"EPREM\""),
                        "1:53: unknown errno \"EPREM\"; did you mean \"EPERM\"?" },
                { TOP_WITH("\"defaultErrno\": \"12345\""), "1:53: unknown errno \"12345\"" },
                { TOP_WITH("\"defaultErrnoRet\": 38, \"defaultErrno\": \"EPERM\""),
                        "1:76: \"defaultErrno\" is 1, and \"defaultErrnoRet\" is another number" },
                /* keys */
                { TOP_WITH("\"defaultaction\": 1"),
                        "1:37: unknown key \"defaultaction\"; did you mean \"defaultAction\"?" },
                { TOP_WITH("\n\"architecture\": []"),
                        "2:1: unknown key \"architecture\"; did you mean \"architectures\"?" },
                { TOP_WITH("\"\": 1"), "1:37: unknown key \"\"; there are defaultAction, " },
                { TOP_WITH("\"\\u0065vil\": 1"), "1:37: unknown key \"evil\"; there are " },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

static void test_profile_refuses_architectures_and_flags(void **state) {
        static const Row rows[] = {
                { TOP_WITH("\"architectures\": \"SCMP_ARCH_X86\""),
                        "1:54: \"architectures\" must be a list of strings" },
                { TOP_WITH("\"architectures\": [1]"), "1:55: \"architectures\" must hold strings" },
                { TOP_WITH("\"architectures\": [\"SCMP_ARCH_X86_64\",\n \"SCMP_ARCH_AARCH46\"]"),
                        "2:2: unknown architecture \"SCMP_ARCH_AARCH46\"; did you mean "
                        "\"SCMP_ARCH_AARCH64\"?" },
                { TOP_WITH("\"architectures\": [\"x86_64\"]"),
                        "1:55: unknown architecture \"x86_64\"; did you mean \"SCMP_ARCH_X86_64\"?" },
                { TOP_WITH("\"archMap\": {}"), "1:48: \"archMap\" must be a list" },
                { TOP_WITH("\"archMap\": [1]"), "1:49: an entry of \"archMap\" must be an object" },
                { TOP_WITH("\"archMap\": [{}]"), "1:49: \"architecture\" must be a string" },
                { TOP_WITH("\"archMap\": [{\"architecture\": \"SCMP_ARCH_S930\"}]"),
                        "1:66: unknown architecture \"SCMP_ARCH_S930\"; did you mean \"SCMP_ARCH_S390\"?" },
                { TOP_WITH("\"archMap\": [{\"architecture\": \"SCMP_ARCH_ARM\", \"subArchitectures\": "
                           "[\"SCMP_ARCH_ARN\"]}]"),
                        "1:104: unknown architecture \"SCMP_ARCH_ARN\"; did you mean \"SCMP_ARCH_ARM\"?" },
                { TOP_WITH("\"archMap\": [{\"architecture\": \"SCMP_ARCH_ARM\", \"subarchitectures\": []}]"),
                        "1:83: unknown key \"subarchitectures\"; did you mean \"subArchitectures\"?" },
                { TOP_WITH("\"architectures\": [\"SCMP_ARCH_X86\"], \"archMap\": [{\"architecture\": "
                           "\"SCMP_ARCH_X86_64\"}]"),
                        "1:84: give \"architectures\" or \"archMap\", not both" },
                { TOP_WITH("\"flags\": \"SECCOMP_FILTER_FLAG_LOG\""),
                        "1:46: \"flags\" must be a list of strings" },
                { TOP_WITH("\"flags\": [\"LOG\"]"),
                        "1:47: unknown flag \"LOG\"; did you mean \"SECCOMP_FILTER_FLAG_LOG\"?" },
                { TOP_WITH("\"flags\": [\"SECCOMP_FILTER_FLAG_TSYN\"]"),
                        "1:47: unknown flag \"SECCOMP_FILTER_FLAG_TSYN\"; did you mean "
                        "\"SECCOMP_FILTER_FLAG_TSYNC\"?" },
                { TOP_WITH("\"flags\": [\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]"),
                        "1:47: SECCOMP_FILTER_FLAG_SPEC_ALLOW is not supported: it would switch off" },
                { TOP_WITH("\"flags\": [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]"),
                        "1:47: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is not supported: " },
                { TOP_WITH("\"listenerPath\": \"/run/s\""), "1:53: \"listenerPath\" is not supported: " },
                { TOP_WITH("\"listenerMetadata\": \"x\""), "1:57: \"listenerMetadata\" is not supported: " },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

/* ---- rules: the number is the rule's, the place that of the word ---- */

static void test_rule_refuses(void **state) {
        static const Row rows[] = {
                { TOP("[1]"), "1:50: syscalls, rule 1: a rule must be an object" },
                { TOP("[[]]"), "1:50: syscalls, rule 1: a rule must be an object" },
                { TOP("[{\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\"},\n\n  null]"),
                        "3:3: syscalls, rule 2: a rule must be an object" },
                { TOP("[\n  " RULE("read", "ALLOW", "") ",\n  " RULE("raed", "ALLOW", "") "]"),
                        "3:14: syscalls, rule 2: unknown system call \"raed\"; did you mean \"read\"?" },
                { ONE("{\"names\": [\"read\",\n\"write\",\n\t\"opennat\"], \"action\": \"SCMP_ACT_LOG\"}"),
                        "3:2: syscalls, rule 1: unknown system call \"opennat\"; did you mean \"openat\"?" },
                { ONE("{\"names\": [\"r\xc3\xa9"
                      "ad\", \"x\xc3\xa9y\"], \"action\": \"SCMP_ACT_LOG\"}"),
                        "1:61: syscalls, rule 1: unknown system call \"r\xc3\xa9"
                        "ad\"" },
                { ONE("{}"), "1:50: syscalls, rule 1: \"names\" must be a list of system calls" },
                { ONE("{\"names\": []}"),
                        "1:60: syscalls, rule 1: \"names\" must be a list of system calls" },
                { ONE("{\"names\": \"read\"}"),
                        "1:60: syscalls, rule 1: \"names\" must be a list of system calls" },
                { ONE("{\"names\": [1]}"), "1:61: syscalls, rule 1: \"names\" must hold strings" },
                { ONE("{\"names\": [null]}"), "1:61: syscalls, rule 1: \"names\" must hold strings" },
                { ONE("{\"names\": [\"\"]}"), "1:61: syscalls, rule 1: unknown system call \"\"" },
                { ONE("{\"names\": [\"READ\"]}"),
                        "1:61: syscalls, rule 1: unknown system call \"READ\"; did you mean \"read\"?" },
                { ONE("{\"name\": 1}"), "1:59: syscalls, rule 1: \"name\" must be a string" },
                { ONE("{\"name\": \"raed\"}"), "1:59: syscalls, rule 1: unknown system call \"raed\"" },
                { ONE("{\"name\": \"read\", \"names\": [\"read\"]}"),
                        "1:59: syscalls, rule 1: give \"names\" or, as older profiles do, \"name\"" },
                { ONE("{\"names\": [\"read\"]}"), "1:50: syscalls, rule 1: \"action\" must be a string" },
                { ONE(RULE("read", "NOPE", "")),
                        "1:80: syscalls, rule 1: unknown action \"SCMP_ACT_NOPE\"" },
                { RULE_WITH("\"arg\": []"),
                        "1:98: syscalls, rule 1: unknown key \"arg\"; did you mean \"args\"?" },
                { RULE_WITH("\"comment\": 1"), "1:109: syscalls, rule 1: \"comment\" must be a string" },
                { RULE_WITH("\"errnoRet\": 1"), "1:110: syscalls, rule 1: SCMP_ACT_ALLOW takes no errno" },
                { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1.5}"),
                        "1:110: syscalls, rule 1: \"errnoRet\" must be a number" },
                { ONE("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 65536}"),
                        "1:110: syscalls, rule 1: \"errnoRet\" must be from 0 to 65535" },
                { RULE_WITH("\"args\": {}"), "1:106: syscalls, rule 1: \"args\" must be a list" },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

static void test_rule_refuses_selectors(void **state) {
        static const Row rows[] = {
                { RULE_WITH("\"includes\": []"), "1:110: syscalls, rule 1: includes must be an object" },
                { RULE_WITH("\"excludes\": {\"cap\": []}"),
                        "1:111: syscalls, rule 1: unknown key \"cap\"; did you mean \"caps\"?" },
                { RULE_WITH("\"includes\": {\"caps\": \"CAP_CHOWN\"}"),
                        "1:119: syscalls, rule 1: \"caps\" must be a list of strings" },
                { RULE_WITH("\"includes\": {\"caps\": [\"CAP_SYS_ADMNI\"]}"),
                        "1:120: syscalls, rule 1: unknown capability \"CAP_SYS_ADMNI\"; did you mean "
                        "\"CAP_SYS_ADMIN\"?" },
                { RULE_WITH("\"excludes\": {\"caps\": [\"sys_admin\"]}"),
                        "1:120: syscalls, rule 1: unknown capability \"sys_admin\"; did you mean "
                        "\"CAP_SYS_ADMIN\"?" },
                { RULE_WITH("\"excludes\": {\"arches\": [\"amd46\"]}"),
                        "1:122: syscalls, rule 1: unknown architecture \"amd46\"; did you mean \"amd64\"?" },
                { RULE_WITH("\"includes\": {\"minKernel\": 4.8}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
                { RULE_WITH("\"includes\": {\"minKernel\": \"4\"}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
                { RULE_WITH("\"includes\": {\"minKernel\": \"4.\"}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
                { RULE_WITH("\"includes\": {\"minKernel\": \"4.8.1\"}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
                { RULE_WITH("\"includes\": {\"minKernel\": \"4.8-rc1\"}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
                { RULE_WITH("\"includes\": {\"minKernel\": \"4.99999999999\"}"),
                        "1:124: syscalls, rule 1: \"minKernel\" must be a version as \"4.8\"" },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

static void test_condition_refuses(void **state) {
        static const Row rows[] = {
                { WITH("7"), "1:107: syscalls, rule 1: an entry of \"args\" must be an object" },
                { WITH(ARG(0, "EQ", 1) ",\n 7"),
                        "2:2: syscalls, rule 1: an entry of \"args\" must be an object" },
                { WITH("{}"), "1:107: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH(ARG(-1, "EQ", 1)),
                        "1:117: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH(ARG(6, "EQ", 1)), "1:117: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH(ARG(4294967296, "EQ", 1)),
                        "1:117: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH(ARG(18446744073709551615, "EQ", 1)),
                        "1:117: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH(ARG(0.0, "EQ", 1)),
                        "1:117: syscalls, rule 1: \"index\" must be a number from 0 to 5" },
                { WITH("{\"index\": 0, \"op\": \"SCMP_CMP_EQ\"}"),
                        "1:107: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", -1)),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", -9223372036854775808)),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", 1.0)),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", 9223372036854775808.0)),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", 1e19)),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", "1")),
                        "1:150: syscalls, rule 1: \"value\" must be a number from 0 to 2^64-1" },
                { WITH(ARG(0, "EQ", 18446744073709551616)), "1:169: too big integer" },
                { WITH(ARG(0, "EQ", 99999999999999999999)), "1:169: too big integer" },
                { WITH(ARG(0, "EQ", 100000000000000000000000)), "1:173: too big integer" },
                { WITH(ARG(0, "EQ", -9223372036854775809)), "1:169: too big negative integer" },
                { WITH(ARG(0, "EQ", 00018446744073709551615)), "1:150: invalid token near '0'" },
                { WITH(MASK(0, 3, -1)),
                        "1:172: syscalls, rule 1: \"valueTwo\" must be a number from 0 to 2^64-1" },
                { WITH("{\"index\": 0, \"value\": 1}"), "1:107: syscalls, rule 1: \"op\" must be a string" },
                { WITH(ARG(0, "XX", 1)), "1:126: syscalls, rule 1: unknown operator \"SCMP_CMP_XX\"; did" },
                { WITH(ARG(0, "MASK_EQ", 1)), "1:126: syscalls, rule 1: unknown operator "
                                              "\"SCMP_CMP_MASK_EQ\"; did you mean \"SCMP_CMP_MASKED_EQ\"?" },
                { WITH("{\"index\": 0, \"value\": 1, \"op\": \"==\"}"),
                        "1:138: syscalls, rule 1: unknown operator \"==\"; " },
                { WITH("{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\", \"value_two\": 1}"),
                        "1:153: syscalls, rule 1: unknown key \"value_two\"; did you mean \"valueTwo\"?" },
                { WITH(MASK(0, 1, 2)),
                        "1:172: syscalls, rule 1: \"valueTwo\" has bits outside of the mask \"value\"" },
                { WITH(MASK(0, 1, 4294967297)),
                        "1:172: syscalls, rule 1: \"valueTwo\" has bits outside of the mask \"value\"" },
                /* widths: 2^32+1 would be compared as 1 */
                { ONE(RULE("socket", "ALLOW", ARG(0, "EQ", 4294967297))),
                        "1:109: syscalls, rule 1: argument 0 of socket has 32 bits: the value is too "
                        "large" },
                { ONE(RULE("ioctl", "ALLOW", ARG(1, "NE", 4294967296))),
                        "1:108: syscalls, rule 1: argument 1 of ioctl has 32 bits: the value is too large" },
                { ONE(RULE("clone", "ALLOW", MASK(0, 4294967296, 0))),
                        "1:108: syscalls, rule 1: argument 0 of clone has 32 bits: the value is too large" },
                { ONE(RULE("chmod", "ALLOW", ARG(1, "EQ", 65536))),
                        "1:108: syscalls, rule 1: argument 1 of chmod has 16 bits: the value is too large" },
                { ONE("{\"names\": [\"mmap\", \"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" ARG(
                          0, "EQ", 4294967296) "]}"),
                        "1:117: syscalls, rule 1: argument 0 of socket has 32 bits: the value is too "
                        "large" },
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
}

/* What surely is a mistake; any other order of rules is the author's. */
static void test_rules_that_contradict_are_refused(void **state) {
        static const Row rows[] = {
                { ONE(RULE("read", "ALLOW", "") ", " RULE("read", "ERRNO", "")),
                        "1:0: syscalls, rule 2: read is decided by rule 1 already (line 1), and "
                        "differently" },
                { TOP("[" RULE("write", "LOG", "") ",\n" RULE("read", "ALLOW", "") ",\n" RULE(
                          "read", "ALLOW", "") ",\n" RULE("read", "LOG", "") "]"),
                        "4:0: syscalls, rule 4: read is decided by rule 3 already (line 3), and "
                        "differently" },
        };
        static const char *const taken[] = {
                ONE(RULE("read", "ALLOW", "") ", " RULE("read", "ALLOW", "")),
                ONE(RULE("read", "ALLOW", "") ", " RULE("read", "ERRNO", ARG(0, "EQ", 1))),
                ONE(RULE("read", "ALLOW", "") ", {\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", "
                                              "\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}}"),
        };

        assert_all_refused(rows, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(taken); i++)
                seccomp_profile_free(profile_parse(taken[i]));
}

/* ---- what is taken ---- */

static void test_profile_takes_what_is_legal(void **state) {
        static const char *const texts[] = {
                DEFAULT("SCMP_ACT_ALLOW"),
                "{\"comment\": \"\", \"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}",
                "{\"defaultAction\": \"SCMP_ACT_KILL\", \"defaultErrnoRet\": null, \"defaultErrno\": \"\", "
                "\"architectures\": null, \"archMap\": null, \"flags\": null, \"listenerPath\": \"\", "
                "\"listenerMetadata\": null, \"syscalls\": null}",
                TOP_WITH(
                        "\"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_RISCV64\"], \"archMap\": []"),
                TOP_WITH("\"architectures\": [], \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", "
                         "\"subArchitectures\": [\"SCMP_ARCH_X86\"]}, {\"architecture\": "
                         "\"SCMP_ARCH_AARCH64\", \"subArchitectures\": null}]"),
                TOP_WITH("\"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\"]"),
                TOP_WITH("\"defaultErrnoRet\": 38, \"defaultErrno\": \"ENOSYS\""),
                ONE("{\"comment\": \"why\", \"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\"}"),
                ONE("{\"name\": \"read\", \"names\": null, \"action\": \"SCMP_ACT_LOG\", \"args\": null, "
                    "\"includes\": null, \"excludes\": {\"caps\": null, \"arches\": [], \"minKernel\": "
                    "null}, \"errnoRet\": null, \"errno\": \"\", \"comment\": null}"),
                RULE_WITH("\"includes\": {\"arches\": [\"amd64\", \"s390x\", \"mips3l64n32\", "
                          "\"SCMP_ARCH_ARM\", \"x86_64\"]}"),
                WITH(MASK(0, 18446744073709551615, 9223372036854775808)),
                WITH(MASK(0, 9223372036854775807, null)),
                WITH(ARG(5, "EQ", 9223372036854775807)),
                ONE(RULE("s390_pci_mmio_read", "ALLOW", "")),
                ONE(RULE("uretprobe", "ALLOW", "")),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_program_ SeccompProgram p = profile_compile(texts[i], bpf_arch("aarch64"));

                assert_true(p.n > 4);
        }
}

static void test_profile_holds_what_was_said(void **state) {
        _cleanup_seccomp_profile_ SeccompProfile *p = profile_parse(
                "{\n\"syscalls\": [\n  {\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", \"comment\": "
                "\"why\"},\n\n {\"names\": [\"mmap\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" ARG(
                        1, "LT", 18446744073709551615) ", " MASK(0, 9223372036854775808,
                        9223372036854775808) "]}],\n"
                                             "\"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\", "
                                             "\"SECCOMP_FILTER_FLAG_LOG\"],\n"
                                             "\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": "
                                             "\"ENOSYS\"}");

        assert_int_equal(p->default_action, ERRNO(ENOSYS));
        assert_int_equal(p->default_line, 7);
        assert_true(p->log);
        assert_int_equal(p->n_rules, 2);
        assert_int_equal(p->rules[0].line, 3);
        assert_int_equal(p->rules[0].number, 1);
        assert_string_equal(p->rules[0].comment, "why");
        assert_int_equal(p->rules[1].line, 5);
        assert_int_equal(p->rules[1].number, 2);
        assert_null(p->rules[1].comment);
        assert_int_equal(p->rules[1].n_conditions, 2);
        assert_int_equal(p->rules[1].conditions[0].index, 1);
        assert_int_equal(p->rules[1].conditions[0].value, UINT64_MAX);
        assert_int_equal(p->rules[1].conditions[1].value, 1ULL << 63);
        assert_int_equal(p->rules[1].conditions[1].value_two, 1ULL << 63);
        assert_false(p->rules[1].any_condition);
}

/* Work grows with the text and not with its square: a profile is read at every daemon-reload. */
static void test_profile_of_many_rules_and_conditions(void **state) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        SeccompProgram program = {};

        strbuf_puts(&b, "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [");
        for (unsigned i = 0; i < 5000; i++)
                strbuf_puts(&b, RULE("mmap", "ALLOW", ARG(0, "EQ", 1)) ",\n");
        strbuf_puts(&b, "{\"action\": \"SCMP_ACT_ALLOW\", \"names\": [\"read\"");
        for (unsigned i = 0; i < 1000; i++)
                strbuf_puts(&b, ", \"write\"");
        strbuf_puts(&b, "], \"args\": [" ARG(0, "EQ", 1));
        for (unsigned i = 0; i < 5000; i++)
                strbuf_puts(&b, ",\n" ARG(0, "EQ", 4000000000));
        strbuf_puts(&b, "]}]}");
        assert_int_equal(strbuf_finish(&b, &text), 0);

        p = profile_parse(text);
        assert_int_equal(p->rules[5000].line, 5001);
        assert_true(p->rules[5000].any_condition);
        assert_int_equal(
                seccomp_compile(p, &(SeccompTarget){ .arch = bpf_arch("x86_64") }, &program), -E2BIG);
        assert_null(program.filter);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_refuses),
                cmocka_unit_test(test_json_refuses_a_nul_byte),
                cmocka_unit_test(test_json_refuses_depth),
                cmocka_unit_test(test_json_refuses_each_truncation),
                cmocka_unit_test(test_profile_refuses),
                cmocka_unit_test(test_profile_refuses_architectures_and_flags),
                cmocka_unit_test(test_rule_refuses),
                cmocka_unit_test(test_rule_refuses_selectors),
                cmocka_unit_test(test_condition_refuses),
                cmocka_unit_test(test_rules_that_contradict_are_refused),
                cmocka_unit_test(test_profile_takes_what_is_legal),
                cmocka_unit_test(test_profile_holds_what_was_said),
                cmocka_unit_test(test_profile_of_many_rules_and_conditions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
