/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs, and how rows are written. Must not use stdio's buffers: verbs fork. */

#include "payload.h"

#include <stdarg.h>
#include <sys/syscall.h>

static const struct {
        const char *name;
        Verb *run;
} verbs[] = {
        { "allocate", verb_allocate },
        { "argv", verb_argv },
        { "chdir", verb_chdir },
        { "clock", verb_clock },
        { "connect", verb_connect },
        { "cwd", verb_cwd },
        { "daemon", verb_daemon },
        { "env", verb_env },
        { "errno-exec", verb_errno_exec },
        { "exchange", verb_exchange },
        { "exec", verb_exec },
        { "exit", verb_exit },
        { "fds", verb_fds },
        { "fill", verb_fill },
        { "fork-bomb", verb_fork_bomb },
        { "hold-exec", verb_hold_exec },
        { "hostname", verb_hostname },
        { "ids", verb_ids },
        { "int80", verb_int80 },
        { "interfaces", verb_interfaces },
        { "ioctl", verb_ioctl },
        { "keyring", verb_keyring },
        { "kill-self", verb_kill_self },
        { "linger", verb_linger },
        { "list", verb_list },
        { "mkdir", verb_mkdir },
        { "mounts", verb_mounts },
        { "naive-bind", verb_naive_bind },
        { "notify-forge", verb_notify_forge },
        { "ns", verb_ns },
        { "open", verb_open },
        { "orphans", verb_orphans },
        { "place-exec", verb_place_exec },
        { "processes", verb_processes },
        { "ptrace", verb_ptrace },
        { "read", verb_read },
        { "serve-fd", verb_serve_fd },
        { "sleep", verb_sleep },
        { "socket", verb_socket },
        { "stat", verb_stat },
        { "statfs", verb_statfs },
        { "status", verb_status },
        { "syscall", verb_syscall },
        { "trap-signals", verb_trap_signals },
        { "write", verb_write },
};

#define CALL(name)                                                                                          \
        { #name, SYS_##name }
static const struct {
        const char *name;
        long number;
} calls[] = {
        CALL(add_key),
        CALL(bind),
        CALL(bpf),
        CALL(capset),
        CALL(chroot),
        CALL(clone),
        CALL(clone3),
        CALL(close_range),
        CALL(connect),
        CALL(dup3),
        CALL(epoll_pwait),
        CALL(execve),
        CALL(fchmodat),
        CALL(fsconfig),
        CALL(fsmount),
        CALL(fsopen),
        CALL(getppid),
        CALL(io_uring_setup),
        CALL(kexec_load),
        CALL(keyctl),
        CALL(kill),
        CALL(landlock_add_rule),
        CALL(landlock_create_ruleset),
        CALL(landlock_restrict_self),
        CALL(memfd_create),
        CALL(mkdirat),
        CALL(mknodat),
        CALL(mount),
        CALL(mount_setattr),
        CALL(move_mount),
        CALL(open_by_handle_at),
        CALL(open_tree),
        CALL(openat),
        CALL(openat2),
        CALL(perf_event_open),
        CALL(pidfd_getfd),
        CALL(pidfd_open),
        CALL(pidfd_send_signal),
        CALL(pivot_root),
        CALL(ppoll),
        CALL(prctl),
        CALL(renameat2),
        CALL(request_key),
        CALL(rt_sigtimedwait),
        CALL(seccomp),
        CALL(sendmsg),
        CALL(sendto),
        CALL(setdomainname),
        CALL(setgid),
        CALL(setgroups),
        CALL(sethostname),
        CALL(setns),
        CALL(setresgid),
        CALL(setresuid),
        CALL(setsid),
        CALL(setuid),
        CALL(signalfd4),
        CALL(socket),
        CALL(swapoff),
        CALL(symlinkat),
        CALL(truncate),
        CALL(umount2),
        CALL(unlinkat),
        CALL(unshare),
        CALL(userfaultfd),
        CALL(wait4),
        CALL(waitid),
        CALL(write),
};

long syscall_number(const char *name) {
        char *end;

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (strcmp(calls[i].name, name) == 0)
                        return calls[i].number;
        long n = strtol(name, &end, 0);
        if (end == name || *end)
                broken("unknown system call");
        return n;
}

void broken(const char *what) {
        dprintf(STDERR_FILENO, "payload: %s (errno %d)\n", what, errno);
        _exit(EXIT_USAGE);
}

const char *outcome(long r) {
        return r >= 0 ? "OK" : strerrorname_np(errno) ?: "unknown";
}

static size_t escape(char *out, const char *s) {
        static const char digits[] = "0123456789abcdef";
        size_t n = 0;

        for (; *s && n < ROW_MAX; s++) {
                unsigned char c = (unsigned char)*s;
                if (c >= ' ' && c < 0x7f && c != '\\') {
                        out[n++] = (char)c;
                        continue;
                }
                memcpy(out + n, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
                n += 4;
        }
        return n;
}

void emit(const char *field, ...) {
        static char row[ROW_MAX * 8];
        size_t n = 0;
        va_list ap;

        va_start(ap, field);
        for (const char *f = field; f && n < ROW_MAX * 6; f = va_arg(ap, const char *)) {
                if (n > 0)
                        row[n++] = '\t';
                n += escape(row + n, f);
        }
        va_end(ap);
        row[n++] = '\n';
        for (size_t done = 0; done < n;) {
                ssize_t k = write(STDOUT_FILENO, row + done, n - done);
                if (k < 0 && errno != EINTR)
                        return;
                if (k > 0)
                        done += (size_t)k;
        }
}

static int run_verb(int argc, char **argv) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, argv[0]) == 0)
                        return verbs[i].run(argc, argv);
        broken(argv[0]);
}

int main(int argc, char **argv) {
        int status = 0;

        if (argc < 2)
                broken("no verb");
        for (int i = 1; i < argc;) {
                /* What runs another program hands it all the rest. */
                size_t n = strlen(argv[i]);
                bool whole = n > 5 && strcmp(argv[i] + n - 5, "-exec") == 0;
                int end = i;
                while (end < argc && (whole || strcmp(argv[end], ",") != 0))
                        end++;
                if (end == i)
                        broken("empty verb");
                char *keep = argv[end];
                argv[end] = NULL;
                status = run_verb(end - i, argv + i);
                argv[end] = keep;
                if (status == EXIT_USAGE)
                        return status;
                i = end + 1;
        }
        return status;
}
