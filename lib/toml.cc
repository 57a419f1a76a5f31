// SPDX-License-Identifier: Apache-2.0
/*
 * The one file that knows toml++. It turns the library's tree into ours and restores the order of the file,
 * which the library's sorted tables lose. Must never throw across the C boundary, and must never see a text
 * that toml_check_shape() refuses.
 */

#include "toml.h"

#include <algorithm>
#include <deque>
#include <new>
#include <string_view>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

struct TomlDocument {
        toml::table table; /* owns all strings */
        std::deque<TomlNode> nodes;
        TomlNode *root = nullptr;
};

namespace {

TomlNode *convert(TomlDocument *d, const toml::node &from);

void set_position(TomlNode *n, const toml::node &from) {
        n->line = static_cast<unsigned>(from.source().begin.line);
        n->column = static_cast<unsigned>(from.source().begin.column);
}

/* Where a member begins in the file: at its key, which the library remembers for each. */
bool before(const TomlNode *a, const TomlNode *b) {
        return a->key_line != b->key_line ? a->key_line < b->key_line : a->key_column < b->key_column;
}

void link_children(TomlNode *parent, const std::vector<TomlNode *> &children) {
        TomlNode **next = &parent->first;

        for (TomlNode *c : children) {
                *next = c;
                next = &c->next;
        }
        parent->n_children = children.size();
}

void convert_table(TomlDocument *d, TomlNode *n, const toml::table &table) {
        std::vector<TomlNode *> children;

        children.reserve(table.size());
        for (const auto &[key, value] : table) {
                TomlNode *c = convert(d, value);
                c->key = key.data();
                c->key_length = key.length();
                c->key_line = static_cast<unsigned>(key.source().begin.line);
                c->key_column = static_cast<unsigned>(key.source().begin.column);
                children.push_back(c);
        }
        std::stable_sort(children.begin(), children.end(), before);
        link_children(n, children);
}

void convert_array(TomlDocument *d, TomlNode *n, const toml::array &array) {
        std::vector<TomlNode *> children;

        children.reserve(array.size());
        for (const toml::node &value : array)
                children.push_back(convert(d, value));
        link_children(n, children);
}

TomlNode *convert(TomlDocument *d, const toml::node &from) {
        TomlNode *n = &d->nodes.emplace_back(TomlNode{});

        set_position(n, from);
        switch (from.type()) {
        case toml::node_type::string: {
                const std::string &s = from.as_string()->get();
                n->type = TOML_TYPE_STRING;
                n->string.text = s.c_str();
                n->string.length = s.size();
                break;
        }
        case toml::node_type::integer:
                n->type = TOML_TYPE_INTEGER;
                n->integer = from.as_integer()->get();
                break;
        case toml::node_type::floating_point:
                n->type = TOML_TYPE_FLOAT;
                n->real = from.as_floating_point()->get();
                break;
        case toml::node_type::boolean:
                n->type = TOML_TYPE_BOOLEAN;
                n->boolean = from.as_boolean()->get();
                break;
        case toml::node_type::array:
                n->type = TOML_TYPE_ARRAY;
                convert_array(d, n, *from.as_array());
                break;
        case toml::node_type::table:
                n->type = TOML_TYPE_TABLE;
                convert_table(d, n, *from.as_table());
                break;
        default:
                n->type = TOML_TYPE_DATE;
                break;
        }
        return n;
}

} // namespace

extern "C" int toml_parse(const char *text, size_t n, TomlDocument **ret_, TomlError *reterr_) {
        int r = toml_check_shape(text, n, reterr_);
        if (r < 0)
                return r;

        try {
                toml::parse_result result = toml::parse(std::string_view(text, n));
                if (!result) {
                        const toml::parse_error &e = result.error();
                        std::string_view what = e.description();
                        reterr_->line = static_cast<unsigned>(e.source().begin.line);
                        reterr_->column = static_cast<unsigned>(e.source().begin.column);
                        snprintf(reterr_->message, sizeof(reterr_->message), "%.*s",
                                static_cast<int>(std::min<size_t>(what.size(), 200)), what.data());
                        return -EINVAL;
                }
                TomlDocument *d = new TomlDocument();
                d->table = std::move(result).table();
                d->root = convert(d, d->table);
                *ret_ = d;
                return 0;
        } catch (const std::bad_alloc &) {
                return -ENOMEM;
        }
}

extern "C" const TomlNode *toml_root(const TomlDocument *d) {
        return d->root;
}

extern "C" TomlDocument *toml_free(TomlDocument *d) {
        delete d;
        return nullptr;
}

extern "C" const char *toml_type_name(TomlType type) {
        static const char *const names[_TOML_TYPE_MAX] = {
                "a string", "an integer", "a float", "a boolean", "a date or time", "an array", "a table",
        };
        return names[type];
}
