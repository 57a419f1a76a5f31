/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus seccomp diff`: what one profile lets through and another does not. Exit status as diff(1). */

#include "nucleus-seccomp.h"

#include "seccomp-diff.h"

#include <getopt.h>

#define STATUS_DIFFERENT 1
#define STATUS_TROUBLE 2
#define COLUMNS 100U

typedef struct Arguments {
        bool all, json, help;
        const char *a, *b;
} Arguments;

static int parse_arguments(const Verb *verb, int argc, char **argv, Arguments *a) {
        enum { OPTION_ALL = 256, OPTION_JSON };
        static const struct option options[] = {
                { "all", no_argument, NULL, OPTION_ALL },
                { "json", no_argument, NULL, OPTION_JSON },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_ALL:
                        a->all = true;
                        break;
                case OPTION_JSON:
                        a->json = true;
                        break;
                case 'h':
                        a->help = true;
                        return 0;
                default:
                        return usage_error(verb);
                }
        if (optind + 2 != argc) {
                print_error("two profiles are compared, not %d", argc - optind);
                return usage_error(verb);
        }
        a->a = argv[optind];
        a->b = argv[optind + 1];
        return 0;
}

/* ---- text ---- */

static const struct {
        const char *title;
        Colour colour;
} kinds[_SECCOMP_CHANGE_MAX] = {
        [SECCOMP_CHANGE_NONE] = { "same", COLOUR_DIM },
        [SECCOMP_CHANGE_GAINED] = { "gained", COLOUR_RED },
        [SECCOMP_CHANGE_LOST] = { "lost", COLOUR_GREEN },
        [SECCOMP_CHANGE_ARGUMENTS] = { "other arguments", COLOUR_YELLOW },
        [SECCOMP_CHANGE_ANSWER] = { "other answer", COLOUR_DIM },
};

static bool alike(const SeccompChange *x, const SeccompChange *y) {
        return x->kind == y->kind && streq(x->a, y->a) && streq(x->b, y->b);
}

/* Names with one and the same change stand together, the first of them leads. */
static bool leads(const SeccompDiff *d, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (alike(&d->items[k], &d->items[i]))
                        return false;
        return true;
}

static void print_names(const SeccompDiff *d, size_t first) {
        size_t column = 0;

        for (size_t i = first; i < d->n; i++) {
                size_t length = strlen(d->items[i].name) + 1;

                if (!alike(&d->items[first], &d->items[i]))
                        continue;
                if (column == 0 || column + length > COLUMNS) {
                        printf("%s   ", column > 0 ? "\n" : "");
                        column = 3;
                }
                printf(" %s", d->items[i].name);
                column += length;
        }
        (void)putchar('\n');
}

static const char *direction(const SeccompChange *c) {
        if (c->kind != SECCOMP_CHANGE_ARGUMENTS)
                return "";
        return c->more && c->less ? "\n  (B allows more, and less)"
               : c->more          ? "\n  (B allows more)"
               : c->less          ? "\n  (B allows less)"
                                  : "\n  (written otherwise; no difference was found)";
}

/* Each thing that may decide on a line of its own. */
static void print_side(const char *title, const char *text) {
        printf("  %s: ", title);
        for (; *text; text++)
                if (*text == ';')
                        printf("\n    ");
                else
                        (void)putchar(*text);
}

static void print_change(const SeccompDiff *d, size_t i) {
        const SeccompChange *c = &d->items[i];

        if (c->kind == SECCOMP_CHANGE_NONE)
                print_side("both", c->a);
        else if (strchr(c->a, ';') || strchr(c->b, ';')) {
                print_side("A", c->a);
                (void)putchar('\n');
                print_side("B", c->b);
        } else
                printf("  %s -> %s", c->a, c->b);
        printf("%s\n", direction(c));
        print_names(d, i);
}

static void print_kind(const SeccompDiff *d, SeccompChangeKind kind) {
        if (d->counts[kind] == 0)
                return;
        printf("%s%s: %zu%s\n", colour(stdout, kinds[kind].colour), kinds[kind].title, d->counts[kind],
                colour(stdout, COLOUR_RESET));
        for (size_t i = 0; i < d->n; i++)
                if (d->items[i].kind == kind && leads(d, i))
                        print_change(d, i);
}

static void print_diff(const Arguments *a, const SeccompDiff *d) {
        static const SeccompChangeKind order[] = { SECCOMP_CHANGE_GAINED, SECCOMP_CHANGE_ARGUMENTS,
                SECCOMP_CHANGE_LOST, SECCOMP_CHANGE_ANSWER };

        if (!d->differs && !a->all)
                return;
        printf("%sA: %s\nB: %s%s\n", colour(stdout, COLOUR_BOLD), a->a, a->b, colour(stdout, COLOUR_RESET));
        if (!streq(d->default_a, d->default_b))
                printf("default: %s -> %s\n", d->default_a, d->default_b);
        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                print_kind(d, order[i]);
        if (a->all)
                print_kind(d, SECCOMP_CHANGE_NONE);
}

/* ---- JSON ---- */

static json_t *change_to_json(const SeccompChange *c) {
        return json_pack("{ss ss ss ss sb sb}", "name", c->name, "change", seccomp_change_name(c->kind), "a",
                c->a, "b", c->b, "more", c->more || c->kind == SECCOMP_CHANGE_GAINED, "less",
                c->less || c->kind == SECCOMP_CHANGE_LOST);
}

static json_t *diff_to_json(const Arguments *a, const SeccompDiff *d) {
        json_t *calls = json_array();

        for (size_t i = 0; calls && i < d->n; i++) {
                if (d->items[i].kind == SECCOMP_CHANGE_NONE && !a->all)
                        continue;
                if (json_array_append_new(calls, change_to_json(&d->items[i])) < 0) {
                        json_decref(calls);
                        return NULL;
                }
        }
        return json_pack("{so so sb ss ss so}", "a", json_text(a->a), "b", json_text(a->b), "differs",
                d->differs, "default_a", d->default_a, "default_b", d->default_b, "syscalls", calls);
}

static int diff(const Arguments *a) {
        _cleanup_named_profile_ NamedProfile x = {}, y = {};
        _cleanup_seccomp_diff_ SeccompDiff d = {};
        SeccompTarget target;

        int r = target_of_this_machine(&target);
        if (r == 0)
                r = load_profile(a->a, &x);
        if (r == 0)
                r = load_profile(a->b, &y);
        if (r != 0)
                return STATUS_TROUBLE;
        if (seccomp_diff(x.profile, y.profile, &target, &d) < 0) {
                (void)out_of_memory();
                return STATUS_TROUBLE;
        }
        if (a->json)
                r = print_json(diff_to_json(a, &d), 0);
        else {
                print_diff(a, &d);
                r = finish_output(0);
        }
        return r != 0 ? STATUS_TROUBLE : d.differs ? STATUS_DIFFERENT : 0;
}

int verb_seccomp_diff(const Verb *verb, int argc, char **argv) {
        Arguments a = {};

        int r = parse_arguments(verb, argc, argv, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        return r == 0 ? diff(&a) : r;
}
