/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Detached mounts of new file systems, for both sides of clone3(2). */

#include "context.h"

/* A tmpfs with the size, mode and attributes of the plan's entry, not attached anywhere. A descriptor, or
 * -errno with step_fail(). */
int new_tmpfs(Context *c, const Mount *m);

/* Makes the links of /dev in a tmpfs: ptmx, fd, stdin, stdout, stderr. 0 or -errno with step_fail(). */
int dev_make_links(Context *c, int fd);
