/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON with places. The scan runs only over text that jansson has accepted, so it looks for ends of values
 * and nothing else; it never decides what a value is.
 */

#include "json-text.h"

#include <ctype.h>
#include <jansson.h>

/* ---- the scan ---- */

static const char *end_of(const JsonText *t) {
        return t->text + t->n;
}

static const char *skip_space(const JsonText *t, const char *p) {
        while (p < end_of(t) && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
                p++;
        return p;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *p, const char *end) {
        for (p++; p < end && *p != '"'; p++)
                if (*p == '\\')
                        p++;
        return p < end ? p + 1 : end;
}

static const char *skip_value(const JsonText *t, const char *p) {
        const char *end = end_of(t);
        size_t depth = 0;

        while (p < end) {
                if (*p == '"') {
                        p = skip_string(p, end);
                } else if (*p == '[' || *p == '{') {
                        depth++;
                        p++;
                } else if (depth > 0 && (*p == ']' || *p == '}')) {
                        depth--;
                        p++;
                } else if (depth > 0) {
                        p++;
                        continue;
                } else { /* a number or a word */
                        while (p < end && (isalnum((unsigned char)*p) || strchr("+-.", *p)))
                                p++;
                }
                if (depth == 0)
                        return p;
        }
        return end;
}

/* Is the string at `p` (its opening quote) the key? Keys are ASCII, and may be written with \u escapes. */
static bool is_key(const JsonText *t, const char *p, const char *key) {
        const char *end = end_of(t);

        for (p++; p < end && *p != '"'; key++) {
                unsigned c = (unsigned char)*p++;

                if (c == '\\' && end - p >= 5 && *p == 'u') {
                        char digits[5] = { p[1], p[2], p[3], p[4] };
                        c = (unsigned)strtoul(digits, NULL, 16);
                        p += 5;
                }
                if (!*key || c != (unsigned char)*key)
                        return false;
        }
        return !*key;
}

/* The place of the member `key`: of its value, or of the key itself. NULL: not there. */
static const char *find_member(JsonNode object, const char *key, bool of_key) {
        const JsonText *t = object.text;

        for (const char *p = skip_space(t, object.at + 1); p < end_of(t) && *p == '"';) {
                const char *name = p;

                p = skip_space(t, skip_string(p, end_of(t)));
                p = skip_space(t, p + 1); /* the colon */
                if (is_key(t, name, key))
                        return of_key ? name : p;
                p = skip_space(t, skip_value(t, p));
                p = skip_space(t, p + 1); /* the comma */
        }
        return NULL;
}

unsigned node_line(JsonNode node) {
        JsonText *t = node.text;

        if (!node.at)
                return 0;
        if (node.at < t->counted) {
                t->counted = t->text;
                t->line = 1;
        }
        for (; t->counted < node.at; t->counted++)
                t->line += *t->counted == '\n';
        return t->line;
}

unsigned node_column(JsonNode node) {
        unsigned column = 1;

        if (!node.at)
                return 0;
        for (const char *p = node.at; p > node.text->text && p[-1] != '\n'; p--)
                column += (p[-1] & 0xc0) != 0x80; /* but the first byte of a character */
        return column;
}

/* ---- integers from 2^63 on ---- */

#define TOP                                                                                                 \
        "9223372036854775807" /* 2^63-1, as long as any integer that it stands for, or a digit shorter      \
                               */

/* Is the number at `p` a plain integer from 2^63 to 2^64-1? */
static bool is_large(const char *p, size_t n, uint64_t *ret_) {
        char digits[21] = {};

        if (n < 19 || n > 20 || *p == '0')
                return false;
        memcpy(digits, p, n);
        errno = 0;
        *ret_ = strtoull(digits, NULL, 10);
        return errno == 0 && *ret_ > INT64_MAX;
}

/*
 * Puts 2^63-1 and blanks over each integer that only an unsigned one can hold, so that jansson takes it and
 * every place stays what it was. Who asks for the value is given that of the text.
 */
static void cover_large(char *text, size_t n) {
        const char *end = text + n;

        for (char *p = text; p < end;) {
                if (*p == '"') {
                        p = text + (skip_string(p, end) - text);
                        continue;
                }
                char *start = p;
                uint64_t value;
                while (p < end && (isalnum((unsigned char)*p) || *p == '+' || *p == '-' || *p == '.'))
                        p++;
                size_t length = (size_t)(p - start);
                if (length >= 19 && strspn(start, "0123456789") >= length &&
                        is_large(start, length, &value)) {
                        memset(start, ' ', length);
                        memcpy(start, TOP, strlen(TOP));
                }
                p += p == start;
        }
}

int node_uint64(JsonNode node, uint64_t *ret_) {
        if (!json_is_integer(node.value) || json_integer_value(node.value) < 0)
                return -EINVAL;
        *ret_ = (uint64_t)json_integer_value(node.value);
        if (*ret_ == INT64_MAX) {
                size_t n = (size_t)(skip_value(node.text, node.at) - node.at);
                uint64_t value;
                if (is_large(node.at, n, &value))
                        *ret_ = value;
        }
        return 0;
}

/* ---- values ---- */

int json_text_parse(const char *text, size_t n, JsonText *ret_, PolicyError *reterr_) {
        _cleanup_free_ char *copy = malloc(n + 1);
        json_error_t error;

        *ret_ = (JsonText){ .text = text, .n = n, .counted = text, .line = 1 };
        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, n);
        copy[n] = '\0';
        cover_large(copy, n);
        ret_->root = json_loadb(copy, n, JSON_REJECT_DUPLICATES, &error);
        if (ret_->root)
                return 0;
        if (json_error_code(&error) == json_error_out_of_memory)
                return -ENOMEM;
        return policy_error_set(reterr_, (unsigned)error.line, (unsigned)error.column, "%s", error.text);
}

void json_text_done(JsonText *t) {
        json_decref(t->root);
        *t = (JsonText){};
}

JsonNode node_root(JsonText *t) {
        return (JsonNode){ t, t->root, skip_space(t, t->text) };
}

JsonType node_type(JsonNode node) {
        switch (node.value ? json_typeof(node.value) : JSON_NULL) {
        case JSON_OBJECT:
                return JSON_TYPE_OBJECT;
        case JSON_ARRAY:
                return JSON_TYPE_LIST;
        case JSON_STRING:
                return JSON_TYPE_STRING;
        case JSON_INTEGER:
                return JSON_TYPE_INTEGER;
        default:
                return JSON_TYPE_OTHER;
        }
}

JsonNode node_member(JsonNode object, const char *key) {
        json_t *value = json_object_get(object.value, key);

        if (!value || json_is_null(value))
                return (JsonNode){ object.text, NULL, object.at };
        return (JsonNode){ object.text, value, find_member(object, key, false) };
}

const char *node_string(JsonNode node) {
        return json_string_value(node.value);
}

size_t node_length(JsonNode list) {
        return json_array_size(list.value);
}

JsonItems node_items(JsonNode list) {
        return (JsonItems){ .list = list, .p = list.at };
}

bool node_next(JsonItems *i) {
        const JsonText *t = i->list.text;

        if (i->next >= node_length(i->list))
                return false;
        if (i->next > 0)
                i->p = skip_space(t, skip_value(t, i->p));
        i->p = skip_space(t, i->p + 1); /* behind the bracket or the comma */
        i->node = (JsonNode){ i->list.text, json_array_get(i->list.value, i->next++), i->p };
        return true;
}

const char *node_unknown_key(JsonNode object, const char *const *known, JsonNode *ret_at) {
        const char *key;
        json_t *value;

        json_object_foreach(object.value, key, value) {
                size_t i = 0;
                while (known[i] && !streq(known[i], key))
                        i++;
                if (known[i])
                        continue;
                /* One with escapes that is_key() does not know is somewhere in its object. */
                *ret_at = (JsonNode){ object.text, value, find_member(object, key, true) ?: object.at };
                return key;
        }
        return NULL;
}
