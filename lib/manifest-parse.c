/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifest text to entries. Hostile text: every deviation from the one canonical form is an error, so that
 * two readers can never understand one manifest differently. Must never skip or repair a line.
 */

#include "escape.h"
#include "manifest.h"

#define ID_MAX 4294967294U /* 2^32-1 is no id: chown(2) takes it for "unchanged" */

/* The rest of a line. Lines hold no NUL, but the text is not NUL-terminated here. */
typedef struct Line {
        const char *p, *end;
} Line;

/* Takes the next field, up to a space or the end. -EINVAL where there is none. */
static int next_field(Line *l, const char **ret_s, size_t *ret_n) {
        if (l->p >= l->end)
                return -EINVAL;

        const char *space = memchr(l->p, ' ', (size_t)(l->end - l->p));
        const char *stop = space ? space : l->end;
        *ret_s = l->p;
        *ret_n = (size_t)(stop - l->p);
        if (*ret_n == 0 || (space && space + 1 == l->end))
                return -EINVAL; /* two spaces, or one at the end */
        l->p = space ? space + 1 : l->end;
        return 0;
}

/* A decimal number without sign or leading zero, at most `max`. */
static int parse_number(const char *s, size_t n, uint64_t max, uint64_t *ret_) {
        uint64_t value = 0;

        if (n > 1 && s[0] == '0')
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return -EINVAL;
                uint64_t digit = (uint64_t)(s[i] - '0');
                if (value > (max - digit) / 10)
                        return -EINVAL;
                value = value * 10 + digit;
        }
        *ret_ = value;
        return 0;
}

static int parse_mode(const char *s, size_t n, unsigned *ret_) {
        unsigned mode = 0;

        if (n != 4)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '7')
                        return -EINVAL;
                mode = mode << 3 | (unsigned)(s[i] - '0');
        }
        *ret_ = mode;
        return 0;
}

/* type, mode, uid, gid: what every entry has. Sets *ret_reason on -EINVAL. */
static int parse_inode(Line *l, ManifestEntry *e, const char **ret_reason) {
        const char *s;
        size_t n;

        *ret_reason = "bad type: expected d, f or l";
        if (next_field(l, &s, &n) < 0 || n != 1 || !strchr("dfl", s[0]))
                return -EINVAL;
        e->type = (EntryType)s[0];

        *ret_reason = "bad mode: expected four octal digits";
        if (next_field(l, &s, &n) < 0 || parse_mode(s, n, &e->mode) < 0)
                return -EINVAL;
        *ret_reason = "bad uid";
        if (next_field(l, &s, &n) < 0 || parse_number(s, n, ID_MAX, &e->uid) < 0)
                return -EINVAL;
        *ret_reason = "bad gid";
        if (next_field(l, &s, &n) < 0 || parse_number(s, n, ID_MAX, &e->gid) < 0)
                return -EINVAL;
        return 0;
}

static bool is_dash(const char *s, size_t n) {
        return n == 1 && s[0] == '-';
}

/* size, then digest or target. */
static int parse_content(Line *l, ManifestEntry *e, const char **ret_reason) {
        const char *size, *s;
        size_t size_n, n;

        *ret_reason = "missing field";
        if (next_field(l, &size, &size_n) < 0 || next_field(l, &s, &n) < 0)
                return -EINVAL;

        *ret_reason = "bad size";
        if (e->type != ENTRY_FILE ? !is_dash(size, size_n)
                                  : parse_number(size, size_n, INT64_MAX, &e->size) < 0)
                return -EINVAL;

        switch (e->type) {
        case ENTRY_FILE:
                *ret_reason = "bad digest: expected 64 lower-case hexadecimal digits";
                return sha256_from_hex(s, n, e->digest);
        case ENTRY_DIRECTORY:
                *ret_reason = "bad content of a directory: expected -";
                return is_dash(s, n) ? 0 : -EINVAL;
        case ENTRY_SYMLINK:
                break;
        }

        *ret_reason = "bad link target";
        int r = unescape_field(s, n, &e->target);
        return r < 0 ? r : isempty(e->target) ? -EINVAL : 0;
}

static int parse_path_v2(Line *l, ManifestEntry *e, const char **ret_reason) {
        const char *s;
        size_t n;

        *ret_reason = "missing path";
        if (next_field(l, &s, &n) < 0)
                return -EINVAL;
        if (n == 1 && s[0] == '.') {
                e->path = strdup("");
                return e->path ? 0 : -ENOMEM;
        }

        *ret_reason = "bad escape in the path";
        int r = unescape_field(s, n, &e->path);
        if (r < 0)
                return r;
        *ret_reason = "empty path";
        return isempty(e->path) ? -EINVAL : 0;
}

static bool is_hex(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return n % 2 == 0;
}

/* " NAME VALUE" pairs up to the end of the line, names ascending. */
static int parse_xattrs(Line *l, ManifestEntry *e, const char **ret_reason) {
        _cleanup_free_ char *last = NULL;
        const char *start = l->p - 1, *s;
        size_t n;

        if (l->p == l->end)
                return 0;
        while (l->p < l->end) {
                _cleanup_free_ char *name = NULL;

                *ret_reason = "bad name of an extended attribute";
                if (next_field(l, &s, &n) < 0)
                        return -EINVAL;
                int r = unescape_field(s, n, &name);
                if (r < 0)
                        return r;
                if (!manifest_covers_xattr(name))
                        return -EINVAL;
                *ret_reason = "extended attributes are not sorted, or one is there twice";
                if (last && strcmp(last, name) >= 0)
                        return -EINVAL;
                *ret_reason = "bad value of an extended attribute";
                if (next_field(l, &s, &n) < 0 || (!is_dash(s, n) && !is_hex(s, n)))
                        return -EINVAL;

                free(last);
                last = TAKE_PTR(name);
        }
        e->xattrs = strndup(start, (size_t)(l->end - start));
        return e->xattrs ? 0 : -ENOMEM;
}

static int parse_line_v2(Line l, ManifestEntry *e, const char **ret_reason) {
        int r = parse_inode(&l, e, ret_reason);
        if (r >= 0)
                r = parse_content(&l, e, ret_reason);
        if (r >= 0)
                r = parse_path_v2(&l, e, ret_reason);
        return r < 0 ? r : parse_xattrs(&l, e, ret_reason);
}

static int parse_line_v1(Line l, ManifestEntry *e, const char **ret_reason) {
        const char *tab = memchr(l.p, '\t', (size_t)(l.end - l.p));

        *ret_reason = "no TAB between digest and path";
        if (!tab)
                return -EINVAL;
        *ret_reason = "bad digest: expected 64 lower-case hexadecimal digits";
        if (sha256_from_hex(l.p, (size_t)(tab - l.p), e->digest) < 0)
                return -EINVAL;
        e->type = ENTRY_FILE;
        e->path = strndup(tab + 1, (size_t)(l.end - tab - 1));
        return e->path ? 0 : -ENOMEM;
}

static int parse_entry(Manifest *m, Line l, const char **ret_reason) {
        ManifestEntry e = {};
        int r = (m->version == 2 ? parse_line_v2 : parse_line_v1)(l, &e, ret_reason);
        if (r < 0)
                goto finish;

        r = -EINVAL;
        *ret_reason = manifest_check_path(m->version, e.path);
        if (*ret_reason)
                goto finish;
        if (m->n == 0 && m->version == 2 && (e.path[0] != '\0' || e.type != ENTRY_DIRECTORY)) {
                *ret_reason = "the first entry must be the root directory";
                goto finish;
        }
        int c = m->n == 0 ? -1 : strcmp(m->entries[m->n - 1].path, e.path);
        if (c >= 0) {
                *ret_reason = c == 0 ? "path is there twice" : "paths are not sorted by their bytes";
                goto finish;
        }
        r = manifest_add(m, &e);

finish:
        manifest_entry_done(&e);
        return r;
}

static int parse_text(Manifest *m, const char *p, const char *end, ManifestError *error) {
        for (; p < end; error->line++) {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                const char *stop = newline ? newline : end;

                error->reason = "no newline at the end";
                if (!newline)
                        return -EINVAL;
                error->reason = "NUL byte";
                if (memchr(p, '\0', (size_t)(stop - p)))
                        return -EINVAL;
                error->reason = "empty line";
                if (stop == p)
                        return -EINVAL;
                error->reason = "line ends in a carriage return";
                if (stop[-1] == '\r')
                        return -EINVAL;

                int r = parse_entry(m, (Line){ p, stop }, &error->reason);
                if (r < 0)
                        return r;
                p = stop + 1;
        }
        return 0;
}

/* The length of the header line, or 0: version 1 has none. A version of the future is an error. */
static int parse_header(const char *text, size_t n, size_t *ret_n, int *ret_version) {
        static const char header[] = MANIFEST_HEADER_V2 "\n";
        const size_t length = sizeof(header) - 1, word = strlen("nucleus-manifest");

        *ret_n = 0;
        *ret_version = 1;
        if (n < word || memcmp(text, header, word) != 0)
                return 0;
        if (n < length || memcmp(text, header, length) != 0)
                return -EINVAL;
        *ret_n = length;
        *ret_version = 2;
        return 0;
}

int manifest_parse(const char *text, size_t n, Manifest **ret_, ManifestError *ret_error) {
        ManifestError error = { 1, "unknown version: expected \"" MANIFEST_HEADER_V2 "\"" };
        size_t skip;
        int version;

        int r = parse_header(text, n, &skip, &version);
        if (r < 0) {
                *ret_error = error;
                return r;
        }

        _cleanup_manifest_ Manifest *m = manifest_new(version);
        if (!m)
                return -ENOMEM;

        error.line = version == 2 ? 2 : 1;
        r = n == 0 ? 0 : parse_text(m, text + skip, text + n, &error);
        if (r >= 0 && version == 2 && m->n == 0) {
                error.reason = "the first entry must be the root directory";
                r = -EINVAL;
        }
        if (r == -EINVAL)
                *ret_error = error;
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(m);
        return 0;
}
