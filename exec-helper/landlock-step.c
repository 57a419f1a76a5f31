/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step that applies Landlock: rules from the mount plan, or from the policy of the spec, which replaces
 * them whole.
 */

#include "steps.h"

#include "landlock.h"
#include "rule-path.h"
#include "sys.h"

/* What a mount of the plan is good for. Everything else is denied. */
static uint64_t access_of(const Mount *m) {
        uint64_t access = LANDLOCK_CLASS_READ;

        switch (m->kind) {
        case MOUNT_DEV:
                return access | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_IOCTL_DEV;
        case MOUNT_PROC:
                return access | LANDLOCK_CLASS_WRITE;
        case MOUNT_ROOT_TREE:
        case MOUNT_ROOT_TMPFS:
        case MOUNT_STORE:
        case MOUNT_BIND:
        case MOUNT_TMPFS:
                access |= m->executable ? LANDLOCK_CLASS_EXECUTE : 0;
                return access | (m->read_only ? 0 : LANDLOCK_CLASS_WRITE);
        case MOUNT_STORE_PATH:
        case MOUNT_PROC_MASK:
        case MOUNT_PROC_READ_ONLY:
        case MOUNT_DEV_NODE:
        case MOUNT_DEVPTS:
                break;
        }
        return 0; /* covered by the rule of the mount above */
}

/* Rules by the mounts' own descriptors: there is no path that could lead elsewhere by now. */
static size_t rules_of_plan(const Context *c, LandlockRule *rules) {
        size_t n = 0;

        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                if (m->fd >= 0 && access_of(m) != 0)
                        rules[n++] = (LandlockRule){ .fd = m->fd, .access = access_of(m) };
        }
        return n;
}

/* The least that the kernel must have. */
static unsigned min_abi(const Context *c) {
        unsigned abi = spec_landlock_min_abi(c->spec);

        return abi > c->rules->min_landlock_abi ? abi : c->rules->min_landlock_abi;
}

static int apply(Context *c, const LandlockRequest *request) {
        int abi = landlock_abi(), r = landlock_apply(request, abi);

        if (r == -EOPNOTSUPP)
                return step_fail(c, r, "the kernel's Landlock ABI is %d, at least %u is needed", abi,
                        request->min_abi ?: 1);
        return r < 0 ? step_fail(c, r, "cannot apply the Landlock policy") : 0;
}

static int apply_builtin(Context *c) {
        _cleanup_free_ LandlockRule *rules = calloc(c->plan.n + 1, sizeof(*rules));
        _cleanup_close_ int root = -EBADF;

        if (!rules)
                return -ENOMEM;
        size_t n = rules_of_plan(c, rules);
        if (n == 0) { /* no mount namespace (agent): files are the host's, the scopes remain */
                root = open("/", O_PATH | O_CLOEXEC);
                rules[n++] = (LandlockRule){ .fd = root,
                        .access = LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_EXECUTE |
                                  LANDLOCK_CLASS_IOCTL_DEV };
        }
        return apply(c, &(LandlockRequest){ .rules = rules,
                                .n_rules = n,
                                .scoped = landlock_handled(LANDLOCK_KIND_SCOPE, LANDLOCK_ABI_MAX),
                                .log_denials = c->spec->log_denials,
                                .min_abi = min_abi(c) });
}

const char *landlock_policy_name(const Context *c) {
        return c->spec->landlock_source ?: "of the service";
}

/* The ids of those mounts. */
static int find_mounts(Context *c, uint64_t *ret_ids, size_t *ret_n) {
        size_t n = 0;

        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                if (m->fd < 0 || !mount_has_links_of_the_operator(m))
                        continue;
                if (sys_mount_id(m->fd, &ret_ids[n++]) < 0)
                        return step_fail(c, -errno, "cannot look at the mount on %s", m->target);
        }
        *ret_n = n;
        return 0;
}

/* Opens the paths of the policy, as the service sees them. The descriptors are the caller's to close, of the
 * first *ret_n rules. */
static int open_rules(Context *c, const LandlockPolicy *p, LandlockRule *rules, size_t *ret_n) {
        _cleanup_free_ uint64_t *mounts = calloc(c->plan.n + 1, sizeof(*mounts));
        _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const char *source = landlock_policy_name(c);
        size_t n_mounts = 0;

        if (!mounts)
                return -ENOMEM;
        if (root < 0)
                return step_fail(c, -errno, "cannot open /");
        int r = find_mounts(c, mounts, &n_mounts);
        for (size_t i = 0; r >= 0 && i < p->n_rules; i++) {
                int fd = rule_path_open(root, p->rules[i].path, mounts, n_mounts);

                if ((fd == -ENOENT || fd == -ENOTDIR) && p->rules[i].optional)
                        continue;
                if (fd == -EPERM)
                        return step_fail(c, fd,
                                "the path %s of the Landlock policy %s leads through a symbolic link "
                                "outside of the root tree, where it could be changed to widen the policy: "
                                "write where it leads to",
                                p->rules[i].path, source);
                if (fd < 0)
                        return step_fail(c, fd, "cannot open the path %s of the Landlock policy %s%s",
                                p->rules[i].path, source,
                                fd == -ENOENT ? " (optional = true allows that)" : "");
                rules[(*ret_n)++] = (LandlockRule){ .fd = fd, .access = p->rules[i].access };
        }
        return r;
}

static int apply_custom(Context *c, const LandlockPolicy *p) {
        _cleanup_free_ LandlockRule *rules = calloc(p->n_rules + 1, sizeof(*rules));
        size_t n = 0;

        if (!rules)
                return -ENOMEM;
        /* Asked now, so that a failing exec can tell whose word it was. */
        c->program_was_executable = faccessat(AT_FDCWD, c->spec->arguments[0], X_OK, AT_EACCESS) == 0;
        int r = open_rules(c, p, rules, &n);
        if (r >= 0)
                r = apply(c, &(LandlockRequest){ .rules = rules,
                                     .n_rules = n,
                                     .net = true,
                                     .ports = p->ports,
                                     .n_ports = p->n_ports,
                                     .scoped = p->scoped,
                                     .log_denials = c->spec->log_denials,
                                     .min_abi = min_abi(c) });
        for (size_t i = 0; i < n; i++)
                close_fd(rules[i].fd);
        return r;
}

int step_landlock(Context *c) {
        return c->spec->landlock_policy ? apply_custom(c, c->spec->landlock_policy) : apply_builtin(c);
}
