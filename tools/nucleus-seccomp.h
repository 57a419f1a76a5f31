/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the verbs of `nucleus seccomp`, and `nucleus policy` too, share: reading profiles and traces. */

#include "nucleus-subverb.h"

#include "mode.h"
#include "seccomp-profile.h"
#include "seccomp-trace-file.h"

int verb_seccomp_trace(const Verb *verb, int argc, char **argv);
int verb_seccomp_generate(const Verb *verb, int argc, char **argv);
int verb_seccomp_diff(const Verb *verb, int argc, char **argv);

/* A profile, from a file or built in. */
typedef struct NamedProfile {
        SeccompProfile *profile;
        char *path; /* for messages: the file, or "agent" and so on where it is built in */
        bool builtin;
} NamedProfile;

void named_profile_done(NamedProfile *p);
#define _cleanup_named_profile_ _cleanup_(named_profile_done)

/*
 * Reads a whole regular file, whoever it belongs to: the caller names it, and nothing is run by it. Reports
 * what is wrong. *ret_text (to be freed) is NUL-terminated. 0 or STATUS_FAILED.
 */
int read_whole_file(const char *path, size_t max, char **ret_text, size_t *ret_n);

/* Reports what a reader found wrong with a file. Returns STATUS_FAILED. */
int report_policy_error(const char *path, const PolicyError *e, int r);

/* Reads a profile: "agent", "strict-agent" or "production", or a file. Reports what is wrong. 0 or
 * STATUS_FAILED. */
int load_profile(const char *name, NamedProfile *ret_);

/* The same for a trace. */
int load_trace(const char *path, SeccompTrace *ret_);

/* Is it a system call of the architecture? Reports where not, with the nearest. 0 or STATUS_FAILED. */
int check_syscall(const SeccompArch *arch, const char *name);

/* This machine, no capability, nothing denied. 0, or STATUS_FAILED where no profile can be had for it. */
int target_of_this_machine(SeccompTarget *ret_);
