/* SPDX-License-Identifier: Apache-2.0 */
/* NULL-terminated string vectors. */

#include "strv.h"

size_t strv_length(char *const *v) {
        size_t n = 0;
        while (v && v[n])
                n++;
        return n;
}

void strv_free(char **v) {
        for (char **i = v; i && *i; i++)
                free(*i);
        free(v);
}

int strv_append(char ***v, const char *s) {
        size_t n = strv_length(*v);

        _cleanup_free_ char *copy = strdup(s);
        if (!copy)
                return -ENOMEM;

        /* Grown when the length reaches a power of two: amortised, with no capacity to carry around. */
        if (!*v || ((n + 1) & n) == 0 || n + 1 < 4) {
                char **p = reallocarray(*v, n + 1 < 4 ? 4 : 2 * (n + 1), sizeof(char *));
                if (!p)
                        return -ENOMEM;
                *v = p;
        }
        (*v)[n] = TAKE_PTR(copy);
        (*v)[n + 1] = NULL;
        return 0;
}

bool strv_contains(char *const *v, const char *s) {
        STRV_FOREACH(i, v)
        if (streq(i, s))
                return true;
        return false;
}
