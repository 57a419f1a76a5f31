/* SPDX-License-Identifier: Apache-2.0 */
/* The names of capabilities. The one file that knows libcap, which keeps the list. */

#include "policy.h"

#include <ctype.h>
#include <sys/capability.h>

#include "nearest.h"

#define NAME_MAX_LENGTH 32U

const char *capability_name(unsigned capability) {
        static char names[CAPABILITY_COUNT][NAME_MAX_LENGTH]; /* filled on first use; always with the same */
        char *name;

        if (capability >= CAPABILITY_COUNT)
                return NULL;
        if (names[capability][0])
                return names[capability];

        /* Of a number that it has no name for, libcap gives the digits. */
        name = cap_to_name((cap_value_t)capability);
        if (!name)
                return NULL;
        if (startswith(name, "cap_") && strlen(name) < NAME_MAX_LENGTH)
                for (size_t i = 0; name[i]; i++)
                        names[capability][i] = (char)toupper((unsigned char)name[i]);
        (void)cap_free(name);
        return names[capability][0] ? names[capability] : NULL;
}

/* By our own list, since libcap takes numbers and any case as well: one name is one text. */
int capability_from_name(const char *name, unsigned *ret_) {
        for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
                const char *known = capability_name(i);
                if (known && streq(known, name)) {
                        *ret_ = i;
                        return 0;
                }
        }
        return -ENOENT;
}

/* In upper case and with CAP_ before it, as people forget both. */
const char *capability_nearest(const char *name) {
        char wanted[NAME_MAX_LENGTH + 5];
        const char *near = NULL;
        size_t distance = SIZE_MAX;

        if (strlen(name) >= NAME_MAX_LENGTH)
                return NULL;
        bool has_prefix = strncasecmp(name, "cap_", 4) == 0;
        (void)snprintf(wanted, sizeof(wanted), "%s%s", has_prefix ? "" : "CAP_", name);
        for (char *p = wanted; *p; p++)
                *p = (char)toupper((unsigned char)*p);
        for (unsigned i = 0; i < CAPABILITY_COUNT; i++)
                if (capability_name(i))
                        name_consider(wanted, capability_name(i), &near, &distance);
        return near;
}
