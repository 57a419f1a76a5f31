/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verification found, kept bounded: however different a tree is, a list holds the first few paths and
 * a count. Names come from the tree, so whatever is shown is escaped.
 */

#include "attest-internal.h"
#include "escape.h"

#include <stdarg.h>

static void list_cut(AttestList *list, size_t max) {
        while (list->n > max) {
                AttestItem *item = &list->items[--list->n];
                free(item->path);
                free(item->what);
        }
}

void attest_report_done(AttestReport *r) {
        AttestList *lists[] = { &r->missing, &r->changed, &r->extra, &r->privileged };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                list_cut(lists[i], 0);
                free(lists[i]->items);
        }
        free(r->warning);
        free(r->message);
        *r = (AttestReport){};
}

static int item_compare(const void *a, const void *b) {
        return strcmp(((const AttestItem *)a)->path, ((const AttestItem *)b)->path);
}

static void list_sort(AttestList *list, size_t max) {
        if (list->n > 1)
                qsort(list->items, list->n, sizeof(*list->items), item_compare);
        list_cut(list, max);
}

int attest_list_add(AttestReport *r, AttestList *list, size_t max, const char *path, char *what) {
        _cleanup_free_ char *w = what, *p = strdup(path[0] == '\0' ? "." : path);
        if (!w || !p)
                return -ENOMEM;

        list->count++;
        if (list->n == list->size) {
                size_t size = list->size ? list->size * 2 : 16;
                AttestItem *items = reallocarray(list->items, size, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->size = size;
        }
        list->items[list->n++] = (AttestItem){ TAKE_PTR(p), TAKE_PTR(w) };

        /* The first by path are kept, and found in any order: sort now and then, not at every step. */
        if (max < SIZE_MAX / 2 && list->n >= 2 * max + 8)
                list_sort(list, max);
        return 0;
}

void attest_report_sort(AttestReport *r, size_t max) {
        list_sort(&r->missing, max);
        list_sort(&r->changed, max);
        list_sort(&r->extra, max);
        list_sort(&r->privileged, max);
}

char *attest_text(const char *format, ...) {
        va_list ap;
        char *s;

        va_start(ap, format);
        int n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? NULL : s;
}

char *attest_show_path(const char *path) {
        _cleanup_strbuf_ StrBuf b = {};
        char *s;

        if (path[0] == '\0')
                return strdup(".");
        escape_field(&b, path, strlen(path));
        return strbuf_finish(&b, &s) < 0 ? NULL : s;
}

int attest_fail(AttestReport *r, int error, const char *format, ...) {
        va_list ap;
        char *s;

        if (r->message)
                return error;
        va_start(ap, format);
        int n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        r->message = s;
        return error;
}

int attest_fail_hasher(AttestReport *r, int error) {
        return attest_fail(r, error,
                error == -EOPNOTSUPP ? "this build has no attestation" : "cannot load libcrypto.so.3");
}

static const char *error_text(int error) {
        switch (error) {
        case -ESTALE:
                return "it changes while it is read";
        case -EXDEV:
                return "another file system is mounted there";
        case -ENAMETOOLONG:
                return "the path has more than 4095 bytes";
        case -E2BIG:
                return "links give its files too many names";
        case -ENOSYS:
                return "the kernel has no openat2(2)";
        default:
                return strerror(-error);
        }
}

int attest_fail_path(AttestReport *r, int error, const char *path) {
        _cleanup_free_ char *shown = attest_show_path(path ?: "");
        const char *text = error_text(error);

        if (!shown)
                return -ENOMEM;
        return attest_fail(r, error, "cannot read %s in the root tree: %s", shown, text ?: "unknown error");
}

/* ", 2 changed (bin/sh: content; etc: mode is 0777, not 0755)" */
static void add_list(StrBuf *b, const AttestList *list, const char *title, bool with_what) {
        if (list->count == 0)
                return;
        strbuf_printf(b, "%s%llu %s (", b->len == 0 ? "" : ", ", (unsigned long long)list->count, title);
        for (size_t i = 0; i < list->n && i < ATTEST_LIST_DEFAULT; i++) {
                strbuf_puts(b, i == 0 ? "" : "; ");
                escape_field(b, list->items[i].path, strlen(list->items[i].path));
                if (with_what)
                        strbuf_printf(b, ": %s", list->items[i].what);
        }
        strbuf_puts(b, list->count > ATTEST_LIST_DEFAULT ? "; ...)" : ")");
}

int attest_fail_mismatch(AttestReport *r) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        add_list(&b, &r->missing, "missing", false);
        add_list(&b, &r->changed, "changed", true);
        add_list(&b, &r->extra, "extra", false);
        if (strbuf_finish(&b, &text) < 0)
                return -ENOMEM;
        return attest_fail(r, -EBADMSG, "the root tree is not what its manifest says: %s", text);
}

int attest_fail_unattestable(AttestReport *r) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        add_list(&b, &r->extra, "refused", true);
        if (strbuf_finish(&b, &text) < 0)
                return -ENOMEM;
        return attest_fail(r, -EBADMSG, "the root tree holds what cannot be attested: %s", text);
}
