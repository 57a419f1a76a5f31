/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tracing of a service in the agent tier (`seccomp_trace`): a second filter tells the supervisor of every
 * system call, which counts it and lets it go on. step_trace_file() makes c->trace; without it nothing else
 * of this file may be called. The tier's own filter holds as ever: the kernel takes the
 * stricter of the two answers, whichever was loaded first, and does not tell of what that one refuses.
 */

#include "context.h"

typedef struct Trace Trace;

Trace *trace_free(Trace *t);
DEFINE_CLEANUP(Trace *, trace_free)

/* The supervisor's side of step_seccomp_trace(): takes the filter's descriptor over. */
void trace_listen(Trace *t, int fd);

/* The workload runs: from now on there is something to write. */
void trace_begin(Trace *t);

/* What poll(2) is to wait for, or -1. */
int trace_fd(const Trace *t) _pure_;

/* Counts one system call and lets it go on. `events`: what poll(2) says of the descriptor. */
void trace_take(Trace *t, int events);

/*
 * Replaces the trace of an earlier run by all that this one has counted; reports where that fails. Until
 * then, and where the workload never ran, the earlier one stays.
 */
void trace_write(Context *c);
