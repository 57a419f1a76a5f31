/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a service's TOML by the schema's rows. Every member is either read, or reported; none is
 * skipped.
 */

#include "config-reader.h"

#include "nearest.h"

/* The lists of ServiceConfig that tables in arrays fill. */
static const struct {
        const char *table;
        size_t list, n, entry_size, where;
} lists[] = {
#define LIST(table, type, member)                                                                           \
        {                                                                                                   \
                table, offsetof(ServiceConfig, member), offsetof(ServiceConfig, n_##member), sizeof(type),  \
                        offsetof(type, where)                                                               \
        }
        LIST("depends_on", Dependency, depends_on),
        LIST("sockets", Socket, sockets),
        LIST("tmpfs", Tmpfs, tmpfs),
        LIST("volumes", Volume, volumes),
#undef LIST
};

/* A new zeroed entry of the list of `table`; NULL where its keys have no effect yet, or out of memory. */
static void *append_entry(ConfigReader *r, const char *table, const TomlNode *at) {
        char *s = (char *)r->service;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                if (!streq(lists[i].table, table))
                        continue;
                void **list = (void **)(s + lists[i].list);
                size_t *n = (size_t *)(s + lists[i].n), size = lists[i].entry_size;

                void *p = reallocarray(*list, *n + 1, size);
                if (!p) {
                        (void)reader_oom(r);
                        return NULL;
                }
                *list = p;
                char *entry = (char *)p + (*n)++ * size;
                memset(entry, 0, size);
                *(Position *)(entry + lists[i].where) = reader_position(r, at);
                return entry;
        }
        return NULL;
}

static const SchemaRow *first_row(const char *table) {
        for (const SchemaRow *row = schema_rows; row->key; row++)
                if (streq(row->table, table))
                        return row;
        return NULL;
}

/* The key or table name most like `key`. */
static const char *suggest(const char *table, const char *key) {
        size_t distance = SIZE_MAX;
        const char *found = NULL;

        for (const SchemaRow *row = schema_rows; row->key; row++) {
                const char *candidate = streq(row->table, table) ? row->key
                                        : isempty(table)         ? row->table
                                                                 : NULL;
                if (candidate)
                        name_consider(key, candidate, &found, &distance);
        }
        return found;
}

/* Another table with a key of that very name, or NULL. */
static const char *table_of(const char *table, const char *key) {
        for (const SchemaRow *row = schema_rows; row->key; row++)
                if (streq(row->key, key) && !streq(row->table, table) && row->table[0] &&
                        !streq(row->table, "environment"))
                        return row->table;
        return NULL;
}

static bool unknown_key(ConfigReader *r, const char *table, const TomlNode *v) {
        const char *near = suggest(table, v->key), *other = table_of(table, v->key);

        if (other)
                return reader_key_error(r, v, "unknown key \"%.64s\"%s%s; it belongs in [%s]", v->key,
                        isempty(table) ? "" : " in ", table, other);
        if (near)
                return reader_key_error(r, v, "unknown key \"%.64s\"%s%s; did you mean \"%s\"?", v->key,
                        isempty(table) ? "" : " in ", table, near);
        return reader_key_error(r, v, "unknown key \"%.64s\"%s%s; nucleus.toml(5) lists the keys", v->key,
                isempty(table) ? "" : " in ", table);
}

static bool read_value(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        if (!target || row->unsupported)
                return row->type->parse(r, row, v, NULL);
        bool fine = row->type->parse(r, row, v, (char *)target + row->offset);

        /* A wrong value has a place and no origin: whoever misses it can tell that it was not forgotten. */
        if (row->kind != SCHEMA_ARRAY)
                r->service->origins[schema_index(row)] = (Origin){
                        .kind = fine ? ORIGIN_FILE : ORIGIN_UNSET,
                        .where = reader_position(r, v),
                };
        return fine;
}

/* ---- the environment, whose keys are the user's ---- */

static bool is_variable(const char *s) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

        return *s && !(*s >= '0' && *s <= '9') && strspn(s, allowed) == strlen(s);
}

static bool read_environment(ConfigReader *r, const TomlNode *table) {
        bool fine = true;

        r->service->origins[schema_index(schema_find("environment", "NAME"))] =
                (Origin){ .kind = ORIGIN_FILE, .where = reader_position(r, table) };
        if (table->n_children > LIST_MAX)
                return reader_key_error(r, table, "more than %u environment variables", LIST_MAX);
        for (const TomlNode *v = table->first; v; v = v->next) {
                const SchemaRow row = { .table = "environment", .key = v->key, .type = &type_variable };
                _cleanup_free_ char *text = NULL;

                if (strlen(v->key) != v->key_length || !is_variable(v->key))
                        fine = reader_key_error(
                                r, v, "\"%.64s\" is no name of an environment variable", v->key);
                else if (startswith(v->key, "LISTEN_") || streq(v->key, "NOTIFY_SOCKET"))
                        fine = reader_key_error(r, v, "%s is set by Nucleus alone", v->key);
                else
                        fine = type_variable.parse(r, &row, v, NULL) && fine;
                if (!fine)
                        continue;
                if (asprintf(&text, "%s=%s", v->key, v->string.text) < 0) {
                        text = NULL;
                        return reader_oom(r);
                }
                if (strv_append(&r->service->environment, text) < 0)
                        return reader_oom(r);
        }
        return fine;
}

/* ---- tables ---- */

static bool check_required(ConfigReader *r, const char *name, const TomlNode *table) {
        bool fine = true;

        for (const SchemaRow *row = first_row(name); row && row->key && streq(row->table, name); row++) {
                const TomlNode *v = table->first;

                while (row->required && v && !streq(v->key, row->key))
                        v = v->next;
                if (row->required && !v)
                        fine = reader_error(r, table, "%s without \"%s\"", name, row->key);
        }
        return fine;
}

static bool read_array(ConfigReader *r, const SchemaRow *row, const TomlNode *v) {
        bool fine = true;

        if (v->type != TOML_TYPE_ARRAY)
                return reader_error(r, v, "%s must be a list of tables, [[%s]], not %s", row->table,
                        row->table, toml_type_name(v->type));
        for (const TomlNode *e = v->first; e; e = e->next) {
                if (e->type != TOML_TYPE_TABLE) {
                        fine = reader_error(
                                r, e, "%s must hold tables, not %s", row->table, toml_type_name(e->type));
                        continue;
                }
                void *entry = append_entry(r, row->table, e);
                if (r->out_of_memory)
                        return false;
                fine = schema_read_table(r, row->table, e, entry) && fine;
                fine = check_required(r, row->table, e) && fine;
        }
        return fine;
}

static bool read_subtable(ConfigReader *r, const SchemaRow *row, const TomlNode *v) {
        bool fine;

        if (row->kind == SCHEMA_ARRAY)
                fine = read_array(r, row, v);
        else if (v->type != TOML_TYPE_TABLE)
                return reader_error(r, v, "%s must be a table, [%s], not %s", row->table, row->table,
                        toml_type_name(v->type));
        else if (streq(row->table, "environment"))
                fine = read_environment(r, v);
        else
                fine = schema_read_table(r, row->table, v, r->service);

        /* Refused only where it is right otherwise: one thing at a time. */
        if (fine && row->unsupported)
                return reader_key_error(r, v, "%s is not supported by this build", row->table);
        return fine;
}

bool schema_read_table(ConfigReader *r, const char *name, const TomlNode *table, void *target) {
        bool fine = true;

        for (const TomlNode *v = table->first; v && !r->out_of_memory; v = v->next) {
                bool clean = strlen(v->key) == v->key_length;
                const SchemaRow *row = clean ? schema_find(name, v->key) : NULL;
                const SchemaRow *sub =
                        clean && isempty(name) && !row && !isempty(v->key) ? first_row(v->key) : NULL;

                if (row)
                        fine = read_value(r, row, v, target) && fine;
                else if (sub)
                        fine = read_subtable(r, sub, v) && fine;
                else
                        fine = unknown_key(r, name, v);
        }
        return fine;
}
