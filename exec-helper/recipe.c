/* SPDX-License-Identifier: Apache-2.0 */
/* The recipe. Read it top to bottom: the comments say why a row stands where it stands. */

#include "recipe.h"

#include <sys/socket.h>

#include "init.h"
#include "report.h"
#include "steps.h"
#include "strbuf.h"

static bool has(const Context *c, unsigned namespace) {
        return c->spec->namespaces & namespace;
}

static bool unprivileged(const Context *c) {
        return !c->privileged;
}
static bool has_rootfs(const Context *c) {
        return c->spec->rootfs != NULL;
}
static bool has_tree(const Context *c) {
        return c->spec->rootfs && c->root_is_directory;
}
static bool has_image(const Context *c) {
        return c->spec->rootfs && !c->root_is_directory;
}
/* Through dm-verity it is mounted by its attestation. */
static bool mounts_image(const Context *c) {
        return has_image(c) && !(c->spec->attest && c->spec->attestation_method == ATTESTATION_DM_VERITY);
}
static bool raised_open_files(const Context *c) {
        return c->open_files.rlim_cur > 0;
}
static bool attests(const Context *c) {
        return c->spec->attest;
}
static bool mounts(const Context *c) {
        return has(c, NAMESPACE_MOUNT);
}
static bool makes_nodes(const Context *c) {
        return mounts(c) && c->privileged;
}
static bool user_namespace(const Context *c) {
        return has(c, NAMESPACE_USER);
}
static bool own_ids(const Context *c) {
        return user_namespace(c) && c->spec->id_base > 0;
}
static bool own_network(const Context *c) {
        return has(c, NAMESPACE_NET);
}
static bool names_host(const Context *c) {
        return has(c, NAMESPACE_UTS) && c->spec->hostname;
}
static bool audits(const Context *c) {
        return mounts(c) && c->rules->mount_audit;
}

static bool logs_denials(const Context *c) {
        return c->spec->log_denials;
}
/* The front ends and the spec refuse it elsewhere; the filter must not be loaded if both were wrong. */
static bool traces(const Context *c) {
        return c->spec->seccomp_trace && !c->rules->fail_closed;
}
static bool keeps_ambient(const Context *c) {
        return c->spec->capabilities_ambient != 0;
}

/* What somebody wrote for this service, or for all of this host, is never left out. */
static bool may_lack_landlock(const Context *c) {
        return !c->spec->landlock_policy && spec_landlock_min_abi(c->spec) == 0;
}
static bool may_lack_seccomp(const Context *c) {
        return !c->spec->seccomp_program;
}

const Step recipe[] = {
        /* First, since it costs nothing and its failure is the operator's most likely mistake. */
        { PHASE_HOST, "sockets", EXIT_CODE_STDIN, NULL, step_listen_fds, NULL },
        /* Everything below mounts; without privilege only in namespaces of the caller's own. */
        { PHASE_HOST, "outer-namespaces", EXIT_CODE_NAMESPACE, unprivileged, step_outer_namespaces, NULL },
        /* The clone is read-only before anything of it is read, and is what will run. */
        { PHASE_HOST, "root-tree", EXIT_CODE_NAMESPACE, has_rootfs, step_root_tree, NULL },
        /* What the tree lists of the Nix store is attested with it. */
        { PHASE_HOST, "store-paths", EXIT_CODE_DATAERR, has_tree, step_store_paths, NULL },
        /* Before the tree's user database is believed, and before ids are mapped, which it would see. */
        { PHASE_HOST, "attestation", EXIT_CODE_DATAERR, attests, step_attest, NULL },
        /* Only now: no image but the right one is for the kernel to parse. */
        { PHASE_HOST, "root-image", EXIT_CODE_NAMESPACE, mounts_image, step_root_image, NULL },
        /* Nothing has attested what an image lists, and it is refused. */
        { PHASE_HOST, "store-paths", EXIT_CODE_DATAERR, has_image, step_store_paths, NULL },
        { PHASE_HOST, "user", EXIT_CODE_USER, NULL, step_user, NULL },
        { PHASE_HOST, "groups", EXIT_CODE_GROUP, NULL, step_groups, NULL },
        /* Nodes can be made only where the kernel's own root is root. */
        { PHASE_HOST, "devices", EXIT_CODE_NAMESPACE, makes_nodes, step_devices, NULL },
        /* The last that needs the host's paths. */
        { PHASE_HOST, "sources", EXIT_CODE_NAMESPACE, mounts, step_sources, NULL },
        { PHASE_HOST, "namespaces", EXIT_CODE_NAMESPACE, NULL, step_clone, NULL },
        { PHASE_HOST, "id-maps", EXIT_CODE_NAMESPACE, user_namespace, step_id_maps, NULL },
        /* After the maps, which the kernel takes into the mounts, and before init may move any. */
        { PHASE_HOST, "idmapped-mounts", EXIT_CODE_NAMESPACE, own_ids, step_idmapped_mounts, NULL },
        /* Here, so that the inside has no copy of the descriptors, and before anything could be denied. */
        { PHASE_HOST, "trace-file", EXIT_CODE_CANTCREAT, traces, step_trace_file, NULL },
        { PHASE_HOST, "denials", EXIT_CODE_STDIN, logs_denials, step_denials, NULL },
        { PHASE_HOST, "release", EXIT_CODE_NAMESPACE, NULL, step_release, NULL },

        { PHASE_INIT, "await", EXIT_CODE_NAMESPACE, NULL, step_await_maps, NULL },
        { PHASE_INIT, "identity", EXIT_CODE_USER, user_namespace, step_init_identity, NULL },
        /* Before the first mount: none may travel back to the host. */
        { PHASE_INIT, "private-mounts", EXIT_CODE_NAMESPACE, mounts, step_private_mounts, NULL },
        { PHASE_INIT, "root", EXIT_CODE_NAMESPACE, mounts, step_attach_root, NULL },
        /* Before the pivot: the kernel gives a new procfs only where a whole one is in sight. */
        { PHASE_INIT, "mounts", EXIT_CODE_NAMESPACE, mounts, step_mounts, NULL },
        { PHASE_INIT, "pivot", EXIT_CODE_NAMESPACE, mounts, step_pivot, NULL },
        { PHASE_INIT, "loopback", EXIT_CODE_NETWORK, own_network, step_loopback, NULL },
        { PHASE_INIT, "hostname", EXIT_CODE_NAMESPACE, names_host, step_hostname, NULL },
        /* When nothing mounts any more, and before anything untrusted could have run. */
        { PHASE_INIT, "mount-audit", EXIT_CODE_NAMESPACE, audits, step_mount_audit, NULL },

        { PHASE_PAYLOAD, "session", EXIT_CODE_EXEC, NULL, step_session, NULL },
        { PHASE_PAYLOAD, "keyring", EXIT_CODE_KEYRING, NULL, step_keyring, NULL },
        /* First, so that the changes of ids below leave capabilities alone: the later rows need some. */
        { PHASE_PAYLOAD, "secure-bits", EXIT_CODE_CAPABILITIES, NULL, step_secure_bits, NULL },
        /* Groups before the gid before the uid, as ever: each needs the privilege of the next. */
        { PHASE_PAYLOAD, "supplementary-groups", EXIT_CODE_GROUP, NULL, step_take_groups, NULL },
        { PHASE_PAYLOAD, "gid", EXIT_CODE_GROUP, NULL, step_take_gid, NULL },
        { PHASE_PAYLOAD, "uid", EXIT_CODE_USER, NULL, step_take_uid, NULL },
        { PHASE_PAYLOAD, "bounding-set", EXIT_CODE_CAPABILITIES, NULL, step_bounding_set, NULL },
        /* Landlock and seccomp ask for it. */
        { PHASE_PAYLOAD, "no-new-privs", EXIT_CODE_NO_NEW_PRIVILEGES, NULL, step_no_new_privs, NULL },
        /* After the ids, which need what it drops, and before the set is locked for good. */
        { PHASE_PAYLOAD, "ambient-set", EXIT_CODE_CAPABILITIES, keeps_ambient, step_ambient_set, NULL },
        { PHASE_PAYLOAD, "capabilities", EXIT_CODE_CAPABILITIES, NULL, step_capabilities, NULL },
        { PHASE_PAYLOAD, "core-limit", EXIT_CODE_EXEC, NULL, step_core_limit, NULL },
        /* Before Landlock, which tells the service's own devices from the host's. */
        { PHASE_PAYLOAD, "streams", EXIT_CODE_STDIN, NULL, step_streams, NULL },
        /* With the workload's own permissions, so that it says what the workload would get. */
        { PHASE_PAYLOAD, "workdir", EXIT_CODE_CHDIR, NULL, step_workdir, NULL },
        { PHASE_PAYLOAD, "landlock", EXIT_CODE_LANDLOCK, NULL, step_landlock, may_lack_landlock },
        /* After Landlock, the last that needs the mounts' descriptors: nothing new may have a number above.
         */
        { PHASE_PAYLOAD, "open-files", EXIT_CODE_EXEC, raised_open_files, step_open_files_limit, NULL },
        { PHASE_PAYLOAD, "descriptors", EXIT_CODE_STDIN, NULL, step_descriptors, NULL },
        /* Before the policy, which might forbid it; of the two the stricter answer counts, in any order. */
        { PHASE_PAYLOAD, "seccomp-trace", EXIT_CODE_SECCOMP, traces, step_seccomp_trace, NULL },
        /* Last: the filter forbids most of the above. */
        { PHASE_PAYLOAD, "seccomp", EXIT_CODE_SECCOMP, NULL, step_seccomp, may_lack_seccomp },
        { PHASE_PAYLOAD, "exec", EXIT_CODE_EXEC, NULL, step_exec, NULL },
};

const size_t recipe_n = ELEMENTSOF(recipe);

static bool lacks_support(int error) {
        return error == -EOPNOTSUPP || error == -ENOSYS || error == -EINVAL;
}

int recipe_run(Context *c, Phase phase, const Step **ret_step) {
        for (size_t i = 0; i < recipe_n; i++) {
                const Step *s = &recipe[i];

                if (s->phase != phase || (s->applies && !s->applies(c)))
                        continue;
                c->failure[0] = '\0';
                int r = s->run(c);
                if (r >= 0)
                        continue;
                if (s->may_lack && s->may_lack(c) && !c->rules->fail_closed && lacks_support(r)) {
                        Report report = { .kind = REPORT_DEGRADED, .step = (unsigned)i, .error = r };
                        memcpy(report.text, c->failure, sizeof(report.text));
                        (void)send(c->channel, &report, sizeof(report), MSG_NOSIGNAL);
                        continue;
                }
                *ret_step = s;
                return r;
        }
        return 0;
}

int recipe_format(const Context *c, char **ret_) {
        static const char *const phases[_PHASE_MAX] = { "host", "init", "payload" };
        _cleanup_strbuf_ StrBuf b = {};

        for (size_t i = 0; i < recipe_n; i++)
                if (!recipe[i].applies || recipe[i].applies(c))
                        strbuf_printf(&b, "%-8s %-22s exit %u\n", phases[recipe[i].phase], recipe[i].name,
                                recipe[i].exit_code);
        strbuf_puts(&b, "\n");
        mount_plan_format(&c->plan, &b);
        return strbuf_finish(&b, ret_);
}
