/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's network namespace. The kernel takes as long to make one as for all other namespaces and
 * mounts together, and it can do so on another processor: a thread makes it while the mounts are made, ends,
 * and PID 1 enters what it made. Nothing else ever runs in a thread here.
 */

#include "steps.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util.h"

static pthread_t maker;

/* In the thread: a new namespace with lo up. The descriptor of the namespace, or -errno. */
static intptr_t make_namespace(void) {
        struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
                return -errno;
        int ns = ioctl(fd, SIOCGSKNS);
        return ns < 0 ? -errno : ns;
}

static void *maker_main(void *userdata _unused_) {
        return (void *)make_namespace();
}

int step_begin_network(Context *c) {
        int r = pthread_create(&maker, NULL, maker_main, NULL);

        return r != 0 ? step_fail(c, -r, "cannot start a thread for the network namespace") : 0;
}

int step_network(Context *c) {
        void *result;

        int r = pthread_join(maker, &result);
        if (r != 0)
                return step_fail(c, -r, "cannot wait for the network namespace");
        _cleanup_close_ int ns = (int)(intptr_t)result;
        if (ns < 0)
                return step_fail(c, ns, "cannot make the network namespace");
        if (setns(ns, CLONE_NEWNET) < 0)
                return step_fail(c, -errno, "cannot enter the network namespace");
        return 0;
}
