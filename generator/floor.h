/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The floor: what no service and no drop-in may go below, nucleus-floor.conf(5). Every floor.conf and
 * all of floor.conf.d counts, none masks another, and each setting only ever adds: the merge of any files in
 * any order is at least as strict as each of them. Once one of them cannot be read or understood, every
 * service fails.
 */

#include "config.h"
#include "dropin.h"

/* A word that is forbidden, and where it says so. */
typedef struct FloorWord {
        char *word;
        Position where;
} FloorWord;

typedef struct Floor {
        Mode mode; /* at least this; agent: no demand */
        Position mode_where;
        FloorWord *syscalls; /* never allowed, sorted by name, each once */
        size_t n_syscalls;
        char **syscall_names;  /* the same names, for SeccompTarget.denied */
        uint64_t capabilities; /* never kept: bit N is capability N */
        Position capability_where[64];
        unsigned landlock_min_abi;
        Position landlock_where;
        bool require_attestation, deny_host_network;
        Position attestation_where, network_where;

        /* One of these must have signed each service's root; none: no demand. Within a file they are
         * alternatives; of several files, only those count that each file with any names. */
        FloorWord *public_keys;
        size_t n_public_keys;
        FloorWord *file_keys; /* of the file that is being merged */
        size_t n_file_keys;

        bool failed; /* something of it could not be read */
        unsigned n_errors;
        char *error; /* the first such thing, with its place */

        DropinFile **files; /* own the paths that positions borrow */
        size_t n_files;
} Floor;

/* A key of [Floor], and how its value is added. */
typedef struct FloorKey {
        const char *name;
        int (*parse)(Floor *f, const char *value, Position where, Diagnostics *diag); /* 0 or -ENOMEM */
        const char *help;
} FloorKey;

/* All keys, in the order of the manual; ends with a NULL name. */
extern const FloorKey floor_keys[];

Floor *floor_free(Floor *f);
DEFINE_CLEANUP(Floor *, floor_free)
#define _cleanup_floor_ _cleanup_(floor_freep)

/*
 * Reads floor.conf and floor.conf.d of each directory. What is wrong is added to `diag` and remembered in
 * the floor: then nothing starts. 0 or -ENOMEM.
 */
int floor_load(char *const *dirs, Floor **ret_, Diagnostics *diag);

/* Adds what one file demands, and takes the file, whatever is returned. Pure. 0 or -ENOMEM. */
int floor_merge(Floor *f, DropinFile *file, Diagnostics *diag);

/*
 * Raises a service to the floor, after overrides and before config_finish(). What cannot be raised (the
 * host's network) is an error of the service. Pure. 0 or -ENOMEM.
 */
int floor_apply(const Floor *f, ServiceConfig *s, Diagnostics *diag);
