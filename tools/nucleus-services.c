/* SPDX-License-Identifier: Apache-2.0 */
/* Loads services as the generator does, and shows what is wrong with them where it stands. */

#include "nucleus-services.h"

#include "resolve.h"
#include "strbuf.h"
#include "utf8.h"

#include <fcntl.h>
#include <sys/stat.h>

void services_done(Services *s) {
        graph_free(s->graph);
        config_set_free(s->set);
        unit_names_done(&s->taken);
        diagnostics_done(&s->diag);
}

int services_load(Scope scope, char *const *files, Services *s) {
        _cleanup_strv_ char **dirs = NULL;

        int r = config_directories(scope, &dirs);
        if (r >= 0)
                r = config_set_load(dirs, files, &s->set, &s->diag);
        if (r >= 0)
                r = config_set_resolve(s->set, scope, &s->diag);
        if (r >= 0)
                r = unit_names_load(scope, &s->taken);
        if (r >= 0)
                r = graph_build(s->set, scope, &s->taken, &s->graph, &s->diag);
        return r < 0 ? out_of_memory() : 0;
}

/* The file again, bounded, and only where it is a regular one. */
static char *read_source(const char *path, size_t *ret_n) {
        struct stat st;

        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_MAX)
                return NULL;
        _cleanup_free_ char *text = malloc((size_t)st.st_size + 1);
        ssize_t n = text ? read(fd, text, (size_t)st.st_size) : -1;
        if (n < 0)
                return NULL;
        *ret_n = (size_t)n;
        return TAKE_PTR(text);
}

/* Copies characters, one column each: what would move the cursor becomes a space or a question mark. */
static void add_characters(StrBuf *b, const char *s, size_t n) {
        while (n > 0) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 1 && *s == '\t')
                        strbuf_putc(b, ' ');
                else if (k == 0 || character_is_control(c) || character_is_deceptive(c))
                        strbuf_putc(b, '?');
                else
                        strbuf_add(b, s, k);
                k = k ?: 1;
                s += k;
                n -= k;
        }
}

#define EXCERPT_MAX 160U

static void print_excerpt(FILE *f, const Diagnostic *d) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL, *line = NULL;
        const char *p, *end;
        size_t n;

        text = read_source(d->file, &n);
        if (!text)
                return;
        p = text;
        end = text + n;
        for (unsigned i = 1; i < d->line && p; i++) {
                p = memchr(p, '\n', (size_t)(end - p));
                p = p ? p + 1 : NULL;
        }
        if (!p || p >= end)
                return;
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t length = (size_t)((newline ?: end) - p);
        add_characters(&b, p, length < EXCERPT_MAX ? length : EXCERPT_MAX);
        if (strbuf_finish(&b, &line) < 0)
                return;
        fprintf(f, "%5u | %s\n", d->line, line);
        if (d->column > 0 && d->column <= EXCERPT_MAX)
                fprintf(f, "      | %*s%s^%s\n", (int)d->column - 1, "", colour(f, COLOUR_GREEN),
                        colour(f, COLOUR_RESET));
}

void print_diagnostic(FILE *f, const Diagnostic *d) {
        bool error = d->severity == SEVERITY_ERROR;

        if (d->file) {
                fprintf(f, "%s%s", colour(f, COLOUR_BOLD), d->file);
                if (d->line > 0)
                        fprintf(f, ":%u", d->line);
                if (d->line > 0 && d->column > 0)
                        fprintf(f, ":%u", d->column);
                fprintf(f, ":%s ", colour(f, COLOUR_RESET));
        }
        fprintf(f, "%s%s:%s %s", colour(f, error ? COLOUR_RED : COLOUR_YELLOW), error ? "error" : "warning",
                colour(f, COLOUR_RESET), d->message);
        if (diagnostic_needs_service(d))
                fprintf(f, " (service %s)", d->service);
        fputc('\n', f);
        if (d->file && d->line > 0 && isatty(fileno(f)))
                print_excerpt(f, d);
}
