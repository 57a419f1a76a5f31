/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a service, in the words of nucleus.toml(5), and where each comes from. Which keys there are
 * and how a value is written is the schema's business; here are only the lists of tables, which the schema
 * leaves to their owner.
 */

#include "nucleus-show.h"

#include "policy.h"
#include "schema.h"
#include "strbuf.h"

/* One [[table]] in ServiceConfig. */
typedef struct List {
        const char *table;
        size_t items, n; /* offsets of the pointer and of the count */
        size_t size;     /* of an entry */
        size_t where;    /* offset of its position, in the entry */
} List;

#define LIST(table, field, type)                                                                            \
        {                                                                                                   \
                table, offsetof(ServiceConfig, field), offsetof(ServiceConfig, n_##field), sizeof(type),    \
                        offsetof(type, where)                                                               \
        }

static const List lists[] = {
        LIST("depends_on", depends_on, Dependency),
        LIST("sockets", sockets, Socket),
        LIST("tmpfs", tmpfs, Tmpfs),
        LIST("volumes", volumes, Volume),
};

typedef struct Value {
        const char *key;
        const char *text; /* as TOML; NULL: not set */
        Origin origin;
        const char *in_words; /* what holds where it is not set, for people; NULL: nothing to say */
} Value;

/* False to stop. */
typedef bool (*ValueFunc)(const Value *v, void *userdata);

static const List *find_list(const char *table) {
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                if (streq(lists[i].table, table))
                        return &lists[i];
        return NULL;
}

/* Takes the text of `b`. */
static bool give(ValueFunc func, void *userdata, const char *key, Origin origin, StrBuf *b) {
        _cleanup_free_ char *text = NULL;
        size_t n = b->len;

        if (strbuf_finish(b, &text) < 0)
                return false;
        return func(&(Value){ key, n > 0 ? text : NULL, origin }, userdata);
}

/* VolumeReadOnly= of a drop-in reaches into an entry. */
static Origin read_only_origin(const Volume *v, Origin origin) {
        return v->made_read_only.file ? (Origin){ .kind = ORIGIN_DROPIN, .where = v->made_read_only }
                                      : origin;
}

/* "volumes[0].source" of each entry, entry by entry. `row` is the first of its table. */
static bool each_entry(const ServiceConfig *s, const SchemaRow *row, ValueFunc func, void *userdata) {
        const List *list = find_list(row->table);
        const char *service = (const char *)s, *entry, *table = row->table;
        size_t n;

        if (!list)
                return true; /* a table that this build refuses: it has no values */
        memcpy(&entry, service + list->items, sizeof(entry));
        memcpy(&n, service + list->n, sizeof(n));
        for (size_t i = 0; i < n; i++, entry += list->size)
                for (const SchemaRow *r = row; r->key && streq(r->table, table); r++) {
                        _cleanup_strbuf_ StrBuf b = {};
                        Origin origin = { .kind = ORIGIN_FILE };
                        char key[128];

                        memcpy(&origin.where, entry + list->where, sizeof(origin.where));
                        if (streq(table, "volumes") && streq(r->key, "read_only"))
                                origin = read_only_origin((const Volume *)entry, origin);
                        (void)snprintf(key, sizeof(key), "%s[%zu].%s", table, i, r->key);
                        if (!r->unsupported)
                                r->type->format(r, entry + r->offset, &b);
                        if (b.len == 0)
                                origin = (Origin){};
                        if (!give(func, userdata, key, origin, &b))
                                return false;
                }
        return true;
}

static bool one_value(const ServiceConfig *s, const SchemaRow *row, ValueFunc func, void *userdata) {
        _cleanup_strbuf_ StrBuf b = {};
        char key[128];

        (void)snprintf(key, sizeof(key), "%s%s%s", row->table, row->table[0] ? "." : "", row->key);
        if (!row->unsupported)
                schema_format_value(row, s, &b);
        if (b.len == 0 && streq(row->table, "policy") && row->default_text)
                return func(
                        &(Value){ key, NULL, s->origins[schema_index(row)], row->default_text }, userdata);
        return give(func, userdata, key, s->origins[schema_index(row)], &b);
}

/* "environment.NAME": the keys are the user's. */
static bool each_variable(const ServiceConfig *s, const SchemaRow *row, ValueFunc func, void *userdata) {
        STRV_FOREACH(e, s->environment) {
                _cleanup_free_ char *key = NULL;
                _cleanup_strbuf_ StrBuf b = {};
                Origin origin = s->origins[schema_index(row)];
                size_t n = strcspn(e, "=");
                const char *value = e[n] ? e + n + 1 : "";

                if (asprintf(&key, "environment.%.*s", (int)n, e) < 0) {
                        key = NULL;
                        return false;
                }
                if (streq(e, CONFIG_DEFAULT_PATH))
                        origin = (Origin){ .kind = ORIGIN_DEFAULT, .reason = "default" };
                row->type->format(row, &value, &b);
                if (!give(func, userdata, key, origin, &b))
                        return false;
        }
        return true;
}

/* All values in the order of the manual. False: no memory, or `func` said so. */
static bool each_value(const ServiceConfig *s, ValueFunc func, void *userdata) {
        const char *last = "";

        for (const SchemaRow *row = schema_rows; row->key; row++) {
                bool first = !streq(row->table, last);

                last = row->table;
                if (row->kind == SCHEMA_ARRAY && !first)
                        continue;
                bool array = row->kind == SCHEMA_ARRAY, environment = streq(row->table, "environment");
                if (!(array ? each_entry : environment ? each_variable : one_value)(s, row, func, userdata))
                        return false;
        }
        return true;
}

/* Drop-ins and floors have no columns. */
static void print_position(FILE *f, const Position *where) {
        _cleanup_free_ char *file = NULL;

        if (text_sanitise(where->file, &file) >= 0)
                fprintf(f, "%s", file);
        if (where->line > 0)
                fprintf(f, ":%u", where->line);
        if (where->column > 0)
                fprintf(f, ":%u", where->column);
}

/* ---- what is no key of the file: kept capabilities, and the floor ---- */

static bool give_words(ValueFunc func, void *userdata, const char *key, Origin origin, char *const *words) {
        _cleanup_strbuf_ StrBuf b = {};

        STRV_FOREACH(w, words)
        strbuf_printf(&b, "%s\"%s\"", b.len > 0 ? ", " : "[", w);
        if (b.len == 0)
                return true;
        strbuf_putc(&b, ']');
        return give(func, userdata, key, origin, &b);
}

static bool give_capabilities(ValueFunc func, void *userdata, const char *key, Origin origin, uint64_t set) {
        _cleanup_strv_ char **names = NULL;

        for (unsigned cap = 0; cap < CAPABILITY_COUNT; cap++)
                if ((set & UINT64_C(1) << cap) && strv_append(&names, capability_name(cap) ?: "unknown") < 0)
                        return false;
        return give_words(func, userdata, key, origin, names);
}

static bool each_kept(const ServiceConfig *s, ValueFunc func, void *userdata) {
        Origin origin = { .kind = ORIGIN_FILE, .where = { .file = s->capabilities } };

        return give_capabilities(func, userdata, "kept.bounding", origin, s->policy.capabilities_bounding) &&
               give_capabilities(func, userdata, "kept.ambient", origin, s->policy.capabilities_ambient);
}

static bool give_text(
        ValueFunc func, void *userdata, const char *key, const Position *where, const char *text) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_puts(&b, text);
        return give(func, userdata, key, (Origin){ .kind = ORIGIN_FLOOR, .where = *where }, &b);
}

static bool each_denied_capability(const Floor *f, ValueFunc func, void *userdata) {
        for (unsigned cap = 0; cap < CAPABILITY_COUNT; cap++)
                if ((f->capabilities & UINT64_C(1) << cap) &&
                        !give_text(func, userdata, "floor.CapabilityDenied", &f->capability_where[cap],
                                capability_name(cap) ?: "unknown"))
                        return false;
        return true;
}

static bool each_word(const FloorWord *words, size_t n, const char *key, ValueFunc func, void *userdata) {
        for (size_t i = 0; i < n; i++)
                if (!give_text(func, userdata, key, &words[i].where, words[i].word))
                        return false;
        return true;
}

/* Each demand with the first file that makes it. */
static bool each_demand(const Floor *f, ValueFunc func, void *userdata) {
        char abi[16];

        if (f->mode > MODE_AGENT &&
                !give_text(func, userdata, "floor.Mode", &f->mode_where, mode_rules(f->mode)->name))
                return false;
        if (!each_word(f->syscalls, f->n_syscalls, "floor.SystemCallDenied", func, userdata) ||
                !each_word(f->public_keys, f->n_public_keys, "floor.PublicKey", func, userdata))
                return false;
        (void)snprintf(abi, sizeof(abi), "%u", f->landlock_min_abi);
        return each_denied_capability(f, func, userdata) &&
               (f->landlock_min_abi == 0 ||
                       give_text(func, userdata, "floor.LandlockMinABI", &f->landlock_where, abi)) &&
               (!f->require_attestation || give_text(func, userdata, "floor.RequireAttestation",
                                                   &f->attestation_where, "yes")) &&
               (!f->deny_host_network ||
                       give_text(func, userdata, "floor.DenyHostNetwork", &f->network_where, "yes"));
}

static bool everything(const ServiceConfig *s, const Floor *f, ValueFunc func, void *userdata) {
        return each_value(s, func, userdata) && each_kept(s, func, userdata) &&
               each_demand(f, func, userdata);
}

/* ---- printing ---- */

static bool print_value(const Value *v, void *userdata) {
        FILE *f = userdata;

        if (v->in_words) {
                fprintf(f, "  %-28s %-32s %sdefault%s\n", v->key, v->in_words, colour(f, COLOUR_DIM),
                        colour(f, COLOUR_RESET));
                return true;
        }
        if (!v->text || v->origin.kind == ORIGIN_UNSET)
                return true;
        /* A bad service may hold anything. */
        for (const char *p = v->text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return true;
        fprintf(f, "  %-28s %-32s %s", v->key, v->text, colour(f, COLOUR_DIM));
        if (v->origin.kind == ORIGIN_DEFAULT)
                fprintf(f, "%s", v->origin.reason ?: "default");
        else
                print_position(f, &v->origin.where);
        fprintf(f, "%s\n", colour(f, COLOUR_RESET));
        return true;
}

void print_values(FILE *f, const ServiceConfig *s, const Floor *floor) {
        /* A file that could not be read has no values. */
        if (s->origins)
                (void)everything(s, floor, print_value, f);
}

static json_t *number_or_null(unsigned n) {
        return n > 0 ? json_integer(n) : json_null();
}

static bool add_value(const Value *v, void *userdata) {
        static const char *const kinds[] = {
                [ORIGIN_UNSET] = "unset",
                [ORIGIN_FILE] = "file",
                [ORIGIN_DROPIN] = "drop-in",
                [ORIGIN_FLOOR] = "floor",
                [ORIGIN_DEFAULT] = "default",
        };
        const Position *where = &v->origin.where;
        bool file = origin_is_explicit(&v->origin);

        json_t *o = json_pack("{so so ss so so so so}", "key", json_text(v->key), "value",
                json_text(v->origin.kind == ORIGIN_UNSET ? NULL : v->text), "origin", kinds[v->origin.kind],
                "file", json_text(file ? where->file : NULL), "line", number_or_null(file ? where->line : 0),
                "column", number_or_null(file ? where->column : 0), "reason",
                json_text(v->origin.kind == ORIGIN_DEFAULT ? v->origin.reason : NULL));
        return o && json_array_append_new(userdata, o) == 0;
}

json_t *values_to_json(const ServiceConfig *s, const Floor *floor) {
        json_t *array = json_array();

        if (array && s->origins && !everything(s, floor, add_value, array)) {
                json_decref(array);
                return NULL;
        }
        return array;
}
