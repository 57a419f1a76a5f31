/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SHA-256 over OpenSSL's libcrypto, which is loaded when the first Hasher is made: programs that never
 * attest do not pay for it.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SHA256_SIZE 32U
#define SHA256_HEX_SIZE 65U /* 64 digits and the NUL */

/* The fetched algorithm and one context, used again for each message. Not for two threads at once. */
typedef struct Hasher Hasher;

/*
 * Loads libcrypto and makes a hasher. 0, -ENOMEM, -ENOPKG where libcrypto.so.3 cannot be loaded, -ELIBBAD
 * where it lacks a function, or -EOPNOTSUPP in a build without attestation.
 */
int hasher_new(Hasher **ret_);
Hasher *hasher_free(Hasher *h);
DEFINE_CLEANUP(Hasher *, hasher_free)
#define _cleanup_hasher_ _cleanup_(hasher_freep)

/* hasher_begin(), any number of hasher_update(), hasher_end(). Each 0 or -EIO. */
int hasher_begin(Hasher *h);
int hasher_update(Hasher *h, const void *data, size_t n);
int hasher_end(Hasher *h, uint8_t ret_digest[SHA256_SIZE]);

/* The digest of `n` bytes. 0 or -EIO. */
int hasher_buffer(Hasher *h, const void *data, size_t n, uint8_t ret_digest[SHA256_SIZE]);

/* 64 lower-case digits and a NUL. */
void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char ret_hex[SHA256_HEX_SIZE]);

/* The `n` characters at `s`, which must be 64 lower-case hexadecimal digits. 0 or -EINVAL. */
int sha256_from_hex(const char *s, size_t n, uint8_t ret_digest[SHA256_SIZE]);

#ifdef __cplusplus
}
#endif
