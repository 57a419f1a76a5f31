/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every spec must hold to, whoever made it. Front ends have checked all this with better messages, and
 * nucleus-exec trusts none of them to.
 */

#include "path.h"
#include "signature.h"
#include "spec-internal.h"

static const char *missing(const Spec *s) {
        if (!s->name || !service_name_is_valid(s->name))
                return "no valid name";
        if (s->error)
                return NULL;
        if (!s->arguments || s->arguments[0][0] != '/')
                return "no argument, or a program that is no absolute path";
        if (!s->workdir || s->workdir[0] != '/')
                return "no workdir, or one that is no absolute path";
        if (!s->user)
                return "no user";
        if (s->rootfs && s->rootfs[0] != '/')
                return "rootfs is no absolute path";
        if (!(s->namespaces & NAMESPACE_MOUNT) || !(s->namespaces & NAMESPACE_PID))
                return "the mount and pid namespaces are required";
        if (s->hostname && !(s->namespaces & NAMESPACE_UTS))
                return "hostname without a uts namespace";
        if ((s->network == NETWORK_HOST) == !!(s->namespaces & NAMESPACE_NET))
                return "network and the net namespace contradict each other";
        if (s->id_base > UINT32_MAX - SPEC_ID_COUNT || s->id_base % SPEC_ID_COUNT != 0)
                return "id-base out of range";
        if (!s->seccomp || !s->landlock)
                return "no seccomp or landlock policy";
        for (char *const *e = s->environment; e && *e; e++)
                if (!strchr(*e, '=') || (*e)[0] == '=')
                        return "environment without a name";
        return NULL;
}

static bool bad_target(const Spec *s, const char *target) {
        size_t n = 0;

        if (path_problem(target) || !path_is_mount_target(target))
                return true;
        for (size_t i = 0; i < s->n_volumes; i++)
                n += streq(s->volumes[i].target, target);
        for (size_t i = 0; i < s->n_tmpfs; i++)
                n += streq(s->tmpfs[i].target, target);
        return n > 1;
}

static const char *bad_value(const Spec *s) {
        if (s->error)
                return NULL;
        if (isempty(s->user) || (s->group && isempty(s->group)))
                return "an empty user or group";
        if (path_problem(s->workdir))
                return "a working directory that is not absolute and normalised";
        if (s->rootfs && path_problem(s->rootfs))
                return "a rootfs that is not absolute and normalised";
        for (size_t i = 0; i < s->n_volumes; i++) {
                if (path_problem(s->volumes[i].source) || !path_is_volume_source(s->volumes[i].source))
                        return "a source that is not absolute and normalised, or in /proc or /sys";
                if (bad_target(s, s->volumes[i].target))
                        return "a mount target that is not normalised, reserved, or there twice";
        }
        for (size_t i = 0; i < s->n_tmpfs; i++)
                if (bad_target(s, s->tmpfs[i].target))
                        return "a mount target that is not normalised, reserved, or there twice";
        return NULL;
}

static const char *violates_mode(const Spec *s) {
        const ModeRules *m = mode_rules(s->mode);

        if (s->error)
                return NULL;
        if (m->required_namespaces & ~s->namespaces)
                return "this mode requires more namespaces";
        if (m->require_rootfs && !s->rootfs)
                return "this mode requires a rootfs";
        if (m->require_attestation && !s->attest)
                return "this mode requires attestation";
        if (!m->allow_host_network && s->network == NETWORK_HOST)
                return "this mode does not allow the host's network";
        if (s->attest && !s->rootfs)
                return "attestation without a rootfs";
        if (m->fail_closed && s->seccomp_trace)
                return "this mode does not allow a trace";
        return NULL;
}

static const char *bad_keys(const Spec *s) {
        size_t n = 0;

        for (char *const *key = s->public_keys; key && *key; key++, n++) {
                if (n >= PUBLIC_KEYS_MAX)
                        return "too many public keys";
                if (!public_key_is_valid(*key))
                        return "a public key that is none";
                for (size_t i = 0; i < n; i++)
                        if (streq(s->public_keys[i], *key))
                                return "a public key twice";
        }
        return NULL;
}

static const char *bad_attestation(const Spec *s) {
        unsigned images = !!s->image_sha256 + !!s->image_fsverity + !!s->root_hash;

        if (!s->attest)
                return s->attestation_method != ATTESTATION_SHA256 || s->public_keys || images > 0
                               ? "details of an attestation that is not asked for"
                               : NULL;
        if (images + !!s->manifest_sha256 > 1)
                return "two pins that exclude each other";
        if ((s->image_sha256 && s->attestation_method != ATTESTATION_SHA256) ||
                (s->image_fsverity && s->attestation_method != ATTESTATION_FSVERITY) ||
                (s->root_hash && s->attestation_method != ATTESTATION_DM_VERITY))
                return "a pin of an image that is not of the method";
        if (s->attestation_method == ATTESTATION_DM_VERITY && !s->root_hash)
                return "dm-verity without a root hash";
        return bad_keys(s);
}

const char *spec_problem(const Spec *s) {
        return missing(s) ?: bad_value(s) ?: violates_mode(s) ?: bad_attestation(s) ?: spec_policy_problem(s);
}
