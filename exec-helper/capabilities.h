/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The five capability sets of this thread, capabilities(7). Each function: 0 or -errno. */

#include "util.h"

/* Empties the bounding set; capabilities newer than our headers too. Needs CAP_SETPCAP. */
int capabilities_drop_bounding(void);

/* Empties the ambient, effective, permitted and inheritable sets. */
int capabilities_drop_all(void);

/* Empties them but for `mask` (bit N: capability N), which stays effective and permitted. */
int capabilities_keep_only(uint64_t mask);
