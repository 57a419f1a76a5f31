/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand in a manifest, and the text of an entry. Both versions share all but the form of a line.
 * Must never touch a file: the files of attestation compare entries with the world.
 */

#include "manifest.h"

#include "escape.h"
#include "fsverity.h"

#include <limits.h>

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
                size_t n = (size_t)(strchrnul(p, '/') - p);
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

/* A million lines are written: printf() would cost more than all else of one. */
static void put_number(StrBuf *b, uint64_t value) {
        char text[21], *p = text + sizeof(text);

        *--p = ' ';
        do
                *--p = (char)('0' + value % 10);
        while (value /= 10);
        strbuf_add(b, p, (size_t)(text + sizeof(text) - p));
}

static void put_digest(StrBuf *b, const uint8_t digest[SHA256_SIZE], char end) {
        char hex[SHA256_HEX_SIZE];

        sha256_to_hex(digest, hex);
        hex[SHA256_HEX_SIZE - 1] = end;
        strbuf_add(b, hex, sizeof(hex));
}

static void format_v1(StrBuf *b, const ManifestEntry *e) {
        put_digest(b, e->digest, '\t');
        strbuf_puts(b, e->path);
}

static void put_inode(StrBuf *b, const ManifestEntry *e) {
        const char text[] = {
                (char)e->type,
                ' ',
                (char)('0' + (e->mode >> 9 & 7)),
                (char)('0' + (e->mode >> 6 & 7)),
                (char)('0' + (e->mode >> 3 & 7)),
                (char)('0' + (e->mode & 7)),
                ' ',
        };

        strbuf_add(b, text, sizeof(text));
        put_number(b, e->uid);
        put_number(b, e->gid);
}

static void format_v2(StrBuf *b, const ManifestEntry *e) {
        put_inode(b, e);
        switch (e->type) {
        case ENTRY_FILE:
                put_number(b, e->size);
                put_digest(b, e->digest, ' ');
                break;
        case ENTRY_SYMLINK:
                strbuf_add(b, "- ", 2);
                strbuf_add(b, e->target, e->target_n);
                strbuf_putc(b, ' ');
                break;
        case ENTRY_DIRECTORY:
                strbuf_add(b, "- - ", 4);
                break;
        }
        if (e->path[0] == '\0')
                strbuf_putc(b, '.');
        else
                escape_field(b, e->path, strlen(e->path));
        if (e->has_fsverity)
                manifest_format_xattr(b, FSVERITY_ATTRIBUTE, e->fsverity, sizeof(e->fsverity));
        strbuf_add(b, e->xattrs, e->xattrs_n);
}

void manifest_format_entry(StrBuf *b, int version, const ManifestEntry *e) {
        (version == 2 ? format_v2 : format_v1)(b, e);
        strbuf_putc(b, '\n');
}
