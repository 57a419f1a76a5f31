/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drop-ins. Whatever of the section is accepted is the very text of its line, whatever inih would make of
 * it; and written again, one assignment a line, it reads the same.
 */

#include "dropin.h"
#include "fuzz.h"
#include "strbuf.h"

#define SECTION "X-Nucleus"

static bool is_stripped(const char *s) {
        size_t n = strlen(s);
        return n == 0 || (!strchr(" \t\r\n", s[0]) && !strchr(" \t\r\n", s[n - 1]));
}

/* The key, white space, "=", white space and the value stand in the text so. */
static bool is_in_text(const char *text, size_t n, const DropinAssignment *a) {
        const char *end = text + n, *p = text;

        while ((p = memmem(p, (size_t)(end - p), a->key, strlen(a->key)))) {
                const char *q = p + strlen(a->key);

                while (q < end && (*q == ' ' || *q == '\t'))
                        q++;
                if (q < end && *q++ == '=') {
                        while (q < end && (*q == ' ' || *q == '\t'))
                                q++;
                        if ((size_t)(end - q) >= strlen(a->value) &&
                                memcmp(q, a->value, strlen(a->value)) == 0)
                                return true;
                }
                p++;
        }
        return false;
}

static void check_again(const DropinFile *f) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_dropin_file_ DropinFile *again = NULL;
        _cleanup_policy_error_ PolicyError error = {};

        /* A mark, since it is taken off only once, and a key may begin with another. */
        strbuf_puts(&b, "\xef\xbb\xbf[" SECTION "]\n");
        /* And white space, since a value may end in a backslash that continued nothing. */
        for (size_t i = 0; i < f->n; i++)
                strbuf_printf(&b, "%s=%s \n", f->items[i].key, f->items[i].value);
        CHECK(!b.failed);
        CHECK(dropin_parse(b.data, b.len, SECTION, &again, &error) == 0);
        CHECK(again->n == f->n && again->n_replaced == 0 && again->n_misspelt == 0);
        for (size_t i = 0; i < f->n; i++) {
                CHECK(streq(again->items[i].key, f->items[i].key));
                CHECK(streq(again->items[i].value, f->items[i].value));
                CHECK(again->items[i].line == i + 2);
        }
}

bool fuzz_one(const char *text, size_t n) {
        _cleanup_dropin_file_ DropinFile *f = NULL;
        _cleanup_policy_error_ PolicyError error = {};
        unsigned line = 0;

        int k = dropin_parse(text, n, SECTION, &f, &error);
        CHECK(k == 0 || (k == -EINVAL && error.message && error.line > 0));
        if (k < 0)
                return false;
        CHECK(f->n == 0 || memmem(text, n, "[" SECTION "]", strlen("[" SECTION "]")));
        for (size_t i = 0; i < f->n; i++) {
                const DropinAssignment *a = &f->items[i];

                CHECK(a->line > line);
                line = a->line;
                CHECK(*a->key && !strpbrk(a->key, "=:") && is_stripped(a->key) && is_stripped(a->value));
                CHECK(is_in_text(text, n, a));
        }
        for (size_t i = 0; i < f->n_replaced; i++)
                CHECK(f->replaced[i].effect);
        check_again(f);
        return true;
}
