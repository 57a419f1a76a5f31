/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults, and the rules that concern more than one key: those of the tier, and what fits together.
 * Defaults carry an origin that names what they are a default of.
 */

#include "config-reader.h"

#include <fcntl.h>

#define DEFAULT_STOP_TIMEOUT UINT64_C(90000000)
#define DEFAULT_TMPFS_SIZE (UINT64_C(64) << 20)

static Origin *origin(ConfigReader *r, const char *table, const char *key) {
        return schema_origin(r->service, table, key);
}

/* Where a key stands, or the service where it does not: its table's header, or the start of its file. */
static Position where(ConfigReader *r, const char *table, const char *key) {
        const Origin *o = origin(r, table, key);
        Position p = origin_is_explicit(o) ? o->where : r->service->where;

        if (p.line == 0)
                p.line = p.column = 1;
        return p;
}

static bool is_set(ConfigReader *r, const char *table, const char *key) {
        return origin_is_explicit(origin(r, table, key));
}

/* Does the key stand in the file, if with a wrong value? That was reported; "required" would mislead. */
static bool is_given(ConfigReader *r, const char *table, const char *key) {
        return origin(r, table, key)->where.line > 0;
}

/* ---- defaults ---- */

static void mark(ConfigReader *r, const char *table, const char *key, const char *reason) {
        Origin *o = origin(r, table, key);

        if (o->kind == ORIGIN_UNSET)
                *o = (Origin){ .kind = ORIGIN_DEFAULT, .reason = reason };
}

static bool default_string(
        ConfigReader *r, const char *key, char **target, const char *value, const char *reason) {
        if (*target)
                return true;
        *target = strdup(value);
        if (!*target)
                return reader_oom(r);
        mark(r, "", key, reason);
        return true;
}

static int name_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool finish_environment(ConfigReader *r) {
        char ***env = &r->service->environment;
        bool has_path = false;

        STRV_FOREACH(e, *env)
        has_path = has_path || startswith(e, "PATH=");
        if (!has_path && strv_append(env, CONFIG_DEFAULT_PATH) < 0)
                return reader_oom(r);
        qsort(*env, strv_length(*env), sizeof(char *), name_compare);
        mark(r, "environment", "NAME", "default");
        return true;
}

static const char *tier_default(Mode mode) {
        static const char *const texts[_MODE_MAX] = {
                [MODE_AGENT] = "default of agent",
                [MODE_STRICT_AGENT] = "default of strict-agent",
                [MODE_PRODUCTION] = "default of production",
        };
        return texts[mode];
}

/* What attestation compares with, or by. Each asks for it by being there. */
static const struct {
        const char *key, *reason;
        bool is_pin;              /* at most one of them */
        AttestationMethod method; /* of an image's pin */
} attestation_keys[] = {
        { "manifest_sha256", "manifest_sha256 is given", true, ATTESTATION_SHA256 },
        { "image_sha256", "image_sha256 is given", true, ATTESTATION_SHA256 },
        { "image_fsverity", "image_fsverity is given", true, ATTESTATION_FSVERITY },
        { "root_hash", "root_hash is given", true, ATTESTATION_DM_VERITY },
        { "public_key", "public_key is given", false, ATTESTATION_SHA256 },
        { "method", "method is given", false, ATTESTATION_SHA256 },
};

static void fill_attestation(ConfigReader *r, const char *tier) {
        ServiceConfig *s = r->service;
        const char *reason = NULL;

        for (size_t i = 0; !reason && i < ELEMENTSOF(attestation_keys); i++)
                if (is_set(r, "attestation", attestation_keys[i].key))
                        reason = attestation_keys[i].reason;
        if (!is_set(r, "attestation", "verify"))
                s->attestation_verify = mode_rules(s->mode)->require_attestation || reason;
        mark(r, "attestation", "verify", reason ?: tier);

        if (is_set(r, "attestation", "method"))
                return;
        s->attestation_method = s->image_fsverity ? ATTESTATION_FSVERITY
                                : s->root_hash    ? ATTESTATION_DM_VERITY
                                                  : ATTESTATION_SHA256;
        mark(r, "attestation", "method",
                s->image_fsverity ? "image_fsverity is given"
                : s->root_hash    ? "root_hash is given"
                                  : "default");
}

bool config_fill_defaults(ConfigReader *r) {
        ServiceConfig *s = r->service;
        const ModeRules *rules = mode_rules(s->mode);
        const char *tier = tier_default(s->mode);
        char description[128];

        (void)snprintf(description, sizeof(description), "Nucleus service %s", s->name);
        mark(r, "", "mode", "default");
        if (!default_string(r, "description", &s->description, description, "default") ||
                !default_string(r, "runtime", &s->runtime, "native", "default") ||
                !default_string(r, "user", &s->user, "0", "default") ||
                !default_string(r, "workdir", &s->workdir, "/", "default") ||
                !default_string(r, "restart", &s->restart, rules->restart, tier))
                return false;

        fill_attestation(r, tier);
        if (s->stop_timeout == 0)
                s->stop_timeout = DEFAULT_STOP_TIMEOUT;
        mark(r, "", "stop_timeout", "default");
        mark(r, "network", "mode", "default");
        mark(r, "policy", "seccomp_trace", "default");
        mark(r, "policy", "log_denials", "default");

        /* The host's network is no network of one's own; saying one says the other. */
        if (s->network == NETWORK_HOST && !is_set(r, "namespaces", "net"))
                s->namespaces &= ~(unsigned)NAMESPACE_NET;
        for (const NamespaceName *n = namespace_names; n->name; n++)
                mark(r, "namespaces", n->name,
                        n->flag == NAMESPACE_NET && s->network == NETWORK_HOST ? "network.mode is host"
                                                                               : "default");
        if ((s->namespaces & NAMESPACE_UTS) &&
                !default_string(r, "hostname", &s->hostname, s->name, "the service's name"))
                return false;
        for (size_t i = 0; i < s->n_tmpfs; i++)
                s->tmpfs[i].size = s->tmpfs[i].size ?: DEFAULT_TMPFS_SIZE;
        return finish_environment(r);
}

/* ---- rules ---- */

static void check_tier(ConfigReader *r) {
        ServiceConfig *s = r->service;
        const ModeRules *rules = mode_rules(s->mode);

        if (rules->require_rootfs && !is_given(r, "", "rootfs"))
                reader_error_at(r, where(r, "", "mode"), "mode \"%s\" requires a rootfs", rules->name);
        if (rules->require_attestation && !s->attestation_verify)
                reader_error_at(r, where(r, "attestation", "verify"),
                        "mode \"%s\" requires attestation: remove verify = false", rules->name);
        if (rules->require_memory_limit && !is_given(r, "resources", "memory"))
                reader_error_at(r, where(r, "", "mode"),
                        "mode \"%s\" requires a memory limit: add [resources] memory = \"512M\"",
                        rules->name);
        if (!rules->allow_host_network && s->network == NETWORK_HOST)
                reader_error_at(r, where(r, "network", "mode"),
                        "mode \"%s\" does not allow the host's network; only agent does", rules->name);

        for (const NamespaceName *n = namespace_names; n->name; n++)
                if ((rules->required_namespaces & n->flag) && !(s->namespaces & n->flag) &&
                        !(n->flag == NAMESPACE_NET && s->network == NETWORK_HOST))
                        reader_error_at(r, where(r, "namespaces", n->name),
                                "mode \"%s\" requires the %s namespace", rules->name, n->name);
}

static void check_policy(ConfigReader *r) {
        const ServiceConfig *s = r->service;

        if (s->seccomp_trace && s->mode != MODE_AGENT)
                reader_error_at(r, where(r, "policy", "seccomp_trace"),
                        "seccomp_trace is for mode \"agent\" alone: learn there, then pin what was learned");
}

static void check_namespaces(ConfigReader *r) {
        ServiceConfig *s = r->service;

        if (s->network == NETWORK_NONE && !(s->namespaces & NAMESPACE_NET))
                reader_error_at(r, where(r, "namespaces", "net"),
                        "network.mode \"none\" needs the net namespace; write network.mode = \"host\" for "
                        "the host's");
        if (s->network == NETWORK_HOST && (s->namespaces & NAMESPACE_NET))
                reader_error_at(r, where(r, "namespaces", "net"),
                        "network.mode \"host\" and a net namespace exclude each other");
        if (!(s->namespaces & NAMESPACE_UTS) && s->hostname)
                reader_error_at(r, where(r, "", "hostname"), "hostname needs the uts namespace");
        if (!(s->namespaces & NAMESPACE_MOUNT) && (s->rootfs || s->n_volumes > 0 || s->n_tmpfs > 0))
                reader_error_at(r, where(r, "namespaces", "mount"),
                        "rootfs, volumes and tmpfs need the mount namespace");
}

/* A second pin, or one that is of another method. True: there is none. */
static bool check_pins(ConfigReader *r) {
        AttestationMethod method = r->service->attestation_method;
        const char *manifest = attestation_keys[0].key, *first = NULL;

        for (size_t i = 0; i < ELEMENTSOF(attestation_keys); i++) {
                const char *key = attestation_keys[i].key;
                bool contradicts = is_set(r, "attestation", "method") && key != manifest &&
                                   attestation_keys[i].method != method;

                if (!attestation_keys[i].is_pin || !is_set(r, "attestation", key))
                        continue;
                if (first)
                        return reader_error_at(r, where(r, "attestation", key),
                                "%s and %s exclude each other: %s", first, key,
                                first == manifest ? "one is of a directory, the other of an image"
                                                  : "name one digest of the image");
                if (contradicts)
                        return reader_error_at(r, where(r, "attestation", "method"),
                                "method \"%s\" and %s exclude each other: that is of method \"%s\"",
                                attestation_method_names[method], key,
                                attestation_method_names[attestation_keys[i].method]);
                first = key;
        }
        return true;
}

/* The key that asks for attestation: verify itself, or one that stands for it. */
static const char *asks_for_attestation(ConfigReader *r) {
        for (size_t i = 0; !is_set(r, "attestation", "verify") && i < ELEMENTSOF(attestation_keys); i++)
                if (is_set(r, "attestation", attestation_keys[i].key))
                        return attestation_keys[i].key;
        return "verify";
}

static void check_attestation(ConfigReader *r) {
        const ServiceConfig *s = r->service;
        const char *asks = asks_for_attestation(r);

        if (s->attestation_verify && !s->rootfs && s->mode != MODE_PRODUCTION)
                reader_error_at(r, where(r, "attestation", asks), "attestation needs a rootfs");
        for (size_t i = 0; !s->attestation_verify && i < ELEMENTSOF(attestation_keys); i++)
                if (is_set(r, "attestation", attestation_keys[i].key))
                        reader_error_at(r, where(r, "attestation", attestation_keys[i].key),
                                "%s has no effect with verify = false; remove one of them",
                                attestation_keys[i].key);
        if (!check_pins(r) || s->attestation_method != ATTESTATION_DM_VERITY)
                return;
        if (s->manifest_sha256)
                reader_error_at(r, where(r, "attestation", "method"),
                        "method \"dm-verity\" is for images, and manifest_sha256 is of a directory");
        else if (!is_given(r, "attestation", "root_hash"))
                reader_error_at(r, where(r, "attestation", "method"),
                        "method \"dm-verity\" needs the root_hash, which `veritysetup format` prints");
}

/* Places that are ours from end to end. */
static void check_target(ConfigReader *r, const char *target, Position at) {
        if (!path_is_mount_target(target))
                reader_error_at(r, at,
                        "nothing can be mounted on %s: /, /dev, /proc and /sys are set up by Nucleus",
                        target);
}

static void check_twice(ConfigReader *r, const char *target, const char *other, Position at) {
        if (streq(target, other))
                reader_error_at(r, at, "%s is the target of two mounts", target);
}

static void check_mounts(ConfigReader *r) {
        const ServiceConfig *s = r->service;

        for (size_t i = 0; i < s->n_volumes; i++) {
                const Volume *v = &s->volumes[i];
                if (v->source && !path_is_volume_source(v->source))
                        reader_error_at(r, v->where, "%s cannot be a volume: it holds the kernel's controls",
                                v->source);
                if (!v->target)
                        continue; /* reported already */
                check_target(r, v->target, v->where);
                for (size_t k = 0; k < i; k++)
                        if (s->volumes[k].target)
                                check_twice(r, v->target, s->volumes[k].target, v->where);
        }
        for (size_t i = 0; i < s->n_tmpfs; i++) {
                const Tmpfs *t = &s->tmpfs[i];
                if (!t->target)
                        continue;
                check_target(r, t->target, t->where);
                for (size_t k = 0; k < s->n_volumes; k++)
                        if (s->volumes[k].target)
                                check_twice(r, t->target, s->volumes[k].target, t->where);
                for (size_t k = 0; k < i; k++)
                        if (s->tmpfs[k].target)
                                check_twice(r, t->target, s->tmpfs[k].target, t->where);
        }
}

static void check_sockets(ConfigReader *r) {
        const ServiceConfig *s = r->service;

        for (size_t i = 0; i < s->n_sockets; i++) {
                const Socket *q = &s->sockets[i];
                if (!q->listen)
                        continue;
                if (q->listen[0] != '/' && (q->mode || q->user || q->group))
                        reader_error_at(r, q->where, "mode, user and group are for sockets with a path");
                for (size_t k = 0; k < i; k++)
                        if (s->sockets[k].listen && streq(q->listen, s->sockets[k].listen))
                                reader_error_at(r, q->where, "%s is listened on twice", q->listen);
        }
}

static void check_dependencies(ConfigReader *r) {
        const ServiceConfig *s = r->service;

        for (size_t i = 0; i < s->n_depends_on; i++)
                for (size_t k = 0; k < i; k++)
                        if (s->depends_on[i].service && s->depends_on[k].service &&
                                streq(s->depends_on[i].service, s->depends_on[k].service))
                                reader_error_at(r, s->depends_on[i].where, "depends_on names %s twice",
                                        s->depends_on[i].service);
}

void config_check(ConfigReader *r) {
        /* Wrongly written counts as written: that error is there already. */
        if (!r->service->command && !r->service->failed)
                reader_error_at(r, where(r, "", "command"),
                        "no command; add command = [\"/bin/program\", \"argument\"]");
        check_tier(r);
        check_policy(r);
        check_namespaces(r);
        check_attestation(r);
        check_mounts(r);
        check_sockets(r);
        check_dependencies(r);
}
