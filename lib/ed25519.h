/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ed25519 (RFC 8032, without a context or a prehash) by libcrypto. For signature.c alone. */

#include "signature.h"

#define ED25519_SIGNATURE_SIZE 64U

typedef struct Ed25519 Ed25519;

/* Loads libcrypto. 0, -ENOMEM, what libcrypto_open() says, or -EOPNOTSUPP in a build without attestation. */
int ed25519_new(Ed25519 **ret_);
Ed25519 *ed25519_free(Ed25519 *e);
DEFINE_CLEANUP(Ed25519 *, ed25519_free)
#define _cleanup_ed25519_ _cleanup_(ed25519_freep)

/* 0; -EKEYREJECTED where it is no signature of the message by that key, or the key is no point; -ENOMEM. */
int ed25519_verify(Ed25519 *e, const uint8_t key[PUBLIC_KEY_SIZE],
        const uint8_t signature[ED25519_SIGNATURE_SIZE], const void *message, size_t n);

/*
 * Signs with a private key in PEM form. 0, -ENOMEM, -EIO, or -EINVAL where the text is no such key: *reterr_
 * (to be freed) says what it is.
 */
int ed25519_sign(Ed25519 *e, const char *pem, size_t pem_n, const void *message, size_t n,
        uint8_t ret_key[PUBLIC_KEY_SIZE], uint8_t ret_signature[ED25519_SIGNATURE_SIZE], char **reterr_);
