/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Configuration as written: TOML text to ServiceConfig, nothing resolved yet. Each value remembers where it
 * came from (its Origin), for messages and for `nucleus show`. config_resolve() then fills in the defaults
 * of the tier (with an origin that says so) and makes the Spec.
 *
 * Which keys exist is said once, in the table of schema.c.
 */

#include "diag.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONFIG_FILE_MAX (1024U * 1024)

/* In every environment that has no PATH of its own. */
#define CONFIG_DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

typedef enum DependencyCondition {
        CONDITION_STARTED,
        CONDITION_HEALTHY,
        CONDITION_COMPLETED,
        _CONDITION_MAX,
} DependencyCondition;

extern const char *const dependency_condition_names[_CONDITION_MAX];

typedef struct Dependency {
        char *service; /* as written: a service of the same stack, or a full service name */
        DependencyCondition condition;
        Position where;
} Dependency;

typedef struct Socket {
        char *listen; /* ListenStream= text: "127.0.0.1:8080", "[::1]:80", "8080", "/run/x.sock", "@abstract"
                       */
        char *name;   /* FileDescriptorName=, or NULL */
        char *mode;   /* octal SocketMode= of a Unix socket, or NULL */
        char *user, *group; /* SocketUser=, SocketGroup= of a Unix socket: host names or numbers, or NULL */
        Position where;
} Socket;

typedef struct Volume {
        char *source, *target;
        bool read_only;
        Position where;
        Position made_read_only; /* the drop-in that did; file NULL: none */
} Volume;

typedef struct Tmpfs {
        char *target;
        uint64_t size;
        Position where;
} Tmpfs;

/* Where a key's value came from. */
typedef enum OriginKind {
        ORIGIN_UNSET = 0, /* no value */
        ORIGIN_FILE,      /* the configuration file, at `where` */
        ORIGIN_DROPIN,    /* [X-Nucleus] of a drop-in, at `where` */
        ORIGIN_FLOOR,     /* the floor raised it, at `where` */
        ORIGIN_DEFAULT,   /* a default; `reason` says of what, for example "default of production" */
} OriginKind;

typedef struct Origin {
        OriginKind kind;
        Position where;
        const char *reason; /* static text */
} Origin;

/* Did somebody say it, rather than nobody? */
static inline bool origin_is_explicit(const Origin *o) {
        return o->kind == ORIGIN_FILE || o->kind == ORIGIN_DROPIN || o->kind == ORIGIN_FLOOR;
}

/*
 * What the policy files of a service come to. Borrowed from whoever read them, who outlives the Config; all
 * zero: the built-in policies.
 */
typedef struct EffectivePolicy {
        const char *seccomp_program; /* base64, see Spec */
        const char *seccomp_lines;   /* see Spec */
        uint64_t capabilities_bounding, capabilities_ambient;
        const LandlockPolicy *landlock;
        unsigned landlock_min_abi; /* of the floor */
} EffectivePolicy;

typedef struct ServiceConfig {
        char *name;       /* full service name: "web", or "shop-web" in stack "shop" */
        char *stack;      /* "shop", or NULL */
        char *local_name; /* "web": its name within the stack; equals name without one */
        Position where;   /* of the file or the [services.<name>] table */
        bool failed;      /* has at least one error: becomes a failing unit */

        char *description;
        Mode mode;
        char **command;
        char *rootfs;
        char *runtime;
        char *user, *group;
        char **supplementary_groups;
        char *workdir;
        char *hostname;
        char **wanted_by;
        Dependency *depends_on;
        size_t n_depends_on;
        uint64_t stop_timeout; /* microseconds */
        char *restart;

        bool attestation_verify;
        AttestationMethod attestation_method;
        char *manifest_sha256;
        char **public_keys;
        char *image_sha256, *image_fsverity, *root_hash;

        uint64_t memory;    /* bytes; 0: no limit */
        uint64_t cpu_quota; /* percent of one CPU times 100 (2.0 CPUs: 20000); 0: no limit */
        uint64_t pids;      /* 0: no limit */
        uint64_t io_weight; /* 1-10000; 0: unset */

        unsigned namespaces; /* NamespaceFlags */
        char **environment;  /* NAME=VALUE, sorted by name */
        Volume *volumes;
        size_t n_volumes;
        Tmpfs *tmpfs;
        size_t n_tmpfs;
        NetworkMode network;
        Socket *sockets;
        size_t n_sockets;

        char *seccomp, *seccomp_sha256; /* policy files as written, and what they are pinned to */
        char *capabilities, *capabilities_sha256;
        char *landlock, *landlock_sha256;
        bool log_denials;
        bool seccomp_trace;
        EffectivePolicy policy;

        Origin *origins; /* one for each row of the schema table, same index; NULL: a file that was not read
                          */
} ServiceConfig;

typedef struct StackConfig {
        char *name;
        char *description;
        char **wanted_by; /* of the stack's target */
        Position where;
} StackConfig;

/* One file as read. Owns all strings that Positions borrow. */
typedef struct Config {
        char *file;         /* path for messages */
        char *name;         /* file name without ".toml" */
        StackConfig *stack; /* NULL: one service a file */
        ServiceConfig **services;
        size_t n_services;
} Config;

Config *config_free(Config *c);
DEFINE_CLEANUP(Config *, config_free)
#define _cleanup_config_ _cleanup_(config_freep)

/*
 * Parses `n` bytes of TOML. `file` is for messages, `name` is the file's base name without ".toml". Problems
 * are added to `diag`; a service with errors is still in the result, marked failed, so that it gets a
 * failing unit; a file that is no TOML at all gives one failed service of the file's name. The values are
 * those of the file: what overrides them comes next (override.h), then config_finish(). 0 or -ENOMEM.
 */
int config_parse(
        const char *text, size_t n, const char *file, const char *name, Config **ret_, Diagnostics *diag);

/*
 * Fills in the defaults of a service's tier, and checks the tier's rules and what one key alone cannot tell.
 * A service that could not be read at all (no origins) is left as it is. 0 or -ENOMEM.
 */
int config_finish(ServiceConfig *s, Diagnostics *diag);

/*
 * The Spec of a service that has not failed. `id_base` as in Spec (0 for user services). Pure. 0 or -ENOMEM.
 */
int config_to_spec(const ServiceConfig *s, uint64_t id_base, Spec **ret_);

#ifdef __cplusplus
}
#endif
