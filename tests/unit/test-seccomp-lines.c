/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a profile in short: made of what is compiled, read back by what loads it. */

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seccomp-lines.h"
#include "seccomp-profile.h"

static const char profile_text[] =
        "{\n"
        "  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n"
        "  \"defaultErrnoRet\": 1,\n"
        "  \"syscalls\": [\n"
        "    { \"names\": [\"read\", \"write\", \"clone3\"], \"action\": \"SCMP_ACT_ALLOW\" },\n"
        "    { \"names\": [\"ptrace\"], \"action\": \"SCMP_ACT_KILL_PROCESS\" },\n"
        "    { \"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 13,\n"
        "      \"args\": [{ \"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\" }] },\n"
        "    { \"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_LOG\" },\n"
        "    { \"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\",\n"
        "      \"args\": [{ \"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\" }] }\n"
        "  ]\n"
        "}\n";

static uint32_t number(const char *name) {
        uint32_t nr = 0;

        assert_int_equal(seccomp_syscall_number(seccomp_arch_this(), name, &nr), 0);
        return nr;
}

static char *make_with(char *const *denied, const SeccompFirst *first, size_t n_first) {
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        SeccompTarget target = { .arch = seccomp_arch_this(),
                .kernel_major = 6,
                .kernel_minor = 1,
                .denied = denied,
                .first = first,
                .n_first = n_first };
        PolicyError error = {};
        char *text = NULL;

        assert_int_equal(seccomp_profile_parse(profile_text, strlen(profile_text), &p, &error), 0);
        assert_int_equal(seccomp_lines_make(p, &target, &text), 0);
        assert_true(seccomp_lines_valid(text));
        return text;
}

static char *make(char *const *denied) {
        return make_with(denied, NULL, 0);
}

/* Exactly one line answers the call with the action. */
static void expect(const char *text, uint32_t nr, uint32_t action, uint32_t whole, unsigned line) {
        SeccompLine found[4] = {};

        assert_int_equal(seccomp_lines_find(text, nr, action, found, ELEMENTSOF(found)), 1);
        assert_int_equal(found[0].action, whole);
        assert_int_equal(found[0].line, line);
}

static void expect_none(const char *text, uint32_t nr, uint32_t action) {
        assert_int_equal(seccomp_lines_find(text, nr, action, NULL, 0), 0);
}

static void test_lines_name_the_rule_that_decides(void **state _unused_) {
        _cleanup_free_ char *text = make(NULL);

        expect(text, number("mount"), SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | EPERM, 2);
        expect(text, number("ptrace"), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS, 6);
        expect(text, number("ioctl"), SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | EACCES, 7);
        expect(text, number("ioctl"), SECCOMP_RET_LOG, SECCOMP_RET_LOG, 9);
        expect(text, number("socket"), SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | EPERM, 2);
        /* Not what no rule answers. */
        expect_none(text, number("ptrace"), SECCOMP_RET_ERRNO);
        expect_none(text, number("mount"), SECCOMP_RET_KILL_PROCESS);
        expect_none(NULL, number("mount"), SECCOMP_RET_ERRNO);
}

static void test_lines_know_calls_newer_than_the_profile(void **state _unused_) {
        _cleanup_free_ char *text = make(NULL);

        expect(text, 100000, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | ENOSYS, 2);
}

static void test_lines_name_the_floor(void **state _unused_) {
        char *denied[] = { (char[]){ "read" }, NULL };
        _cleanup_free_ char *text = make(denied);

        expect(text, number("read"), SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | EPERM, 0);
        /* A call that the profile allows, and the floor too, has no entry of its own to be found. */
        SeccompLine found;
        assert_int_equal(seccomp_lines_find(text, number("write"), SECCOMP_RET_KILL_THREAD, &found, 1), 0);
}

/* However many rules of ours there are for a call, they are named once, and no line of theirs is. */
static void test_lines_name_what_stands_before_every_profile(void **state _unused_) {
        static const char first_text[] =
                "{ \"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [\n"
                "{ \"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1,\n"
                "  \"args\": [{ \"index\": 1, \"value\": 7, \"op\": \"SCMP_CMP_EQ\" }] },\n"
                "{ \"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1,\n"
                "  \"args\": [{ \"index\": 1, \"value\": 8, \"op\": \"SCMP_CMP_EQ\" }] } ] }";
        _cleanup_seccomp_profile_ SeccompProfile *p = NULL;
        PolicyError error = {};
        SeccompLine found[4] = {};

        assert_int_equal(seccomp_profile_parse(first_text, strlen(first_text), &p, &error), 0);
        _cleanup_free_ char *text = make_with(NULL, &(SeccompFirst){ .profile = p, .path = "/first" }, 1);

        assert_int_equal(seccomp_lines_find(text, number("ioctl"), SECCOMP_RET_ERRNO, found, 4), 2);
        assert_int_equal(found[0].line, SECCOMP_LINE_FIRST);
        assert_int_equal(found[0].action, SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(found[1].line, 7);
        expect(text, number("mount"), SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | EPERM, 2);
}

static void test_lines_several_answers_are_in_order(void **state _unused_) {
        static const char text[] = "default:7fff0000@1,16:00050001@14,16:00050026@9,16:80000000@20";
        SeccompLine found[1];

        assert_true(seccomp_lines_valid(text));
        assert_int_equal(seccomp_lines_find(text, 16, SECCOMP_RET_ERRNO, found, 1), 2);
        assert_int_equal(found[0].line, 14);
}

static void test_lines_that_are_none_are_refused(void **state _unused_) {
        static const char *const bad[] = { "", ",", "default", "default:", "default:1@1",
                "default:0005000g@1", "default:0005000A@1", "default:00050001", "default:00050001@",
                "default:00050001@1,", "default:00050001@01", "default:00050001@4294967296",
                "4294967296:00050001@1", "16-:00050001@1", " 16:00050001@1", "16:00050001@1 ",
                "-1:00050001@1", "other:00050001@1" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(seccomp_lines_valid(bad[i]));
        assert_true(seccomp_lines_valid("16:00050001@1"));
        assert_true(seccomp_lines_valid("451+:00050026@4294967295"));

        _cleanup_strbuf_ StrBuf b = {};
        while (b.len <= SECCOMP_LINES_TEXT_MAX)
                strbuf_printf(&b, "%s16:00050001@1", b.len > 0 ? "," : "");
        assert_false(seccomp_lines_valid(b.data));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines_name_the_rule_that_decides),
                cmocka_unit_test(test_lines_know_calls_newer_than_the_profile),
                cmocka_unit_test(test_lines_name_the_floor),
                cmocka_unit_test(test_lines_name_what_stands_before_every_profile),
                cmocka_unit_test(test_lines_several_answers_are_in_order),
                cmocka_unit_test(test_lines_that_are_none_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
