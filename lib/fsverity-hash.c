/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fs-verity digest of bytes as they are read: the Merkle tree is never held, only the one block of each
 * level that still grows. Memory is the same for any file. (docs/decisions/0020 says why this is ours.)
 */

#include "fsverity.h"

#define HASHES_PER_BLOCK (FSVERITY_BLOCK_SIZE / SHA256_SIZE) /* 2^7 */
#define LEVELS_MAX 8U                                        /* 2^63 bytes have 2^51 blocks */

/* struct fsverity_descriptor of Documentation/filesystems/fsverity.rst: what the digest is the SHA-256 of.
 */
#define DESCRIPTOR_SIZE 256U
#define DESCRIPTOR_DATA_SIZE 8U
#define DESCRIPTOR_ROOT_HASH 16U

typedef struct Level {
        uint8_t block[FSVERITY_BLOCK_SIZE];
        unsigned n; /* hashes in it */
} Level;

struct FsverityHasher {
        Hasher *hasher;
        uint64_t size; /* bytes so far */
        uint8_t data[FSVERITY_BLOCK_SIZE];
        size_t n_data;
        unsigned n_levels;
        Level levels[LEVELS_MAX];
};

int fsverity_hasher_new(FsverityHasher **ret_) {
        _cleanup_(fsverity_hasher_freep) FsverityHasher *h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        int r = hasher_new(&h->hasher);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(h);
        return 0;
}

FsverityHasher *fsverity_hasher_free(FsverityHasher *h) {
        if (h)
                hasher_free(h->hasher);
        free(h);
        return NULL;
}

int fsverity_hasher_begin(FsverityHasher *h) {
        h->size = 0;
        h->n_data = 0;
        h->n_levels = 0;
        return 0;
}

/* The hash of a level's block, padded with zeros where it is not full. The level is empty then. */
static int finish_level(FsverityHasher *h, Level *l, uint8_t ret_hash[SHA256_SIZE]) {
        size_t used = (size_t)l->n * SHA256_SIZE;

        memset(l->block + used, 0, sizeof(l->block) - used);
        l->n = 0;
        return hasher_buffer(h->hasher, l->block, sizeof(l->block), ret_hash);
}

/*
 * Appends a hash to a level. A full block moves up only when the next hash comes, because a level of one
 * block is the last one.
 */
static int add_hash(FsverityHasher *h, const uint8_t hash[SHA256_SIZE], unsigned level) {
        uint8_t carried[SHA256_SIZE], above[SHA256_SIZE];

        memcpy(carried, hash, sizeof(carried));
        for (; level < LEVELS_MAX; level++) {
                Level *l = &h->levels[level];
                bool full;

                if (level == h->n_levels) {
                        l->n = 0;
                        h->n_levels++;
                }
                full = l->n == HASHES_PER_BLOCK;
                if (full) {
                        int r = finish_level(h, l, above);
                        if (r < 0)
                                return r;
                }
                memcpy(l->block + (size_t)l->n++ * SHA256_SIZE, carried, SHA256_SIZE);
                if (!full)
                        return 0;
                memcpy(carried, above, sizeof(carried));
        }
        return -EFBIG;
}

static int add_block(FsverityHasher *h, const uint8_t *block) {
        uint8_t hash[SHA256_SIZE];
        int r = hasher_buffer(h->hasher, block, FSVERITY_BLOCK_SIZE, hash);

        return r < 0 ? r : add_hash(h, hash, 0);
}

int fsverity_hasher_update(FsverityHasher *h, const void *data, size_t n) {
        const uint8_t *p = data;
        int r = 0;

        h->size += n;
        while (n > 0 && r >= 0) {
                /* Whole blocks are hashed where they lie. */
                if (h->n_data == 0 && n >= FSVERITY_BLOCK_SIZE) {
                        r = add_block(h, p);
                        p += FSVERITY_BLOCK_SIZE;
                        n -= FSVERITY_BLOCK_SIZE;
                        continue;
                }
                size_t k = FSVERITY_BLOCK_SIZE - h->n_data;
                if (k > n)
                        k = n;
                memcpy(h->data + h->n_data, p, k);
                h->n_data += k;
                p += k;
                n -= k;
                if (h->n_data == FSVERITY_BLOCK_SIZE) {
                        h->n_data = 0;
                        r = add_block(h, h->data);
                }
        }
        return r;
}

/* Closes the levels from below until one hash is left. */
static int root_hash(FsverityHasher *h, uint8_t ret_hash[SHA256_SIZE]) {
        if (h->n_data > 0) {
                memset(h->data + h->n_data, 0, sizeof(h->data) - h->n_data);
                h->n_data = 0;
                int r = add_block(h, h->data);
                if (r < 0)
                        return r;
        }
        memset(ret_hash, 0, SHA256_SIZE); /* of no bytes */
        for (unsigned level = 0; level < h->n_levels; level++) {
                Level *l = &h->levels[level];
                uint8_t hash[SHA256_SIZE];

                if (level + 1 == h->n_levels && l->n == 1) {
                        memcpy(ret_hash, l->block, SHA256_SIZE);
                        return 0;
                }
                int r = finish_level(h, l, hash);
                if (r >= 0)
                        r = add_hash(h, hash, level + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int fsverity_hasher_end(FsverityHasher *h, uint8_t ret_digest[SHA256_SIZE]) {
        uint8_t descriptor[DESCRIPTOR_SIZE] = {
                1,  /* version */
                1,  /* SHA-256 */
                12, /* log2 of the block size */
        };

        int r = root_hash(h, descriptor + DESCRIPTOR_ROOT_HASH);
        for (unsigned i = 0; i < sizeof(h->size); i++)
                descriptor[DESCRIPTOR_DATA_SIZE + i] = (uint8_t)(h->size >> (8 * i));
        return r < 0 ? r : hasher_buffer(h->hasher, descriptor, sizeof(descriptor), ret_digest);
}
