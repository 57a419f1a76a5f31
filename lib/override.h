/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What [X-Nucleus] of systemd drop-ins changes in a service, between config_parse() and config_finish().
 * Which drop-ins apply and in which order is dropin-find.h's business. Pure.
 */

#include "config.h"
#include "dropin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct OverrideKey {
        const char *name;  /* in [X-Nucleus] */
        const char *table; /* of the schema's row that it overrides */
        const char *key;
        const char *help;
} OverrideKey;

/* All keys, in the order of the manual; ends with a NULL name. */
extern const OverrideKey override_keys[];

/* Is there a key of that name? */
bool override_key_known(const char *name) _pure_;

/*
 * Applies the assignments in order: a later one wins, an empty value takes the key back to its default (the
 * mode: to what the service's own file says), VolumeReadOnly= appends. An unknown key, a wrong value, and,
 * in a drop-in of this service alone, a mode below that of its file are errors at the drop-in's line: they
 * are added to `diag`, and the service is marked failed. The files must outlive the service, whose origins
 * borrow their paths. 0 or -ENOMEM.
 */
int override_apply(ServiceConfig *s, const DropinFile *const *files, size_t n, Diagnostics *diag);

#ifdef __cplusplus
}
#endif
