/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The paths of a Landlock policy, as descriptors. */

#include "util.h"

/*
 * Opens an absolute, normalised path below `root` (O_PATH). Symbolic links are followed within the root, but
 * only those on read-only mounts: one that the service can put in place would widen the policy of its next
 * start.
 *
 * A descriptor; -ENOENT or -ENOTDIR where it is missing, -ELOOP where links lead in circles, -EPERM where
 * one could have been changed, or another -errno.
 */
int rule_path_open(int root, const char *path);
