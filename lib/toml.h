/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TOML text to a plain C tree. toml.cc is the only file that knows the TOML library; everything behind this
 * header is C and sees nodes with positions. Nothing here knows which keys exist.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum TomlType {
        TOML_TYPE_STRING,
        TOML_TYPE_INTEGER,
        TOML_TYPE_FLOAT,
        TOML_TYPE_BOOLEAN,
        TOML_TYPE_DATE, /* date, time or both: nothing here takes one, so it carries no value */
        TOML_TYPE_ARRAY,
        TOML_TYPE_TABLE,
        _TOML_TYPE_MAX,
} TomlType;

typedef struct TomlNode TomlNode;

struct TomlNode {
        TomlType type;
        unsigned line, column; /* of the value; from 1, in characters */

        /* A member of a table has a key. It is UTF-8 and may hold NUL bytes: use key_length. */
        const char *key;
        size_t key_length;
        unsigned key_line, key_column;

        union {
                struct {
                        const char *text; /* NUL-terminated, but may hold NUL bytes itself */
                        size_t length;
                } string;
                int64_t integer;
                double real;
                bool boolean;
        };

        TomlNode *first, *next; /* children in the order in which the file names them; next sibling */
        size_t n_children;
};

typedef struct TomlDocument TomlDocument;

typedef struct TomlError {
        unsigned line, column;
        char message[240];
} TomlError;

/*
 * Parses TOML 1.0. -EINVAL: no TOML, or one that toml_check_shape() refuses; *reterr_ says what and where.
 * 0, -EINVAL or -ENOMEM.
 */
int toml_parse(const char *text, size_t n, TomlDocument **ret_, TomlError *reterr_);

/* The root table; borrowed. */
const TomlNode *toml_root(const TomlDocument *d);

TomlDocument *toml_free(TomlDocument *d);
DEFINE_CLEANUP(TomlDocument *, toml_free)
#define _cleanup_toml_ _cleanup_(toml_freep)

/* "a string", "an integer", … */
const char *toml_type_name(TomlType type) _pure_;

/*
 * One linear pass before the TOML library sees the text: at most TOML_TEXT_MAX bytes of UTF-8 without NUL,
 * nesting and dotted keys of at most TOML_DEPTH_MAX levels, at most TOML_ELEMENTS_MAX values. The library
 * recurses on nesting (and once more when it frees), and some of its searches are linear in the number of
 * tables: within these bounds neither stack, memory nor time can be exhausted. 0 or -EINVAL.
 */
int toml_check_shape(const char *text, size_t n, TomlError *reterr_);

#define TOML_TEXT_MAX (1024U * 1024)
#define TOML_DEPTH_MAX 16U
#define TOML_ELEMENTS_MAX 50000U
#define TOML_HEADERS_MAX 10000U

#ifdef __cplusplus
}
#endif
