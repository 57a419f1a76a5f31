/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-time tool: copies a manual page, and puts the keys that the programs know in place of the lines
 * @KEYS@ (schema.c), @OVERRIDES@ (override.c), @FLOOR@ (floor.c) and @LANDLOCK@ (landlock-rights.c).
 */

#include "floor.h"
#include "landlock-rights.h"
#include "override.h"
#include "schema.h"

/* Text as mdoc(7) takes it: a backslash, and a dot or quote at the beginning of a line, mean something
 * there. */
static void print_text(const char *s) {
        for (; *s; s++)
                if (*s == '\\')
                        fputs("\\e", stdout);
                else if (*s == '"')
                        fputs("\\(dq", stdout);
                else if (s[0] == '.' && s[1] == ' ') {
                        fputs(".\n", stdout); /* a new sentence begins a new line */
                        s++;
                } else
                        putchar(*s);
}

static void print_row(const SchemaRow *row) {
        if (row->kind == SCHEMA_TOP)
                printf(".It Cm %s\n", row->key);
        else
                printf(".It Cm %s%s%s.%s\n", row->kind == SCHEMA_ARRAY ? "[[" : "", row->table,
                        row->kind == SCHEMA_ARRAY ? "]]" : "", row->key);
        print_text(row->type->name);
        if (row->required)
                fputs("; required", stdout);
        if (row->default_text) {
                fputs("; default: ", stdout);
                print_text(row->default_text);
        }
        if (row->unsupported)
                fputs("; not supported by this build", stdout);
        fputs(".\n.br\n", stdout);
        print_text(row->help);
        putchar('\n');
}

static void print_keys(void) {
        for (const SchemaRow *row = schema_rows; row->key; row++)
                print_row(row);
}

static void print_overrides(void) {
        for (const OverrideKey *k = override_keys; k->name; k++) {
                printf(".It Cm %s=\n", k->name);
                print_text(k->help);
                printf("\nOverrides\n.Cm %s%s%s .\n", k->table, k->table[0] ? "." : "", k->key);
        }
}

static void print_floor(void) {
        for (const FloorKey *k = floor_keys; k->name; k++) {
                printf(".It Cm %s=\n", k->name);
                print_text(k->help);
                putchar('\n');
        }
}

/* Groups first, as the words that people should reach for. */
static void print_landlock(void) {
        for (const LandlockGroup *g = landlock_groups; g->name; g++) {
                _cleanup_strbuf_ StrBuf b = {};
                landlock_access_format(LANDLOCK_KIND_FS, g->access, ", ", &b);
                printf(".It Cm %s\n[[rules]]: %s\n", g->name, b.data ?: "");
        }
        for (const LandlockRight *r = landlock_rights; r->name; r++) {
                static const char *const places[] = { "[[rules]]", "[[ports]]", "denied by [scopes]" };
                printf(".It Cm %s\n%s, ABI %u: ", r->name, places[r->kind], r->abi);
                print_text(r->help);
                putchar('\n');
        }
}

static void print_line(const char *line) {
        static const struct {
                const char *line;
                void (*print)(void);
        } lists[] = {
                { "@KEYS@\n", print_keys },
                { "@OVERRIDES@\n", print_overrides },
                { "@FLOOR@\n", print_floor },
                { "@LANDLOCK@\n", print_landlock },
        };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                if (streq(line, lists[i].line)) {
                        lists[i].print();
                        return;
                }
        fputs(line, stdout);
}

int main(int argc, char **argv) {
        _cleanup_fclose_ FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        if (!f) {
                fprintf(stderr, "Usage: print-keys PAGE.in > PAGE\n");
                return 2;
        }
        while (getline(&line, &size, f) >= 0)
                print_line(line);
        return ferror(f) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
