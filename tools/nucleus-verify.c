/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus verify`: what the generator would say, before a reload. */

#include "nucleus-services.h"

#include <getopt.h>

/* What a run looked at: everything, or the files that were given. */
typedef struct Counts {
        size_t services, errors, warnings;
} Counts;

/* Does it concern what was asked about? Without files, all does. */
static bool concerns(const char *file, char *const *files) {
        return !files[0] || !file || strv_contains(files, file);
}

static bool service_concerns(const ServiceConfig *s, char *const *files) {
        return concerns(s->where.file, files);
}

/* What a drop-in or the floor does to a service of those files is said where that stands. */
static bool names_concerned(const Services *s, const char *name, char *const *files) {
        for (size_t i = 0; name && i < s->graph->n_nodes; i++) {
                const ServiceConfig *service = s->graph->nodes[i].service;
                if (streq(service->name, name) && service_concerns(service, files))
                        return true;
        }
        return false;
}

/* The generator skips what it cannot read; who named the file did not want that. It is no service then. */
static bool take_skipped(Diagnostic *d, char *const *files) {
        static const char word[] = "skipped: ";

        if (!files[0] || !startswith(d->message, word))
                return false;
        memmove(d->message, d->message + strlen(word), strlen(d->message + strlen(word)) + 1);
        return d->service;
}

/* Leaves what concerns the files, in the order in which it was found. */
static void keep_concerned(Services *s, char *const *files, Counts *c) {
        size_t n = 0;

        for (size_t i = 0; i < s->graph->n_nodes; i++)
                c->services += service_concerns(s->graph->nodes[i].service, files);
        for (size_t i = 0; i < s->diag.n; i++) {
                Diagnostic *d = &s->diag.items[i];
                bool own = concerns(d->file, files);
                if (!own && !names_concerned(s, d->service, files)) {
                        free(d->file);
                        free(d->service);
                        free(d->message);
                        continue;
                }
                c->services -= own && take_skipped(d, files);
                c->errors += d->severity == SEVERITY_ERROR;
                c->warnings += d->severity == SEVERITY_WARNING;
                s->diag.items[n++] = *d;
        }
        s->diag.n = n;
}

static int compare_diagnostics(const void *a, const void *b) {
        const Diagnostic *x = a, *y = b;
        int k = strcmp(x->file ?: "", y->file ?: "");

        k = k ?: (x->line > y->line) - (x->line < y->line);
        k = k ?: (x->column > y->column) - (x->column < y->column);
        return k ?: strcmp(x->message, y->message);
}

static const char *plural(size_t n) {
        return n == 1 ? "" : "s";
}

static int print_text(const Services *s, const Counts *c) {
        for (size_t i = 0; i < s->diag.n; i++)
                print_diagnostic(stdout, &s->diag.items[i]);
        printf("%zu service%s, %s%zu error%s%s", c->services, plural(c->services),
                c->errors ? colour(stdout, COLOUR_RED) : colour(stdout, COLOUR_GREEN), c->errors,
                plural(c->errors), colour(stdout, COLOUR_RESET));
        if (c->warnings > 0)
                printf(", %zu warning%s", c->warnings, plural(c->warnings));
        (void)putchar('\n');
        return finish_output(c->errors ? STATUS_FAILED : 0);
}

static int print_as_json(const Services *s, const Counts *c) {
        json_t *o = json_pack("{sI sI sI so}", "services", (json_int_t)c->services, "errors",
                (json_int_t)c->errors, "warnings", (json_int_t)c->warnings, "diagnostics",
                json_diagnostics(&s->diag));

        return print_json(o, c->errors ? STATUS_FAILED : 0);
}

/* No name of a service has a dot, and those of policies usually do. */
static int check_suffixes(char *const *files) {
        for (size_t i = 0; files[i]; i++) {
                const char *base = strrchr(files[i], '/'), *dot;

                base = base ? base + 1 : files[i];
                dot = strchr(base, '.');
                if (!dot || streq(dot, ".toml"))
                        continue;
                print_error("%s: services are verified, each from a file NAME.toml; a policy file is "
                            "checked by `nucleus policy pin %s`",
                        files[i], files[i]);
                return STATUS_USAGE;
        }
        return 0;
}

/* A service is named after its file: of two files of one name only one could be checked. */
static int check_names(char *const *files) {
        for (size_t i = 0; files[i]; i++)
                for (size_t j = 0; j < i; j++) {
                        const char *a = strrchr(files[i], '/'), *b = strrchr(files[j], '/');

                        a = a ? a + 1 : files[i];
                        b = b ? b + 1 : files[j];
                        if (!streq(a, b))
                                continue;
                        print_error("two files are named %s: verify one at a time", a);
                        return STATUS_USAGE;
                }
        return 0;
}

int verb_verify(const Verb *verb, int argc, char **argv) {
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "user", no_argument, NULL, 'u' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        _cleanup_services_ Services s = {};
        Scope scope = SCOPE_SYSTEM;
        bool json = false;
        Counts counts = {};
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'j':
                        json = true;
                        break;
                case 'u':
                        scope = SCOPE_USER;
                        break;
                case 'h':
                        return print_verb_help(verb);
                default:
                        return usage_error(verb);
                }

        char **files = argv + optind;
        int r = check_suffixes(files);
        if (r == 0)
                r = check_names(files);
        if (r == 0)
                r = services_load(scope, files, &s);
        if (r != 0)
                return r;
        keep_concerned(&s, files, &counts);
        if (s.diag.n > 1)
                qsort(s.diag.items, s.diag.n, sizeof(*s.diag.items), compare_diagnostics);
        return json ? print_as_json(&s, &counts) : print_text(&s, &counts);
}
