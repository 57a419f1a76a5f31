/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The main process of a unit. */

#include "context.h"

/*
 * Runs the service to its end. Returns the exit code of the program, or does not return: where the workload
 * was killed by a signal, so is the program.
 */
int supervise(Context *c);
