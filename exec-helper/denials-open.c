/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the multicast group of the kernel's audit records (AUDIT_NLGRP_READLOG), beside any audit daemon and
 * without its privileges. Whatever stands in the way is said once: who asked for a log of denials must not
 * take silence for peace. Must never fail a start, and must leave the kernel's audit settings alone.
 */

#include "denials-internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "landlock.h"
#include "message-id.h"
#include "report.h"
#include "steps.h"

#define RECEIVE_BUFFER (1 << 20) /* bytes the kernel keeps for us while we are busy */
#define ANSWER_MS 1000
#define LANDLOCK_ABI_AUDIT 7

/* The inode numbers of the first namespaces are part of the kernel's interface. */
#define FIRST_USER_NAMESPACE "user:[4026531837]"
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static bool link_is(const char *path, const char *value) {
        char target[64];
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        if (n < 0)
                return true; /* no way to know: then do not say that it is wrong */
        target[n] = '\0';
        return streq(target, value);
}

/* Is our network namespace the kernel's first? Its records go to that alone. Kernel threads live there, and
 * process 2 is the first of them wherever the PID namespace is the first one. */
static bool in_host_network(void) {
        struct stat ours, first;

        if (stat("/proc/self/ns/net", &ours) < 0 || stat("/proc/2/ns/net", &first) < 0)
                return true;
        return ours.st_dev == first.st_dev && ours.st_ino == first.st_ino;
}

/* Of the path after "0::", the hierarchy of version 2. */
char *denials_cgroup_of(uint64_t pid) {
        _cleanup_free_ char *line = NULL;
        char path[64] = "/proc/self/cgroup";
        size_t size = 0;
        ssize_t n;

        if (pid > 0)
                (void)snprintf(path, sizeof(path), "/proc/%llu/cgroup", (unsigned long long)pid);
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        if (!f)
                return NULL;
        while ((n = getline(&line, &size, f)) > 0) {
                const char *cgroup = startswith(line, "0::");
                if (!cgroup)
                        continue;
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                return strdup(cgroup);
        }
        return NULL;
}

/* ---- joining ---- */

/* Lets only the types through that are read here: an audited host has many others, and each would wake us.
 * The type is a number of the machine's byte order, which the filter's language reads the other way. */
static int set_filter(int fd, bool landlock) {
        enum { OFFSET = offsetof(struct nlmsghdr, nlmsg_type) };
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFFSET),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_TYPE_SECCOMP), 4, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_TYPE_LANDLOCK_ACCESS), 3, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_TYPE_LANDLOCK_DOMAIN), 2, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_TYPE_SYSCALL), 1, 0),
                BPF_STMT(BPF_RET | BPF_K, 0),
                BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        };
        struct sock_fprog program = { ELEMENTSOF(filter), filter };

        if (!landlock) /* how system calls ended is of interest only for its records */
                filter[4].jt = 0;
        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

/* The descriptor, or -errno. */
static int join(bool landlock) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK,
                .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1) };
        int size = RECEIVE_BUFFER;

        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
        if (fd < 0)
                return -errno;
        int r = set_filter(fd, landlock);
        if (r < 0)
                return r;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* ---- the kernel's setting ---- */

/* Is the kernel's audit switched on? 0 or 1; -errno where it does not say. */
static int audit_is_on(void) {
        struct nlmsghdr request = {
                .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = AUDIT_GET, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK
        };
        struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        union {
                struct nlmsghdr header;
                char bytes[1024];
        } m;

        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
        if (fd < 0 || sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *)&kernel,
                              sizeof(kernel)) < 0)
                return -errno;
        /* An acknowledgement, and the answer, in either order. */
        for (int i = 0; i < 2; i++) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                if (poll(&p, 1, ANSWER_MS) <= 0)
                        return -ETIMEDOUT;
                ssize_t n = recv(fd, &m, sizeof(m), MSG_DONTWAIT);
                if (n < (ssize_t)NLMSG_HDRLEN)
                        return -EBADMSG;
                if (m.header.nlmsg_type == NLMSG_ERROR &&
                        n >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
                        const struct nlmsgerr *e = NLMSG_DATA(&m.header);
                        if (e->error < 0)
                                return e->error;
                }
                /* The structure grew over time; its first two numbers were always there. */
                if (m.header.nlmsg_type == AUDIT_GET && n >= (ssize_t)NLMSG_LENGTH(2 * sizeof(uint32_t))) {
                        const struct audit_status *s = NLMSG_DATA(&m.header);
                        return s->enabled > 0;
                }
        }
        return -ENOMSG;
}

/* ---- the step ---- */

static int say_unseen(const Context *c, const char *what, const char *why) {
        char text[512];

        (void)snprintf(text, sizeof(text), "%s cannot be seen: %s", what, why);
        report_message(c, LOG_NOTICE, MESSAGE_ID_DENIALS_UNSEEN, text);
        return 0;
}

static const char *why_not(int error) {
        switch (error) {
        case -EPERM:
                return "the kernel's audit records need the capability CAP_AUDIT_READ, which the service "
                       "manager "
                       "of the system has and a user's has not";
        case -EPROTONOSUPPORT:
                return "the kernel has no audit (CONFIG_AUDIT)";
        default:
                return strerror(-error);
        }
}

/* What makes the records of others look like ours, or ours unreadable. NULL: nothing. */
static const char *why_not_exact(const Denials *d) {
        if (!link_is("/proc/self/ns/pid", FIRST_PID_NAMESPACE) ||
                !link_is("/proc/self/ns/user", FIRST_USER_NAMESPACE))
                return "in a container, the kernel's audit records are of other process and user ids";
        if (!in_host_network())
                return "the kernel sends its audit records to the host's network namespace alone";
        if (d->last_id == 0 && (!d->cgroup || streq(d->cgroup, "/")))
                return "the service has neither ids nor a cgroup of its own by which to tell its records";
        return NULL;
}

static void say_what_of_landlock(const Context *c) {
        if (landlock_abi() < LANDLOCK_ABI_AUDIT)
                (void)say_unseen(c, "what Landlock denies", "the kernel tells of it from Linux 6.15 on");
        else if (audit_is_on() == 0)
                (void)say_unseen(c, "what Landlock denies",
                        "the kernel's audit is off; audit=1 on its command line or an audit daemon switches "
                        "it on");
}

int step_denials(Context *c) {
        _cleanup_(denials_freep) Denials *d = calloc(1, sizeof(*d));
        struct timespec now;

        if (!d)
                return step_fail(c, -ENOMEM, "out of memory");
        d->fd = -EBADF;
        if (c->spec->id_base > 0) {
                d->first_id = c->spec->id_base;
                d->last_id = c->spec->id_base + SPEC_ID_COUNT - 1;
        } else
                d->cgroup = denials_cgroup_of(0);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        d->window_start = now.tv_sec * 1000LL;

        d->fd = join(landlock_abi() >= LANDLOCK_ABI_AUDIT);
        const char *why = d->fd < 0 ? why_not(d->fd) : why_not_exact(d);
        if (why)
                return say_unseen(c, "denials", why);
        say_what_of_landlock(c);
        c->denials = TAKE_PTR(d);
        return 0;
}
