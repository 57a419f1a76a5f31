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
        ORIGIN_DEFAULT,   /* a default; `reason` says of what, for example "default of production" */
} OriginKind;

typedef struct Origin {
        OriginKind kind;
        Position where;
        const char *reason; /* static text */
} Origin;

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
        char *manifest_sha256;

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

        Origin *origins; /* one for each row of the schema table, same index */
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
 * failing unit; a file that is no TOML at all gives one failed service of the file's name. Defaults of each
 * service's tier are filled in, and the tier's rules are checked. 0 or -ENOMEM.
 */
int config_parse(
        const char *text, size_t n, const char *file, const char *name, Config **ret_, Diagnostics *diag);

/*
 * The Spec of a service that has not failed. `id_base` as in Spec (0 for user services). Pure. 0 or -ENOMEM.
 */
int config_to_spec(const ServiceConfig *s, uint64_t id_base, Spec **ret_);

#ifdef __cplusplus
}
#endif
