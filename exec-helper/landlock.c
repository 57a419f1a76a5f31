/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock by the raw system calls. What is handled is always all that the ABI knows, so that what no rule
 * grants is denied. The structures are the kernel's (include/uapi/linux/landlock.h), written here where
 * older headers lack a part.
 */

#include "landlock.h"

#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* struct landlock_ruleset_attr of ABI 6. */
typedef struct RulesetAttr {
        uint64_t handled_access_fs, handled_access_net, scoped;
} RulesetAttr;

/* struct landlock_net_port_attr and its type of rule, ABI 4. */
typedef struct PortAttr {
        uint64_t allowed_access, port;
} PortAttr;

#define RULE_NET_PORT 2
#define RESTRICT_SELF_LOG_NEW_EXEC_ON 2U /* ABI 7 */

static size_t attr_size(unsigned abi) {
        return abi >= LANDLOCK_ABI_SCOPE ? sizeof(RulesetAttr)
               : abi >= LANDLOCK_ABI_NET ? offsetof(RulesetAttr, scoped)
                                         : offsetof(RulesetAttr, handled_access_net);
}

int landlock_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        return abi < 0 ? 0 : (int)abi;
}

static int add_path(int ruleset, uint64_t handled, const LandlockRule *rule) {
        struct landlock_path_beneath_attr attr = { .parent_fd = rule->fd };
        struct stat st;

        if (fstat(rule->fd, &st) < 0)
                return -errno;
        attr.allowed_access = rule->access & handled;
        if (!S_ISDIR(st.st_mode))
                attr.allowed_access &= landlock_file_rights();
        if (attr.allowed_access == 0) /* nothing that this kernel tells apart; it would not take the rule */
                return 0;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
                return -errno;
        return 0;
}

static int add_port(int ruleset, uint64_t handled, const LandlockPortRule *rule) {
        PortAttr attr = { .allowed_access = rule->access & handled, .port = rule->port };

        if (attr.allowed_access == 0)
                return 0;
        return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0) < 0 ? -errno : 0;
}

static int add_rules(int ruleset, const RulesetAttr *handled, const LandlockRequest *q) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < q->n_rules; i++)
                r = add_path(ruleset, handled->handled_access_fs, &q->rules[i]);
        for (size_t i = 0; r >= 0 && i < q->n_ports; i++)
                r = add_port(ruleset, handled->handled_access_net, &q->ports[i]);
        return r;
}

int landlock_apply(const LandlockRequest *q, int abi) {
        if (abi < 1 || (unsigned)abi < q->min_abi)
                return -EOPNOTSUPP;

        unsigned v = (unsigned)abi;
        const RulesetAttr attr = {
                .handled_access_fs = landlock_handled(LANDLOCK_KIND_FS, v),
                .handled_access_net = q->net ? landlock_handled(LANDLOCK_KIND_NET, v) : 0,
                .scoped = q->scoped & landlock_handled(LANDLOCK_KIND_SCOPE, v),
        };
        unsigned flags = q->log_denials && v >= LANDLOCK_ABI_LOG ? RESTRICT_SELF_LOG_NEW_EXEC_ON : 0;

        _cleanup_close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(v), 0);
        if (ruleset < 0)
                return -errno;
        int r = add_rules(ruleset, &attr, q);
        if (r < 0)
                return r;
        return syscall(SYS_landlock_restrict_self, ruleset, flags) < 0 ? -errno : 0;
}
