/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps, in the process that becomes the workload. Each takes away what the ones before it needed;
 * after the last nothing is left to take.
 */

#include "steps.h"

#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capabilities.h"
#include "landlock.h"
#include "seccomp.h"
#include "sys.h"

int step_session(Context *c) {
        if (setsid() < 0)
                return step_fail(c, -errno, "cannot begin a session");
        return 0;
}

int step_keyring(Context *c) {
        /* ENOSYS: a kernel without keyrings has nothing to hide. */
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
                return step_fail(c, -errno, "cannot join a new session keyring");
        return 0;
}

int step_workdir(Context *c) {
        const char *path = c->spec->workdir;

        _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return step_fail(c, -errno, "cannot open /");
        _cleanup_close_ int fd =
                sys_openat2(root, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        if (fd < 0)
                return step_fail(c, -errno, "cannot open the working directory %s", path);
        if (fchdir(fd) < 0)
                return step_fail(c, -errno, "cannot change to the working directory %s", path);
        return 0;
}

/* Root loses its special place for good: ids change without touching capabilities, and exec as uid 0 or of a
 * file with capabilities gains none. */
int step_secure_bits(Context *c) {
        unsigned bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                        SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                        SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

        if (prctl(PR_SET_SECUREBITS, bits) < 0)
                return step_fail(c, -errno, "cannot set the secure bits");
        return 0;
}

int step_bounding_set(Context *c) {
        int r = capabilities_drop_bounding();
        return r < 0 ? step_fail(c, r, "cannot drop the bounding set") : 0;
}

int step_no_new_privs(Context *c) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return step_fail(c, -errno, "cannot set no_new_privs");
        return 0;
}

int step_capabilities(Context *c) {
        int r = capabilities_drop_all();
        (void)prctl(PR_SET_DUMPABLE, 0); /* the changes of ids and capabilities may have reset it */
        return r < 0 ? step_fail(c, r, "cannot drop all capabilities") : 0;
}

/* A core file would land wherever the workload is, be that a volume: the host's. */
int step_core_limit(Context *c) {
        const struct rlimit none = {};

        if (setrlimit(RLIMIT_CORE, &none) < 0)
                return step_fail(c, -errno, "cannot forbid core files");
        return 0;
}

/* /dev/null of the host makes way for the service's own, which its policy knows. */
int step_streams(Context *c) {
        _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return step_fail(c, -errno, "cannot open the service's /dev/null");
        for (int i = 0; i < 3; i++)
                if ((i == STDIN_FILENO || c->filled[i]) && dup2(fd, i) < 0)
                        return step_fail(c, -errno, "cannot replace descriptor %d", i);
        return 0;
}

/* What a mount of the plan is good for. Everything else is denied. */
static unsigned access_of(const Mount *m) {
        unsigned access = LANDLOCK_CLASS_READ;

        switch (m->kind) {
        case MOUNT_DEV:
                return access | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_IOCTL_DEV;
        case MOUNT_PROC:
                return access | LANDLOCK_CLASS_WRITE;
        case MOUNT_ROOT_TREE:
        case MOUNT_ROOT_TMPFS:
        case MOUNT_BIND:
        case MOUNT_TMPFS:
                access |= m->executable ? LANDLOCK_CLASS_EXECUTE : 0;
                return access | (m->read_only ? 0 : LANDLOCK_CLASS_WRITE);
        case MOUNT_PROC_MASK:
        case MOUNT_PROC_READ_ONLY:
        case MOUNT_DEV_NODE:
        case MOUNT_DEVPTS:
                break;
        }
        return 0; /* covered by the rule of the mount above */
}

/* Rules by the mounts' own descriptors: there is no path that could lead elsewhere by now. */
static size_t make_rules(const Context *c, LandlockRule *rules) {
        size_t n = 0;

        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                if (m->fd >= 0 && access_of(m) != 0)
                        rules[n++] = (LandlockRule){ .fd = m->fd, .access = access_of(m) };
        }
        return n;
}

int step_landlock(Context *c) {
        _cleanup_free_ LandlockRule *rules = calloc(c->plan.n + 1, sizeof(*rules));
        _cleanup_close_ int root = -EBADF;

        if (!rules)
                return -ENOMEM;
        size_t n = make_rules(c, rules);
        if (n == 0) { /* no mount namespace (agent): files are the host's, the scopes remain */
                root = open("/", O_PATH | O_CLOEXEC);
                rules[n++] = (LandlockRule){ .fd = root,
                        .access = LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_EXECUTE |
                                  LANDLOCK_CLASS_IOCTL_DEV };
        }

        int r = landlock_apply(rules, n, c->rules->min_landlock_abi);
        if (r == -EOPNOTSUPP)
                return step_fail(c, r, "the kernel's Landlock ABI is %d, at least %u is needed",
                        landlock_abi(), c->rules->min_landlock_abi ?: 1);
        return r < 0 ? step_fail(c, r, "cannot apply the Landlock policy") : 0;
}

int step_descriptors(Context *c) {
        unsigned first = LISTEN_FD_FIRST + c->n_listen;

        for (unsigned i = 0; i < c->n_listen; i++)
                if (fcntl(LISTEN_FD_FIRST + (int)i, F_SETFD, 0) < 0)
                        return step_fail(c, -errno, "cannot keep socket %u", i);
        /* All of ours are close-on-exec already; this holds whatever a mistake may have left. */
        if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return step_fail(c, -errno, "cannot mark the descriptors");
        return 0;
}

int step_seccomp(Context *c) {
        if (!streq(c->spec->seccomp, "default"))
                return step_fail(c, -ENOENT, "this build has no seccomp profile %s", c->spec->seccomp);

        int r = seccomp_load_builtin(c->spec->mode);
        return r < 0 ? step_fail(c, r, "cannot load the seccomp filter") : 0;
}

/* The environment, and what tells the workload of its sockets: the process id is the one it sees itself. */
static char **environment(const Context *c) {
        size_t n = strv_length(c->spec->environment);
        char **env = calloc(n + 4, sizeof(char *));

        if (!env)
                return NULL;
        for (size_t i = 0; i < n; i++)
                env[i] = c->spec->environment[i];
        if (c->n_listen == 0)
                return env;
        if (asprintf(&env[n], "LISTEN_PID=%d", getpid()) < 0 ||
                asprintf(&env[n + 1], "LISTEN_FDS=%u", c->n_listen) < 0)
                return NULL;
        if (c->listen_names && asprintf(&env[n + 2], "LISTEN_FDNAMES=%s", c->listen_names) < 0)
                return NULL;
        return env;
}

int step_exec(Context *c) {
        char **env = environment(c);

        if (!env)
                return -ENOMEM;
        (void)execve(c->spec->arguments[0], c->spec->arguments, env);
        return step_fail(c, -errno, "cannot execute %s", c->spec->arguments[0]);
}
