/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Denials made visible: the kernel tells its audit listeners which system call a filter refused and which
 * access Landlock did, and the supervisor turns what concerns its own service into journal records. Only for
 * a service with `log_denials`, by step_denials() of the recipe; otherwise c->denials stays NULL, and of
 * this file only denials_report_death() may be called: not one system call is made.
 *
 * What cannot be seen (no audit in the kernel, no privilege, a container) is said once, and never fails a
 * start.
 */

#include "context.h"

typedef struct Denials Denials;

Denials *denials_free(Denials *d);
DEFINE_CLEANUP(Denials *, denials_free)

/* What poll(2) is to wait for: the descriptor (-1: none), and for how long, in milliseconds (-1: forever).
 */
int denials_fd(const Denials *d) _pure_;
int denials_timeout(const Denials *d);

/* Takes what has arrived, and reports what is new of it. A bounded number of records at a time. */
void denials_take(Context *c);

/*
 * The service is over: waits for what the kernel still holds (a tenth of a second of silence), and reports
 * how often everything came again.
 */
void denials_finish(Context *c);

/* Whether a service that ended so died by SIGSYS. `status` is a wait status. */
bool denials_killed(int status) _pure_;

/* One record where the workload died by SIGSYS, as filters kill. `status` is its wait status. */
void denials_report_death(const Context *c, int status);
