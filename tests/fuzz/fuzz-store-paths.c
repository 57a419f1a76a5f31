/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of store paths: what is accepted is sorted, safe to open below the store, and the same list again
 * when it is written; what is refused has a message of plain ASCII. The same bytes go through the scanner of
 * references in two pieces, which must not matter.
 */

#include "fuzz.h"
#include "nix-references.h"
#include "strbuf.h"

static void check_message(const char *error) {
        CHECK(error && startswith(error, "line "));
        for (; *error; error++)
                CHECK(*error >= ' ' && *error <= '~');
}

static void check_again(const StorePaths *s) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        _cleanup_store_paths_ StorePaths *again = NULL;
        _cleanup_strbuf_ StrBuf b = {};

        for (size_t i = 0; i < s->n; i++)
                strbuf_printf(&b, STORE_DIRECTORY "/%s\n", s->paths[i].name);
        CHECK(strbuf_finish(&b, &text) == 0 && strlen(text) == s->text_size);
        CHECK(store_paths_parse(text, strlen(text), &again, &error) == 0 && again->n == s->n);
        for (size_t i = 0; i < s->n; i++)
                CHECK(streq(s->paths[i].name, again->paths[i].name));
}

/* The name of what is found where the bytes come in two pieces, or NULL; to be freed. */
static char *scan(NixScanner *s, const char *text, size_t n, size_t first) {
        nix_scanner_begin(s);
        nix_scanner_update(s, text, first);
        nix_scanner_update(s, text + first, n - first);
        const char *found = nix_scanner_end(s);
        return found ? strdup(found) : NULL;
}

static void check_scanner(const StorePaths *s, const char *text, size_t n) {
        _cleanup_nix_scanner_ NixScanner *scanner = NULL;

        CHECK(nix_scanner_new(s, &scanner) == 0);
        _cleanup_free_ char *whole = scan(scanner, text, n, 0), *halves = scan(scanner, text, n, n / 2);
        CHECK(!whole == !halves && (!whole || streq(whole, halves)));
        CHECK(!whole || memmem(text, n, whole, strlen(whole)));
}

bool fuzz_one(const char *text, size_t n) {
        _cleanup_store_paths_ StorePaths *s = NULL;
        _cleanup_free_ char *error = NULL;

        int r = store_paths_parse(text, n, &s, &error);
        CHECK(r == 0 || r == -EINVAL);
        check_scanner(s, text, n);
        if (r < 0) {
                CHECK(!s);
                check_message(error);
                return false;
        }
        CHECK(!error && s->n > 0 && s->text_size == n && memcmp(s->text, text, n) == 0);
        for (size_t i = 0; i < s->n; i++) {
                CHECK(strlen(s->paths[i].name) >= 34 && strlen(s->paths[i].name) <= 244);
                CHECK(!strchr(s->paths[i].name, '/') && s->paths[i].fd < 0);
                CHECK(i == 0 || strcmp(s->paths[i - 1].name, s->paths[i].name) < 0);
        }
        check_again(s);
        return true;
}
