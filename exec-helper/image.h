/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A root tree that is an image (lib/attest-image.h): from a file to a detached mount. */

#include "context.h"

/*
 * Takes over that the rootfs is a regular file: opens it for reading by its O_PATH descriptor, into
 * c->image_fd. 0, or -errno with step_fail().
 */
int image_take(Context *c, int fd);

/*
 * Mounts the image through dm-verity with the spec's root hash, so that the kernel verifies each read, as
 * the root. 0, or -errno with step_fail().
 */
int image_mount_verity(Context *c);
