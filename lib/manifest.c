/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests as data: entries kept sorted by path, what may stand in one, and their text. Both versions share
 * all but the form of a line. Must never touch a file: attest.c compares these entries with the world.
 */

#include "manifest.h"

#include "escape.h"

#include <limits.h>

void manifest_entry_done(ManifestEntry *e) {
        free(e->path);
        free(e->target);
        free(e->xattrs);
        *e = (ManifestEntry){};
}

Manifest *manifest_new(int version) {
        Manifest *m = calloc(1, sizeof(*m));

        if (m)
                m->version = version;
        return m;
}

Manifest *manifest_free(Manifest *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n; i++)
                manifest_entry_done(&m->entries[i]);
        free(m->entries);
        free(m);
        return NULL;
}

int manifest_add(Manifest *m, ManifestEntry *e) {
        if (m->n == m->size) {
                size_t size = m->size ? m->size * 2 : 64;
                ManifestEntry *p = reallocarray(m->entries, size, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                m->entries = p;
                m->size = size;
        }
        m->entries[m->n++] = *e;
        *e = (ManifestEntry){};
        return 0;
}

static int entry_compare(const void *a, const void *b) {
        return strcmp(((const ManifestEntry *)a)->path, ((const ManifestEntry *)b)->path);
}

void manifest_sort(Manifest *m) {
        if (m->n > 1)
                qsort(m->entries, m->n, sizeof(*m->entries), entry_compare);
}

const ManifestEntry *manifest_find(const Manifest *m, const char *path) {
        ManifestEntry key = { .path = (char *)path };

        return m->n == 0 ? NULL : bsearch(&key, m->entries, m->n, sizeof(*m->entries), entry_compare);
}

static const char *check_component(const char *s, size_t n) {
        if (n == 0)
                return "empty component in the path";
        if (n == 1 && s[0] == '.')
                return "component \".\" in the path";
        if (n == 2 && s[0] == '.' && s[1] == '.')
                return "component \"..\" in the path";
        return n > NAME_MAX ? "component of more than 255 bytes in the path" : NULL;
}

const char *manifest_check_path(int version, const char *path) {
        if (path[0] == '\0') /* the root */
                return version == 2 ? NULL : "empty path";
        if (path[0] == '/')
                return "absolute path";
        if (strlen(path) > MANIFEST_PATH_MAX)
                return "path of more than 4095 bytes";
        /* Version 1 writes the path as it is, so nothing may look like the end of a line. mkRootfs writes a
         * TAB as it is, too. */
        if (version == 1)
                for (const char *p = path; *p; p++)
                        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
                                return "control character in the path, which version 1 cannot express";

        for (const char *p = path;; p++) {
                size_t n = strcspn(p, "/");
                const char *reason = check_component(p, n);
                if (reason)
                        return reason;
                p += n;
                if (*p == '\0')
                        return NULL;
        }
}

bool manifest_covers_xattr(const char *name) {
        return streq(name, "security.capability") || startswith(name, "user.") ||
               startswith(name, "system.");
}

void manifest_format_xattr(StrBuf *b, const char *name, const void *value, size_t n) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *v = value;

        strbuf_putc(b, ' ');
        escape_field(b, name, strlen(name));
        strbuf_puts(b, n == 0 ? " -" : " ");
        for (size_t i = 0; i < n; i++)
                strbuf_add(b, (char[]){ digits[v[i] >> 4], digits[v[i] & 15] }, 2);
}

static void format_v1(StrBuf *b, const ManifestEntry *e) {
        char hex[SHA256_HEX_SIZE];

        sha256_to_hex(e->digest, hex);
        strbuf_puts(b, hex);
        strbuf_putc(b, '\t');
        strbuf_puts(b, e->path);
        strbuf_putc(b, '\n');
}

static void format_v2(StrBuf *b, const ManifestEntry *e) {
        char hex[SHA256_HEX_SIZE];

        strbuf_printf(b, "%c %04o %llu %llu ", (char)e->type, e->mode, (unsigned long long)e->uid,
                (unsigned long long)e->gid);
        switch (e->type) {
        case ENTRY_FILE:
                sha256_to_hex(e->digest, hex);
                strbuf_printf(b, "%llu %s ", (unsigned long long)e->size, hex);
                break;
        case ENTRY_SYMLINK:
                strbuf_puts(b, "- ");
                escape_field(b, e->target, strlen(e->target));
                strbuf_putc(b, ' ');
                break;
        case ENTRY_DIRECTORY:
                strbuf_puts(b, "- - ");
                break;
        }
        if (e->path[0] == '\0')
                strbuf_putc(b, '.');
        else
                escape_field(b, e->path, strlen(e->path));
        if (e->xattrs)
                strbuf_puts(b, e->xattrs);
        strbuf_putc(b, '\n');
}

int manifest_format(const Manifest *m, char **ret_, size_t *ret_n) {
        _cleanup_strbuf_ StrBuf b = {};

        if (m->version == 2)
                strbuf_puts(&b, MANIFEST_HEADER_V2 "\n");
        for (size_t i = 0; i < m->n; i++)
                (m->version == 2 ? format_v2 : format_v1)(&b, &m->entries[i]);

        size_t n = b.len;
        int r = strbuf_finish(&b, ret_);
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}
