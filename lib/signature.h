/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Signatures of what pins a root: Ed25519 (RFC 8032) by OpenSSL's libcrypto, loaded when the first is made
 * or checked. What is signed is a statement of two lines that names the kind of digest, so that a signature
 * of one kind can never pass for one of another:
 *
 *     nucleus-attestation 1
 *     manifest-sha256 64-lower-case-hex-digits
 *
 * A signature file holds one line for each signer:
 *
 *     ed25519 PUBLIC-KEY SIGNATURE
 *
 * both in base64 (RFC 4648, padded). A public key is the 32 bytes of RFC 8032 in base64, as configuration
 * has it.
 */

#include "hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIGNATURE_NAME ".nucleus-rootfs-sha256.sig" /* beside the manifest; no part of the tree */
#define SIGNATURE_SUFFIX ".sig"                     /* beside an image */
#define SIGNATURE_FILE_MAX 65536U                   /* bytes */
#define PUBLIC_KEY_SIZE 32U
#define PUBLIC_KEYS_MAX 64U        /* lines of a signature file, and keys that a service may name */
#define PUBLIC_KEY_TEXT_LENGTH 44U /* of its base64 */

typedef enum SignatureSubject {
        SIGNATURE_MANIFEST_SHA256,
        SIGNATURE_IMAGE_SHA256,
        SIGNATURE_IMAGE_FSVERITY,
        SIGNATURE_IMAGE_ROOT_HASH,
        _SIGNATURE_SUBJECT_MAX,
} SignatureSubject;

/*
 * Is `s` the base64 of a public key? What anybody could sign for (a point of small order), and a second
 * encoding of another key, is none. Needs no libcrypto.
 */
bool public_key_is_valid(const char *s);

/*
 * Does the text of a signature file hold a signature of that digest by one of `public_keys`
 * (NULL-terminated, at least one)? 0; -EKEYREJECTED where none of the keys has signed, or a signature is not
 * that of this digest; -EINVAL where the text is malformed; -ENOPKG and others where libcrypto cannot be
 * used. *reterr_ (to be freed) is one line of ASCII.
 */
int signature_verify(const char *text, size_t n, SignatureSubject subject, const uint8_t digest[SHA256_SIZE],
        char *const *public_keys, char **reterr_);

/*
 * Signs with the private key in PEM form (PKCS #8, as `openssl genpkey -algorithm ed25519` writes it). `old`
 * (or NULL) is the text of the signature file so far: a line of another key is kept if it still holds for
 * this digest, one of the same key is replaced. *ret_ is the new text, *ret_public_key the base64 of the
 * key; both to be freed.
 */
int signature_make(const char *pem, size_t pem_n, SignatureSubject subject,
        const uint8_t digest[SHA256_SIZE], const char *old, char **ret_, char **ret_public_key,
        char **reterr_);

#ifdef __cplusplus
}
#endif
