/* SPDX-License-Identifier: Apache-2.0 */
/* Hands bytes to the kernel. Which bytes is decided in policies/ and compiled at build time. */

#include "seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "agent.seccomp.h"
#include "production.seccomp.h"
#include "strict-agent.seccomp.h"

#define PROGRAM(array)                                                                                      \
        { .len = ELEMENTSOF(array), .filter = (struct sock_filter *)array }
static const struct sock_fprog builtin[] = {
        [MODE_AGENT] = PROGRAM(seccomp_agent),
        [MODE_STRICT_AGENT] = PROGRAM(seccomp_strict_agent),
        [MODE_PRODUCTION] = PROGRAM(seccomp_production),
};
_Static_assert(ELEMENTSOF(builtin) == _MODE_MAX, "one program a tier");

int seccomp_load_builtin(Mode mode) {
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &builtin[mode]) < 0 ? -errno : 0;
}
