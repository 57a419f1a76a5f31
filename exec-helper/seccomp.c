/* SPDX-License-Identifier: Apache-2.0 */
/* Hands bytes to the kernel. Which bytes is decided in policies/ and compiled at build time, or by whoever
 * made the spec. */

#include "seccomp.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "agent.seccomp.h"
#include "base64.h"
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

int seccomp_load(const struct sock_fprog *program, bool log) {
        unsigned flags = log ? SECCOMP_FILTER_FLAG_LOG : 0;

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program) < 0 ? -errno : 0;
}

int seccomp_load_builtin(Mode mode, bool log) {
        return seccomp_load(&builtin[mode], log);
}

int seccomp_decode(const char *text, struct sock_fprog *ret_) {
        _cleanup_free_ void *bytes = NULL;
        size_t n;

        int r = base64_decode(text, &bytes, &n);
        if (r < 0)
                return r;
        n /= sizeof(struct sock_filter);
        if (n > BPF_MAXINSNS)
                return -E2BIG;
        *ret_ = (struct sock_fprog){ .len = (unsigned short)n, .filter = TAKE_PTR(bytes) };
        return 0;
}
