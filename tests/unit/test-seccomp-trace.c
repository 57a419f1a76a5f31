/* SPDX-License-Identifier: Apache-2.0 */
/* Traces of system calls: their text, what of it is refused, and how counts come together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "seccomp-trace-file.h"

static void read_trace(const char *text, SeccompTrace *ret_) {
        _cleanup_policy_error_ PolicyError error = {};

        if (seccomp_trace_parse(text, strlen(text), ret_, &error) < 0)
                fail_msg("line %u: %s", error.line, error.message ?: "no memory");
}

static const char whole_trace[] =
        "{\n"
        "  \"nucleus-trace\": 1,\n"
        "  \"architecture\": \"x86_64\",\n"
        "  \"kernel\": \"6.18.5\",\n"
        "  \"command\": [\"/bin/w\\u0022b\", \"\\\\xff\", \"\xc3\xa4\"],\n"
        "  \"syscalls\": {\n"
        "    \"close\": { \"count\": 3 },\n"
        "    \"ioctl\": { \"count\": 7, \"argument\": 1, \"values\": { \"0x1\": 1, \"0x5401\": 6 } },\n"
        "    \"prctl\": { \"count\": 9, \"argument\": 0, \"values\": { \"0x4\": 1 }, \"values_cut\": true "
        "},\n"
        "    \"read\": { \"count\": 12 }\n"
        "  },\n"
        "  \"numbers\": {\n"
        "    \"1001\": 4\n"
        "  },\n"
        "  \"foreign\": [\n"
        "    { \"architecture\": \"0x40000003\", \"number\": 4, \"count\": 1 }\n"
        "  ]\n"
        "}\n";

static void test_trace_text_is_read_back_as_it_was(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        _cleanup_free_ char *text = NULL, *expected = strdup(whole_trace);

        read_trace(whole_trace, &t);
        assert_int_equal(t.n_calls, 6);
        assert_string_equal(t.command[0], "/bin/w\"b");
        assert_int_equal(seccomp_trace_format(&t, &text), 0);
        /* A quote and a backslash are always written as a number; both are one character. */
        char *p = strstr(expected, "\\\\xff");
        assert_non_null(p);
        _cleanup_free_ char *wanted = NULL;
        assert_true(asprintf(&wanted, "%.*s\\u005cxff%s", (int)(p - expected), expected, p + 5) > 0);
        assert_string_equal(text, wanted);
}

static void test_trace_bytes_that_are_no_utf8_become_text(void **state) {
        SeccompTrace t = { .architecture = strdup("x86_64") }, back = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(strv_append(&t.command, "a\xff\n\x7f"), 0);
        assert_int_equal(seccomp_trace_format(&t, &text), 0);
        read_trace(text, &back);
        assert_string_equal(back.command[0], "a\\xff\n\x7f");
        seccomp_trace_done(&t);
        seccomp_trace_done(&back);
}

static void test_trace_of_numbers_alone_gets_names(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};

        read_trace(
                "{\"nucleus-trace\":1,\"architecture\":\"x86_64\",\"numbers\":{\"0\":12,\"1001\":1}}", &t);
        assert_int_equal(t.n_calls, 2);
        assert_string_equal(t.calls[0].name, "read");
        assert_int_equal(t.calls[0].count, 12);
        assert_null(t.calls[1].name);
}

#define HEAD "{\"nucleus-trace\": 1, \"architecture\": \"x86_64\""

static const struct {
        const char *text, *message;
        unsigned line;
} bad_traces[] = {
        { "", "", 1 },
        { "[]", "a trace must be an object", 0 },
        { "{}", "no \"nucleus-trace\"", 0 },
        { "{\"nucleus-trace\": 2, \"architecture\": \"x86_64\"}", "version 2", 1 },
        { "{\"nucleus-trace\": 1}", "\"architecture\"", 0 },
        { "{\"nucleus-trace\": 1, \"architecture\": \"vax\"}", "\"architecture\"", 1 },
        { HEAD ", \"colour\": 1}", "no key \"colour\"", 1 },
        { HEAD ", \"numbers\": {}, \"numbers\": {}}", "duplicate", 1 },
        { HEAD ",\n\"syscalls\": {\n\"raed\": {\"count\": 1}}}", "did you mean \"read\"?", 3 },
        { HEAD ", \"syscalls\": {\"read\": 5}}", "\"read\" must be an object", 1 },
        { HEAD ", \"syscalls\": {\"read\": {}}}", "the count of \"read\"", 1 },
        { HEAD ", \"syscalls\": {\"read\": {\"count\": -1}}}", "the count of \"read\"", 1 },
        { HEAD ", \"syscalls\": {\"read\": {\"count\": 1.5}}}", "the count of \"read\"", 1 },
        { HEAD ", \"syscalls\": {\"read\": {\"count\": 1, \"more\": 1}}}", "no key \"more\"", 1 },
        { HEAD ", \"syscalls\": {\"arm_sync_file_range\": {\"count\": 1}}}", "x86_64 has no system call",
                1 },
        { HEAD ", \"syscalls\": {\"ioctl\": {\"count\": 1, \"argument\": 6, \"values\": {}}}}",
                "from 0 to 5", 1 },
        { HEAD ", \"syscalls\": {\"ioctl\": {\"count\": 1, \"argument\": 1, \"values\": {\"5\": 1}}}}",
                "\"5\" is no number", 1 },
        { HEAD ", \"syscalls\": {\"ioctl\": {\"count\": 1, \"argument\": 1, \"values\": {\"0x0x5\": 1}}}}",
                "is no number", 1 },
        { HEAD ", \"numbers\": {\"-1\": 1}}", "\"-1\" is no number", 1 },
        { HEAD ", \"numbers\": {\"4294967296\": 1}}", "is no number", 1 },
        { HEAD ", \"numbers\": {\"1\": \"x\"}}", "the count of \"1\"", 1 },
        { HEAD ", \"foreign\": [{\"architecture\": \"0x0\", \"number\": 1, \"count\": 1}]}", "must not be 0",
                1 },
        { HEAD ", \"foreign\": [1]}", "entry of \"foreign\"", 1 },
        { HEAD ", \"command\": \"x\"}", "\"command\"", 1 },
        { HEAD "} x", "", 1 },
};

static void test_trace_that_is_not_understood_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_traces); i++) {
                _cleanup_policy_error_ PolicyError error = {};
                SeccompTrace t = {};

                int r = seccomp_trace_parse(bad_traces[i].text, strlen(bad_traces[i].text), &t, &error);
                if (r != -EINVAL || !error.message || !strstr(error.message, bad_traces[i].message) ||
                        error.line != bad_traces[i].line)
                        fail_msg("%s: %d, line %u, %s", bad_traces[i].text, r, error.line,
                                error.message ?: "nothing");
                assert_null(t.calls);
        }
}

static void test_trace_counts_stop_at_the_largest(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};

        assert_non_null(seccomp_trace_add(&t, 0, 1, INT64_MAX));
        assert_int_equal(seccomp_trace_add(&t, 0, 1, 5)->count, INT64_MAX);
}

static void test_trace_counts_numbers_beyond_the_limit_together(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};

        for (uint32_t nr = 0; nr < SECCOMP_TRACE_CALLS_MAX; nr++)
                assert_non_null(seccomp_trace_add(&t, 0, nr, 1));
        for (uint32_t i = 0; i < 5; i++) {
                SeccompTraceCall *c = seccomp_trace_add(&t, 0, 100000 + i, 1);
                assert_true(c->nr == UINT32_MAX && c->audit_arch == 0 && c->count == i + 1);
                c = seccomp_trace_add(&t, 0x40000003 + i, i % 2 ? i : UINT32_MAX, 1);
                assert_true(c->nr == UINT32_MAX && c->audit_arch == UINT32_MAX && c->count == i + 1);
        }
        assert_int_equal(t.n_calls, SECCOMP_TRACE_CALLS_MAX + 2);
        assert_int_equal(seccomp_trace_add(&t, 0, 7, 1)->count, 2); /* what is known goes on */
}

static void test_trace_values_are_cut_beyond_the_limit(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace t = {};
        SeccompTraceCall *c = seccomp_trace_add(&t, 0, 16, 1);

        assert_non_null(c);
        for (uint64_t v = SECCOMP_TRACE_VALUES_MAX; v > 0; v--)
                assert_int_equal(seccomp_trace_add_value(c, 1, v, 1), 0);
        assert_false(c->values_cut);
        assert_int_equal(c->values[0].value, 1); /* sorted */
        assert_int_equal(seccomp_trace_add_value(c, 1, 1000, 1), 0);
        assert_true(c->values_cut);
        assert_int_equal(c->n_values, SECCOMP_TRACE_VALUES_MAX);
}

#define TRACE_OF(calls) HEAD ", \"syscalls\": {" calls "}}"
#define IOCTL(values) "\"ioctl\": {\"count\": 1, \"argument\": 1, \"values\": {" values "}}"

static void test_trace_merge_adds_counts_and_values(void **state) {
        _cleanup_seccomp_trace_ SeccompTrace a = {}, b = {};

        read_trace(TRACE_OF("\"read\": {\"count\": 2}, " IOCTL("\"0x1\": 1")), &a);
        read_trace(TRACE_OF("\"read\": {\"count\": 3}, \"write\": {\"count\": 1}, " IOCTL(
                           "\"0x1\": 1, \"0x2\": 4")),
                &b);
        assert_int_equal(seccomp_trace_merge(&a, &b), 0);
        assert_int_equal(a.n_calls, 3);
        assert_int_equal(a.calls[0].count, 5);
        assert_string_equal(a.calls[1].name, "write");
        assert_int_equal(a.calls[2].n_values, 2);
        assert_int_equal(a.calls[2].values[0].count, 2);
        assert_false(a.calls[2].values_cut);
}

static void test_trace_merge_with_one_without_values_cuts_them(void **state) {
        static const char with[] = TRACE_OF(IOCTL("\"0x1\": 1"));
        static const char without[] = HEAD ", \"numbers\": {\"16\": 1}}";

        for (int i = 0; i < 2; i++) {
                _cleanup_seccomp_trace_ SeccompTrace a = {}, b = {};

                read_trace(i ? with : without, &a);
                read_trace(i ? without : with, &b);
                assert_int_equal(seccomp_trace_merge(&a, &b), 0);
                assert_true(a.calls[0].values_cut);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_trace_text_is_read_back_as_it_was),
                cmocka_unit_test(test_trace_bytes_that_are_no_utf8_become_text),
                cmocka_unit_test(test_trace_of_numbers_alone_gets_names),
                cmocka_unit_test(test_trace_that_is_not_understood_is_refused),
                cmocka_unit_test(test_trace_counts_stop_at_the_largest),
                cmocka_unit_test(test_trace_counts_numbers_beyond_the_limit_together),
                cmocka_unit_test(test_trace_values_are_cut_beyond_the_limit),
                cmocka_unit_test(test_trace_merge_adds_counts_and_values),
                cmocka_unit_test(test_trace_merge_with_one_without_values_cuts_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
