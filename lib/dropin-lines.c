/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is a line to systemd. The order of the steps is systemd's, and each shows in some file: a comment is
 * looked for before the byte order mark is taken off, and inside a continued line too, where it is left out.
 */

#include "dropin-lines.h"

#define WHITE " \t\n\r"
#define BOM "\xef\xbb\xbf"

char *dropin_strip(char *s) {
        s += strspn(s, WHITE);
        size_t n = strlen(s);
        while (n > 0 && strchr(WHITE, s[n - 1]))
                n--;
        s[n] = '\0';
        return s;
}

/* One end of a line is up to one each of LF and CR, in any order, and a NUL behind. Returns how many bytes
 * it has. */
static size_t end_length(const char *p, const char *end, bool *ret_cut) {
        static const char ends[] = { '\n', '\r', '\0' };
        unsigned seen = 0;
        size_t n = 0;

        while (p + n < end) {
                const char *which = memchr(ends, p[n], sizeof(ends));
                unsigned bit = which ? 1U << (which - ends) : 0;
                if (!bit || (seen & bit) || (seen & 4U))
                        break;
                seen |= bit;
                n++;
        }
        *ret_cut = n > 0 && (!(seen & 1U) || (seen & 4U));
        return n;
}

static bool read_physical(DropinLines *l, const char **ret_, size_t *ret_n) {
        const char *p = l->at;
        bool cut;

        if (l->at == l->end)
                return false;
        while (p < l->end && *p != '\n' && *p != '\r' && *p != '\0')
                p++;
        *ret_ = l->at;
        *ret_n = (size_t)(p - l->at);
        l->at = p + end_length(p, l->end, &cut);
        l->cut = l->cut || cut;
        l->n_read++;
        return true;
}

static bool is_comment(const char *p, size_t n) {
        while (n > 0 && (*p == ' ' || *p == '\t'))
                p++, n--;
        return n > 0 && (*p == '#' || *p == ';');
}

/* Is there a backslash at the end that no other one escapes? */
static bool is_continued(const char *p, size_t n) {
        size_t k = 0;

        while (k < n && p[n - 1 - k] == '\\')
                k++;
        return k % 2 == 1;
}

static void skip_bom(DropinLines *l, const char **p, size_t *n) {
        if (l->bom || *n < strlen(BOM) || memcmp(*p, BOM, strlen(BOM)) != 0)
                return;
        l->bom = true;
        *p += strlen(BOM);
        *n -= strlen(BOM);
}

static int finish(DropinLines *l) {
        if (l->text.failed)
                return -ENOMEM;
        char *s = dropin_strip(l->text.data);
        l->text.len = strlen(s);
        memmove(l->text.data, s, l->text.len + 1);
        return 1;
}

int dropin_lines_next(DropinLines *l) {
        bool more = false;
        const char *p;
        size_t n;

        l->text.len = 0;
        l->continued = l->cut = false;
        l->start = l->at;
        strbuf_puts(&l->text, "");

        while (read_physical(l, &p, &n)) {
                if (is_comment(p, n))
                        continue;
                skip_bom(l, &p, &n);
                if (!more) {
                        l->number = l->n_read;
                        l->start = p;
                }
                more = is_continued(p, n);
                l->continued = l->continued || more;
                strbuf_add(&l->text, p, more ? n - 1 : n);
                if (!more)
                        return finish(l);
                strbuf_putc(&l->text, ' ');
        }
        return more ? finish(l) : 0;
}
