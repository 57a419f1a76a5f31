/* SPDX-License-Identifier: Apache-2.0 */
/* Hands bytes to the kernel. Which bytes is decided in policies/ and compiled at build time. */

#include "seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "default.seccomp.h"

int seccomp_load(const char *profile) {
        struct sock_fprog program = {
                .len = ELEMENTSOF(seccomp_default),
                .filter = (struct sock_filter *)seccomp_default,
        };

        if (!streq(profile, "default"))
                return -ENOENT;
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
