/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the steps of the recipe work on. One Context lives in the supervisor; init and the workload's process
 * go on with their copies of it after clone3(2) and fork(2). Steps fill it in, later steps and the loops
 * read it.
 */

#include <sys/resource.h>
#include <sys/types.h>

#include "mode.h"
#include "mount-plan.h"
#include "spec.h"

#define LISTEN_FD_FIRST 3 /* SD_LISTEN_FDS_START */
#define LISTEN_FDS_MAX 512U
#define FAILURE_TEXT_MAX 1536U
#define GROUPS_MAX 64U

typedef struct Context {
        const Spec *spec;
        const ModeRules *rules;
        MountPlan plan;

        /* From the environment, which is then forgotten. */
        char *notify_socket;
        char *listen_names; /* LISTEN_FDNAMES, or NULL */
        unsigned n_listen;
        bool stderr_is_journal;
        bool filled[3]; /* standard streams that were closed and lead to /dev/null now */

        bool root_is_directory; /* else it is an image, attested as a whole */
        int image_fd;           /* that image, until it is mounted; else -EBADF */
        /* What the root tree lists of the Nix store, NULL: nothing. The descriptors are the plan's. */
        StorePaths *store;
        struct rlimit open_files; /* the workload's, where ours had to be raised; else zero */

        /* The identity of the workload inside, and whom the caller is. */
        uid_t uid, caller_uid;
        gid_t gid, caller_gid;
        gid_t groups[GROUPS_MAX];
        size_t n_groups;
        bool privileged; /* may mount and map ids in the namespaces we were started in */

        struct Denials *denials; /* of the supervisor; NULL: not logged, or not to be seen */
        struct Trace *trace;     /* of the supervisor; NULL: not traced */

        /* Descriptors of the host phase. */
        int root_fd; /* the detached root tree, read-only; after the "root" step the attached root */
        pid_t init_pid;
        int channel; /* our end of the socket pair between supervisor and init */
        pid_t workload;
        const struct Step *payload_step; /* the step that failed in the workload's process; NULL: none */
        int payload_error;
        char **environment;          /* of the workload */
        struct sock_filter *filter;  /* the spec's, loaded */
        bool asking_filter;          /* a filter of the spec has not said yet whether execve(2) is allowed */
        bool program_was_executable; /* before a Landlock policy of the spec was applied */

        /* The failure of the step at hand: "what, where", without errno's text. */
        char failure[FAILURE_TEXT_MAX];
} Context;

/*
 * Says what a step was doing when it failed, and returns `error` (negative errno) for `return`. The text of
 * errno is added by whoever reports it.
 */
int step_fail(Context *c, int error, const char *format, ...) _printf_(3, 4);
