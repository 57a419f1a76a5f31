/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of `nucleus seccomp trace`. Must never answer a call with anything but "go on": what is
 * looked at is what the program does by itself.
 *
 * Once its filter is loaded, the child cannot make a call that does not wait for us, and we cannot answer
 * before we have the listener. So the filter lets one call through: the sendmsg(2) that hands the listener
 * over, known by random numbers in the registers that sendmsg(2) does not read.
 */

#include "nucleus-seccomp-supervisor.h"

#include "nucleus.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Of newer kernels; without them all is the same, but slower, or counted twice around a signal. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define LEFT_BEHIND_MS 1000 /* others may end a little after the command */

/* ---- in the child ---- */

#define ARGUMENT_LOW(i) ((uint32_t)offsetof(struct seccomp_data, args[i]))
#define N_SECRETS 3U

typedef struct Secrets {
        uint64_t words[N_SECRETS];
} Secrets;

/* All calls ask, but for sendmsg(2) with the secrets in arguments 3 to 5. Both architectures have the low
 * half first. */
static int load_filter(const Secrets *secrets) {
        struct sock_filter filter[2 + 4 * N_SECRETS + 2];
        const unsigned n = ELEMENTSOF(filter);
        unsigned i = 0;

        filter[i++] = (struct sock_filter)BPF_STMT(
                BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr));
        filter[i++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, (uint8_t)(n - 3));
        for (unsigned k = 0; k < 2 * N_SECRETS; k++) {
                uint32_t half = (uint32_t)(secrets->words[k / 2] >> (k % 2 ? 32 : 0));

                filter[i++] = (struct sock_filter)BPF_STMT(
                        BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(3 + k / 2) + (k % 2 ? 4 : 0));
                filter[i] = (struct sock_filter)BPF_JUMP(
                        BPF_JMP | BPF_JEQ | BPF_K, half, 0, (uint8_t)(n - 2 - i));
                i++;
        }
        filter[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        filter[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);

        struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };
        long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
        if (fd < 0 && errno == EINVAL)
                fd = syscall(
                        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        return (int)fd;
}

typedef union Control {
        struct cmsghdr header;
        char buffer[CMSG_SPACE(sizeof(int))];
} Control;

/* The only call between the filter and execve(2): all before it is prepared earlier. */
_noreturn_ static void child(
        Supervisor *s, int socket, const Secrets *secrets, const char *path, char *const *argv) {
        char byte = 0;
        Control control = {};
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control.buffer,
                .msg_controllen = sizeof(control.buffer) };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));

        int fd = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : load_filter(secrets);
        if (fd < 0) {
                s->shared->load_error = errno;
                _exit(EXIT_FAILURE);
        }
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
        (void)syscall(SYS_sendmsg, socket, &message, MSG_NOSIGNAL, secrets->words[0], secrets->words[1],
                secrets->words[2]);
        (void)execve(path, argv, environ);
        s->shared->exec_error = errno;
        _exit(EXIT_FAILURE);
}

/* ---- the start ---- */

static int receive_listener(int socket) {
        char byte;
        Control control = {};
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control.buffer,
                .msg_controllen = sizeof(control.buffer) };
        int fd;

        ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (!header || header->cmsg_type != SCM_RIGHTS)
                return -ECHILD; /* it ended before */
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
        return fd;
}

/* Signals are read, never handled: no call of ours is interrupted. */
static int take_signals(Supervisor *s, sigset_t *ret_before) {
        static const int taken[] = { SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM };
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(taken); i++)
                sigaddset(&set, taken[i]);
        if (sigprocmask(SIG_BLOCK, &set, ret_before) < 0)
                return -errno;
        s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return s->signals < 0 ? -errno : 0;
}

static int prepare(Supervisor *s, Secrets *ret_secrets, sigset_t *ret_before) {
        void *page =
                mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (page == MAP_FAILED)
                return -errno;
        s->shared = page;
        if (getrandom(ret_secrets, sizeof(*ret_secrets), 0) != (ssize_t)sizeof(*ret_secrets))
                return -errno;
        /* What the command leaves behind becomes ours: the filter lives until its last process is reaped. */
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return -errno;
        return take_signals(s, ret_before);
}

int supervisor_start(Supervisor *s, const char *path, char *const *argv) {
        _cleanup_close_ int here = -EBADF, there = -EBADF;
        int pair[2];
        Secrets secrets;
        sigset_t before;

        int r = prepare(s, &secrets, &before);
        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        here = pair[0];
        there = pair[1];
        pid_t parent = getpid();
        s->pid = fork();
        if (s->pid < 0)
                return -errno;
        if (s->pid == 0) {
                /* Without us every call of theirs would fail: better that they end too. */
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
                if (getppid() != parent || sigprocmask(SIG_SETMASK, &before, NULL) < 0)
                        _exit(EXIT_FAILURE);
                child(s, there, &secrets, path, argv);
        }
        there = close_fd(there);
        r = receive_listener(here);
        if (r < 0)
                return s->shared->load_error ? -s->shared->load_error : r;
        s->listener = r;
        /* Wakes the caller on the processor that we run on. Since Linux 6.6, and only faster. */
        (void)ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
        return 0;
}

/* ---- counting ---- */

static int count_call(Supervisor *s, const struct seccomp_data *data) {
        uint32_t nr = (uint32_t)data->nr;
        bool foreign =
                data->arch != s->arch->audit_arch || (s->arch->foreign_bit && nr >= s->arch->foreign_bit);
        char buffer[SECCOMP_NAME_SIZE];

        SeccompTraceCall *c = seccomp_trace_add(s->trace, foreign ? data->arch : 0, nr, 1);
        if (!c)
                return -ENOMEM;
        if (foreign)
                return 0;
        if (!c->name && c->count == 1) {
                const char *name = seccomp_syscall_name(s->arch, nr, buffer);
                if (name && !(c->name = strdup(name)))
                        return -ENOMEM;
        }
        int argument = c->name ? seccomp_trace_argument(c->name) : -1;
        if (argument < 0)
                return 0;
        uint64_t value = data->args[argument];
        if (seccomp_argument_is_int(c->name, (unsigned)argument))
                value = (uint32_t)value;
        return seccomp_trace_add_value(c, (unsigned)argument, value, 1);
}

typedef struct Notification {
        struct seccomp_notif *request;
        struct seccomp_notif_resp *response;
        size_t request_size, response_size;
} Notification;

static void notification_done(Notification *n) {
        free(n->request);
        free(n->response);
}

/* The kernel may know longer structures than our headers. */
static int notification_init(Notification *n) {
        struct seccomp_notif_sizes sizes;

        if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
                return -errno;
        n->request_size =
                sizes.seccomp_notif > sizeof(*n->request) ? sizes.seccomp_notif : sizeof(*n->request);
        n->response_size = sizes.seccomp_notif_resp > sizeof(*n->response) ? sizes.seccomp_notif_resp
                                                                           : sizeof(*n->response);
        n->request = malloc(n->request_size);
        n->response = malloc(n->response_size);
        return n->request && n->response ? 0 : -ENOMEM;
}

/* Counts one call and lets it go on. A caller that has died meanwhile is no error. */
static int handle_call(Supervisor *s, const Notification *n) {
        memset(n->request, 0, n->request_size);
        if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, n->request) < 0)
                return errno == ENOENT || errno == EINTR ? 0 : -errno;

        int r = count_call(s, &n->request->data);
        if (r < 0 && s->count_error == 0)
                s->count_error = r;
        memset(n->response, 0, n->response_size);
        n->response->id = n->request->id;
        n->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, n->response) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

/* ---- processes and signals ---- */

static void reap(Supervisor *s) {
        pid_t pid;
        int status;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                if (pid == s->pid) {
                        s->status = status;
                        s->ended = true;
                }
}

/* Those that the command left behind are our children. */
static void signal_children(int sig) {
        char path[64];
        int pid;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        while (f && fscanf(f, "%d", &pid) == 1)
                (void)kill(pid, sig);
}

static void end_signal(Supervisor *s, const struct signalfd_siginfo *info) {
        int sig = (int)info->ssi_signo;

        if (s->ended) {
                signal_children(s->asked ? SIGKILL : sig);
                s->leave = s->asked;
                s->asked = true;
        } else if (info->ssi_code <= 0) /* of the terminal's own the command has one too */
                (void)kill(s->pid, sig);
}

static void handle_signals(Supervisor *s) {
        struct signalfd_siginfo info;

        while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
                if (info.ssi_signo == SIGCHLD)
                        reap(s);
                else
                        end_signal(s, &info);
}

static void say_left_behind(Supervisor *s) {
        s->said = true;
        print_warning("the command has ended, but processes that it left behind still run: waiting for them "
                      "(Ctrl+C ends them)");
}

int supervisor_run(Supervisor *s) {
        _cleanup_(notification_done) Notification n = {};
        int r = notification_init(&n);

        while (r >= 0 && !s->leave) {
                struct pollfd fds[] = { { .fd = s->listener, .events = POLLIN },
                        { .fd = s->signals, .events = POLLIN } };
                int ready = poll(fds, ELEMENTSOF(fds), s->ended && !s->said ? LEFT_BEHIND_MS : -1);

                if (ready < 0)
                        return -errno;
                if (ready == 0)
                        say_left_behind(s);
                if (fds[1].revents)
                        handle_signals(s);
                if (fds[0].revents & POLLIN)
                        r = handle_call(s, &n);
                else if (fds[0].revents) /* nobody is left who could call */
                        break;
        }
        if (r >= 0 && !s->ended && waitpid(s->pid, &s->status, 0) == s->pid)
                s->ended = true;
        return r < 0 ? r : s->count_error;
}

void supervisor_done(Supervisor *s) {
        s->listener = close_fd(s->listener);
        s->signals = close_fd(s->signals);
        if (s->shared)
                (void)munmap(s->shared, sizeof(*s->shared));
        s->shared = NULL;
}
