/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PID 1 of a service, and what it tells the supervisor. */

#include "context.h"

typedef enum ReportKind {
        REPORT_FAILED,   /* a step failed: step, error, text */
        REPORT_DEGRADED, /* a step was left out: step, error, text */
        REPORT_RUNNING,  /* execve(2) has succeeded */
        REPORT_TRACED,   /* with a descriptor: the filter that tells of the workload's calls */
        REPORT_ENDED,    /* the workload's wait status in `status` */
} ReportKind;

/* One datagram of the socket pair. */
typedef struct Report {
        ReportKind kind;
        unsigned step; /* index into the recipe */
        int error;     /* negative errno */
        int status;    /* as from waitpid(2) */
        char text[FAILURE_TEXT_MAX];
} Report;

/* What the supervisor sends besides the first byte: a signal for the workload. */
typedef struct Order {
        int signal;
} Order;

/* The signals that are handed on to the workload; ends with 0. */
extern const int forwarded_signals[];

/* The child of clone3(2). Runs the steps of init, starts the workload, reaps; never returns. */
_noreturn_ void init_main(Context *c);
