/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 in a build without attestation: there is none. A hasher cannot be made, so nothing else here can
 * be called with one; a caller learns of it from hasher_new() and must refuse.
 */

#include "hash.h"

int hasher_new(Hasher **ret_) {
        return -EOPNOTSUPP;
}

Hasher *hasher_free(Hasher *h) {
        return NULL;
}

int hasher_begin(Hasher *h) {
        return -EIO;
}

int hasher_update(Hasher *h, const void *data, size_t n) {
        return -EIO;
}

int hasher_end(Hasher *h, uint8_t ret_digest[SHA256_SIZE]) {
        return -EIO;
}

int hasher_buffer(Hasher *h, const void *data, size_t n, uint8_t ret_digest[SHA256_SIZE]) {
        return -EIO;
}
