/* SPDX-License-Identifier: Apache-2.0 */
/* Build-time tool: puts the keys of schema.c into nucleus.toml.5.in, in place of the line @KEYS@. */

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

int main(int argc, char **argv) {
        _cleanup_fclose_ FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        if (!f) {
                fprintf(stderr, "Usage: print-keys nucleus.toml.5.in > nucleus.toml.5\n");
                return 2;
        }
        while (getline(&line, &size, f) >= 0) {
                if (!streq(line, "@KEYS@\n")) {
                        fputs(line, stdout);
                        continue;
                }
                for (const SchemaRow *row = schema_rows; row->key; row++)
                        print_row(row);
        }
        return ferror(f) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
