/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Landlock, landlock(7): what the workload may do beneath which directory. */

#include "util.h"

#define LANDLOCK_CLASS_READ 1U /* read files, list directories */
#define LANDLOCK_CLASS_EXECUTE 2U
#define LANDLOCK_CLASS_WRITE 4U /* write, truncate, create, remove, rename and link across directories */
#define LANDLOCK_CLASS_IOCTL_DEV 8U

typedef struct LandlockRule {
        int fd;          /* O_PATH */
        unsigned access; /* LANDLOCK_CLASS_… */
} LandlockRule;

/* The ABI of the running kernel, or 0 where it has no Landlock. */
int landlock_abi(void);

/*
 * Denies this thread and its children every file system right that the running ABI knows, but for the rules;
 * from ABI 6 on also abstract Unix sockets and signals outside of the domain. no_new_privs must be set.
 * 0, -EOPNOTSUPP below `min_abi` (and without Landlock), or another -errno.
 */
int landlock_apply(const LandlockRule *rules, size_t n, unsigned min_abi);
