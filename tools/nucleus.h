/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the verbs of the `nucleus` command share: their table, exit status, colours, messages and JSON. */

#include <jansson.h>

#include "load.h"

/* Exit status, beside 0. Attestation's is EXIT_CODE_DATAERR. */
#define STATUS_FAILED 1
#define STATUS_USAGE 2

typedef struct Verb {
        const char *name;
        const char *arguments; /* for the usage line */
        const char *summary;   /* one line, begins in lower case */
        const char *details;   /* the rest of `nucleus VERB --help`, ends in a newline */
        int (*run)(const struct Verb *verb, int argc, char **argv); /* argv[0] is the verb */
} Verb;

int verb_attest(const Verb *verb, int argc, char **argv);
int verb_graph(const Verb *verb, int argc, char **argv);
int verb_policy(const Verb *verb, int argc, char **argv);
int verb_rootfs(const Verb *verb, int argc, char **argv);
int verb_seccomp(const Verb *verb, int argc, char **argv);
int verb_show(const Verb *verb, int argc, char **argv);
int verb_verify(const Verb *verb, int argc, char **argv);

/* nucleus-ui.c */

typedef enum Colour {
        COLOUR_RESET,
        COLOUR_BOLD,
        COLOUR_DIM,
        COLOUR_RED,
        COLOUR_GREEN,
        COLOUR_YELLOW,
        _COLOUR_MAX,
} Colour;

/* The escape sequence, or "" where `f` is no terminal, or NO_COLOR or TERM=dumb is set. */
const char *colour(FILE *f, Colour c);

/* "nucleus: MESSAGE" and a newline on standard error. */
void print_error(const char *format, ...) _printf_(1, 2);
void print_warning(const char *format, ...) _printf_(1, 2);

/* The usage line on standard error, and how to get help. Returns STATUS_USAGE. */
int usage_error(const Verb *verb);

/* `nucleus VERB --help`. Returns 0. */
int print_verb_help(const Verb *verb);

/* Reports that there is no memory. Returns STATUS_FAILED. */
int out_of_memory(void);

/* Flushes standard output: 0, or STATUS_FAILED where that could not be written, which it reports. */
int finish_output(int status);

/* The name in `names` (NULL-terminated) that is most like `name`, or NULL where none is near. */
const char *nearest_name(const char *name, const char *const *names);

/* nucleus-json.c */

/* A string; bytes that are no UTF-8 as \xHH. JSON null for NULL. New reference, or NULL. */
json_t *json_text(const char *s);

/* Prints the document and a newline, and drops it. NULL: no memory. Returns `status`, or STATUS_FAILED. */
int print_json(json_t *document, int status);

/* The diagnostics as an array. New reference, or NULL. */
json_t *json_diagnostics(const Diagnostics *d);
