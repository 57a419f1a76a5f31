/* SPDX-License-Identifier: Apache-2.0 */
/* One section of a drop-in: what is read where, and what is refused. test_dropins.py asks systemd too. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dropin.h"
#include "strbuf.h"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define BOM "\xef\xbb\xbf"

static void print_notes(StrBuf *b, const char *what, const DropinNote *notes, size_t n) {
        for (size_t i = 0; i < n; i++)
                strbuf_printf(b, "%s %u %s\n", what, notes[i].line, notes[i].name);
}

/* "LINE KEY=VALUE" for each assignment, or "LINE! MESSAGE". */
static char *read_bytes(const char *text, size_t n) {
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_dropin_file_ DropinFile *f = NULL;
        _cleanup_strbuf_ StrBuf b = {};
        char *s = NULL;

        /* A block of its own, so that one byte too far is seen. */
        _cleanup_free_ char *copy = malloc(n ?: 1);
        assert_non_null(copy);
        memcpy(copy, text, n);

        int k = dropin_parse(copy, n, "X-Nucleus", &f, &error);
        assert_true(k == 0 || k == -EINVAL);
        assert_true((k == 0) == !error.message && (k == 0) == !!f);
        if (k < 0)
                strbuf_printf(&b, "%u! %s\n", error.line, error.message);
        else {
                assert_null(f->path);
                for (size_t i = 0; i < f->n; i++)
                        strbuf_printf(
                                &b, "%u %s=%s\n", f->items[i].line, f->items[i].key, f->items[i].value);
                print_notes(&b, "replaced", f->replaced, f->n_replaced);
                print_notes(&b, "misspelt", f->misspelt, f->n_misspelt);
        }
        assert_int_equal(strbuf_finish(&b, &s), 0);
        return s;
}

#define T(text) text, sizeof(text) - 1

static const struct {
        const char *text;
        size_t n;
        const char *read;
} good[] = {
        { T(""), "" },
        { T("\n\n"), "" },
        { T("[X-Nucleus]"), "" },
        { T("[X-Nucleus]\nMode=production\nLandlockPolicy=/a\n"),
                "2 Mode=production\n3 LandlockPolicy=/a\n" },
        { T("[X-Nucleus]\nA=b"), "2 A=b\n" },
        { T("[X-Nucleus]\nA=\nB = \n"), "2 A=\n3 B=\n" },
        { T(" \t[X-Nucleus] \t\n \tA \t= \tb\tc \t\n"), "2 A=b\tc\n" },
        { T("[X-Nucleus]\r\nA=b\r\n\r\nC=d\r\n"), "2 A=b\n4 C=d\n" },
        { T("[X-Nucleus]\n\rA=b\n\r"), "2 A=b\n" },
        { T("[X-Nucleus]\n# A=1\n;A=2\n \t# A=3\n  ; A=4\\\nA=b\n"), "6 A=b\n" },
        { T("[X-Nucleus]\nA=b # c\n"), "2 A=b # c\n" },
        { T("[X-Nucleus]\nA=;b;c\n"), "2 A=;b;c\n" },
        { T("[X-Nucleus]\nA=b=c:d\n"), "2 A=b=c:d\n" },
        { T("[X-Nucleus]\nA=\"b c\" 'd'\n"), "2 A=\"b c\" 'd'\n" },
        { T("[X-Nucleus]\nA=b\\\\\nC=d\n"), "2 A=b\\\\\n3 C=d\n" },
        { T("[X-Nucleus]\nA=\\b\n"), "2 A=\\b\n" },
        { T("[X-Nucleus]\nA=b\\ \n"), "2 A=b\\\n" },
        { T("[X-Nucleus]\nA=\xc3\xa4 \xc2\xa0\n"), "2 A=\xc3\xa4 \xc2\xa0\n" },
        { T("[X-Nucleus]\na=1\nA=2\na b=3\n"), "2 a=1\n3 A=2\n4 a b=3\n" },
        { T("[X-Nucleus]\nA=1\n  B=2\n"), "2 A=1\n3 B=2\n" },
        { T("A=1\n[X-Nucleus]\nA=2\n[Unit]\nA=3\n[X-Nucleus]\nA=4\n[X]\nA=5\n"), "3 A=2\n7 A=4\n" },
        { T("[X-Nucleus]x]\nA=1\n"), "misspelt 1 X-Nucleus]x\n" },
        { T("[]\nA=1\n[X-Nucleus]\nA=2\n"), "4 A=2\n" },

        /* A mark at the beginning of a line, once; a comment behind it is none. */
        { T(BOM "[X-Nucleus]\nA=b\n"), "2 A=b\n" },
        { T("\n\n" BOM "[X-Nucleus]\nA=b\n"), "4 A=b\n" },
        { T(BOM "# \\\n[X-Nucleus]\nA=b\n"), "" },
        { T("# \\\n[X-Nucleus]\nA=b\n"), "3 A=b\n" },

        /* What looks like a section is part of a value, and the other way round. */
        { T("[Service]\nX=\\\n[X-Nucleus]\nA=b\n"), "" },
        { T("[Service]\nX=a \\\n# c\n[X-Nucleus]\n[X-Nucleus]\nA=b\n"), "6 A=b\n" },
        { T("[Service]\nX=a \\\n; c \\\n\\\n\n[X-Nucleus]\nA=b\n"), "7 A=b\n" },
        { T("[Service]\nX=a\\\\\n[X-Nucleus]\nA=b\n"), "4 A=b\n" },
        { T("[X-Nucleus]\\\n\nA=b\n"), "3 A=b\n" },
        { T("[X-\\\nNucleus]\nA=b\n"), "misspelt 1 X- Nucleus\n" },

        /* Anything in other sections, and where systemd reads no more. */
        { T("[Service]\n" X50 X50 X50 X50 X50 "=\n:\n=\nx ;y\n\v\n[X-Nucleus]\nA=b\n"), "8 A=b\n" },
        { T("[X-Nucleus]\nA=b\n[Service]\n\xff\nX=1\n"), "2 A=b\n" },
        { T("[X-Nucleus]\nA=b\n[Service]\n[Unit\nX=1\n"), "2 A=b\n" },
        { T("[Service\nUser=x\n"), "" },
        { T("[Service]\n[\"]\nUser=x\n"), "" },
        { T("[X-Nucleus]\n#\xff\n;\xff\nA=b\n"), "4 A=b\n" },

        /* What is told beside. */
        { T("[Service]\n ExecStart = \nExecStart=/bin/sh\nMemoryMax=1G\nStandardInputText=a\\\nUser=b\n"
            "[X-A]\nUser=a\n"),
                "replaced 2 ExecStart\nreplaced 5 StandardInputText\n" },
        { T("[X-Focus]\nA=1\n[X-Fuzeus]\n"), "" },
        { T("[Service]\nZ=\xef\xbf\xbe\nUser=a\n"), "" }, /* U+FFFE: systemd reads no more */
        { T("User=a\n[service]\nUser=b\n[Unit]\nUser=c\n"), "" },
        { T("[x-nucleus]\nA=1\n[X-Nucleus ]\nA=1\n[X-Nuclues]\n[Unit]\n[Install]\n"),
                "misspelt 1 x-nucleus\nmisspelt 3 X-Nucleus \nmisspelt 5 X-Nuclues\n" },
};

static const struct {
        const char *text;
        size_t n;
        const char *error; /* begins with it */
} bad[] = {
        { T("[X-Nucleus]\n\nA\n"), "3! the line has no \"=\"" },
        { T("[X-Nucleus]\nA:b\n"), "2! the line has no \"=\"" },
        { T("[X-Nucleus]\n" BOM "\n" BOM "\n"), "3! the line has no \"=\"" },
        { T("[X-Nucleus]\n.include /a\n"), "2! the line has no \"=\"" },
        { T("[X-Nucleus]\n=a\n"), "2! there is no key" },
        { T("[X-Nucleus]\n  = a\n"), "2! there is no key" },
        { T("[X-Nucleus]\nA:b=c\n"), "2! the key has a \":\"" },
        { T("[X-Nucleus]\nA=b ; c\n"), "2! there is a \";\" behind a space" },
        { T("[X-Nucleus]\nA=b\t;c\n"), "2! there is a \";\" behind a space" },
        { T("[X-Nucleus]\nA= ;c\n"), "2! there is a \";\" behind a space" },
        { T("[X-Nucleus]\nA=b\\\nc\n"), "2! the line is continued" },
        { T("[X-Nucleus]\nA=b\\\n"), "2! the line is continued" },
        { T("[X-Nucleus]\nA=b\\"), "2! the line is continued" },
        { T("[X-Nucleus]\nA=b\\\\\\\n[Unit]\n"), "2! the line is continued" },
        { T("[X-Nucleus]\nA=b\0c\n"), "2! the line, or a comment before it, ends in a control character" },
        { T("[X-Nucleus]\nA=b\rC=d\n"), "2! the line, or a comment before it, ends in a control character" },
        { T("[X-Nucleus]\n#\rC=d\n"), "3! the line, or a comment before it, ends in a control character" },
        { T("[X-Nucleus]\r"), "1! the line, or a comment before it, ends in a control character" },
        { T("[X-Nucleus]\nA=b\n\0"), "2! the line, or a comment before it, ends in a control character" },
        { T("[X-Nucleus]\nA=b\vc\n"), "2! the line has a control character" },
        { T("[X-Nucleus]\nA=b\v\n"), "2! the line has a control character" },
        { T("[X-Nucleus]\n\fA=b\n"), "2! the line has a control character" },
        { T("[X-Nucleus]\nA=b\xc2\x85\n"), "2! the line has a control character" },
        { T("[X-Nucleus]\nA=\xff\n"), "2! the line is not UTF-8" },
        { T("[X-Nucleus]\nA=\xed\xa0\x80\n"), "2! the line is not UTF-8" },
        { T("[X-Nucleus]\nA=b\n[Unit\n"), "3! the section's header has no \"]\"" },
        { T("[X-Nucleus\nA=b\n"), "1! the section's header has no \"]\"" },
        { T("[X-Nucleus] # c\nA=b\n"), "1! the section's header has no \"]\"" },
        { T("[Unit\n[X-Nucleus]\nA=b\n"), "1! the section's header has no \"]\"" },
        { T("[Unit]\n[\n[X-Nucleus]\nA=b\n"), "2! the section's header has no \"]\"" },
        { T("[Un\\it]\n[X-Nucleus]\nA=b\n"), "1! the section's header has a character" },
        { T("[Unit]\n\xff\n[X-Nucleus]\nA=b\n"), "2! the line is not UTF-8" },
        { T("[X-Nucleus]\nA=b\n[Unit]\n\xff\n[X-Nucleus]\n"), "4! the line is not UTF-8" },
};

static void test_dropin_reads_as_systemd_does(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *s = read_bytes(good[i].text, good[i].n);
                if (!streq(s, good[i].read))
                        fail_msg("%zu: %s\n%s", i, good[i].text, s);
        }
}

static void test_dropin_refuses_what_inih_would_bend(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *s = read_bytes(bad[i].text, bad[i].n);
                if (!startswith(s, bad[i].error))
                        fail_msg("%zu: %s\n%s", i, bad[i].text, s);
        }
}

/* "A=xxx…" of `n` bytes, with white space around it that does not count. */
static char *read_long(size_t n) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_puts(&b, "[X-Nucleus]\n # " X50 X50 X50 X50 X50 "\n   A   =   ");
        for (size_t i = 2; i < n; i++)
                strbuf_putc(&b, 'x');
        strbuf_puts(&b, "   \n[Unit]\n");
        assert_false(b.failed);
        return read_bytes(b.data, b.len);
}

static bool is_key(const char *key) {
        return streq(key, "Mode");
}

static void test_dropin_tells_of_keys_outside_of_the_section(void **state) {
        static const struct {
                const char *text;
                size_t n_stray;
        } cases[] = {
                { "Mode=agent\n", 1 },
                { "[Service]\nMode=agent\n", 1 },
                { "[Unit]\nMode=agent\n[Install]\nMode=x\n", 1 }, /* each key once */
                { "[X-Other]\nMode=agent\n", 0 },
                { "[Service]\nUser=x\n[X-Nucleus]\nMode=agent\n", 0 },
                { "[Service]\nModes=agent\n# Mode=x\n", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_policy_error_ PolicyError error = {};
                _cleanup_dropin_file_ DropinFile *file = NULL;

                assert_int_equal(dropin_parse_for(cases[i].text, strlen(cases[i].text), "X-Nucleus", is_key,
                                         &file, &error),
                        0);
                assert_int_equal(file->n_stray, cases[i].n_stray);
        }
}

static void test_dropin_reads_a_file_of_one_section_alone(void **state) {
        static const struct {
                const char *text, *error; /* NULL: fine */
                unsigned line;
        } cases[] = {
                { "# x\n\n[Floor]\nMode=agent\n[Floor]\nMode=x\n", NULL, 0 },
                { "[Floor]\n", NULL, 0 },
                { "", "there is no [Floor]", 0 },
                { "# only a comment\n", "there is no [Floor]", 0 },
                { "Mode=x\n[Floor]\n", "the line stands outside of [Floor]", 1 },
                { "[Floor]\nMode=x\n[Unit]\n", "unknown section [Unit]", 3 },
                { "X=1 \\\n[Floor]\nMode=x\n", "the line stands outside of [Floor]", 1 },
                { "[Floor\nMode=x\n", "the section's header has no", 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_policy_error_ PolicyError error = {};
                _cleanup_dropin_file_ DropinFile *file = NULL;

                int r = dropin_parse_only(cases[i].text, strlen(cases[i].text), "Floor", &file, &error);
                assert_int_equal(r, cases[i].error ? -EINVAL : 0);
                if (cases[i].error) {
                        assert_true(startswith(error.message, cases[i].error));
                        assert_int_equal(error.line, cases[i].line);
                }
        }
}

static void test_dropin_refuses_a_line_that_inih_would_cut(void **state) {
        size_t longest = 0;

        for (size_t n = 3; n < 5000; n++) {
                _cleanup_free_ char *s = read_long(n);
                if (startswith(s, "3! the line is too long")) {
                        assert_true(longest > 150);
                        continue;
                }
                assert_int_equal(longest, n == 3 ? 0 : n - 1);
                if (!startswith(s, "3 A=x"))
                        fail_msg("%zu bytes: %s", n, s);
                assert_int_equal(strlen(s), strlen("3 ") + n + strlen("\n"));
                longest = n;
        }
        assert_true(longest < 4999);
}

static void test_dropin_of_many_continued_lines_takes_linear_time(void **state) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_puts(&b, "[Service]\nExecStart=");
        for (size_t i = 0; i < 300000; i++)
                strbuf_puts(&b, "\\\n");
        strbuf_puts(&b, "\n[X-Nucleus]\nA=b\n");
        _cleanup_free_ char *s = read_bytes(b.data, b.len);
        assert_string_equal(s, "300004 A=b\nreplaced 2 ExecStart\n");
}

static void test_dropin_reads_the_section_that_is_asked_for(void **state) {
        const char text[] = "[Floor]\nMode=strict-agent\n[X-Nucleus]\nMode=production\n[floor]\nA=b\n";
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_dropin_file_ DropinFile *f = NULL;

        assert_int_equal(dropin_parse(text, strlen(text), "Floor", &f, &error), 0);
        assert_int_equal(f->n, 1);
        assert_string_equal(f->items[0].value, "strict-agent");
        assert_int_equal(f->n_misspelt, 1);
        assert_int_equal(f->misspelt[0].line, 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dropin_reads_as_systemd_does),
                cmocka_unit_test(test_dropin_refuses_what_inih_would_bend),
                cmocka_unit_test(test_dropin_tells_of_keys_outside_of_the_section),
                cmocka_unit_test(test_dropin_reads_a_file_of_one_section_alone),
                cmocka_unit_test(test_dropin_refuses_a_line_that_inih_would_cut),
                cmocka_unit_test(test_dropin_of_many_continued_lines_takes_linear_time),
                cmocka_unit_test(test_dropin_reads_the_section_that_is_asked_for),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
