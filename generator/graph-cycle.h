/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Cycles of the dependency graph. For graph.c. */

#include "graph.h"

/* Adds an error, which names the cycle, for each service that lies on one. 0 or -ENOMEM. */
int graph_check_cycles(const Graph *g, Diagnostics *diag);
