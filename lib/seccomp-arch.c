/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Architectures and system call numbers. The only file that knows libseccomp, and it uses the library's name
 * table alone: the program is laid out by seccomp-compile.c.
 */
#include "seccomp-arch.h"

#include <ctype.h>
#include <linux/audit.h>
#include <seccomp.h>

#include "nearest.h"
#include "seccomp-words.h"

const SeccompArch seccomp_archs[] = {
        {
                .name = "x86_64",
                .oci_name = "SCMP_ARCH_X86_64",
                .go_name = "amd64",
                .macro = "__x86_64__",
                .audit_arch = AUDIT_ARCH_X86_64,
                .library = SCMP_ARCH_X86_64,
                .foreign_bit = 0x40000000, /* x32 reports the same audit architecture */
        },
        {
                .name = "aarch64",
                .oci_name = "SCMP_ARCH_AARCH64",
                .go_name = "arm64",
                .macro = "__aarch64__",
                .audit_arch = AUDIT_ARCH_AARCH64,
                .library = SCMP_ARCH_AARCH64,
        },
        {},
};

const SeccompArch *seccomp_arch_find(const char *name) {
        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                if (streq(a->name, name) || streq(a->oci_name, name) || streq(a->go_name, name))
                        return a;
        return NULL;
}

const SeccompArch *seccomp_arch_this(void) {
        uint32_t native = seccomp_arch_native();
        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                if (a->library == native)
                        return a;
        return NULL;
}

bool seccomp_arch_oci_known(const char *name) {
        for (size_t i = 0; seccomp_oci_arch_words[i]; i++)
                if (streq(seccomp_oci_arch_words[i], name))
                        return true;
        return false;
}

/*
 * Calls that the libseccomp of a stable distribution may not know yet. From 424 on, Linux gives a new call
 * the same number everywhere, so that one column does.
 */
static const struct {
        const char *name;
        uint32_t nr;
        const char *arch; /* the kernel's name of the one machine that has it; NULL: all */
} recent_syscalls[] = {
        { "riscv_hwprobe", 258, "riscv64" },
        { "uretprobe", 335, "x86_64" },
        { "uprobe", 336, "x86_64" },
        { "cachestat", 451, NULL },
        { "fchmodat2", 452, NULL },
        { "map_shadow_stack", 453, NULL },
        { "futex_wake", 454, NULL },
        { "futex_wait", 455, NULL },
        { "futex_requeue", 456, NULL },
        { "statmount", 457, NULL },
        { "listmount", 458, NULL },
        { "lsm_get_self_attr", 459, NULL },
        { "lsm_set_self_attr", 460, NULL },
        { "lsm_list_modules", 461, NULL },
        { "mseal", 462, NULL },
        { "setxattrat", 463, NULL },
        { "getxattrat", 464, NULL },
        { "listxattrat", 465, NULL },
        { "removexattrat", 466, NULL },
        { "open_tree_attr", 467, NULL },
        { "file_getattr", 468, NULL },
        { "file_setattr", 469, NULL },
};

static bool is_recent_on(size_t i, const SeccompArch *arch) {
        return !recent_syscalls[i].arch || streq(recent_syscalls[i].arch, arch->name);
}

int seccomp_syscall_number(const SeccompArch *arch, const char *name, uint32_t *ret_nr) {
        for (size_t i = 0; i < ELEMENTSOF(recent_syscalls); i++)
                if (streq(recent_syscalls[i].name, name)) {
                        if (!is_recent_on(i, arch))
                                return -EOPNOTSUPP;
                        *ret_nr = recent_syscalls[i].nr;
                        return 0;
                }

        int nr = seccomp_syscall_resolve_name_arch(arch->library, name);
        if (nr == __NR_SCMP_ERROR)
                return -ENOENT;
        if (nr < 0)
                return -EOPNOTSUPP; /* libseccomp's own negative numbers for calls of other machines */
        *ret_nr = (uint32_t)nr;
        return 0;
}

/* Calls of older or 32-bit machines, and what their purpose has for a name where they do not exist. */
static const struct {
        const char *name, *here;
} other_names[] = {
        { "clock_getres_time64", "clock_getres" },
        { "clock_gettime64", "clock_gettime" },
        { "clock_nanosleep_time64", "clock_nanosleep" },
        { "clock_settime64", "clock_settime" },
        { "fadvise64_64", "fadvise64" },
        { "fcntl64", "fcntl" },
        { "fstatat64", "newfstatat" },
        { "fstatfs64", "fstatfs" },
        { "ftruncate64", "ftruncate" },
        { "futex_time64", "futex" },
        { "mmap2", "mmap" },
        { "mq_timedreceive_time64", "mq_timedreceive" },
        { "mq_timedsend_time64", "mq_timedsend" },
        { "ppoll_time64", "ppoll" },
        { "pselect6_time64", "pselect6" },
        { "recvmmsg_time64", "recvmmsg" },
        { "rt_sigtimedwait_time64", "rt_sigtimedwait" },
        { "sched_rr_get_interval_time64", "sched_rr_get_interval" },
        { "semtimedop_time64", "semtimedop" },
        { "sendfile64", "sendfile" },
        { "statfs64", "statfs" },
        { "timer_gettime64", "timer_gettime" },
        { "timer_settime64", "timer_settime" },
        { "timerfd_gettime64", "timerfd_gettime" },
        { "timerfd_settime64", "timerfd_settime" },
        { "truncate64", "truncate" },
        { "umount", "umount2" },
        { "utimensat_time64", "utimensat" },
};

const char *seccomp_syscall_here(const SeccompArch *arch, const char *name) {
        uint32_t nr;

        if (seccomp_syscall_number(arch, name, &nr) != -EOPNOTSUPP)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(other_names); i++)
                if (streq(other_names[i].name, name) &&
                        seccomp_syscall_number(arch, other_names[i].here, &nr) == 0)
                        return other_names[i].here;
        return NULL;
}

const char *seccomp_syscall_name(
        const SeccompArch *arch, uint32_t nr, char buffer[static SECCOMP_NAME_SIZE]) {
        _cleanup_free_ char *name = NULL;
        const char *found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(recent_syscalls) && !found; i++)
                if (recent_syscalls[i].nr == nr && is_recent_on(i, arch))
                        found = recent_syscalls[i].name;
        if (!found && nr <= INT32_MAX)
                found = name = seccomp_syscall_resolve_num_arch(arch->library, (int)nr);
        if (!found || strlen(found) >= SECCOMP_NAME_SIZE)
                return NULL;
        return strcpy(buffer, found);
}

const char *seccomp_syscall_nearest(const char *name, char buffer[static SECCOMP_NAME_SIZE]) {
        char candidate[SECCOMP_NAME_SIZE], lower[SECCOMP_NAME_SIZE] = {};
        size_t best = SIZE_MAX;

        for (size_t i = 0; name[i] && i < sizeof(lower) - 1; i++)
                lower[i] = (char)tolower((unsigned char)name[i]);

        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                        if (!seccomp_syscall_name(a, nr, candidate))
                                continue;
                        size_t d = name_distance(lower, candidate);
                        if (d < best) {
                                best = d;
                                strcpy(buffer, candidate);
                        }
                }
        return best != SIZE_MAX && name_is_near(best, name) ? buffer : NULL;
}
