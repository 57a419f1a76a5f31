/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the generator's messages go. */

#include "load.h"

/* A reporter of one run. PID 1 drops a generator's standard error, so there is the kernel log besides. */
typedef struct Report {
        int kmsg_fd; /* -EBADF: no kernel log */
        size_t n;    /* messages that went there, or would have */
} Report;

/* `kernel` says whether to write to the kernel log too; not being able to is no error. */
void report_open(Report *r, bool kernel);

/* Says how many messages the kernel log does not have, and closes it. */
void report_done(Report *r);
#define _cleanup_report_ _cleanup_(report_done)

/* One line. */
void report_line(Report *r, Severity severity, const char *line);

/* All that were collected. */
void report_diagnostics(Report *r, const Diagnostics *d);
