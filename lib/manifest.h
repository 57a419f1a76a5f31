/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The manifest of a root tree as text: both formats, parsed and formatted. Pure: no file is touched here.
 * The text of a manifest is canonical: what manifest_parse() takes, manifest_format() gives back byte for
 * byte. nucleus-manifest(5) has the formats.
 */

#include "hash.h"
#include "strbuf.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MANIFEST_HEADER_V2 "nucleus-manifest 2"
#define MANIFEST_PATH_MAX 4095U /* bytes: what one system call can name */

typedef enum EntryType {
        ENTRY_DIRECTORY = 'd',
        ENTRY_FILE = 'f',
        ENTRY_SYMLINK = 'l',
} EntryType;

typedef struct ManifestEntry {
        char *path;                  /* relative to the root, any bytes but NUL; "" is the root itself */
        uint8_t digest[SHA256_SIZE]; /* of a regular file */

        /* The rest is version 2 only. */
        EntryType type;
        unsigned mode; /* the twelve permission bits */
        uint64_t uid, gid;
        uint64_t size; /* of a regular file */
        char *target;  /* of a symbolic link, any bytes but NUL, never empty */
        char *xattrs;  /* canonical text, see manifest_format_xattr(); NULL: none */
} ManifestEntry;

typedef struct Manifest {
        int version; /* 1 or 2 */
        ManifestEntry *entries;
        size_t n;
        size_t size; /* allocated */
} Manifest;

/* Where and why a text is no manifest. */
typedef struct ManifestError {
        size_t line;        /* from 1 */
        const char *reason; /* static text */
} ManifestError;

void manifest_entry_done(ManifestEntry *e);

Manifest *manifest_new(int version); /* NULL: no memory */
Manifest *manifest_free(Manifest *m);
DEFINE_CLEANUP(Manifest *, manifest_free)
#define _cleanup_manifest_ _cleanup_(manifest_freep)

/* Moves *e to the end of the entries and zeroes it. 0 or -ENOMEM (then *e is untouched). */
int manifest_add(Manifest *m, ManifestEntry *e);

/* Sorts by the bytes of the path. */
void manifest_sort(Manifest *m);

/* The entry of that path in a sorted manifest, or NULL. */
const ManifestEntry *manifest_find(const Manifest *m, const char *path) _pure_;

/*
 * Parses `n` bytes of text; the version is told by the first line. Only canonical text is taken. 0, -ENOMEM,
 * or -EINVAL with *ret_error set.
 */
int manifest_parse(const char *text, size_t n, Manifest **ret_, ManifestError *ret_error);

/* Can an entry of that path stand in a manifest of that version? NULL, or static text that says why not. */
const char *manifest_check_path(int version, const char *path);

/* The text of a sorted manifest whose paths manifest_check_path() takes. 0 or -ENOMEM. */
int manifest_format(const Manifest *m, char **ret_, size_t *ret_n);

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
