/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights that each ABI brought, as one table. What is handled is always all that the running kernel
 * knows, so that what no rule grants is denied. The constants are the kernel's
 * (include/uapi/linux/landlock.h and landlock(7)), written here since older headers lack the later ones.
 */

#include "landlock.h"

#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const struct {
        unsigned abi;
        uint64_t right;
        unsigned classes;
        bool file; /* makes sense for a file as well as for a directory */
} rights[] = {
        { 1, UINT64_C(1) << 0, LANDLOCK_CLASS_EXECUTE, true },    /* EXECUTE */
        { 1, UINT64_C(1) << 1, LANDLOCK_CLASS_WRITE, true },      /* WRITE_FILE */
        { 1, UINT64_C(1) << 2, LANDLOCK_CLASS_READ, true },       /* READ_FILE */
        { 1, UINT64_C(1) << 3, LANDLOCK_CLASS_READ, false },      /* READ_DIR */
        { 1, UINT64_C(1) << 4, LANDLOCK_CLASS_WRITE, false },     /* REMOVE_DIR */
        { 1, UINT64_C(1) << 5, LANDLOCK_CLASS_WRITE, false },     /* REMOVE_FILE */
        { 1, UINT64_C(1) << 6, 0, false },                        /* MAKE_CHAR: never */
        { 1, UINT64_C(1) << 7, LANDLOCK_CLASS_WRITE, false },     /* MAKE_DIR */
        { 1, UINT64_C(1) << 8, LANDLOCK_CLASS_WRITE, false },     /* MAKE_REG */
        { 1, UINT64_C(1) << 9, LANDLOCK_CLASS_WRITE, false },     /* MAKE_SOCK */
        { 1, UINT64_C(1) << 10, LANDLOCK_CLASS_WRITE, false },    /* MAKE_FIFO */
        { 1, UINT64_C(1) << 11, 0, false },                       /* MAKE_BLOCK: never */
        { 1, UINT64_C(1) << 12, LANDLOCK_CLASS_WRITE, false },    /* MAKE_SYM */
        { 2, UINT64_C(1) << 13, LANDLOCK_CLASS_WRITE, false },    /* REFER */
        { 3, UINT64_C(1) << 14, LANDLOCK_CLASS_WRITE, true },     /* TRUNCATE */
        { 5, UINT64_C(1) << 15, LANDLOCK_CLASS_IOCTL_DEV, true }, /* IOCTL_DEV */
};

/* struct landlock_ruleset_attr of ABI 6. */
typedef struct RulesetAttr {
        uint64_t handled_access_fs, handled_access_net, scoped;
} RulesetAttr;

#define SCOPE_ABSTRACT_UNIX_SOCKET UINT64_C(1)
#define SCOPE_SIGNAL UINT64_C(2)

static size_t attr_size(int abi) {
        return abi >= 6   ? sizeof(RulesetAttr)
               : abi >= 4 ? offsetof(RulesetAttr, scoped)
                          : offsetof(RulesetAttr, handled_access_net);
}

static uint64_t rights_of(int abi, unsigned classes, bool file) {
        uint64_t set = 0;

        for (size_t i = 0; i < ELEMENTSOF(rights); i++)
                if (rights[i].abi <= (unsigned)abi && (rights[i].file || !file) &&
                        (classes == ~0U || (rights[i].classes & classes)))
                        set |= rights[i].right;
        return set;
}

int landlock_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        return abi < 0 ? 0 : (int)abi;
}

static int add_rule(int ruleset, int abi, const LandlockRule *rule) {
        struct landlock_path_beneath_attr attr = { .parent_fd = rule->fd };
        struct stat st;

        if (fstat(rule->fd, &st) < 0)
                return -errno;
        attr.allowed_access = rights_of(abi, rule->access, !S_ISDIR(st.st_mode));
        if (attr.allowed_access == 0)
                return 0;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
                return -errno;
        return 0;
}

int landlock_apply(const LandlockRule *rules, size_t n, unsigned min_abi) {
        int abi = landlock_abi();
        RulesetAttr attr = {
                .handled_access_fs = rights_of(abi, ~0U, false),
                .scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0,
        };

        if (abi < 1 || (unsigned)abi < min_abi)
                return -EOPNOTSUPP;
        _cleanup_close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0);
        if (ruleset < 0)
                return -errno;
        for (size_t i = 0; i < n; i++) {
                int r = add_rule(ruleset, abi, &rules[i]);
                if (r < 0)
                        return r;
        }
        return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
