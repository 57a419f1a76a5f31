/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are nearly the same. */

#include "nearest.h"

size_t name_distance(const char *a, const char *b) {
        size_t row[NAME_DISTANCE_MAX + 1], n = strlen(b);

        if (n > NAME_DISTANCE_MAX || strlen(a) > NAME_DISTANCE_MAX)
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 0; a[i]; i++) {
                size_t diagonal = row[0];

                row[0] = i + 1;
                for (size_t j = 0; j < n; j++) {
                        size_t change = diagonal + (a[i] != b[j]);
                        diagonal = row[j + 1];
                        size_t other = 1 + (row[j] < diagonal ? row[j] : diagonal);
                        row[j + 1] = change < other ? change : other;
                }
        }
        return row[n];
}

bool name_is_near(size_t distance, const char *name) {
        return distance <= strlen(name) / 3 + 1;
}

void name_consider(const char *name, const char *candidate, const char **best, size_t *distance) {
        size_t d = name_distance(name, candidate);

        if (d < *distance && name_is_near(d, name)) {
                *best = candidate;
                *distance = d;
        }
}
