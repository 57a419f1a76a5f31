/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Diagnostics: what is wrong in a configuration, where, and what to do about it. Collected, not printed:
 * the generator puts them into failing units and the kernel log, `nucleus verify` prints them as text or
 * JSON.
 */

#include <stdarg.h>

#include "strv.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The one message of a function that has nothing but a string to return it in: sets *reterr_, to be freed;
 * NULL where there was no memory for it. Returns `error`, for the caller to return, or -ENOMEM.
 */
int error_set(char **reterr_, int error, const char *format, ...) _printf_(3, 4);

typedef enum Severity {
        SEVERITY_ERROR,
        SEVERITY_WARNING,
} Severity;

typedef struct Position {
        const char *file; /* borrowed from the Config that was read; NULL: no place in a file */
        unsigned line;    /* from 1; 0: unknown */
        unsigned column;  /* from 1, in characters; 0: unknown */
} Position;

typedef struct Diagnostic {
        Severity severity;
        char *file;
        unsigned line, column;
        char *service; /* service name, or NULL where it concerns the whole file */
        char *message; /* one line, no newline, without the position */
} Diagnostic;

typedef struct Diagnostics {
        Diagnostic *items;
        size_t n;
        size_t n_errors;
} Diagnostics;

void diagnostics_done(Diagnostics *d);
#define _cleanup_diagnostics_ _cleanup_(diagnostics_done)

/*
 * Adds one; control characters and bidi controls of the message are shown escaped, so that a hostile file
 * can forge no log line. Returns 0 or -ENOMEM (the count of errors is raised all the same).
 */
int diagnostics_add(Diagnostics *d, Severity severity, Position where, const char *service,
        const char *format, ...) _printf_(5, 6);

/* The same with the arguments in a list. */
int diagnostics_addv(Diagnostics *d, Severity severity, Position where, const char *service,
        const char *format, va_list ap) _printf_(5, 0);

/*
 * A copy of a text that came from a file, fit to be printed: control characters, bidi controls and what is
 * no UTF-8 are escaped. *ret_ is to be freed. 0 or -ENOMEM.
 */
int text_sanitise(const char *s, char **ret_);

/* Is the service not plain from the file, which others share (a drop-in, the floor, a policy)? */
bool diagnostic_needs_service(const Diagnostic *d) _pure_;

/* "file:line:column: message" (what is unknown left out) into *ret_, to be freed. 0 or -ENOMEM. */
int diagnostic_format(const Diagnostic *d, char **ret_);

#ifdef __cplusplus
}
#endif
