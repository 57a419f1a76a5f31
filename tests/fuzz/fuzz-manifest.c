/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is accepted is canonical, byte for byte, and its paths stay below the root. */

#include "fuzz.h"
#include "manifest.h"

typedef struct Seen {
        const ManifestParser *parser;
        StrBuf again;
        char *last;
} Seen;

static int visit(const ManifestEntry *e, void *userdata) {
        Seen *s = userdata;
        const char *path = e->path;

        CHECK(path[0] != '/' && !streq(path, "..") && !startswith(path, "../"));
        CHECK(!strstr(path, "/../") && !endswith(path, "/.."));
        CHECK(strlen(path) <= MANIFEST_PATH_MAX);
        CHECK(!s->last || strcmp(s->last, path) < 0);
        CHECK(!e->has_fsverity || e->type == ENTRY_FILE);
        free(s->last);
        s->last = strdup(path);
        CHECK(s->last);
        if (s->parser->version == 2 && s->again.len == 0)
                strbuf_puts(&s->again, MANIFEST_HEADER_V2 "\n");
        manifest_format_entry(&s->again, s->parser->version, e);
        return 0;
}

bool fuzz_one(const char *text, size_t n) {
        ManifestParser p = {};
        Seen s = { .parser = &p };

        int k = manifest_parse_text(&p, text, n, visit, &s);
        CHECK(k == 0 || (k == -EINVAL && p.reason && p.line > 0));
        if (k == 0)
                CHECK(!s.again.failed && s.again.len == n && (n == 0 || memcmp(s.again.data, text, n) == 0));
        strbuf_done(&s.again);
        free(s.last);
        return k == 0;
}
