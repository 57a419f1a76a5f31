/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Detached mounts of new file systems, for both sides of clone3(2). */

#include "context.h"

/* A parameter of a file system, fsconfig(2). A list of them ends with a NULL key. */
typedef struct Parameter {
        const char *key, *value;
} Parameter;

/* A new file system of that type, not attached anywhere; `attr` are MOUNT_ATTR_… A descriptor, or -errno
 * with step_fail(). */
int new_mount(Context *c, const char *type, const Parameter *parameters, unsigned attr);

/* A tmpfs with the size, mode and attributes of the plan's entry. The same. */
int new_tmpfs(Context *c, const Mount *m);

/* Makes the links of /dev in a tmpfs: ptmx, fd, stdin, stdout, stderr. 0 or -errno with step_fail(). */
int dev_make_links(Context *c, int fd);
