/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of files that have several names: a busybox has 400, and an optimised Nix store is full of them. A
 * direct-mapped cache: bounded, and a collision only costs a second hashing. The time of the last change is
 * part of what is remembered, so that a file that is written to meanwhile is read again.
 */

#include "attest-internal.h"

#include <pthread.h>

#define SLOTS 2048U

typedef struct Known {
        bool set;
        dev_t dev;
        ino_t ino;
        off_t size;
        struct timespec changed;
        uint8_t digest[SHA256_SIZE];
} Known;

struct KnownDigests {
        pthread_mutex_t lock;
        Known slots[SLOTS];
};

int known_digests_new(KnownDigests **ret_) {
        /* Zero pages until they are used. */
        KnownDigests *k = calloc(1, sizeof(*k));

        if (!k)
                return -ENOMEM;
        (void)pthread_mutex_init(&k->lock, NULL);
        *ret_ = k;
        return 0;
}

KnownDigests *known_digests_free(KnownDigests *k) {
        if (k)
                pthread_mutex_destroy(&k->lock);
        free(k);
        return NULL;
}

static Known *slot(KnownDigests *k, const struct stat *st) {
        return &k->slots[(st->st_ino * 0x9e3779b97f4a7c15U >> 32) % SLOTS];
}

bool known_digests_get(KnownDigests *k, const struct stat *st, uint8_t ret_digest[SHA256_SIZE]) {
        Known *s = slot(k, st);

        pthread_mutex_lock(&k->lock);
        bool known = s->set && s->dev == st->st_dev && s->ino == st->st_ino && s->size == st->st_size &&
                     s->changed.tv_sec == st->st_ctim.tv_sec && s->changed.tv_nsec == st->st_ctim.tv_nsec;
        if (known)
                memcpy(ret_digest, s->digest, SHA256_SIZE);
        pthread_mutex_unlock(&k->lock);
        return known;
}

void known_digests_put(KnownDigests *k, const struct stat *st, const uint8_t digest[SHA256_SIZE]) {
        Known *s = slot(k, st);

        pthread_mutex_lock(&k->lock);
        *s = (Known){ true, st->st_dev, st->st_ino, st->st_size, st->st_ctim, {} };
        memcpy(s->digest, digest, SHA256_SIZE);
        pthread_mutex_unlock(&k->lock);
}
