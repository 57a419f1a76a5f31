/* SPDX-License-Identifier: Apache-2.0 */
/* What the command looks like: colours only where a person looks, messages in one form. */

#include "nucleus.h"

#include "nearest.h"

#include <stdarg.h>

const char *colour(FILE *f, Colour c) {
        static const char *const sequences[_COLOUR_MAX] = {
                [COLOUR_RESET] = "\x1b[0m",
                [COLOUR_BOLD] = "\x1b[1m",
                [COLOUR_DIM] = "\x1b[2m",
                [COLOUR_RED] = "\x1b[1;31m",
                [COLOUR_GREEN] = "\x1b[32m",
                [COLOUR_YELLOW] = "\x1b[33m",
        };
        const char *term = getenv("TERM");

        /* https://no-color.org: set and not empty. */
        if (!isatty(fileno(f)) || !isempty(getenv("NO_COLOR")) || isempty(term) || streq(term, "dumb"))
                return "";
        return sequences[c];
}

/* Arguments come from people and scripts: no control character of theirs reaches the terminal. */
_printf_(3, 0) static void print_message(const char *label, Colour c, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        for (char *p = text; p && *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = '?';
        (void)fflush(stdout);
        fprintf(stderr, "nucleus: %s%s%s%s\n", colour(stderr, c), label, colour(stderr, COLOUR_RESET),
                text ?: "out of memory");
}

void print_error(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        print_message("", COLOUR_RESET, format, ap);
        va_end(ap);
}

void print_warning(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        print_message("warning: ", COLOUR_YELLOW, format, ap);
        va_end(ap);
}

int usage_error(const Verb *verb) {
        fprintf(stderr, "Usage: nucleus %s %s\n`nucleus %s --help` says more.\n", verb->name,
                verb->arguments, verb->name);
        return STATUS_USAGE;
}

int print_verb_help(const Verb *verb) {
        const char *space = strchr(verb->name, ' '); /* a verb of a verb: that one has a page */

        printf("Usage: nucleus %s %s\n\n%s\n  -h, --help   print this\n\nSee nucleus%s%.*s(1).\n",
                verb->name, verb->arguments, verb->details, space ? "-" : "",
                space ? (int)(space - verb->name) : 0, verb->name);
        return finish_output(0);
}

int out_of_memory(void) {
        print_error("out of memory");
        return STATUS_FAILED;
}

int finish_output(int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        print_error("cannot write to standard output: %s", strerror(errno));
        return STATUS_FAILED;
}

const char *nearest_name(const char *name, const char *const *names) {
        const char *best = NULL;
        size_t best_distance = SIZE_MAX;

        for (; *names; names++) {
                size_t d = name_distance(name, *names);
                if (d < best_distance) {
                        best = *names;
                        best_distance = d;
                }
        }
        return best && name_is_near(best_distance, name) ? best : NULL;
}
