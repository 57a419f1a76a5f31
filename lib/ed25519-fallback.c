/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 in a build without attestation: there is none. A caller learns of it from ed25519_new() and must
 * refuse, so nothing else here can be called.
 */

#include "ed25519.h"

int ed25519_new(Ed25519 **ret_) {
        return -EOPNOTSUPP;
}

Ed25519 *ed25519_free(Ed25519 *e) {
        return NULL;
}

int ed25519_verify(Ed25519 *e, const uint8_t key[PUBLIC_KEY_SIZE],
        const uint8_t signature[ED25519_SIGNATURE_SIZE], const void *message, size_t n) {
        return -EOPNOTSUPP;
}

int ed25519_sign(Ed25519 *e, const char *pem, size_t pem_n, const void *message, size_t n,
        uint8_t ret_key[PUBLIC_KEY_SIZE], uint8_t ret_signature[ED25519_SIGNATURE_SIZE], char **reterr_) {
        *reterr_ = NULL;
        return -EOPNOTSUPP;
}
