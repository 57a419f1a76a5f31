/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The spec: everything nucleus-exec is told about one service, fully resolved. Front ends make it from
 * configuration, spec_format() prints it, it travels inside the unit (StandardInputText=), and nucleus-exec
 * reads it back with spec_parse(). It holds no defaults: what is not said is not done.
 *
 * Text form, one record a line, fields separated by one space, each field escaped by escape_field():
 *
 *     nucleus-spec 1
 *     name web
 *     mode production
 *     argument /bin/web            (one line for each argument)
 *     ...
 *
 * The text is canonical: records stand in the order of the table in spec.c and
 * spec_format(spec_parse(t)) == t for every t that spec_parse() takes.
 */

#include "landlock-policy.h"
#include "mode.h"
#include "strv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPEC_VERSION 1
#define SPEC_TEXT_MAX (4U * 1024 * 1024)

/* How many ids a service with a user namespace of the system manager owns, starting at Spec.id_base. */
#define SPEC_ID_COUNT 65536U

typedef enum NamespaceFlags {
        NAMESPACE_USER = 1 << 0,
        NAMESPACE_PID = 1 << 1,
        NAMESPACE_MOUNT = 1 << 2,
        NAMESPACE_NET = 1 << 3,
        NAMESPACE_UTS = 1 << 4,
        NAMESPACE_IPC = 1 << 5,
        NAMESPACE_CGROUP = 1 << 6,
        NAMESPACE_TIME = 1 << 7,
} NamespaceFlags;

typedef struct NamespaceName {
        const char *name; /* as in configuration and spec text */
        unsigned flag;    /* NamespaceFlags */
        uint64_t clone;   /* CLONE_NEW… */
        bool by_default;
} NamespaceName;

/* All eight, in the order in which they are printed; ends with a NULL name. */
extern const NamespaceName namespace_names[];

typedef enum NetworkMode {
        NETWORK_NONE, /* a network namespace of its own with lo up */
        NETWORK_HOST, /* the host's; agent only */
        _NETWORK_MAX,
} NetworkMode;

extern const char *const network_mode_names[_NETWORK_MAX];

/* By what a root is compared with what pins it. */
typedef enum AttestationMethod {
        ATTESTATION_SHA256,    /* of content: a tree's files by its manifest, or an image whole */
        ATTESTATION_FSVERITY,  /* the kernel's fs-verity digests of files, or of an image */
        ATTESTATION_DM_VERITY, /* the root hash of an image's dm-verity hash tree */
        _ATTESTATION_METHOD_MAX,
} AttestationMethod;

extern const char *const attestation_method_names[_ATTESTATION_METHOD_MAX];

typedef struct SpecVolume {
        char *source; /* absolute path on the host */
        char *target; /* absolute path in the service */
        bool read_only;
} SpecVolume;

typedef struct SpecTmpfs {
        char *target;  /* absolute path in the service */
        uint64_t size; /* bytes */
} SpecTmpfs;

typedef struct Spec {
        char *name;  /* service name, without "nucleus-" and ".service" */
        char *error; /* a bad configuration: the message; then only name and mode mean anything */
        Mode mode;
        char **arguments;   /* argv of the workload; [0] is the absolute path of the program */
        char **environment; /* NAME=VALUE, sorted by name */
        char *workdir;
        char *hostname; /* NULL: the service's name is not set (no uts namespace) */

        char *user;  /* name or number, looked up in the rootfs */
        char *group; /* NULL: the user's */
        char **supplementary_groups;
        uint64_t id_base; /* first host id of the user namespace's SPEC_ID_COUNT; 0: map the caller's own */

        unsigned namespaces; /* NamespaceFlags */
        NetworkMode network;
        uint64_t listen_fds; /* how many sockets the service manager must hand over */

        char *rootfs;          /* absolute path of a directory or an image; NULL: the host's /usr, /bin, /lib
                                * read-only */
        bool attest;           /* verify the rootfs; all that follows is only set where it is */
        char *manifest_sha256; /* 64 lower-case hex digits that pin the manifest, or NULL */
        AttestationMethod attestation_method;
        char **public_keys; /* one of which must have signed (signature.h), or NULL */
        /* Pins of an image, 64 lower-case hex digits or NULL; at most one, manifest_sha256 among them. */
        char *image_sha256;
        char *image_fsverity;
        char *root_hash;

        SpecVolume *volumes;
        size_t n_volumes;
        SpecTmpfs *tmpfs;
        size_t n_tmpfs;

        /* Bit N: capability N. Kept in the bounding set, and (a subset) held by the workload; only in a user
         * namespace, since elsewhere they would be the host's. */
        uint64_t capabilities_bounding, capabilities_ambient;

        char *seccomp;         /* "default": the tier's built-in profile, or "custom" */
        char *seccomp_program; /* iff custom: base64 of struct sock_filter[], in this machine's byte order */
        char *seccomp_source;  /* for messages: the file that a custom program was compiled from, or NULL */
        char *seccomp_lines;   /* for messages: which line refuses what, as in seccomp-lines.h, or NULL */
        char *seccomp_trace;   /* agent only: the absolute path that a trace is written to, or NULL */

        char *landlock;                  /* "default": derived from the mount plan, or "custom" */
        LandlockPolicy *landlock_policy; /* iff custom */
        char *landlock_source;           /* for messages: the file of a custom policy, or NULL */
        unsigned landlock_min_abi;       /* without that the start is refused in every tier; 0: the tier's */

        bool log_denials; /* to the kernel's audit log, where it has one for them */
} Spec;

Spec *spec_free(Spec *s);
DEFINE_CLEANUP(Spec *, spec_free)
#define _cleanup_spec_ _cleanup_(spec_freep)

/* Appends a copy of the strings to the spec. 0 or -ENOMEM. */
int spec_add_volume(Spec *s, const char *source, const char *target, bool read_only);
int spec_add_tmpfs(Spec *s, const char *target, uint64_t size);

/* The ABI of Landlock below which the start is refused: what the spec and its policy ask for. */
unsigned spec_landlock_min_abi(const Spec *s) _pure_;

/*
 * Reads `n` bytes of spec text. On -EINVAL *reterr_ (to be freed, may be NULL on -ENOMEM) says what is wrong
 * and in which line. Unknown, repeated, missing or misplaced records are errors. 0, -EINVAL or -ENOMEM.
 */
int spec_parse(const char *text, size_t n, Spec **ret_, char **reterr_);

/* Prints the canonical text into *ret_, to be freed. 0 or -ENOMEM. */
int spec_format(const Spec *s, char **ret_);

/*
 * Is `name` a service name: [a-z0-9][a-z0-9_-]{0,63}? Names are checked, never escaped, since they become
 * file names and unit names.
 */
bool service_name_is_valid(const char *name) _pure_;

#ifdef __cplusplus
}
#endif
