/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Runs a command under a filter that asks us at every system call, seccomp_unotify(2): each is counted and
 * let go on. No privilege is needed, no call is changed, and children are followed wherever they go.
 */

#include "seccomp-arch.h"
#include "seccomp-trace-file.h"

#include <sys/types.h>

/* What the command's process says of itself, in memory that we share: it may make no call for it. */
typedef struct SupervisorShared {
        int load_error; /* errno of seccomp(2) */
        int exec_error; /* errno of execve(2) */
} SupervisorShared;

typedef struct Supervisor {
        const SeccompArch *arch;
        SeccompTrace *trace;
        SupervisorShared *shared;
        int listener;
        int signals;     /* signalfd(2) */
        pid_t pid;       /* of the command */
        int status;      /* of the command, as waitpid(2) has it */
        bool ended;      /* the command has */
        bool said;       /* that others still run */
        bool asked;      /* to end, since the command has */
        bool leave;      /* do not wait any more */
        int count_error; /* the first -errno of counting */
} Supervisor;

#define SUPERVISOR_NULL                                                                                     \
        { .listener = -EBADF, .signals = -EBADF }

/*
 * Starts `path` with `argv`, held before its first instruction; `s` is SUPERVISOR_NULL but for arch and
 * trace. Blocks the signals that it takes, which stay so. 0 or -errno: -EBUSY where this process is under
 * such a supervisor itself, -ENOSYS or -EINVAL where the kernel is too old.
 */
int supervisor_start(Supervisor *s, const char *path, char *const *argv);

/*
 * Counts until all processes of the command have ended. A signal that asks us to end is handed on to the
 * command, later to those that it left behind; the second such signal kills those. 0 or -errno. Look at
 * s->shared->exec_error first: where it is set, nothing was run.
 */
int supervisor_run(Supervisor *s);

void supervisor_done(Supervisor *s);
#define _cleanup_supervisor_ _cleanup_(supervisor_done)
