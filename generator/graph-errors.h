/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the list of diagnostics to the message of each service. For graph.c. */

#include "graph.h"

/* Sets Node.error of each service that has errors. 0 or -ENOMEM. */
int graph_attach_errors(Graph *g, const ConfigSet *set, const Diagnostics *diag);
