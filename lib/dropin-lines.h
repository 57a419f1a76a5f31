/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text in systemd's syntax, one logical line at a time. Of dropin.c; pure. */

#include "strbuf.h"

typedef struct DropinLines {
        const char *at, *end; /* what is not read yet */
        unsigned n_read;      /* lines read */
        bool bom;             /* the one byte order mark was there */

        /* The line that was read last. */
        StrBuf text;       /* without white space at both ends */
        const char *start; /* where it begins in what is read */
        unsigned number;   /* of the first line of it */
        bool continued;    /* a backslash ended (one of) them */
        bool cut;          /* a NUL or a lone carriage return ended (one of) them */
} DropinLines;

#define dropin_lines_done(l) strbuf_done(&(l)->text)

/*
 * Reads the next logical line: comments left out, continuations joined. Lines end at LF, CR LF, and, as
 * systemd has it, at a lone CR or NUL too. 1; 0 at the end; -ENOMEM.
 */
int dropin_lines_next(DropinLines *l);

/* Removes white space, as systemd has it, from both ends of a string, in place. Returns where it begins. */
char *dropin_strip(char *s);
