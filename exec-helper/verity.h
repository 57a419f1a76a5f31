/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dm-verity (Documentation/admin-guide/device-mapper/verity.rst): a read-only device whose blocks the kernel
 * compares with a hash tree at each read. By libcryptsetup, which verity.c alone knows, and which is loaded
 * when the first such device is made.
 */

#include "hash.h"

/*
 * Makes /dev/mapper/NAME of a data and a hash device (as veritysetup(8) formats it), and opens it. The
 * device goes away when the descriptor, and all else that uses it, is closed. That the data is what the root
 * hash says is seen at each read: EIO where it is not.
 *
 * A descriptor; -EINVAL where the hash device has no such tree; -ENOPKG where libcryptsetup cannot be
 * loaded; -EOPNOTSUPP in a build without; or another -errno. *reterr_ (to be freed, or NULL) is
 * libcryptsetup's own message.
 */
int verity_open(const char *name, const char *data_device, const char *hash_device,
        const uint8_t root_hash[SHA256_SIZE], char **reterr_);
