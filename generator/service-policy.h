/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the policy files that a service names to what its spec says: each file is read once, hashed and
 * parsed from the same bytes, and compiled once for all services that use it alike.
 */

#include "config.h"
#include "floor.h"
#include "seccomp-profile.h"

typedef struct PolicyStore PolicyStore;

/* `floor` must outlive the store. 0 or -ENOMEM. */
int policy_store_new(const Floor *floor, PolicyStore **ret_);
PolicyStore *policy_store_free(PolicyStore *p);
DEFINE_CLEANUP(PolicyStore *, policy_store_free)
#define _cleanup_policy_store_ _cleanup_(policy_store_freep)

/*
 * Reads, checks and compiles the policies of a service that has not failed, after config_finish(): fills in
 * ServiceConfig.policy, which borrows from the store. What is wrong is added to `diag` at its place in the
 * policy file or in the configuration, and the service is marked failed. 0 or -ENOMEM.
 */
int policy_store_resolve(PolicyStore *p, ServiceConfig *s, Diagnostics *diag);

/*
 * The system call policy of a service as it was compiled, for whoever explains it: the profile (borrowed),
 * what it was compiled for, and the file's path, or NULL for the built-in of its tier. Only for a service
 * that policy_store_resolve() has seen and not failed. 0, -ENOENT or -ENOMEM.
 */
int policy_store_seccomp(PolicyStore *p, const ServiceConfig *s, const SeccompProfile **ret_profile,
        SeccompTarget *ret_target, const char **ret_path);
