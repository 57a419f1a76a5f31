/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by OpenSSL's EVP interface, taken from libcrypto at run time. The algorithm is fetched once for a
 * Hasher; a fetch by name for each file would cost more than hashing a small file.
 */

#include "hash.h"

#include <openssl/evp.h>

#include "libcrypto.h"
#include "library.h"

/* name, as in OpenSSL's headers: one pointer of the function's own type for each. */
#define FUNCTIONS(f)                                                                                        \
        f(EVP_MD_fetch);                                                                                    \
        f(EVP_MD_free);                                                                                     \
        f(EVP_MD_CTX_new);                                                                                  \
        f(EVP_MD_CTX_free);                                                                                 \
        f(EVP_DigestInit_ex);                                                                               \
        f(EVP_DigestUpdate);                                                                                \
        f(EVP_DigestFinal_ex)

struct Hasher {
#define DECLARE(name) __typeof__(name) *name
        FUNCTIONS(DECLARE);
#undef DECLARE
        EVP_MD *md;
        EVP_MD_CTX *ctx;
};

static int load(Hasher *h) {
        void *lib = NULL;
        int r = libcrypto_open(&lib);

#define LOAD(name) r = r < 0 ? r : library_find(lib, #name, &h->name)
        FUNCTIONS(LOAD);
#undef LOAD
        return r;
}

int hasher_new(Hasher **ret_) {
        _cleanup_hasher_ Hasher *h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        int r = load(h);
        if (r < 0)
                return r;

        h->md = h->EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!h->md)
                return -EIO;
        h->ctx = h->EVP_MD_CTX_new();
        if (!h->ctx)
                return -ENOMEM;

        *ret_ = TAKE_PTR(h);
        return 0;
}

Hasher *hasher_free(Hasher *h) {
        if (!h)
                return NULL;
        if (h->ctx)
                h->EVP_MD_CTX_free(h->ctx);
        if (h->md)
                h->EVP_MD_free(h->md);
        free(h);
        return NULL;
}

int hasher_begin(Hasher *h) {
        return h->EVP_DigestInit_ex(h->ctx, h->md, NULL) == 1 ? 0 : -EIO;
}

int hasher_update(Hasher *h, const void *data, size_t n) {
        return h->EVP_DigestUpdate(h->ctx, data, n) == 1 ? 0 : -EIO;
}

int hasher_end(Hasher *h, uint8_t ret_digest[SHA256_SIZE]) {
        return h->EVP_DigestFinal_ex(h->ctx, ret_digest, NULL) == 1 ? 0 : -EIO;
}

int hasher_buffer(Hasher *h, const void *data, size_t n, uint8_t ret_digest[SHA256_SIZE]) {
        int r = hasher_begin(h);
        if (r >= 0)
                r = hasher_update(h, data, n);
        return r < 0 ? r : hasher_end(h, ret_digest);
}
