/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in until fsverity.c is there. */

#include "fsverity.h"

#define WEAK __attribute__((weak))

WEAK int fsverity_measure(int fd, uint8_t ret_digest[SHA256_SIZE]) {
        return -EOPNOTSUPP;
}

WEAK int fsverity_hasher_new(FsverityHasher **ret_) {
        return -EOPNOTSUPP;
}

WEAK FsverityHasher *fsverity_hasher_free(FsverityHasher *h) {
        return NULL;
}

WEAK int fsverity_hasher_begin(FsverityHasher *h) {
        return -EOPNOTSUPP;
}

WEAK int fsverity_hasher_update(FsverityHasher *h, const void *data, size_t n) {
        return -EOPNOTSUPP;
}

WEAK int fsverity_hasher_end(FsverityHasher *h, uint8_t ret_digest[SHA256_SIZE]) {
        return -EOPNOTSUPP;
}
