/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From directories to parsed configuration: the search path, which file masks which, and which files are
 * safe to read. All reading that a front end does is here; what follows (graph.h, unit.h) is pure.
 */

#include "config.h"
#include "name-map.h"

/* Whose service manager the units are for. */
typedef enum Scope {
        SCOPE_SYSTEM,
        SCOPE_USER,
} Scope;

/* SYSTEMD_SCOPE of the environment, which systemd sets for generators (systemd.generator(7)). */
Scope scope_from_environment(void);

typedef struct DropinIndex DropinIndex;
typedef struct Floor Floor;
typedef struct PolicyStore PolicyStore;

/* All files of a scope that count, sorted by name. */
typedef struct ConfigSet {
        Config **configs;
        size_t n;

        /* What config_set_resolve() read beside them, and the services borrow from. */
        DropinIndex *dropins;
        Floor *floor;
        PolicyStore *policies;
} ConfigSet;

ConfigSet *config_set_free(ConfigSet *s);
DEFINE_CLEANUP(ConfigSet *, config_set_free)
#define _cleanup_config_set_ _cleanup_(config_set_freep)

/*
 * The directories that are searched for NAME.toml, the first wins: NUCLEUS_CONFIG_DIRS, or those of the
 * scope (nucleus-generator(8)). Relative ones are left out. 0 or -ENOMEM.
 */
int config_directories(Scope scope, char ***ret_);

/*
 * Reads every NAME.toml of `dirs`. Each of `files` (paths, or NULL) is read too and takes the place of the
 * file of its name: for `nucleus verify FILE…`. Problems are added to `diag`.
 *
 * A file that is no regular file, too large, somebody else's, or writable by others is not read: it becomes
 * one failed service of its name. (Given in `files`, owner and mode are warnings only.) A file whose name is
 * no service name is left out. 0 or -ENOMEM.
 */
int config_set_load(char *const *dirs, char *const *files, ConfigSet **ret_, Diagnostics *diag);

/*
 * Names of units that begin with "nucleus-" and come from someone else, with the directory that holds each:
 * none of them may be generated, since a generated unit would hide them, or be hidden. Units that are masked
 * (a link to /dev/null) are not in it: masking a generated unit is the operator's right.
 */
typedef struct UnitNames {
        NameMap names; /* unit name to index of `places` */
        char **paths;  /* borrowed keys of `names` are the base names of these */
        size_t n;
} UnitNames;

void unit_names_done(UnitNames *u);
#define _cleanup_unit_names_ _cleanup_(unit_names_done)

/*
 * Looks through systemd's unit search path of the scope (or SYSTEMD_UNIT_PATH; generator directories, and
 * transient units aside). Directories that are not there are no error. 0 or -ENOMEM.
 */
int unit_names_load(Scope scope, UnitNames *ret_);
