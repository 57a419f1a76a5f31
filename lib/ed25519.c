/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 by OpenSSL's EVP interface. libcrypto itself refuses a signature whose S is not reduced (RFC 8032,
 * 5.1.7), so that a signature has one encoding; keys that anybody could sign for never get here
 * (public-key.c). Must never ask a terminal for a passphrase.
 */

#include "ed25519.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "libcrypto.h"
#include "library.h"

/* name, as in OpenSSL's headers: one pointer of the function's own type for each. */
#define FUNCTIONS(f)                                                                                        \
        f(BIO_free);                                                                                        \
        f(BIO_new_mem_buf);                                                                                 \
        f(ERR_clear_error);                                                                                 \
        f(EVP_DigestSign);                                                                                  \
        f(EVP_DigestSignInit);                                                                              \
        f(EVP_DigestVerify);                                                                                \
        f(EVP_DigestVerifyInit);                                                                            \
        f(EVP_MD_CTX_free);                                                                                 \
        f(EVP_MD_CTX_new);                                                                                  \
        f(EVP_PKEY_free);                                                                                   \
        f(EVP_PKEY_get0_type_name);                                                                         \
        f(EVP_PKEY_get_raw_public_key);                                                                     \
        f(EVP_PKEY_is_a);                                                                                   \
        f(EVP_PKEY_new_raw_public_key_ex);                                                                  \
        f(PEM_read_bio_PrivateKey)

struct Ed25519 {
#define DECLARE(name) __typeof__(name) *name
        FUNCTIONS(DECLARE);
#undef DECLARE
        EVP_MD_CTX *ctx;
        EVP_PKEY *key;
};

static int load(Ed25519 *e) {
        void *lib = NULL;
        int r = libcrypto_open(&lib);

#define LOAD(name) r = r < 0 ? r : library_find(lib, #name, &e->name)
        FUNCTIONS(LOAD);
#undef LOAD
        return r;
}

int ed25519_new(Ed25519 **ret_) {
        _cleanup_ed25519_ Ed25519 *e = calloc(1, sizeof(*e));

        if (!e)
                return -ENOMEM;
        int r = load(e);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(e);
        return 0;
}

/* A context is for one operation, and so is a key. */
static void drop(Ed25519 *e) {
        if (e->ctx)
                e->EVP_MD_CTX_free(e->ctx);
        if (e->key)
                e->EVP_PKEY_free(e->key);
        e->ctx = NULL;
        e->key = NULL;
}

Ed25519 *ed25519_free(Ed25519 *e) {
        if (e)
                drop(e);
        free(e);
        return NULL;
}

static int verify(Ed25519 *e, const uint8_t *key, const uint8_t *signature, const void *message, size_t n) {
        e->key = e->EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key, PUBLIC_KEY_SIZE);
        e->ctx = e->EVP_MD_CTX_new();
        if (!e->ctx)
                return -ENOMEM;
        if (!e->key || e->EVP_DigestVerifyInit(e->ctx, NULL, NULL, NULL, e->key) != 1)
                return -EIO;
        /* Anything but 1 is a refusal; whichever it is, the signature was not found to hold. */
        return e->EVP_DigestVerify(e->ctx, signature, ED25519_SIGNATURE_SIZE, message, n) == 1
                       ? 0
                       : -EKEYREJECTED;
}

int ed25519_verify(Ed25519 *e, const uint8_t key[PUBLIC_KEY_SIZE],
        const uint8_t signature[ED25519_SIGNATURE_SIZE], const void *message, size_t n) {
        int r = verify(e, key, signature, message, n);

        drop(e);
        e->ERR_clear_error();
        return r;
}

/* ---- signing ---- */

static int refuse(char **reterr_, const char *what, const char *detail) {
        if (asprintf(reterr_, "%s%s", what, detail) < 0) {
                *reterr_ = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

/* In place of a question on the terminal. */
static int no_passphrase(char *buffer _unused_, int size _unused_, int writing _unused_, void *userdata) {
        *(bool *)userdata = true;
        return -1;
}

/* The type of a key, in capital letters and digits, for a message: "RSA", "ED448". */
static const char *type_name(const Ed25519 *e) {
        const char *name = e->EVP_PKEY_get0_type_name(e->key);

        return name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == strlen(name) ? name
                                                                                             : "unknown";
}

static int read_private_key(Ed25519 *e, const char *pem, size_t n, char **reterr_) {
        bool encrypted = false;

        if (n > INT_MAX)
                return refuse(reterr_, "it is too long for a private key", "");
        BIO *bio = e->BIO_new_mem_buf(pem, (int)n);
        if (!bio)
                return -ENOMEM;
        e->key = e->PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
        e->BIO_free(bio);
        if (encrypted)
                return refuse(reterr_, "the private key is encrypted; decrypt it first", "");
        if (!e->key)
                return refuse(reterr_,
                        "it holds no private key in PEM form (openssl genpkey -algorithm ed25519 makes one)",
                        "");
        if (!e->EVP_PKEY_is_a(e->key, "ED25519"))
                return refuse(reterr_, "the private key is not an Ed25519 one; its type is ", type_name(e));
        return 0;
}

static int sign(Ed25519 *e, const char *pem, size_t pem_n, const void *message, size_t n, uint8_t *ret_key,
        uint8_t *ret_signature, char **reterr_) {
        size_t key_n = PUBLIC_KEY_SIZE, signature_n = ED25519_SIGNATURE_SIZE;

        int r = read_private_key(e, pem, pem_n, reterr_);
        if (r < 0)
                return r;
        e->ctx = e->EVP_MD_CTX_new();
        if (!e->ctx)
                return -ENOMEM;
        return e->EVP_PKEY_get_raw_public_key(e->key, ret_key, &key_n) == 1 && key_n == PUBLIC_KEY_SIZE &&
                               e->EVP_DigestSignInit(e->ctx, NULL, NULL, NULL, e->key) == 1 &&
                               e->EVP_DigestSign(e->ctx, ret_signature, &signature_n, message, n) == 1 &&
                               signature_n == ED25519_SIGNATURE_SIZE
                       ? 0
                       : -EIO;
}

int ed25519_sign(Ed25519 *e, const char *pem, size_t pem_n, const void *message, size_t n,
        uint8_t ret_key[PUBLIC_KEY_SIZE], uint8_t ret_signature[ED25519_SIGNATURE_SIZE], char **reterr_) {
        *reterr_ = NULL;
        int r = sign(e, pem, pem_n, message, n, ret_key, ret_signature, reterr_);

        drop(e);
        e->ERR_clear_error();
        return r;
}
