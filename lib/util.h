/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The few macros every file uses: cleanup attributes, ownership transfer and small inline helpers.
 * Nothing here may allocate without saying so, log, or know a library beyond libc.
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _noreturn_ __attribute__((noreturn))
#define _pure_ __attribute__((pure))
#define _unused_ __attribute__((unused))

/* Ownership leaves a variable only through these two. */
#define TAKE_PTR(ptr)                                                                                       \
        ({                                                                                                  \
                __typeof__(ptr) *_pptr = &(ptr);                                                            \
                __typeof__(ptr) _p = *_pptr;                                                                \
                *_pptr = NULL;                                                                              \
                _p;                                                                                         \
        })
#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_pfd = &(fd);                                                                          \
                int _f = *_pfd;                                                                             \
                *_pfd = -EBADF;                                                                             \
                _f;                                                                                         \
        })

/* Defines func##p(), for _cleanup_, that frees *p through func where it is not NULL. */
#define DEFINE_CLEANUP(type, func)                                                                          \
        static inline void func##p(type *p) {                                                               \
                if (*p)                                                                                     \
                        func(*p);                                                                           \
        }

static inline void freep(void *p) {
        free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline void fclosep(FILE **f) {
        if (*f)
                fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* Room for one more of `n` items: the array is grown when the number is a power of two. NULL: no memory. */
static inline void *grown(void *items, size_t n, size_t size) {
        return (n & (n - 1)) == 0 ? reallocarray(items, n ? 2 * n : 1, size) : items;
}

/* Closes a descriptor and returns -EBADF, so that `fd = close_fd(fd)` leaves nothing stale. errno is kept.
 */
static inline int close_fd(int fd) {
        if (fd >= 0) {
                int saved = errno;
                close(fd);
                errno = saved;
        }
        return -EBADF;
}

static inline void close_fdp(int *fd) {
        *fd = close_fd(*fd);
}
#define _cleanup_close_ _cleanup_(close_fdp)

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* Is `s` NULL or ""? */
static inline bool isempty(const char *s) {
        return !s || !*s;
}

/* The rest of `s` behind `prefix`, or NULL where `s` does not begin with it. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);
        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Does `s` end in `suffix`? */
static inline bool endswith(const char *s, const char *suffix) {
        size_t a = strlen(s), b = strlen(suffix);
        return a >= b && memcmp(s + a - b, suffix, b) == 0;
}

/* Does the path `s` equal `prefix` or lie beneath it? Both absolute and normalised. */
static inline bool path_startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);
        if (n == 1 && prefix[0] == '/')
                return s[0] == '/';
        return strncmp(s, prefix, n) == 0 && (s[n] == '/' || s[n] == '\0');
}

#ifdef __cplusplus
}
#endif
