/* SPDX-License-Identifier: Apache-2.0 */
/* Walks TOML nodes for the parsers of policies. Must pass over nothing: what it does not know is an error.
 */

#include "policy-reader.h"

#include "nearest.h"
#include "strbuf.h"
#include "utf8.h"

#define WORDS_MAX 256U /* of one list: more than there are rights or capabilities */

/* No TOML begins so. */
static bool text_is_json(const char *text, size_t n) {
        for (; n > 0 && memchr(" \t\r\n", *text, 4); n--)
                text++;
        return n > 0 && *text == '{';
}

int policy_read_document(const char *text, size_t n, TomlDocument **ret_, PolicyError *reterr_) {
        TomlError error = {};
        int r = toml_parse(text, n, ret_, &error);

        if (r != -EINVAL)
                return r;
        if (text_is_json(text, n))
                return policy_error_set(reterr_, 1, 0,
                        "this is JSON, and this policy is written in TOML; JSON is what a seccomp profile "
                        "is written in");
        return policy_error_set(reterr_, error.line, error.column, "%s%s", error.message,
                strstr(error.message, "cannot redefine existing table")
                        ? "; of what there may be several, each is written [[NAME]]"
                        : "");
}

static int unknown_key(const TomlNode *v, const char *where, const PolicyKey *keys, PolicyError *reterr_) {
        _cleanup_strbuf_ StrBuf known = {};
        _cleanup_free_ char *text = NULL;
        const char *near = NULL, *in = *where ? " in " : "";
        size_t distance = SIZE_MAX;

        for (const PolicyKey *k = keys; k->name; k++) {
                strbuf_printf(&known, "%s%s", k == keys ? "" : ", ", k->name);
                name_consider(v->key, k->name, &near, &distance);
        }
        int r = strbuf_finish(&known, &text);
        if (r < 0)
                return r;
        if (near)
                return policy_error_set(reterr_, v->key_line, v->key_column,
                        "unknown key \"%.64s\"%s%s; did you mean \"%s\"?", v->key, in, where, near);
        return policy_error_set(reterr_, v->key_line, v->key_column,
                "unknown key \"%.64s\"%s%s, where there may be: %s", v->key, in, where, text);
}

int policy_read_table(
        const TomlNode *table, const char *where, const PolicyKey *keys, PolicyError *reterr_) {
        for (const TomlNode *v = table->first; v; v = v->next) {
                const PolicyKey *k = keys;

                while (k->name && (strlen(v->key) != v->key_length || !streq(k->name, v->key)))
                        k++;
                if (!k->name)
                        return unknown_key(v, where, keys, reterr_);
                if (v->type == TOML_TYPE_TABLE && k->tables)
                        return policy_error_at(
                                reterr_, v, "there may be several %s: write [[%s]]", k->name, k->name);
                if (v->type != k->type)
                        return policy_error_at(reterr_, v, "%s must be %s, not %s", k->name,
                                toml_type_name(k->type), toml_type_name(v->type));
                *k->value = v;
        }
        return 0;
}

int policy_read_string(const TomlNode *v, const char *what, const char **ret_, PolicyError *reterr_) {
        if (v->type != TOML_TYPE_STRING)
                return policy_error_at(
                        reterr_, v, "%s must be a string, not %s", what, toml_type_name(v->type));
        const char *s = v->string.text;
        for (size_t n = v->string.length, k; n > 0; s += k, n -= k) {
                uint32_t c = 0;
                k = utf8_decode(s, n, &c) ?: 1;
                if (character_is_control(c))
                        return policy_error_at(reterr_, v,
                                "%s holds the control character U+%04X, which no value may hold", what, c);
        }
        *ret_ = v->string.text;
        return 0;
}

int policy_read_words(
        const TomlNode *list, const char *what, PolicyTakeWord take, void *userdata, PolicyError *reterr_) {
        if (list->n_children > WORDS_MAX)
                return policy_error_at(reterr_, list, "%s has more than %u words", what, WORDS_MAX);
        for (const TomlNode *v = list->first; v; v = v->next) {
                const char *word;
                int r = policy_read_string(v, what, &word, reterr_);

                if (r < 0)
                        return r;
                for (const TomlNode *before = list->first; before != v; before = before->next)
                        if (streq(before->string.text, word))
                                return policy_error_at(reterr_, v, "%s names \"%.64s\" twice", what, word);
                r = take(v, word, userdata, reterr_);
                if (r < 0)
                        return r;
        }
        return 0;
}

int policy_read_tables(
        const TomlNode *list, const char *what, PolicyTakeTable take, void *userdata, PolicyError *reterr_) {
        for (const TomlNode *v = list->first; v; v = v->next) {
                if (v->type != TOML_TYPE_TABLE)
                        return policy_error_at(reterr_, v, "%s must hold tables, [[%s]], not %s", what, what,
                                toml_type_name(v->type));
                int r = take(v, userdata, reterr_);
                if (r < 0)
                        return r;
        }
        return 0;
}
