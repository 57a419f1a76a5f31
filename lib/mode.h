/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The three tiers and what each demands, as one table of rules. The front ends check a configuration
 * against a row, and nucleus-exec asks the same row what to do when a step fails.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum Mode {
        MODE_AGENT,
        MODE_STRICT_AGENT,
        MODE_PRODUCTION,
        _MODE_MAX,
} Mode;

typedef struct ModeRules {
        const char *name;
        bool fail_closed;             /* a protection that cannot be set up ends the start */
        unsigned required_namespaces; /* NamespaceFlags of spec.h that may not be switched off */
        const char *restart;          /* default of `restart` */
        bool require_rootfs;          /* `rootfs` must be given */
        bool require_attestation;     /* attestation.verify may not be switched off */
        bool require_memory_limit;    /* resources.memory must be given */
        bool allow_host_network;      /* network.mode = "host" */
        bool deny_by_default;      /* a system call policy must list what is allowed, not what is denied */
        bool hidepid;              /* procfs with hidepid=invisible */
        bool mount_audit;          /* the mount table is read back and compared with the plan */
        unsigned min_landlock_abi; /* 0: best effort */
} ModeRules;

/* The row of a mode. */
const ModeRules *mode_rules(Mode mode) _pure_;

/* "agent", "strict-agent", "production" to a Mode, or -EINVAL. */
int mode_from_string(const char *s);

#ifdef __cplusplus
}
#endif
