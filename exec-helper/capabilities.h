/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The five capability sets of this thread, capabilities(7); masks have bit N for capability N. Each
 * function: 0 or -errno. */

#include "util.h"

/*
 * Empties the bounding set but for `keep`; capabilities newer than our headers too. Needs CAP_SETPCAP. On
 * failure *ret_cap is the capability at fault: -EPERM where one to keep is not there (or none may be
 * dropped), -EINVAL where the kernel knows none such.
 */
int capabilities_drop_bounding(uint64_t keep, unsigned *ret_cap);

/* Empties the ambient, effective, permitted and inheritable sets. */
int capabilities_drop_all(void);

/* Empties them but for `mask`, which stays effective and permitted. */
int capabilities_keep_only(uint64_t mask);

/*
 * Makes `mask` the ambient and inheritable set, which exec hands on. CAP_SETPCAP stays effective beside it,
 * for the secure bits that must follow; capabilities_drop_to_ambient() takes it away.
 */
int capabilities_raise_ambient(uint64_t mask);

/* Leaves the ambient set as it is, and makes the effective, permitted and inheritable ones the same. */
int capabilities_drop_to_ambient(uint64_t mask);
