/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer slides over the file. What is given out has been hashed before, from the same buffer. Must never
 * read a byte twice and hash it once.
 */

#include "manifest-reader.h"

#define CHUNK (128U * 1024)

int manifest_reader_begin(ManifestReader *r, int fd, uint64_t size) {
        *r = (ManifestReader){ .fd = fd, .size = size };

        /* One byte more than a small file has shows where it grows. */
        r->buffer_size = size <= MANIFEST_KEEP_MAX ? (size_t)size + 1 : 2 * CHUNK;
        r->buffer = malloc(r->buffer_size);
        if (!r->buffer)
                return -ENOMEM;
        int k = hasher_new(&r->hasher);
        return k < 0 ? k : hasher_begin(r->hasher);
}

void manifest_reader_done(ManifestReader *r) {
        hasher_free(r->hasher);
        free(r->buffer);
        *r = (ManifestReader){};
}

static bool is_kept(const ManifestReader *r) {
        return r->size <= MANIFEST_KEEP_MAX;
}

/* Room for another chunk behind what is in the buffer. */
static int make_room(ManifestReader *r, const char **ret_reason) {
        if (is_kept(r))
                return 0;
        if (r->start > 0) {
                memmove(r->buffer, r->buffer + r->start, r->end - r->start);
                r->end -= r->start;
                r->start = 0;
        }
        if (r->buffer_size - r->end >= CHUNK)
                return 0;
        if (r->end > MANIFEST_LINE_MAX) {
                *ret_reason = "line of more than 1 MiB";
                return -EINVAL;
        }
        char *p = realloc(r->buffer, r->buffer_size * 2);
        if (!p)
                return -ENOMEM;
        r->buffer = p;
        r->buffer_size *= 2;
        return 0;
}

/* The end of the file: is it what it was, and as long as we were told? */
static int finish(ManifestReader *r) {
        uint8_t digest[SHA256_SIZE];

        /* A last line without a newline brings us here a second time; OpenSSL 3.5 ends a digest but once. */
        if (r->finished)
                return 0;
        if (r->done != r->size)
                return -ESTALE;
        int k = hasher_end(r->hasher, digest);
        if (k < 0)
                return k;
        if (r->again && memcmp(digest, r->digest, sizeof(digest)) != 0)
                return -ESTALE;
        memcpy(r->digest, digest, sizeof(digest));
        r->finished = true;
        return 0;
}

/* 1 where there is more now, 0 at the end of the file, or -errno. */
static int fill(ManifestReader *r, const char **ret_reason) {
        if (r->again && is_kept(r))
                return 0;
        int k = make_room(r, ret_reason);
        if (k < 0)
                return k;

        ssize_t n;
        do
                n = read(r->fd, r->buffer + r->end, r->buffer_size - r->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0)
                return finish(r);
        r->done += (uint64_t)n;
        if (r->done > r->size)
                return -ESTALE;
        k = hasher_update(r->hasher, r->buffer + r->end, (size_t)n);
        r->end += (size_t)n;
        return k < 0 ? k : 1;
}

int manifest_reader_next(ManifestReader *r, const char **ret_line, size_t *ret_n, const char **ret_reason) {
        size_t searched = 0;

        *ret_reason = NULL;
        for (;;) {
                char *line = r->buffer + r->start;
                size_t n = r->end - r->start;
                const char *newline = memchr(line + searched, '\n', n - searched);
                if (newline) {
                        *ret_line = line;
                        *ret_n = (size_t)(newline - line);
                        r->start += *ret_n + 1;
                        return 1;
                }

                searched = n;
                int k = fill(r, ret_reason);
                if (k < 0)
                        return k;
                if (k == 0 && r->start == r->end)
                        return 0;
                if (k == 0) {
                        *ret_reason = "no newline at the end";
                        return -EINVAL;
                }
        }
}

int manifest_reader_skip(ManifestReader *r) {
        const char *reason;
        int k;

        do {
                /* Kept or not: none of it will be read again. */
                r->start = r->end = 0;
                k = fill(r, &reason);
        } while (k > 0);
        return k;
}

int manifest_reader_rewind(ManifestReader *r) {
        r->again = true;
        r->start = 0;
        if (is_kept(r))
                return 0;
        r->end = 0;
        r->done = 0;
        r->finished = false;
        if (lseek(r->fd, 0, SEEK_SET) < 0)
                return -errno;
        return hasher_begin(r->hasher);
}
