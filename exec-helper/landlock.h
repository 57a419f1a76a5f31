/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Landlock, landlock(7): what the workload may do beneath which directory, with which ports, and to whom. */

#include "landlock-policy.h"
#include "landlock-rights.h"

typedef struct LandlockRule {
        int fd;          /* O_PATH */
        uint64_t access; /* LANDLOCK_ACCESS_FS_… bits: those that the ABI lacks, or a file, are left out */
} LandlockRule;

typedef struct LandlockRequest {
        const LandlockRule *rules;
        size_t n_rules;
        bool net; /* deny TCP but for `ports`, from ABI 4 on */
        const LandlockPortRule *ports;
        size_t n_ports;
        uint64_t scoped;  /* LANDLOCK_SCOPE_… bits, from ABI 6 on */
        bool log_denials; /* those of the workload's program too, from ABI 7 on */
        unsigned min_abi; /* -EOPNOTSUPP below it */
} LandlockRequest;

/* The ABI of the running kernel, or 0 where it has no Landlock. */
int landlock_abi(void);

/*
 * Denies this thread and its children every file system right that `abi`, which is at most the running one,
 * knows, but for the rules; so for the network and the scopes. no_new_privs must be set. 0, -EOPNOTSUPP
 * below `min_abi` (and without Landlock), or another -errno.
 */
int landlock_apply(const LandlockRequest *request, int abi);
