/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Architectures, system call numbers and argument widths. The only file that knows libseccomp, and it uses
 * the library's name table alone: the program is laid out by seccomp-compile.c.
 */
#include "seccomp-arch.h"

#include <linux/audit.h>
#include <seccomp.h>

#include "nearest.h"

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

/* The others that the OCI runtime specification lists: accepted in a profile, never compiled. */
static const char *const other_oci_archs[] = {
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X32",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_MIPS",
        "SCMP_ARCH_MIPS64",
        "SCMP_ARCH_MIPS64N32",
        "SCMP_ARCH_MIPSEL",
        "SCMP_ARCH_MIPSEL64",
        "SCMP_ARCH_MIPSEL64N32",
        "SCMP_ARCH_PPC",
        "SCMP_ARCH_PPC64",
        "SCMP_ARCH_PPC64LE",
        "SCMP_ARCH_S390",
        "SCMP_ARCH_S390X",
        "SCMP_ARCH_PARISC",
        "SCMP_ARCH_PARISC64",
        "SCMP_ARCH_RISCV64",
        "SCMP_ARCH_LOONGARCH64",
        "SCMP_ARCH_M68K",
        "SCMP_ARCH_SH",
        "SCMP_ARCH_SHEB",
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
        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                if (streq(a->oci_name, name))
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(other_oci_archs); i++)
                if (streq(other_oci_archs[i], name))
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
} recent_syscalls[] = {
        { "cachestat", 451 },
        { "fchmodat2", 452 },
        { "map_shadow_stack", 453 },
        { "futex_wake", 454 },
        { "futex_wait", 455 },
        { "futex_requeue", 456 },
        { "statmount", 457 },
        { "listmount", 458 },
        { "lsm_get_self_attr", 459 },
        { "lsm_set_self_attr", 460 },
        { "lsm_list_modules", 461 },
        { "mseal", 462 },
        { "setxattrat", 463 },
        { "getxattrat", 464 },
        { "listxattrat", 465 },
        { "removexattrat", 466 },
        { "open_tree_attr", 467 },
        { "file_getattr", 468 },
        { "file_setattr", 469 },
};

int seccomp_syscall_number(const SeccompArch *arch, const char *name, uint32_t *ret_nr) {
        for (size_t i = 0; i < ELEMENTSOF(recent_syscalls); i++)
                if (streq(recent_syscalls[i].name, name)) {
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

const char *seccomp_syscall_name(
        const SeccompArch *arch, uint32_t nr, char buffer[static SECCOMP_NAME_SIZE]) {
        _cleanup_free_ char *name = NULL;
        const char *found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(recent_syscalls) && !found; i++)
                if (recent_syscalls[i].nr == nr)
                        found = recent_syscalls[i].name;
        if (!found && nr <= INT32_MAX)
                found = name = seccomp_syscall_resolve_num_arch(arch->library, (int)nr);
        if (!found || strlen(found) >= SECCOMP_NAME_SIZE)
                return NULL;
        return strcpy(buffer, found);
}

const char *seccomp_syscall_nearest(const char *name, char buffer[static SECCOMP_NAME_SIZE]) {
        char candidate[SECCOMP_NAME_SIZE];
        size_t best = SIZE_MAX;

        for (const SeccompArch *a = seccomp_archs; a->name; a++)
                for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                        if (!seccomp_syscall_name(a, nr, candidate))
                                continue;
                        size_t d = name_distance(name, candidate);
                        if (d < best) {
                                best = d;
                                strcpy(buffer, candidate);
                        }
                }
        return best != SIZE_MAX && name_is_near(best, name) ? buffer : NULL;
}

/* Bit N: the kernel declares argument N as int, unsigned, or another type of 32 bits or fewer. */
static const struct {
        const char *name;
        uint8_t arguments;
} int_arguments[] = {
#define A(n) (1U << (n))
        { "accept", A(0) },
        { "accept4", A(0) | A(3) },
        { "access", A(1) },
        { "add_key", A(4) },
        { "arch_prctl", A(0) },
        { "bind", A(0) | A(2) },
        { "bpf", A(0) | A(2) },
        { "clock_adjtime", A(0) },
        { "clock_getres", A(0) },
        { "clock_gettime", A(0) },
        { "clock_nanosleep", A(0) | A(1) },
        { "clock_settime", A(0) },
        { "clone", A(0) }, /* an unsigned long, of which the kernel takes lower_32_bits() */
        { "close", A(0) },
        { "close_range", A(0) | A(1) | A(2) },
        { "connect", A(0) | A(2) },
        { "copy_file_range", A(0) | A(2) | A(5) },
        { "creat", A(1) },
        { "dup", A(0) },
        { "dup2", A(0) | A(1) },
        { "dup3", A(0) | A(1) | A(2) },
        { "epoll_create", A(0) },
        { "epoll_create1", A(0) },
        { "epoll_ctl", A(0) | A(1) | A(2) },
        { "eventfd", A(0) },
        { "eventfd2", A(0) | A(1) },
        { "execveat", A(0) | A(4) },
        { "faccessat", A(0) | A(2) },
        { "faccessat2", A(0) | A(2) | A(3) },
        { "fallocate", A(0) | A(1) },
        { "fanotify_init", A(0) | A(1) },
        { "fanotify_mark", A(0) | A(1) | A(3) },
        { "fchmod", A(0) | A(1) },
        { "fchmodat", A(0) | A(2) },
        { "fchmodat2", A(0) | A(2) | A(3) },
        { "fchown", A(0) | A(1) | A(2) },
        { "fchownat", A(0) | A(2) | A(3) | A(4) },
        { "fcntl", A(0) | A(1) },
        { "finit_module", A(0) | A(2) },
        { "flock", A(0) | A(1) },
        { "fsconfig", A(0) | A(1) | A(4) },
        { "fsmount", A(0) | A(1) | A(2) },
        { "fsopen", A(1) },
        { "fspick", A(0) | A(2) },
        { "futex", A(1) | A(2) | A(5) },
        { "getitimer", A(0) },
        { "getpriority", A(0) | A(1) },
        { "getrandom", A(2) },
        { "getrlimit", A(0) },
        { "getsockopt", A(0) | A(1) | A(2) },
        { "inotify_add_watch", A(0) | A(2) },
        { "inotify_init1", A(0) },
        { "io_uring_enter", A(0) | A(1) | A(2) | A(3) },
        { "io_uring_register", A(0) | A(1) | A(3) },
        { "io_uring_setup", A(0) },
        { "ioctl", A(0) | A(1) },
        { "ioprio_get", A(0) | A(1) },
        { "ioprio_set", A(0) | A(1) | A(2) },
        { "kcmp", A(0) | A(1) | A(2) },
        { "keyctl", A(0) },
        { "kill", A(0) | A(1) },
        { "landlock_add_rule", A(0) | A(1) | A(3) },
        { "landlock_create_ruleset", A(2) },
        { "landlock_restrict_self", A(0) | A(1) },
        { "linkat", A(0) | A(2) | A(4) },
        { "listen", A(0) | A(1) },
        { "lseek", A(0) | A(2) },
        { "madvise", A(2) },
        { "membarrier", A(0) | A(1) | A(2) },
        { "memfd_create", A(1) },
        { "memfd_secret", A(0) },
        { "mkdirat", A(0) | A(2) },
        { "mknod", A(1) | A(2) },
        { "mknodat", A(0) | A(2) | A(3) },
        { "mlock2", A(2) },
        { "mlockall", A(0) },
        { "modify_ldt", A(0) },
        { "mount_setattr", A(0) | A(2) },
        { "move_mount", A(0) | A(2) | A(4) },
        { "mq_open", A(1) | A(2) },
        { "msgctl", A(0) | A(1) },
        { "msgget", A(0) | A(1) },
        { "msync", A(2) },
        { "name_to_handle_at", A(0) | A(4) },
        { "open", A(1) | A(2) },
        { "open_by_handle_at", A(0) | A(2) },
        { "open_tree", A(0) | A(2) },
        { "openat", A(0) | A(2) | A(3) },
        { "openat2", A(0) },
        { "perf_event_open", A(1) | A(2) | A(3) },
        { "personality", A(0) },
        { "pidfd_getfd", A(0) | A(1) | A(2) },
        { "pidfd_open", A(0) | A(1) },
        { "pidfd_send_signal", A(0) | A(1) | A(3) },
        { "pipe2", A(1) },
        { "pkey_free", A(0) },
        { "pkey_mprotect", A(3) },
        { "prctl", A(0) },
        { "prlimit64", A(0) | A(1) },
        { "quotactl", A(0) | A(2) },
        { "quotactl_fd", A(0) | A(1) | A(2) },
        { "reboot", A(0) | A(1) | A(2) },
        { "recvfrom", A(0) | A(3) },
        { "recvmmsg", A(0) | A(2) | A(3) },
        { "recvmsg", A(0) | A(2) },
        { "renameat2", A(0) | A(2) | A(4) },
        { "request_key", A(3) },
        { "rseq", A(1) | A(2) | A(3) },
        { "rt_sigaction", A(0) },
        { "rt_sigprocmask", A(0) },
        { "sched_setattr", A(0) | A(2) },
        { "sched_setscheduler", A(0) | A(1) },
        { "seccomp", A(0) | A(1) },
        { "semctl", A(0) | A(1) | A(2) },
        { "semget", A(0) | A(1) | A(2) },
        { "sendmmsg", A(0) | A(2) | A(3) },
        { "sendmsg", A(0) | A(2) },
        { "sendto", A(0) | A(3) | A(5) },
        { "set_mempolicy", A(0) },
        { "setfsgid", A(0) },
        { "setfsuid", A(0) },
        { "setgid", A(0) },
        { "setgroups", A(0) },
        { "setitimer", A(0) },
        { "setns", A(0) | A(1) },
        { "setpgid", A(0) | A(1) },
        { "setpriority", A(0) | A(1) | A(2) },
        { "setregid", A(0) | A(1) },
        { "setresgid", A(0) | A(1) | A(2) },
        { "setresuid", A(0) | A(1) | A(2) },
        { "setreuid", A(0) | A(1) },
        { "setrlimit", A(0) },
        { "setsockopt", A(0) | A(1) | A(2) | A(4) },
        { "setuid", A(0) },
        { "shmat", A(0) | A(2) },
        { "shmctl", A(0) | A(1) },
        { "shmget", A(0) | A(2) },
        { "shutdown", A(0) | A(1) },
        { "signalfd4", A(0) | A(3) },
        { "socket", A(0) | A(1) | A(2) },
        { "socketpair", A(0) | A(1) | A(2) },
        { "splice", A(0) | A(2) | A(5) },
        { "statx", A(0) | A(2) | A(3) },
        { "swapon", A(1) },
        { "sync_file_range", A(0) | A(3) },
        { "syslog", A(0) | A(2) },
        { "tee", A(0) | A(1) | A(3) },
        { "tgkill", A(0) | A(1) | A(2) },
        { "timer_create", A(0) },
        { "timerfd_create", A(0) | A(1) },
        { "timerfd_settime", A(0) | A(1) },
        { "tkill", A(0) | A(1) },
        { "umask", A(0) },
        { "umount2", A(1) },
        { "unlinkat", A(0) | A(2) },
        { "userfaultfd", A(0) },
        { "vmsplice", A(0) | A(3) },
        { "wait4", A(0) | A(2) },
        { "waitid", A(0) | A(1) | A(3) },
#undef A
};

bool seccomp_argument_is_int(const char *name, unsigned index) {
        for (size_t i = 0; i < ELEMENTSOF(int_arguments); i++)
                if (streq(int_arguments[i].name, name))
                        return int_arguments[i].arguments & (1U << index);
        return false;
}
