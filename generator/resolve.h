/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From what the files say to what holds: drop-ins, then the floor, then the defaults and rules of the tier,
 * then the policy files. The one order in which a front end may do it.
 */

#include "load.h"

/*
 * Resolves every service of a set that was just loaded. What is wrong is added to `diag`, and marks the
 * services that it concerns as failed. The set owns all that its services borrow. 0 or -ENOMEM.
 */
int config_set_resolve(ConfigSet *set, Scope scope, Diagnostics *diag);
