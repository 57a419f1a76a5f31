/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The manifest of a root tree as text: both formats, a line at a time, parsed and formatted. Pure: no file
 * is touched here, and nothing is allocated for a line. The text of a manifest is canonical: what
 * manifest_parse_line() takes, manifest_format_entry() gives back byte for byte. nucleus-manifest(5) has the
 * formats.
 */

#include "hash.h"
#include "strbuf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MANIFEST_HEADER_V2 "nucleus-manifest 2"
#define MANIFEST_PATH_MAX 4095U          /* bytes: what one system call can name */
#define MANIFEST_LINE_MAX (1024U * 1024) /* bytes without the newline */

typedef enum EntryType {
        ENTRY_DIRECTORY = 'd',
        ENTRY_FILE = 'f',
        ENTRY_SYMLINK = 'l',
} EntryType;

/* One line. The strings are borrowed: of whoever made the entry. */
typedef struct ManifestEntry {
        const char *path; /* relative to the root, any bytes but NUL; "" is the root itself */
        EntryType type;
        uint8_t digest[SHA256_SIZE]; /* of a regular file */

        /* The rest is version 2 only. */
        unsigned mode; /* the twelve permission bits */
        uint32_t uid, gid;
        uint64_t size; /* of a regular file */
        bool has_fsverity;
        uint8_t fsverity[SHA256_SIZE]; /* of a regular file */
        const char *target;            /* of a symbolic link: escaped, as in the line; not NUL-terminated */
        size_t target_n;
        const char *xattrs; /* canonical text, see manifest_format_xattr(); not NUL-terminated */
        size_t xattrs_n;    /* 0: none */
} ManifestEntry;

/* What is kept from line to line: where we are, and the path of the line before. */
typedef struct ManifestParser {
        int version;        /* 1 or 2; 0: before the first line */
        size_t line;        /* the number of the last line, from 1 */
        uint64_t entries;   /* so far */
        uint64_t bytes;     /* the sum of their sizes */
        const char *reason; /* why the last line is none: static text */
        unsigned current;   /* which of the paths is that of the last line */
        char paths[2][MANIFEST_PATH_MAX + 1];
} ManifestParser;

/*
 * Parses the next line, without its newline: the `n` bytes at `line`; zero the parser first. 1 with
 * *ret_entry, whose path is good until the call after the next; 0 for the header of version 2; or -EINVAL
 * with `reason` set.
 */
int manifest_parse_line(ManifestParser *p, const char *line, size_t n, ManifestEntry *ret_entry);

/* The text is at its end: is it a manifest? 0 or -EINVAL with `reason` set. */
int manifest_parse_end(ManifestParser *p);

/* The same for a text in memory: `func` is called for each entry; what it returns negative is returned. */
typedef int (*ManifestFunc)(const ManifestEntry *e, void *userdata);
int manifest_parse_text(ManifestParser *p, const char *text, size_t n, ManifestFunc func, void *userdata);

/* Can an entry of that path stand in a manifest of that version? NULL, or static text that says why not. */
const char *manifest_check_path(int version, const char *path);

/* Appends the line of an entry whose path manifest_check_path() takes, with its newline. */
void manifest_format_entry(StrBuf *b, int version, const ManifestEntry *e);

/*
 * Is an extended attribute of that name part of a manifest? security.capability, and all of the user. and
 * system. name spaces (POSIX ACLs are system.posix_acl_access and _default). Not the other security. ones
 * (labels and measurements of the host's security modules) nor trusted. (no workload can see those).
 */
bool manifest_covers_xattr(const char *name) _pure_;

/*
 * Appends one attribute to canonical text: " NAME VALUE", the name escaped, the value in lower-case
 * hexadecimal digits or "-" where it is empty. Attributes stand in the order of their names' bytes.
 */
void manifest_format_xattr(StrBuf *b, const char *name, const void *value, size_t n);

#ifdef __cplusplus
}
#endif
