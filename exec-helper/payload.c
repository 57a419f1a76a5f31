/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps, in the process that becomes the workload. Each takes away what the ones before it needed;
 * after the last nothing is left to take.
 */

#include "steps.h"

#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capabilities.h"
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

#define AMBIENT_BITS (SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
#define SECURE_BITS                                                                                         \
        (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |    \
                SECBIT_KEEP_CAPS_LOCKED)

/* Root loses its special place for good: ids change without touching capabilities, and exec as uid 0 or of a
 * file with capabilities gains none. The ambient set is locked here too, or once it is what it is to be. */
int step_secure_bits(Context *c) {
        unsigned bits = SECURE_BITS | (c->spec->capabilities_ambient ? 0 : AMBIENT_BITS);

        if (prctl(PR_SET_SECUREBITS, bits) < 0)
                return step_fail(c, -errno, "cannot set the secure bits");
        return 0;
}

int step_bounding_set(Context *c) {
        uint64_t keep = c->spec->capabilities_bounding;
        unsigned cap = 0;
        int r = capabilities_drop_bounding(keep, &cap);

        if (r < 0 && (keep & UINT64_C(1) << cap))
                return step_fail(
                        c, r, "capability %u, which is to be kept, is not in the bounding set", cap);
        return r < 0 ? step_fail(c, r, "cannot drop capability %u from the bounding set", cap) : 0;
}

int step_ambient_set(Context *c) {
        int r = capabilities_raise_ambient(c->spec->capabilities_ambient);

        if (r < 0)
                return step_fail(c, r, "cannot raise the ambient capabilities");
        if (prctl(PR_SET_SECUREBITS, SECURE_BITS | AMBIENT_BITS) < 0)
                return step_fail(c, -errno, "cannot lock the ambient set");
        return 0;
}

int step_no_new_privs(Context *c) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return step_fail(c, -errno, "cannot set no_new_privs");
        return 0;
}

int step_capabilities(Context *c) {
        uint64_t kept = c->spec->capabilities_ambient;
        int r = kept ? capabilities_drop_to_ambient(kept) : capabilities_drop_all();

        (void)prctl(PR_SET_DUMPABLE, 0); /* the changes of ids and capabilities may have reset it */
        return r < 0 ? step_fail(c, r, "cannot drop all %scapabilities", kept ? "other " : "") : 0;
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

int step_descriptors(Context *c) {
        unsigned first = LISTEN_FD_FIRST + c->n_listen;

        for (unsigned i = 0; i < c->n_listen; i++)
                if (fcntl(LISTEN_FD_FIRST + (int)i, F_SETFD, 0) < 0)
                        return step_fail(c, -errno, "cannot keep socket %u", i);
        /* All of ours are close-on-exec already; this holds whatever a mistake may have left. */
        if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return step_fail(c, -errno, "cannot mark the descriptors");

        /* Now, since a filter may leave no call but execve(2). */
        c->environment = environment(c);
        return c->environment ? 0 : -ENOMEM;
}

int step_seccomp(Context *c) {
        const Spec *s = c->spec;

        if (!s->seccomp_program) {
                int r = seccomp_load_builtin(s->mode, s->log_denials);
                return r < 0 ? step_fail(c, r, "cannot load the seccomp filter") : 0;
        }
        struct sock_fprog program = {};
        int r = seccomp_decode(s->seccomp_program, &program);
        c->filter = program.filter; /* for init to free: that may take a system call */
        c->asking_filter = r >= 0;  /* from now on any call may be our last: see ask_filter() */
        if (r >= 0)
                r = seccomp_load(&program, s->log_denials);
        return r < 0 ? step_fail(c, r, "cannot load the seccomp filter of %s",
                               s->seccomp_source ?: "the service's profile")
                     : 0;
}

int step_exec_forbidden(Context *c, int error) {
        return step_fail(c, error, "cannot execute %s: the seccomp profile %s does not allow execve",
                c->spec->arguments[0], c->spec->seccomp_source ?: "of the service");
}

/*
 * Would a filter that somebody wrote let us execute anything? A call that names no file fails with EFAULT,
 * or as the filter says. Where it kills, this is where: init sees that there was no answer, and does not
 * take the end of this process for the workload's.
 */
static int ask_filter(Context *c) {
        (void)syscall(SYS_execve, NULL, NULL, NULL);
        int error = -errno;
        c->asking_filter = false;
        return error == -EFAULT ? 0 : step_exec_forbidden(c, error);
}

int step_exec(Context *c) {
        int r = c->spec->seccomp_program ? ask_filter(c) : 0;
        if (r < 0)
                return r;
        (void)execve(c->spec->arguments[0], c->spec->arguments, c->environment);
        if (errno == EACCES && c->program_was_executable)
                return step_fail(c, -EACCES,
                        "cannot execute %s: the Landlock policy %s must grant execute and read_file there, "
                        "and for its interpreter and loader",
                        c->spec->arguments[0], landlock_policy_name(c));
        return step_fail(c, -errno, "cannot execute %s", c->spec->arguments[0]);
}
