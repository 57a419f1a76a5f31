/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the tiers. Must stay a table: no code elsewhere compares modes by name. */

#include "mode.h"

static const ModeRules rules[_MODE_MAX] = {
        [MODE_AGENT] = {
                .name = "agent",
                .allow_host_network = true,
        },
        [MODE_STRICT_AGENT] = {
                .name = "strict-agent",
                .fail_closed = true,
                .require_user_ns = true,
                .mount_audit = true,
                .min_landlock_abi = 3,
        },
        [MODE_PRODUCTION] = {
                .name = "production",
                .fail_closed = true,
                .require_user_ns = true,
                .require_rootfs = true,
                .require_attestation = true,
                .require_memory_limit = true,
                .hidepid = true,
                .mount_audit = true,
                .min_landlock_abi = 3,
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
