/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the tiers. Must stay a table: no code elsewhere compares modes by name. */

#include "mode.h"

#include "spec.h"

/* All but time, which hides nothing. */
#define ISOLATED                                                                                            \
        (NAMESPACE_USER | NAMESPACE_PID | NAMESPACE_MOUNT | NAMESPACE_NET | NAMESPACE_UTS | NAMESPACE_IPC | \
                NAMESPACE_CGROUP)

static const ModeRules rules[_MODE_MAX] = {
        [MODE_AGENT] = {
                .name = "agent",
                .restart = "no",
                .allow_host_network = true,
        },
        [MODE_STRICT_AGENT] = {
                .name = "strict-agent",
                .restart = "no",
                .fail_closed = true,
                .required_namespaces = ISOLATED,
                .mount_audit = true,
                .min_landlock_abi = 2,
        },
        [MODE_PRODUCTION] = {
                .name = "production",
                .restart = "on-failure",
                .fail_closed = true,
                .required_namespaces = ISOLATED,
                .require_rootfs = true,
                .require_attestation = true,
                .require_memory_limit = true,
                .deny_by_default = true,
                .hidepid = true,
                .mount_audit = true,
                .min_landlock_abi = 2,
        },
};

const ModeRules *mode_rules(Mode mode) {
        return &rules[mode];
}

int mode_from_string(const char *s) {
        for (int i = 0; i < _MODE_MAX; i++)
                if (streq(rules[i].name, s))
                        return i;
        return -EINVAL;
}
