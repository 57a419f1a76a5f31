/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The paths of a Landlock policy, as descriptors. */

#include "util.h"

/*
 * Opens an absolute, normalised path below `root` (O_PATH). Symbolic links are followed within the root, but
 * only those on the mounts with these ids (sys_mount_id()): one that the service, or a neighbour with the
 * same volume, can put in place would widen the policy of the next start. That a mount is read-only says
 * nothing: its volume may be writable elsewhere.
 *
 * A descriptor; -ENOENT or -ENOTDIR where it is missing, -ELOOP where links lead in circles, -EPERM where
 * one is on another mount, or another -errno.
 */
int rule_path_open(int root, const char *path, const uint64_t *mounts, size_t n_mounts);
