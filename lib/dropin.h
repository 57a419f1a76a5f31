/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One section of a file in systemd's syntax (systemd.syntax(7)): [X-Nucleus] of a drop-in, [Floor] of
 * floor.conf. What comes out is exactly what systemd would read there; what cannot be read so is an error.
 */

#include "policy-error.h"
#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* KEY=VALUE, both stripped of white space. The value may be empty. */
typedef struct DropinAssignment {
        char *key, *value;
        unsigned line; /* from 1 */
} DropinAssignment;

/* Something in the file, outside of the section, that its reader should be told of. */
typedef struct DropinNote {
        char *name;         /* of the key, or the section as written */
        const char *effect; /* of a key: what it does, to stand behind "KEY="; static text. Else NULL */
        unsigned line;
} DropinNote;

/* How many assignments the section may have, and how many notes of a kind are taken. */
#define DROPIN_ITEMS_MAX 4096U
#define DROPIN_NOTES_MAX 20U

typedef struct DropinFile {
        char *path; /* NULL from dropin_parse(): text has none. Whoever read the file sets it */

        DropinAssignment *items; /* in the order of the file */
        size_t n;

        /* Keys of [Service] with which systemd runs something other than Nucleus, or hands it another spec.
         */
        DropinNote *replaced;
        size_t n_replaced;

        /* Sections whose name is nearly the wanted one: systemd ignores what is in them without a word. */
        DropinNote *misspelt;
        size_t n_misspelt;

        /* Keys that belong into the section, but stand in another one, or in none; see dropin_parse_for().
         */
        DropinNote *stray;
        size_t n_stray;
} DropinFile;

DropinFile *dropin_file_free(DropinFile *f);
DEFINE_CLEANUP(DropinFile *, dropin_file_free)
#define _cleanup_dropin_file_ _cleanup_(dropin_file_freep)

/*
 * Reads the section of that name, however often it occurs, out of `n` bytes of text. Names are
 * case-sensitive. Other sections may hold anything. In this one, these are errors: a continued line, a line
 * without "=" or without a key, ":" before "=", a comment behind a value, a line too long for the library
 * that reads it (200 bytes with Debian's), more than DROPIN_ITEMS_MAX assignments, control characters, what
 * is not UTF-8; and anywhere before it, a line behind which systemd reads no more. 0, -EINVAL with *reterr_,
 * or -ENOMEM.
 */
int dropin_parse(const char *text, size_t n, const char *section, DropinFile **ret_, PolicyError *reterr_);

/* The same, and `is_own` says which keys are the section's: DropinFile.stray. */
int dropin_parse_for(const char *text, size_t n, const char *section, bool (*is_own)(const char *key),
        DropinFile **ret_, PolicyError *reterr_);

/*
 * The same for a file of which the section is all: anything else in it, and the lack of the section, are
 * errors. For what must not be ignored by mistake.
 */
int dropin_parse_only(
        const char *text, size_t n, const char *section, DropinFile **ret_, PolicyError *reterr_);

/* Takes the next word off a list that is separated by white space; the word is to be freed. 1; 0 where there
 * is none left; or -ENOMEM. */
int dropin_next_word(const char **at, char **ret_);

/* "yes" and "no" in the words of systemd.syntax(7). 0 or -EINVAL. */
int dropin_boolean(const char *s, bool *ret_);

#ifdef __cplusplus
}
#endif
