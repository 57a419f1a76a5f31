/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which keys a configuration has: one table of rows, from which parsing, messages, `nucleus show` and the
 * list of keys in nucleus.toml(5) come. A new key is a new row.
 */

#include "config.h"
#include "strbuf.h"
#include "toml.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ConfigReader ConfigReader;
typedef struct SchemaRow SchemaRow;

/* A kind of value: how it is called, read and printed. */
typedef struct SchemaType {
        const char *name; /* for people: "string", "size", "list of strings" */
        /* Reads a value into `target` (NULL: checks it only). False: an error was reported. */
        bool (*parse)(ConfigReader *r, const SchemaRow *row, const TomlNode *value, void *target);
        /* Appends the value as TOML; nothing where it is not set. */
        void (*format)(const SchemaRow *row, const void *target, StrBuf *b);
} SchemaType;

typedef enum SchemaTableKind {
        SCHEMA_TOP,   /* the service's own keys */
        SCHEMA_TABLE, /* [table] */
        SCHEMA_ARRAY, /* [[table]]: any number of them */
} SchemaTableKind;

struct SchemaRow {
        const char *table; /* "" at the top */
        SchemaTableKind kind;
        const char *key;
        const SchemaType *type;
        size_t offset;            /* of the value: in ServiceConfig, or in the entry of a SCHEMA_ARRAY */
        unsigned flag;            /* of a namespace */
        bool required;            /* in each entry of a SCHEMA_ARRAY */
        bool unsupported;         /* checked, and then refused: a later version gives it its effect */
        const char *default_text; /* for people; NULL: none */
        const char *help;         /* one or two sentences */
};

/* All rows, those of one table together, in the order of the manual; ends with a NULL key. */
extern const SchemaRow schema_rows[];

/* Index of a row, for ServiceConfig.origins. */
size_t schema_index(const SchemaRow *row) _pure_;
size_t schema_count(void) _pure_;

/* The row of a key, or NULL. */
const SchemaRow *schema_find(const char *table, const char *key) _pure_;

/* Where the value of a key of the service came from; the service has origins. */
static inline Origin *schema_origin(const ServiceConfig *s, const char *table, const char *key) {
        return &s->origins[schema_index(schema_find(table, key))];
}

/* Appends the value of a service as TOML; a SCHEMA_ARRAY row gives nothing (see ServiceConfig's lists). */
void schema_format_value(const SchemaRow *row, const ServiceConfig *s, StrBuf *b);

#ifdef __cplusplus
}
#endif
