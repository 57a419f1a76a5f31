/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The functions of the recipe's rows, by the file that holds them. Each: 0 or -errno with step_fail(). */

#include "context.h"

/* host.c */
int step_listen_fds(Context *c);
int step_outer_namespaces(Context *c);
int step_root_tree(Context *c);
int step_devices(Context *c);
int step_sources(Context *c);

/* attest-step.c */
int step_attest(Context *c);

/* image.c: mounts the image, as the root */
int step_root_image(Context *c);

/* store.c: the list of store paths, and the clones of what it lists, into c->store and the plan */
int step_store_paths(Context *c);
/* store.c: gives the workload the limit of open files back that c->store needed */
int step_open_files_limit(Context *c);

/* identity.c */
int step_user(Context *c);
int step_groups(Context *c);
int step_take_groups(Context *c);
int step_take_gid(Context *c);
int step_take_uid(Context *c);

/* namespaces.c */
int step_clone(Context *c);
int step_id_maps(Context *c);
int step_idmapped_mounts(Context *c);
int step_release(Context *c);
int step_await_maps(Context *c);
int step_init_identity(Context *c);
int step_hostname(Context *c);
int step_loopback(Context *c);

/* mount.c */
int step_private_mounts(Context *c);
int step_attach_root(Context *c);
int step_mounts(Context *c);
int step_pivot(Context *c);

/* mount-audit.c */
int step_mount_audit(Context *c);

/* payload.c */
int step_session(Context *c);
int step_keyring(Context *c);
int step_workdir(Context *c);
int step_secure_bits(Context *c);
int step_bounding_set(Context *c);
int step_no_new_privs(Context *c);
int step_ambient_set(Context *c);
int step_capabilities(Context *c);
int step_core_limit(Context *c);
int step_streams(Context *c);
int step_descriptors(Context *c);
int step_seccomp(Context *c);
int step_exec(Context *c);
/* For init too: says that the filter does not allow execve(2). Returns `error`. */
int step_exec_forbidden(Context *c, int error);

/* landlock-step.c */
int step_landlock(Context *c);
/* The file of the spec's Landlock policy, or "of the service": to stand behind "the Landlock policy". */
const char *landlock_policy_name(const Context *c) _pure_;

/* denials-open.c: joins the kernel's audit records, into c->denials. Says once what cannot be seen, and why.
 */
int step_denials(Context *c);

/* trace.c: a new file beside the one that spec->seccomp_trace names, into c->trace */
int step_trace_file(Context *c);
/* trace.c: the filter that tells the supervisor of each call, whose descriptor goes to it over c->channel */
int step_seccomp_trace(Context *c);

/* namespaces.c, for host.c too: writes `text` to a file of /proc. 0 or -errno. */
int write_proc_file(const char *path, const char *text);
