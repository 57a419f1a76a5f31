/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file that a verb writes: there whole, or not at all. */

#include "nucleus.h"

typedef struct OutputFile {
        const char *path; /* borrowed */
        char *temporary;  /* beside it; NULL once it has its name */
        int fd;
} OutputFile;

#define OUTPUT_FILE_NULL                                                                                    \
        { .fd = -EBADF }

/* Makes sure that the file can be written, before there is anything to write. Reports what is wrong. 0 or
 * STATUS_FAILED. */
int output_open(OutputFile *o, const char *path);

/* Writes the text and gives the file its name; one that has it is replaced only where `replace`. Reports
 * what is wrong. 0 or STATUS_FAILED. */
int output_finish(OutputFile *o, const char *text, bool replace);

/* Removes what was not finished. */
void output_done(OutputFile *o);
#define _cleanup_output_ _cleanup_(output_done)

/* May `path` become a file of ours? Where it is there already: only a regular file, and only where
 * `replace`. Reports what is wrong; `hint` says how to replace it. 0 or STATUS_FAILED. */
int output_check(const char *path, bool replace, const char *hint);
