/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The recipe: every step between reading the spec and the workload's first instruction, as one table that
 * is read top to bottom. The table is all there is; no code outside it decides what is done.
 */

#include "context.h"
#include "exit-code.h"

typedef enum Phase {
        PHASE_HOST,    /* the supervisor, in the host's namespaces */
        PHASE_INIT,    /* PID 1, in the new ones */
        PHASE_PAYLOAD, /* the process that becomes the workload */
        _PHASE_MAX,
} Phase;

typedef struct Step {
        Phase phase;
        const char *name;
        ExitCode exit_code;                /* of the helper where the step fails */
        bool (*applies)(const Context *c); /* NULL: always */
        int (*run)(Context *c);            /* 0 or -errno, with step_fail() */
        /* The agent tier may go without where the kernel lacks it, if this says so; NULL: never. */
        bool (*may_lack)(const Context *c);
} Step;

extern const Step recipe[];
extern const size_t recipe_n;

/*
 * Runs the steps of a phase. On failure *ret_step is the step (c->failure says what it did) and the return
 * value its -errno. Where the tier allows it, a protection that fails is reported through
 * report_degradation() and left out.
 */
int recipe_run(Context *c, Phase phase, const Step **ret_step);

/* Prints the steps that apply and the mounts, for people. 0 or -ENOMEM. */
int recipe_format(const Context *c, char **ret_);
