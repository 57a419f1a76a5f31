/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Signing, for `nucleus attest` and `nucleus rootfs`. */

#include "nucleus.h"

#include "signature.h"

/* A private key that has been seen to sign. Erased by signing_key_done(). */
typedef struct SigningKey {
        char *pem;
        size_t n;
        char *public_key; /* base64 */
} SigningKey;

/*
 * Reads the PEM file of an Ed25519 private key, and warns of one that others can read. 0; or -errno with
 * *reterr_ (to be freed), which names the file.
 */
int signing_key_read(const char *path, SigningKey *ret_, char **reterr_);
void signing_key_done(SigningKey *key);
#define _cleanup_signing_key_ _cleanup_(signing_key_done)

/*
 * Signs a digest of 64 hexadecimal digits in the signature file `name` of the directory: whole and on disk,
 * or as it was. Lines of other keys stay where they hold for this digest. 0; or -errno with *reterr_.
 */
int sign_digest(const SigningKey *key, int dir_fd, const char *name, SignatureSubject subject,
        const char *hex, char **reterr_);
