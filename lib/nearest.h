/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "Did you mean": how alike two names are. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NAME_DISTANCE_MAX 64U

/* How many bytes must be added, removed or replaced (Levenshtein); SIZE_MAX where a name is longer than
 * NAME_DISTANCE_MAX. */
size_t name_distance(const char *a, const char *b) _pure_;

/* Is `distance` small enough for a name of that length to be worth a suggestion? */
bool name_is_near(size_t distance, const char *name) _pure_;

/*
 * Offers a candidate for what was meant by `name`: where it is near, and nearer than all before, it becomes
 * *best. Begin with *best NULL and *distance SIZE_MAX.
 */
void name_consider(const char *name, const char *candidate, const char **best, size_t *distance);

#ifdef __cplusplus
}
#endif
