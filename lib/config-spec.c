/* SPDX-License-Identifier: Apache-2.0 */
/* A checked ServiceConfig to its Spec. Must decide nothing: what is not in the configuration is no default
 * here. */

#include "config.h"

static bool copy_string(char **target, const char *s) {
        if (!s)
                return true;
        *target = strdup(s);
        return *target != NULL;
}

static bool copy_strv(char ***target, char *const *v) {
        STRV_FOREACH(s, v)
        if (strv_append(target, s) < 0)
                return false;
        return true;
}

static int add_policy(const ServiceConfig *s, Spec *spec) {
        const EffectivePolicy *p = &s->policy;

        spec->capabilities_bounding = p->capabilities_bounding;
        spec->capabilities_ambient = p->capabilities_ambient;
        spec->landlock_min_abi = p->landlock_min_abi;
        spec->log_denials = s->log_denials;
        if (p->landlock && !(spec->landlock_policy = landlock_policy_copy(p->landlock)))
                return -ENOMEM;
        if (!copy_string(&spec->seccomp, p->seccomp_program ? "custom" : "default") ||
                !copy_string(&spec->seccomp_program, p->seccomp_program) ||
                !copy_string(&spec->seccomp_lines, p->seccomp_lines) ||
                !copy_string(&spec->seccomp_source, p->seccomp_program ? s->seccomp : NULL) ||
                !copy_string(&spec->landlock, p->landlock ? "custom" : "default") ||
                !copy_string(&spec->landlock_source, p->landlock ? s->landlock : NULL))
                return -ENOMEM;
        return 0;
}

static int add_attestation(const ServiceConfig *s, Spec *spec) {
        if (!s->attestation_verify)
                return 0;
        spec->attest = true;
        spec->attestation_method = s->attestation_method;
        return copy_string(&spec->manifest_sha256, s->manifest_sha256) &&
                               copy_strv(&spec->public_keys, s->public_keys) &&
                               copy_string(&spec->image_sha256, s->image_sha256) &&
                               copy_string(&spec->image_fsverity, s->image_fsverity) &&
                               copy_string(&spec->root_hash, s->root_hash)
                       ? 0
                       : -ENOMEM;
}

int config_to_spec(const ServiceConfig *s, uint64_t id_base, Spec **ret_) {
        _cleanup_spec_ Spec *spec = calloc(1, sizeof(Spec));
        int r = 0;

        if (!spec)
                return -ENOMEM;
        spec->mode = s->mode;
        spec->namespaces = s->namespaces;
        spec->network = s->network;
        spec->listen_fds = s->n_sockets;
        spec->id_base = s->namespaces & NAMESPACE_USER ? id_base : 0;
        if (!copy_string(&spec->name, s->name) || !copy_strv(&spec->arguments, s->command) ||
                !copy_strv(&spec->environment, s->environment) || !copy_string(&spec->workdir, s->workdir) ||
                !copy_string(&spec->hostname, s->hostname) || !copy_string(&spec->user, s->user) ||
                !copy_string(&spec->group, s->group) ||
                !copy_strv(&spec->supplementary_groups, s->supplementary_groups) ||
                !copy_string(&spec->rootfs, s->rootfs))
                return -ENOMEM;
        r = add_attestation(s, spec);
        if (r >= 0)
                r = add_policy(s, spec);
        for (size_t i = 0; r >= 0 && i < s->n_volumes; i++)
                r = spec_add_volume(
                        spec, s->volumes[i].source, s->volumes[i].target, s->volumes[i].read_only);
        for (size_t i = 0; r >= 0 && i < s->n_tmpfs; i++)
                r = spec_add_tmpfs(spec, s->tmpfs[i].target, s->tmpfs[i].size);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(spec);
        return 0;
}
