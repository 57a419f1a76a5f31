/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity in a build without libcryptsetup: there is none, and what asks for it must be refused. */

#include "verity.h"

int verity_open(const char *name, const char *data_device, const char *hash_device,
        const uint8_t root_hash[SHA256_SIZE], char **reterr_) {
        return -EOPNOTSUPP;
}
