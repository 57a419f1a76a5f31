/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifest text to entries. Hostile text: every deviation from the one canonical form is an error, so that
 * two readers can never understand one manifest differently. Must never skip or repair a line.
 */

#include "escape.h"
#include "fsverity.h"
#include "manifest.h"

#define ID_MAX 4294967294U   /* 2^32-1 is no id: chown(2) takes it for "unchanged" */
#define NAME_LENGTH_MAX 255U /* of an attribute: the kernel's limit */

/* A part of a line. Lines hold no NUL, but the text is not NUL-terminated here. */
typedef struct Text {
        const char *p, *end;
} Text;

static size_t length(Text t) {
        return (size_t)(t.end - t.p);
}

/* Takes the next field, up to a space or the end. -EINVAL where there is none. */
static int next_field(Text *l, Text *ret_) {
        if (l->p >= l->end)
                return -EINVAL;

        const char *space = memchr(l->p, ' ', length(*l));
        const char *stop = space ? space : l->end;
        *ret_ = (Text){ l->p, stop };
        if (stop == l->p || (space && space + 1 == l->end))
                return -EINVAL; /* two spaces, or one at the end */
        l->p = space ? space + 1 : l->end;
        return 0;
}

/* A decimal number without sign or leading zero, at most `max`. */
static int parse_number(Text t, uint64_t max, uint64_t *ret_) {
        uint64_t value = 0;

        if (length(t) > 1 && t.p[0] == '0')
                return -EINVAL;
        for (const char *p = t.p; p < t.end; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                uint64_t digit = (uint64_t)(*p - '0');
                if (value > (max - digit) / 10)
                        return -EINVAL;
                value = value * 10 + digit;
        }
        *ret_ = value;
        return 0;
}

static int parse_mode(Text t, unsigned *ret_) {
        unsigned mode = 0;

        if (length(t) != 4)
                return -EINVAL;
        for (const char *p = t.p; p < t.end; p++) {
                if (*p < '0' || *p > '7')
                        return -EINVAL;
                mode = mode << 3 | (unsigned)(*p - '0');
        }
        *ret_ = mode;
        return 0;
}

static int parse_id(Text *l, uint32_t *ret_) {
        uint64_t value;
        Text t;

        if (next_field(l, &t) < 0 || parse_number(t, ID_MAX, &value) < 0)
                return -EINVAL;
        *ret_ = (uint32_t)value;
        return 0;
}

/* type, mode, uid, gid: what every entry has. Sets *ret_reason on -EINVAL. */
static int parse_inode(Text *l, ManifestEntry *e, const char **ret_reason) {
        Text t;

        *ret_reason = "bad type: expected d, f or l";
        if (next_field(l, &t) < 0 || length(t) != 1 || !strchr("dfl", t.p[0]))
                return -EINVAL;
        e->type = (EntryType)t.p[0];

        *ret_reason = "bad mode: expected four octal digits";
        if (next_field(l, &t) < 0 || parse_mode(t, &e->mode) < 0)
                return -EINVAL;
        *ret_reason = "bad uid";
        if (parse_id(l, &e->uid) < 0)
                return -EINVAL;
        *ret_reason = "bad gid";
        return parse_id(l, &e->gid);
}

static bool is_dash(Text t) {
        return length(t) == 1 && t.p[0] == '-';
}

/*
 * Unescapes a field into `out`, at most `max` bytes and a NUL. Only what escape_field() writes is taken. The
 * empty field's \e is none of what stands in a manifest.
 */
static int unescape(Text t, char *out, size_t max) {
        size_t n = length(t), k = 0;

        for (size_t i = 0; i < n;) {
                unsigned char c = (unsigned char)t.p[i];
                if (k == max)
                        return -ENAMETOOLONG;
                if (c > ' ' && c < 0x7f && c != '\\') {
                        out[k++] = t.p[i++];
                        continue;
                }
                if (n - i < 4 || c != '\\' || t.p[i + 1] != 'x')
                        return -EINVAL;
                int hi = hex_digit(t.p[i + 2]), lo = hex_digit(t.p[i + 3]);
                if (hi < 0 || lo < 0)
                        return -EINVAL;
                c = (unsigned char)(hi << 4 | lo);
                if (c == 0 || (c > ' ' && c < 0x7f && c != '\\'))
                        return -EINVAL;
                out[k++] = (char)c;
                i += 4;
        }
        out[k] = '\0';
        return 0;
}

/* size, then digest or target. */
static int parse_content(Text *l, ManifestEntry *e, const char **ret_reason) {
        char target[MANIFEST_PATH_MAX + 1];
        Text size, t;

        *ret_reason = "missing field";
        if (next_field(l, &size) < 0 || next_field(l, &t) < 0)
                return -EINVAL;

        *ret_reason = "bad size";
        if (e->type != ENTRY_FILE ? !is_dash(size) : parse_number(size, INT64_MAX, &e->size) < 0)
                return -EINVAL;

        switch (e->type) {
        case ENTRY_FILE:
                *ret_reason = "bad digest: expected 64 lower-case hexadecimal digits";
                return sha256_from_hex(t.p, length(t), e->digest);
        case ENTRY_DIRECTORY:
                *ret_reason = "bad content of a directory: expected -";
                return is_dash(t) ? 0 : -EINVAL;
        case ENTRY_SYMLINK:
                break;
        }

        *ret_reason = "bad link target";
        e->target = t.p;
        e->target_n = length(t);
        return unescape(t, target, MANIFEST_PATH_MAX) < 0 ? -EINVAL : 0;
}

static int parse_path_v2(Text *l, char *path, const char **ret_reason) {
        Text t;

        *ret_reason = "missing path";
        if (next_field(l, &t) < 0)
                return -EINVAL;
        if (length(t) == 1 && t.p[0] == '.') {
                path[0] = '\0';
                return 0;
        }
        int r = unescape(t, path, MANIFEST_PATH_MAX);
        *ret_reason = r == -ENAMETOOLONG ? "path of more than 4095 bytes" : "bad escape in the path";
        return r < 0 ? -EINVAL : 0;
}

static bool is_hex(Text t) {
        for (const char *p = t.p; p < t.end; p++)
                if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')))
                        return false;
        return length(t) % 2 == 0;
}

/* " NAME VALUE" of the first pair, where that is the digest that is no attribute of the inode's. */
static int parse_fsverity(Text *l, ManifestEntry *e, const char **ret_reason) {
        const size_t n = strlen(FSVERITY_ATTRIBUTE);
        Text t;

        if (length(*l) <= n || memcmp(l->p, FSVERITY_ATTRIBUTE " ", n + 1) != 0)
                return 0;
        *ret_reason = "only a regular file has " FSVERITY_ATTRIBUTE;
        if (e->type != ENTRY_FILE)
                return -EINVAL;
        *ret_reason = "bad " FSVERITY_ATTRIBUTE ": expected 64 lower-case hexadecimal digits";
        l->p += n + 1;
        if (next_field(l, &t) < 0 || sha256_from_hex(t.p, length(t), e->fsverity) < 0)
                return -EINVAL;
        e->has_fsverity = true;
        return 0;
}

/* " NAME VALUE" pairs up to the end of the line, names ascending. */
static int parse_xattrs(Text *l, ManifestEntry *e, const char **ret_reason) {
        char names[2][NAME_LENGTH_MAX + 1] = {};
        const char *start = l->p - 1;
        unsigned current = 0;
        Text t;

        if (l->p == l->end)
                return 0;
        while (l->p < l->end) {
                char *name = names[current ^ 1];

                *ret_reason = "bad name of an extended attribute";
                if (next_field(l, &t) < 0 || unescape(t, name, NAME_LENGTH_MAX) < 0 ||
                        !manifest_covers_xattr(name))
                        return -EINVAL;
                *ret_reason = "extended attributes are not sorted, or one is there twice";
                if (strcmp(names[current], name) >= 0)
                        return -EINVAL;
                *ret_reason = "bad value of an extended attribute";
                if (next_field(l, &t) < 0 || (!is_dash(t) && !is_hex(t)))
                        return -EINVAL;
                current ^= 1;
        }
        e->xattrs = start;
        e->xattrs_n = (size_t)(l->end - start);
        return 0;
}

static int parse_v2(Text l, ManifestEntry *e, char *path, const char **ret_reason) {
        int r = parse_inode(&l, e, ret_reason);
        if (r >= 0)
                r = parse_content(&l, e, ret_reason);
        if (r >= 0)
                r = parse_path_v2(&l, path, ret_reason);
        if (r >= 0)
                r = parse_fsverity(&l, e, ret_reason);
        return r < 0 ? r : parse_xattrs(&l, e, ret_reason);
}

static int parse_v1(Text l, ManifestEntry *e, char *path, const char **ret_reason) {
        const char *tab = memchr(l.p, '\t', length(l));

        *ret_reason = "no TAB between digest and path";
        if (!tab)
                return -EINVAL;
        *ret_reason = "bad digest: expected 64 lower-case hexadecimal digits";
        if (sha256_from_hex(l.p, (size_t)(tab - l.p), e->digest) < 0)
                return -EINVAL;
        e->type = ENTRY_FILE;
        l.p = tab + 1;
        *ret_reason = "path of more than 4095 bytes";
        if (length(l) > MANIFEST_PATH_MAX)
                return -EINVAL;
        memcpy(path, l.p, length(l));
        path[length(l)] = '\0';
        return 0;
}

/* Does the entry follow the one before? */
static int check_order(const ManifestParser *p, const ManifestEntry *e, const char **ret_reason) {
        if (p->entries == 0) {
                *ret_reason = "the first entry must be the root directory";
                return p->version == 2 && (e->path[0] != '\0' || e->type != ENTRY_DIRECTORY) ? -EINVAL : 0;
        }
        int c = strcmp(p->paths[p->current], e->path);
        *ret_reason = c == 0 ? "path is there twice" : "paths are not sorted by their bytes";
        return c < 0 ? 0 : -EINVAL;
}

static int parse_entry(ManifestParser *p, Text l, ManifestEntry *ret_) {
        ManifestEntry e = { .path = p->paths[p->current ^ 1] };

        p->reason = "line of more than 1 MiB";
        if (length(l) > MANIFEST_LINE_MAX)
                return -EINVAL;
        p->reason = "NUL byte";
        if (memchr(l.p, '\0', length(l)))
                return -EINVAL;
        p->reason = "empty line";
        if (length(l) == 0)
                return -EINVAL;
        p->reason = "line ends in a carriage return";
        if (l.end[-1] == '\r')
                return -EINVAL;

        int r = (p->version == 2 ? parse_v2 : parse_v1)(l, &e, p->paths[p->current ^ 1], &p->reason);
        if (r < 0)
                return r;
        p->reason = manifest_check_path(p->version, e.path);
        if (p->reason)
                return -EINVAL;
        r = check_order(p, &e, &p->reason);
        if (r < 0)
                return r;

        p->current ^= 1;
        p->entries++;
        p->bytes += e.size;
        *ret_ = e;
        return 1;
}

/* The first line. Version 1 has no header; a version of the future is an error. 0: this was the header. */
static int parse_first(ManifestParser *p, Text l) {
        const size_t word = strlen("nucleus-manifest"), n = strlen(MANIFEST_HEADER_V2);

        p->version = 1;
        if (length(l) < word || memcmp(l.p, MANIFEST_HEADER_V2, word) != 0)
                return 1;
        p->version = 2;
        p->reason = "unknown version: expected \"" MANIFEST_HEADER_V2 "\"";
        return length(l) == n && memcmp(l.p, MANIFEST_HEADER_V2, n) == 0 ? 0 : -EINVAL;
}

int manifest_parse_line(ManifestParser *p, const char *line, size_t n, ManifestEntry *ret_entry) {
        Text l = { line, line + n };

        if (p->line++ == 0) {
                int r = parse_first(p, l);
                if (r <= 0)
                        return r;
        }
        return parse_entry(p, l, ret_entry);
}

int manifest_parse_end(ManifestParser *p) {
        if (p->version == 0)
                p->version = 1; /* an empty file: no entry of version 1 */
        if (p->version == 1 || p->entries > 0)
                return 0;
        p->line++;
        p->reason = "the first entry must be the root directory";
        return -EINVAL;
}

int manifest_parse_text(ManifestParser *p, const char *text, size_t n, ManifestFunc func, void *userdata) {
        const char *end = text + n;

        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                ManifestEntry e;

                if (!newline) {
                        p->line++;
                        p->reason = "no newline at the end";
                        return -EINVAL;
                }
                int r = manifest_parse_line(p, text, (size_t)(newline - text), &e);
                if (r > 0 && func)
                        r = func(&e, userdata);
                if (r < 0)
                        return r;
                text = newline + 1;
        }
        return manifest_parse_end(p);
}
