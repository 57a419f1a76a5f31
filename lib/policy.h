/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the policy files of a service become, and how their errors are told. The parsers are for front ends
 * alone: nucleus-exec is handed the outcome in its spec.
 */

#include "landlock-policy.h"
#include "policy-error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- capabilities ---- */

#define CAPABILITY_COUNT 64U /* more than any kernel has: the sets are of 64 bits */

/* Bit N: capability N. */
typedef struct CapabilityPolicy {
        uint64_t bounding;
        uint64_t ambient; /* a subset of bounding: what the workload really holds */
} CapabilityPolicy;

/*
 * Reads `n` bytes of TOML: [bounding] keep = ["CAP_…"] and [ambient] keep = ["CAP_…"]. What is not named is
 * dropped, so that an empty text keeps nothing. 0, -EINVAL with *reterr_, or -ENOMEM.
 */
int capability_policy_parse(const char *text, size_t n, CapabilityPolicy *ret_, PolicyError *reterr_);

/* "CAP_NET_RAW", in upper case and by that name only, to its number. 0 or -ENOENT. */
int capability_from_name(const char *name, unsigned *ret_);

/* The reverse; NULL where this build knows no such capability. Borrowed, for good. */
const char *capability_name(unsigned capability);

/* The known name most like `name`, or NULL where none is near. */
const char *capability_nearest(const char *name);

/* ---- Landlock ---- */

/*
 * Reads `n` bytes of TOML into a policy (landlock-policy.h): min_abi, [[rules]], [[ports]], [scopes]. A rule
 * with ports raises min_abi to 4: an older kernel would let every port through. 0, -EINVAL with *reterr_, or
 * -ENOMEM.
 */
int landlock_policy_parse(const char *text, size_t n, LandlockPolicy **ret_, PolicyError *reterr_);

#ifdef __cplusplus
}
#endif
