/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each key of [X-Nucleus] stands for a row of the schema, whose type reads the value: a drop-in takes what
 * the file would take. Must never loosen the mode.
 */

#include "override.h"

#include "config-reader.h"
#include "nearest.h"
#include "path.h"

#define VOLUME_READ_ONLY "VolumeReadOnly"

const OverrideKey override_keys[] = {
        { "Mode", "", "mode",
                "The tier, which may only be a stricter one than the service's file names. In a drop-in of "
                "several "
                "services it is the least strict one: those whose file names a stricter one keep that." },
        { "SeccompProfile", "policy", "seccomp", "Another system call policy." },
        { "SeccompProfileSHA256", "policy", "seccomp_sha256", "Pins it." },
        { "CapabilityPolicy", "policy", "capabilities", "Another capability policy." },
        { "CapabilityPolicySHA256", "policy", "capabilities_sha256", "Pins it." },
        { "LandlockPolicy", "policy", "landlock", "Another Landlock policy." },
        { "LandlockPolicySHA256", "policy", "landlock_sha256", "Pins it." },
        { "LogDenials", "policy", "log_denials", "Whether denials are logged (a boolean)." },
        { "SeccompTrace", "policy", "seccomp_trace",
                "Whether an agent's system calls are counted (a boolean)." },
        { "NetworkMode", "network", "mode", "Another network mode." },
        { VOLUME_READ_ONLY, "volumes", "read_only",
                "Targets of volumes, separated by spaces, that become read-only. May be given more than "
                "once." },
        {},
};

/* One target of VolumeReadOnly=, applied when all drop-ins are read: an empty value may follow. */
typedef struct ReadOnly {
        char *target;
        Position where;
} ReadOnly;

typedef struct Override {
        ConfigReader reader;
        Mode least; /* the strictest of the service's file and the drop-ins for several services */
        Origin least_origin;
        ReadOnly *read_only;
        size_t n_read_only;
} Override;

static void drop_read_only(Override *o) {
        for (size_t i = 0; i < o->n_read_only; i++)
                free(o->read_only[i].target);
        free(o->read_only);
        o->read_only = NULL;
        o->n_read_only = 0;
}

bool override_key_known(const char *name) {
        for (const OverrideKey *k = override_keys; k->name; k++)
                if (streq(k->name, name))
                        return true;
        return false;
}

static const OverrideKey *find_key(const char *name) {
        for (const OverrideKey *k = override_keys; k->name; k++)
                if (streq(k->name, name))
                        return k;
        return NULL;
}

static bool unknown_key(Override *o, const char *name, Position where) {
        size_t distance = SIZE_MAX;
        const char *near = NULL;

        for (const OverrideKey *k = override_keys; k->name; k++) {
                name_consider(name, k->name, &near, &distance);
                if (streq(name, k->key)) { /* as the service's file calls it */
                        near = k->name;
                        break;
                }
        }
        if (near)
                return reader_error_at(&o->reader, where,
                        "unknown key %.64s= in [X-Nucleus]; did you mean %s=?", name, near);
        return reader_error_at(&o->reader, where,
                "unknown key %.64s= in [X-Nucleus]; nucleus.toml(5) lists the keys", name);
}

/* ---- volumes ---- */

static bool add_read_only(Override *o, const char *value, Position where) {
        char *target;
        int r;

        while ((r = dropin_next_word(&value, &target)) > 0) {
                if (o->n_read_only >= LIST_MAX) {
                        free(target);
                        return reader_error_at(&o->reader, where,
                                "more than %u targets in " VOLUME_READ_ONLY "=", LIST_MAX);
                }
                ReadOnly *list = reallocarray(o->read_only, o->n_read_only + 1, sizeof(*list));
                if (!list) {
                        free(target);
                        return reader_oom(&o->reader);
                }
                o->read_only = list;
                list[o->n_read_only++] = (ReadOnly){ target, where };
        }
        return r == 0 || reader_oom(&o->reader);
}

static bool apply_read_only(Override *o, const ReadOnly *change) {
        ServiceConfig *s = o->reader.service;
        size_t best = SIZE_MAX;
        const char *near = NULL;

        for (size_t i = 0; i < s->n_volumes; i++) {
                Volume *v = &s->volumes[i];
                if (!v->target)
                        continue;
                if (streq(v->target, change->target)) {
                        v->read_only = true;
                        v->made_read_only = change->where;
                        return true;
                }
                size_t d = name_distance(change->target, v->target);
                if (d < best) {
                        best = d;
                        near = v->target;
                }
        }
        return reader_error_at(&o->reader, change->where, "the service has no volume at %.256s%s%s",
                change->target, near ? "; there is one at " : "", near ?: "");
}

/* ---- one assignment ---- */

static bool *boolean_of(ServiceConfig *s, const SchemaRow *row) {
        return (bool *)((char *)s + row->offset);
}

/* Back to the default, which config_finish() fills in. */
static void reset(Override *o, const SchemaRow *row) {
        ServiceConfig *s = o->reader.service;
        Origin *origin = &s->origins[schema_index(row)];

        *origin = (Origin){};
        if (row->type == &type_mode) {
                s->mode = o->least;
                *origin = o->least_origin;
        } else if (row->type == &type_network)
                s->network = NETWORK_NONE;
        else if (row->type == &type_boolean)
                *boolean_of(s, row) = false;
        else {
                char **text = (char **)((char *)s + row->offset);
                free(*text);
                *text = NULL;
        }
}

static bool set_value(Override *o, const SchemaRow *row, const DropinAssignment *a, Position where) {
        ServiceConfig *s = o->reader.service;
        SchemaRow named = *row; /* messages name the key as it is written here */
        TomlNode value = { .type = TOML_TYPE_STRING, .line = a->line };

        named.key = a->key;
        if (row->type == &type_boolean) {
                value.type = TOML_TYPE_BOOLEAN;
                if (dropin_boolean(a->value, &value.boolean) < 0)
                        return reader_error_at(
                                &o->reader, where, "%s= must be yes or no, not \"%.64s\"", a->key, a->value);
        } else {
                value.string.text = a->value;
                value.string.length = strlen(a->value);
        }
        if (!row->type->parse(&o->reader, &named, &value, (char *)s + row->offset))
                return false;
        s->origins[schema_index(row)] = (Origin){ .kind = ORIGIN_DROPIN, .where = where };
        return true;
}

static bool is_mode(const DropinAssignment *a) {
        return streq(a->key, "Mode");
}

/*
 * What is said for several services is meant as "at least", in whatever order. What is said to one may not
 * fall below that, nor below the service's file: it is a mistake, or an attempt.
 */
static bool raise_mode(Override *o, const DropinAssignment *a, Position where) {
        ServiceConfig *s = o->reader.service;
        const SchemaRow *row = schema_find("", "mode");

        if (isempty(a->value))
                return true; /* demands nothing */
        if (!set_value(o, row, a, where))
                return false;
        if (s->mode > o->least) {
                o->least = s->mode;
                o->least_origin = s->origins[schema_index(row)];
        }
        reset(o, row);
        return true;
}

static bool check_mode(Override *o, Position where) {
        ServiceConfig *s = o->reader.service;
        Mode wanted = s->mode;

        if (wanted >= o->least)
                return true;
        reset(o, schema_find("", "mode"));
        return reader_error_at(&o->reader, where,
                "Mode=%s would loosen the service's mode \"%s\": a drop-in may only make it stricter",
                mode_rules(wanted)->name, mode_rules(o->least)->name);
}

static bool assign(Override *o, const DropinAssignment *a) {
        const OverrideKey *key = find_key(a->key);
        Position where = { .file = o->reader.file, .line = a->line };

        if (!key)
                return unknown_key(o, a->key, where);
        if (streq(key->name, VOLUME_READ_ONLY)) {
                if (isempty(a->value))
                        drop_read_only(o);
                return add_read_only(o, a->value, where);
        }

        const SchemaRow *row = schema_find(key->table, key->key);
        if (isempty(a->value)) {
                reset(o, row);
                return true;
        }
        return set_value(o, row, a, where) && (row->type != &type_mode || check_mode(o, where));
}

static void raise_by_all(Override *o, const DropinFile *const *files, size_t n) {
        for (size_t i = 0; i < n; i++) {
                if (path_is_dropin_of(files[i]->path, o->reader.service->name))
                        continue;
                o->reader.file = files[i]->path;
                for (size_t k = 0; k < files[i]->n; k++)
                        if (is_mode(&files[i]->items[k]))
                                (void)raise_mode(o, &files[i]->items[k],
                                        (Position){ files[i]->path, files[i]->items[k].line, 0 });
        }
}

static void assign_all(Override *o, const DropinFile *const *files, size_t n) {
        for (size_t i = 0; i < n; i++) {
                bool own = path_is_dropin_of(files[i]->path, o->reader.service->name);

                o->reader.file = files[i]->path;
                for (size_t k = 0; k < files[i]->n; k++)
                        if (own || !is_mode(&files[i]->items[k]))
                                (void)assign(o, &files[i]->items[k]);
        }
}

int override_apply(ServiceConfig *s, const DropinFile *const *files, size_t n, Diagnostics *diag) {
        if (!s->origins || n == 0)
                return 0;

        Override o = {
                .reader = { .diag = diag, .service = s },
                .least = s->mode,
                .least_origin = *schema_origin(s, "", "mode"),
        };

        raise_by_all(&o, files, n);
        assign_all(&o, files, n);
        for (size_t i = 0; i < o.n_read_only && apply_read_only(&o, &o.read_only[i]); i++)
                ;
        drop_read_only(&o);
        return o.reader.out_of_memory ? -ENOMEM : 0;
}
