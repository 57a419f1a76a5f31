/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tracing of a service in the agent tier (`seccomp_trace`): a second filter tells the supervisor of every
 * system call, which counts it and lets it go on. The tier's own filter holds as ever: the kernel takes the
 * stricter of the two answers, whichever was loaded first, and does not tell of what that one refuses.
 */

#include "context.h"

typedef struct Trace Trace;

Trace *trace_free(Trace *t);
DEFINE_CLEANUP(Trace *, trace_free)

/* Opens the file of the trace, spec->seccomp_trace, anew, into c->trace. 0 or -errno with step_fail(). */
int trace_open(Context *c);

/*
 * In the workload's process, before the tier's filter is loaded: loads the filter that tells, and hands its
 * descriptor to the supervisor over c->channel, as a Report. 0 or -errno with step_fail().
 */
int trace_load(Context *c);

/* The supervisor's side: takes the descriptor over. */
void trace_listen(Trace *t, int fd);

/* What poll(2) is to wait for, or -1. */
int trace_fd(const Trace *t) _pure_;

/* Counts one system call and lets it go on. */
void trace_take(Trace *t);

/* Writes the file. 0 or -errno, with step_fail(). */
int trace_write(Context *c);
