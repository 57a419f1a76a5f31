/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Loop devices: files as block devices, for what the kernel mounts from nothing else. */

#include "context.h"

#define LOOP_PATH_MAX 32U

/*
 * Makes the open file a read-only loop device, which goes away with its last user. *ret_fd is the device,
 * open: the kernel has one user at least until it is closed. 0, or -errno with step_fail().
 */
int loop_attach(Context *c, int file_fd, int *ret_fd, char ret_path[LOOP_PATH_MAX]);
