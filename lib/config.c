/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file to its services: one of the file's own name, or those of a stack. What is wrong with one service
 * never keeps another from being read.
 */

#include "config-reader.h"

#include <stdarg.h>

/* ---- memory ---- */

static void free_lists(ServiceConfig *s) {
        for (size_t i = 0; i < s->n_depends_on; i++)
                free(s->depends_on[i].service);
        for (size_t i = 0; i < s->n_volumes; i++) {
                free(s->volumes[i].source);
                free(s->volumes[i].target);
        }
        for (size_t i = 0; i < s->n_tmpfs; i++)
                free(s->tmpfs[i].target);
        for (size_t i = 0; i < s->n_sockets; i++) {
                free(s->sockets[i].listen);
                free(s->sockets[i].name);
                free(s->sockets[i].mode);
                free(s->sockets[i].user);
                free(s->sockets[i].group);
        }
        free(s->depends_on);
        free(s->volumes);
        free(s->tmpfs);
        free(s->sockets);
}

static ServiceConfig *service_free(ServiceConfig *s) {
        if (!s)
                return NULL;
        free_lists(s);
        free(s->name);
        free(s->stack);
        free(s->local_name);
        free(s->description);
        strv_free(s->command);
        free(s->rootfs);
        free(s->runtime);
        free(s->user);
        free(s->group);
        strv_free(s->supplementary_groups);
        free(s->workdir);
        free(s->hostname);
        strv_free(s->wanted_by);
        free(s->restart);
        free(s->manifest_sha256);
        strv_free(s->public_keys);
        free(s->image_sha256);
        free(s->image_fsverity);
        free(s->root_hash);
        free(s->seccomp);
        free(s->seccomp_sha256);
        free(s->capabilities);
        free(s->capabilities_sha256);
        free(s->landlock);
        free(s->landlock_sha256);
        strv_free(s->environment);
        free(s->origins);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(ServiceConfig *, service_free)

Config *config_free(Config *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_services; i++)
                service_free(c->services[i]);
        free(c->services);
        if (c->stack) {
                free(c->stack->name);
                free(c->stack->description);
                strv_free(c->stack->wanted_by);
                free(c->stack);
        }
        free(c->name);
        free(c->file);
        free(c);
        return NULL;
}

/* ---- errors ---- */

Position reader_position(const ConfigReader *r, const TomlNode *n) {
        return (Position){ .file = r->file, .line = n->line, .column = n->column };
}

bool reader_oom(ConfigReader *r) {
        r->out_of_memory = true;
        return false;
}

_printf_(3, 0) static bool report(ConfigReader *r, Position where, const char *format, va_list ap) {
        bool first = r->service && !r->service->failed;

        if (r->service)
                r->service->failed = true;
        if (r->n_errors++ == ERRORS_MAX &&
                diagnostics_add(r->diag, SEVERITY_ERROR, (Position){ .file = r->file }, NULL,
                        "more than %u errors; the rest is not shown", ERRORS_MAX) < 0)
                return reader_oom(r);
        if (r->n_errors > ERRORS_MAX && !first)
                return false;
        if (diagnostics_addv(
                    r->diag, SEVERITY_ERROR, where, r->service ? r->service->name : NULL, format, ap) < 0)
                return reader_oom(r);
        return false;
}

bool reader_error(ConfigReader *r, const TomlNode *at, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)report(r, reader_position(r, at), format, ap);
        va_end(ap);
        return false;
}

bool reader_key_error(ConfigReader *r, const TomlNode *at, const char *format, ...) {
        Position where = { .file = r->file, .line = at->key_line, .column = at->key_column };
        va_list ap;

        va_start(ap, format);
        (void)report(r, where, format, ap);
        va_end(ap);
        return false;
}

bool reader_error_at(ConfigReader *r, Position where, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)report(r, where, format, ap);
        va_end(ap);
        return false;
}

/* ---- services ---- */

/* Appends a service; NULL where memory ran out. */
static ServiceConfig *add_service(Config *c, const char *stack, const char *local_name, Position where) {
        _cleanup_(service_freep) ServiceConfig *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->where = where;
        s->mode = MODE_PRODUCTION;
        s->local_name = strdup(local_name);
        s->stack = stack ? strdup(stack) : NULL;
        s->origins = calloc(schema_count() + 1, sizeof(Origin));
        if (asprintf(&s->name, "%s%s%s", stack ?: "", stack ? "-" : "", local_name) < 0)
                s->name = NULL;
        for (const NamespaceName *n = namespace_names; n->name; n++)
                s->namespaces |= n->by_default ? n->flag : 0;
        if (!s->name || !s->local_name || !s->origins || (stack && !s->stack))
                return NULL;

        ServiceConfig **p = reallocarray(c->services, c->n_services + 1, sizeof(*p));
        if (!p)
                return NULL;
        c->services = p;
        return p[c->n_services++] = TAKE_PTR(s);
}

static bool read_service(
        ConfigReader *r, Config *c, const char *stack, const char *name, const TomlNode *table) {
        Position where = reader_position(r, table);

        if (!stack)
                where.line = where.column = 0; /* the whole file */
        r->service = add_service(c, stack, name, where);
        if (!r->service)
                return reader_oom(r);
        (void)schema_read_table(r, "", table, r->service);
        r->service = NULL;
        return !r->out_of_memory;
}

/* ---- stacks ---- */

static bool read_stack_services(ConfigReader *r, Config *c, const TomlNode *services) {
        if (services->type != TOML_TYPE_TABLE)
                return reader_error(r, services,
                        "services must be a table of tables, [services.NAME], not %s",
                        toml_type_name(services->type));
        if (!services->first)
                return reader_error(r, services, "services is empty; add a table [services.NAME]");
        for (const TomlNode *v = services->first; v && !r->out_of_memory; v = v->next) {
                if (strlen(v->key) != v->key_length || !service_name_is_valid(v->key))
                        (void)reader_key_error(r, v,
                                "\"%.80s\" is no service name ([a-z0-9][a-z0-9_-]*, at most 64)", v->key);
                else if (strlen(c->name) + 1 + v->key_length > 64)
                        (void)reader_key_error(
                                r, v, "the full name %s-%s has more than 64 characters", c->name, v->key);
                else if (v->type != TOML_TYPE_TABLE)
                        (void)reader_error(r, v, "services.%s must be a table, not %s", v->key,
                                toml_type_name(v->type));
                else
                        (void)read_service(r, c, c->name, v->key, v);
        }
        return !r->out_of_memory;
}

static bool read_stack_key(ConfigReader *r, StackConfig *stack, const TomlNode *v) {
        static const char *const own[] = { "description", "wanted_by" };
        void *targets[] = { &stack->description, &stack->wanted_by };

        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                const SchemaRow *row = schema_find("", own[i]);
                if (streq(v->key, own[i]))
                        return row->type->parse(r, row, v, targets[i]);
        }
        return reader_key_error(r, v,
                "\"%.64s\" stands at the top of a stack, where only description, wanted_by and "
                "[services.NAME] may; "
                "put it into a service's table",
                v->key);
}

static bool read_stack(ConfigReader *r, Config *c, const TomlNode *root, const TomlNode *services) {
        bool fine = true;

        c->stack = calloc(1, sizeof(*c->stack));
        if (!c->stack || !(c->stack->name = strdup(c->name)))
                return reader_oom(r);
        c->stack->where = (Position){ .file = r->file };
        for (const TomlNode *v = root->first; v; v = v->next)
                if (v != services)
                        fine = read_stack_key(r, c->stack, v) && fine;
        if (!read_stack_services(r, c, services) && r->out_of_memory)
                return false;

        /* What is wrong at the top may have been meant for any of them. */
        for (size_t i = 0; !fine && i < c->n_services; i++)
                c->services[i]->failed = true;
        return !r->out_of_memory;
}

/* ---- files ---- */

/* A file of which nothing can be said but that it is wrong: one failed service of its name. */
static bool add_failed(ConfigReader *r, Config *c) {
        ServiceConfig *s = add_service(c, NULL, c->name, (Position){ .file = r->file });

        if (!s)
                return reader_oom(r);
        s->failed = true;
        free(s->origins);
        s->origins = NULL;
        return true;
}

static const TomlNode *member(const TomlNode *table, const char *key) {
        for (const TomlNode *v = table->first; v; v = v->next)
                if (streq(v->key, key))
                        return v;
        return NULL;
}

static void read_file(ConfigReader *r, Config *c, const char *text, size_t n) {
        _cleanup_toml_ TomlDocument *document = NULL;
        TomlError error = {};

        int k = toml_parse(text, n, &document, &error);
        if (k == -ENOMEM) {
                (void)reader_oom(r);
                return;
        }
        if (k < 0) {
                (void)reader_error_at(
                        r, (Position){ r->file, error.line, error.column }, "%s", error.message);
                (void)add_failed(r, c);
                return;
        }

        const TomlNode *root = toml_root(document), *services = member(root, "services");
        if (!services) {
                (void)read_service(r, c, NULL, c->name, root);
                return;
        }
        (void)read_stack(r, c, root, services);
        if (!r->out_of_memory && c->n_services == 0)
                (void)add_failed(r, c);
}

int config_parse(
        const char *text, size_t n, const char *file, const char *name, Config **ret_, Diagnostics *diag) {
        _cleanup_config_ Config *c = calloc(1, sizeof(*c));

        if (!c || !(c->file = strdup(file)) || !(c->name = strdup(name)))
                return -ENOMEM;

        ConfigReader r = { .file = c->file, .diag = diag };
        read_file(&r, c, text, n);
        if (r.out_of_memory)
                return -ENOMEM;
        *ret_ = TAKE_PTR(c);
        return 0;
}

int config_finish(ServiceConfig *s, Diagnostics *diag) {
        ConfigReader r = { .file = s->where.file, .diag = diag, .service = s };

        if (!s->origins)
                return 0;
        if (config_fill_defaults(&r))
                config_check(&r);
        return r.out_of_memory ? -ENOMEM : 0;
}
