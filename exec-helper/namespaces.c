/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces, their ids, and what is set in them. The new process waits for its id maps before it does
 * anything: until then it has no identity.
 */

#include "steps.h"

#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "init.h"
#include "sys.h"

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

int write_proc_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int step_clone(Context *c) {
        int pair[2];
        struct clone_args args = {
                .flags = CLONE_CLEAR_SIGHAND,
                .exit_signal = SIGCHLD,
        };

        for (const NamespaceName *n = namespace_names; n->name; n++)
                if (c->spec->namespaces & n->flag)
                        args.flags |= n->clone;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return step_fail(c, -errno, "cannot make a socket pair");

        /* The maps of a process that cannot be dumped belong to root; a caller without privilege may write
         * them only while it can be. init closes the door again before it does anything else. */
        if (!c->privileged)
                (void)prctl(PR_SET_DUMPABLE, 1);

        /* From here on signals wait: the loops read them from a descriptor. */
        sigset_t all;
        (void)sigfillset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, NULL);

        c->init_pid = sys_clone3(&args);
        if (c->init_pid < 0) {
                int error = -errno;
                close_fd(pair[0]);
                close_fd(pair[1]);
                if (error == -EPERM)
                        return step_fail(c, error,
                                "cannot make the namespaces: see user.max_user_namespaces, "
                                "kernel.unprivileged_userns_clone and AppArmor's rules");
                return step_fail(c, error, "cannot make the namespaces");
        }
        if (c->init_pid == 0) {
                close_fd(pair[0]);
                c->channel = pair[1];
                init_main(c);
        }
        close_fd(pair[1]);
        c->channel = pair[0];
        (void)prctl(PR_SET_DUMPABLE, 0);
        return 0;
}

static int write_map(Context *c, const char *name, uint64_t inside, uint64_t outside, uint64_t count) {
        char path[64], text[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", c->init_pid, name);
        (void)snprintf(text, sizeof(text), "%llu %llu %llu\n", (unsigned long long)inside,
                (unsigned long long)outside, (unsigned long long)count);
        int r = write_proc_file(path, text);
        return r < 0 ? step_fail(c, r, "cannot write %s", name) : 0;
}

int step_id_maps(Context *c) {
        uint64_t base = c->spec->id_base;
        char path[64];
        int r;

        if (base == 0) {
                /* Whoever got out would be root, and root's files in a volume would be the workload's. */
                if (c->privileged && c->rules->fail_closed)
                        return step_fail(
                                c, -EPERM, "without a range of its own the service's ids are root's");
                (void)snprintf(path, sizeof(path), "/proc/%d/setgroups", c->init_pid);
                r = write_proc_file(path, "deny");
                if (r < 0)
                        return step_fail(c, r, "cannot deny setgroups");
                r = write_map(c, "uid_map", c->uid, c->caller_uid, 1);
                return r < 0 ? r : write_map(c, "gid_map", c->gid, c->caller_gid, 1);
        }
        r = write_map(c, "uid_map", 0, base, SPEC_ID_COUNT);
        return r < 0 ? r : write_map(c, "gid_map", 0, base, SPEC_ID_COUNT);
}

int step_idmapped_mounts(Context *c) {
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", c->init_pid);
        _cleanup_close_ int ns = open(path, O_RDONLY | O_CLOEXEC);
        if (ns < 0)
                return step_fail(c, -errno, "cannot open the user namespace");

        for (size_t i = 0; i < c->plan.n; i++) {
                const Mount *m = &c->plan.mounts[i];
                struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns };
                if (m->fd < 0 || !m->idmapped)
                        continue;
                if (sys_mount_setattr(m->fd, 0, &attr) < 0)
                        return step_fail(c, -errno,
                                "cannot map the ids of %s (its file system may not know idmapped mounts%s)",
                                m->source,
                                m->kind != MOUNT_ROOT_TREE || c->root_is_directory
                                        ? ""
                                        : ": of a squashfs image the kernel does from Linux 6.2 on, of an "
                                          "EROFS image from 5.19 on");
        }
        return 0;
}

int step_release(Context *c) {
        if (write(c->channel, "", 1) != 1)
                return step_fail(c, -EPIPE, "init is gone");
        return 0;
}

int step_await_maps(Context *c) {
        char byte;
        ssize_t n = read(c->channel, &byte, 1);

        (void)prctl(PR_SET_DUMPABLE, 0);
        /* The supervisor's end is closed: it has failed, and has said so. */
        if (n != 1)
                _exit(EXIT_FAILURE);
        return 0;
}

/* Root of the namespace, or the one id there is. All capabilities stay: none of the ids before was mapped.
 */
int step_init_identity(Context *c) {
        bool one = c->spec->id_base == 0;
        uid_t uid = one ? c->uid : 0;
        gid_t gid = one ? c->gid : 0;

        if (!one && setgroups(0, NULL) < 0)
                return step_fail(c, -errno, "cannot drop the groups of the caller");
        if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                return step_fail(c, -errno, "cannot take on the first id of the namespace");
        /* A change of ids resets both. A supervisor that died meanwhile has closed its end. */
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        char byte;
        if (recv(c->channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
                _exit(EXIT_FAILURE);
        return 0;
}

int step_hostname(Context *c) {
        const char *name = c->spec->hostname;

        if (sethostname(name, strlen(name)) < 0)
                return step_fail(c, -errno, "cannot set the host name to %s", name);
        return 0;
}

int step_loopback(Context *c) {
        struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return step_fail(c, -errno, "cannot make a socket");
        if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
                return step_fail(c, -errno, "cannot bring lo up");
        return 0;
}
