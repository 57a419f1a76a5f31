/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON that knows where it came from. jansson reads the text and says nothing of places afterwards, so each
 * value goes with the spot in the text where it stands: a second, simple scan over what jansson found valid.
 * Also integers up to 2^64-1, where jansson's end at 2^63-1.
 */

#include "policy-error.h"

struct json_t;

typedef struct JsonText {
        const char *text; /* borrowed */
        size_t n;
        struct json_t *root;
        const char *counted; /* `line` is that of this place: lines are asked for in rising order */
        unsigned line;
} JsonText;

/* One value. Borrowed from its text, copied freely. `value` NULL: not there. */
typedef struct JsonNode {
        JsonText *text;
        struct json_t *value;
        const char *at;
} JsonNode;

typedef enum JsonType {
        JSON_TYPE_OBJECT,
        JSON_TYPE_LIST,
        JSON_TYPE_STRING,
        JSON_TYPE_INTEGER,
        JSON_TYPE_OTHER, /* numbers with a fraction, true, false, null */
} JsonType;

/*
 * Reads `n` bytes, which must stay. Duplicate keys, data behind the value, NUL bytes, anything that is not
 * UTF-8 and nesting beyond 2048 are errors, and so is an integer below -2^63 or above 2^64-1. 0, -EINVAL
 * with *reterr_, or -ENOMEM. To be done also on error.
 */
int json_text_parse(const char *text, size_t n, JsonText *ret_, PolicyError *reterr_);
void json_text_done(JsonText *t);
#define _cleanup_json_text_ _cleanup_(json_text_done)

JsonNode node_root(JsonText *t);
JsonType node_type(JsonNode node);

/* The member `key` of an object. One that is null is not there: it is how programs write "nothing given". */
JsonNode node_member(JsonNode object, const char *key);

/* The string, or NULL where it is none. Lives as long as the text. */
const char *node_string(JsonNode node);

/* Integers from 0 to 2^64-1. 0, or -EINVAL where it is none. */
int node_uint64(JsonNode node, uint64_t *ret_);

/* Walks through a list: JsonItems i = node_items(list); while (node_next(&i)) … i.node … */
typedef struct JsonItems {
        JsonNode list, node;
        size_t next;
        const char *p;
} JsonItems;

JsonItems node_items(JsonNode list);
bool node_next(JsonItems *i);
size_t node_length(JsonNode list);

/* The first key of an object that is not in `known` (which ends with NULL), or NULL. *ret_at is its place.
 */
const char *node_unknown_key(JsonNode object, const char *const *known, JsonNode *ret_at);

unsigned node_line(JsonNode node);
/* In characters, from 1. */
unsigned node_column(JsonNode node);
