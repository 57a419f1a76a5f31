/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Landlock policy as data: what a policy file says, what a spec carries, and what nucleus-exec applies. It
 * replaces the built-in rules whole. What it does not grant is denied, as far as the running kernel's ABI
 * reaches: the handled rights are always all that it knows.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LANDLOCK_RULES_MAX 512U /* of each list */

typedef struct LandlockPathRule {
        char *path;      /* absolute and normalised, as seen in the service */
        uint64_t access; /* LANDLOCK_ACCESS_FS_… bits, not 0 */
        bool optional;   /* may be missing */
} LandlockPathRule;

typedef struct LandlockPortRule {
        uint16_t port;   /* TCP, not 0 */
        uint64_t access; /* LANDLOCK_ACCESS_NET_… bits, not 0 */
} LandlockPortRule;

typedef struct LandlockPolicy {
        unsigned min_abi; /* 0: whatever the tier asks for */
        LandlockPathRule *rules;
        size_t n_rules;
        LandlockPortRule *ports;
        size_t n_ports;
        uint64_t scoped; /* LANDLOCK_SCOPE_… bits: what is denied beyond the service */
} LandlockPolicy;

/* An empty policy, with no scope, or NULL. */
LandlockPolicy *landlock_policy_new(void);
LandlockPolicy *landlock_policy_free(LandlockPolicy *p);
DEFINE_CLEANUP(LandlockPolicy *, landlock_policy_free)
#define _cleanup_landlock_policy_ _cleanup_(landlock_policy_freep)

/*
 * Append a rule. 0; -EEXIST where there is one for that path or port; -E2BIG where there are
 * LANDLOCK_RULES_MAX; -EINVAL where it could never be right (a path that is not absolute and normalised, no
 * right, rights that nobody knows, port 0); -ENOMEM.
 */
int landlock_policy_add_path(LandlockPolicy *p, const char *path, uint64_t access, bool optional);
int landlock_policy_add_port(LandlockPolicy *p, unsigned port, uint64_t access);

/* A copy, or NULL. */
LandlockPolicy *landlock_policy_copy(const LandlockPolicy *p);

#ifdef __cplusplus
}
#endif
