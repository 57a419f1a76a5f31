/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner of references into the Nix store. It costs a search for "/nix/store/" and nothing else where
 * there is none; what may go on in the next piece is kept, at most one reference long. Must never open
 * anything of the store, only look whether it is there.
 */

#include "nix-references.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PREFIX STORE_DIRECTORY "/"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define HASH_LENGTH 32U
#define NAME_MAX_LENGTH 211U
#define REFERENCE_MAX (PREFIX_LENGTH + HASH_LENGTH + 1 + NAME_MAX_LENGTH)

struct NixScanner {
        const StorePaths *list;
        int store_fd; /* -EBADF: the host has none */
        size_t n;     /* of `tail` */
        bool found;
        char tail[REFERENCE_MAX];                         /* what was not decided yet */
        char name[HASH_LENGTH + 1 + NAME_MAX_LENGTH + 1]; /* what was found */
        char absent[HASH_LENGTH]; /* the last that the host had not: files repeat themselves */
};

int nix_scanner_new(const StorePaths *list, NixScanner **ret_) {
        _cleanup_nix_scanner_ NixScanner *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->list = list;
        s->store_fd = open(STORE_DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (s->store_fd < 0 && errno != ENOENT && errno != ENOTDIR)
                return -errno;
        *ret_ = TAKE_PTR(s);
        return 0;
}

NixScanner *nix_scanner_free(NixScanner *s) {
        if (s)
                close_fd(s->store_fd);
        free(s);
        return NULL;
}

void nix_scanner_begin(NixScanner *s) {
        s->n = 0;
        s->found = false;
}

/* ---- one reference ---- */

static bool is_hash_digit(char c) {
        return (c >= '0' && c <= '9') ||
               (c >= 'a' && c <= 'z' && c != 'e' && c != 'o' && c != 't' && c != 'u');
}

static bool is_letter_or_digit(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_character(char c) {
        return is_letter_or_digit(c) || (c != '\0' && strchr("+-._?=", c));
}

static int hash_compare(const void *hash, const void *path) {
        return memcmp(hash, ((const StorePath *)path)->name, HASH_LENGTH);
}

static bool is_listed(const NixScanner *s, const char *hash) {
        return s->list && s->list->n > 0 &&
               bsearch(hash, s->list->paths, s->list->n, sizeof(StorePath), hash_compare);
}

/*
 * Does the host have it? A name ends where a sentence goes on ("see /nix/store/HASH-NAME."), so shorter ones
 * are tried as well, down to each of the characters that are no letters and no digits.
 */
static bool is_there(NixScanner *s, const char *reference, size_t n) {
        struct stat st;

        memcpy(s->name, reference, n);
        for (size_t k = n; k > HASH_LENGTH + 1; k--) {
                if (k < n && is_letter_or_digit(s->name[k]))
                        continue;
                s->name[k] = '\0';
                if (fstatat(s->store_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        }
        memcpy(s->absent, reference, HASH_LENGTH);
        return false;
}

/*
 * Looks at what stands at the prefix. How many of the `n` bytes belong to it, or 0: more must be seen.
 * Without "final", which says that there is no more.
 */
static size_t look(NixScanner *s, const char *p, size_t n, bool final) {
        const char *name = p + PREFIX_LENGTH;
        size_t max = n - PREFIX_LENGTH, k = 0;

        while (k < max && k < HASH_LENGTH && is_hash_digit(name[k]))
                k++;
        if (k == HASH_LENGTH && k < max && name[k] == '-') {
                k++;
                while (k < max && k < HASH_LENGTH + 1 + NAME_MAX_LENGTH && is_name_character(name[k]))
                        k++;
        }
        if (k == max && !final && n < REFERENCE_MAX)
                return 0;
        if (k > HASH_LENGTH + 1 && memcmp(name, s->absent, HASH_LENGTH) != 0 && !is_listed(s, name))
                s->found = is_there(s, name, k);
        return PREFIX_LENGTH;
}

/* ---- pieces ---- */

/* Looks at all that is decided by these bytes. How many of them need not be seen again. */
static size_t scan(NixScanner *s, const char *data, size_t n, bool final) {
        size_t at = 0;

        while (!s->found) {
                const char *p = memmem(data + at, n - at, PREFIX, PREFIX_LENGTH);
                if (!p) { /* the beginning of one, at most */
                        size_t keep = n - at < PREFIX_LENGTH - 1 ? n - at : PREFIX_LENGTH - 1;
                        return n - keep;
                }
                size_t k = look(s, p, (size_t)(data + n - p), final);
                if (k == 0)
                        return (size_t)(p - data);
                at = (size_t)(p - data) + k;
        }
        return n;
}

/* What was kept, with as much of the new bytes as decides it. How many of these need not be seen again. */
static size_t scan_tail(NixScanner *s, const char *data, size_t n) {
        char both[2 * REFERENCE_MAX];
        size_t old = s->n, more = n < sizeof(both) - old ? n : sizeof(both) - old;

        memcpy(both, s->tail, old);
        memcpy(both + old, data, more);
        size_t done = scan(s, both, old + more, false);
        if (done >= old) {
                s->n = 0;
                return done - old;
        }
        s->n = old + more - done; /* less than one reference: all of the new bytes are here */
        memcpy(s->tail, both + done, s->n);
        return n;
}

void nix_scanner_update(NixScanner *s, const void *data, size_t n) {
        const char *p = data;

        if (s->store_fd < 0 || s->found || n == 0)
                return;
        if (s->n > 0) {
                size_t k = scan_tail(s, p, n);
                p += k;
                n -= k;
        }
        if (s->found || s->n > 0 || n == 0)
                return;
        size_t done = scan(s, p, n, false);
        s->n = n - done;
        memcpy(s->tail, p + done, s->n);
}

const char *nix_scanner_end(NixScanner *s) {
        if (s->store_fd >= 0 && !s->found && s->n > 0)
                (void)scan(s, s->tail, s->n, true);
        s->n = 0;
        return s->found ? s->name : NULL;
}
