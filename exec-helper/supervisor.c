/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: runs the host's steps, then waits. It stays in the host's namespaces, holds the only way
 * to the service manager, and believes nothing of a service but init's word on its own socket and the
 * kernel's on the death of init.
 */

#include "supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>

#include "denials.h"
#include "init.h"
#include "message-id.h"
#include "notify.h"
#include "recipe.h"
#include "report.h"
#include "sys.h"
#include "trace.h"

/* A wait status: of an exit, and of a death by a signal. */
#define STATUS_OF_EXIT(code) ((int)(code) << 8)
#define STATUS_OF_SIGNAL(sig) (sig)

/* Ends init, and with it everything in its PID namespace. Returns init's wait status. */
static int end_init(Context *c) {
        int status = 0;

        if (c->init_pid <= 0)
                return 0;
        (void)kill(c->init_pid, SIGKILL);
        while (waitpid(c->init_pid, &status, 0) < 0 && errno == EINTR)
                ;
        c->init_pid = 0;
        return status;
}

/* Dies as the workload did, without a core file of ours. */
static int die_of(int sig) {
        const struct rlimit none = {};
        sigset_t set;

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(sig, SIG_DFL);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, sig);
        (void)raise(sig);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
        return 128 + sig; /* not reached, but for signals that do not kill */
}

static int end_as(int status) {
        return WIFSIGNALED(status) ? die_of(WTERMSIG(status)) : WEXITSTATUS(status);
}

/* From here on, how the service ended is a wait status, until the very end acts on it. */
static int fail(Context *c, const Step *step, int error) {
        report_failure(c, step, error);
        (void)end_init(c);
        return STATUS_OF_EXIT(step->exit_code);
}

/* init is gone without a word: killed from outside, for one by the kernel for want of memory. */
static int init_lost(Context *c) {
        int status = 0;
        char text[128];

        while (waitpid(c->init_pid, &status, 0) < 0 && errno == EINTR)
                ;
        c->init_pid = 0;
        (void)snprintf(text, sizeof(text), "the service's PID 1 ended before the workload (%s %d)",
                WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        report_message(c, LOG_ERR, MESSAGE_ID_INIT_LOST, text);
        return WIFSIGNALED(status) ? status : STATUS_OF_EXIT(EXIT_CODE_NAMESPACE);
}

/* One datagram of init, with the descriptor that comes with REPORT_TRACED. */
static ssize_t receive(Context *c, Report *ret_, int *ret_fd) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec iov = { ret_, sizeof(*ret_) };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        ssize_t n = recvmsg(c->channel, &m, MSG_CMSG_CLOEXEC);
        const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
        if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
                h->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(ret_fd, CMSG_DATA(h), sizeof(int));
        return n;
}

/* Takes one report. True: the service is over, *ret_ is the wait status to end with. */
static bool take_report(Context *c, bool *running, int *ret_) {
        _cleanup_close_ int fd = -EBADF;
        Report report;
        ssize_t n = receive(c, &report, &fd);

        if (n < 0 && errno == EINTR)
                return false;
        if (n != sizeof(report) || report.step >= recipe_n) {
                *ret_ = init_lost(c);
                return true;
        }
        report.text[sizeof(report.text) - 1] = '\0';
        memcpy(c->failure, report.text, sizeof(c->failure));

        switch (report.kind) {
        case REPORT_DEGRADED:
                report_degradation(c, &recipe[report.step], report.error);
                return false;
        case REPORT_RUNNING:
                *running = true;
                if (c->trace)
                        trace_begin(c->trace);
                (void)notify_send(c->notify_socket, "READY=1\nSTATUS=Running");
                return false;
        case REPORT_TRACED:
                if (c->trace && fd >= 0)
                        trace_listen(c->trace, TAKE_FD(fd));
                return false;
        case REPORT_FAILED:
                *ret_ = fail(c, &recipe[report.step], report.error);
                return true;
        case REPORT_ENDED:
                (void)end_init(c);
                (void)notify_send(c->notify_socket,
                        denials_killed(report.status) ? "STATUS=Killed by its system call policy (SIGSYS)"
                                                      : "STATUS=Ended");
                *ret_ = report.status;
                return true;
        }
        *ret_ = init_lost(c);
        return true;
}

/* Takes one signal. True: the service is over. */
static bool take_signal(Context *c, int fd, bool running, int *ret_) {
        struct signalfd_siginfo info;

        if (read(fd, &info, sizeof(info)) != sizeof(info))
                return false;

        int sig = (int)info.ssi_signo;
        if (!running) {
                if (sig != SIGTERM && sig != SIGINT && sig != SIGHUP && sig != SIGQUIT)
                        return false;
                (void)end_init(c);
                *ret_ = STATUS_OF_SIGNAL(sig);
                return true;
        }
        Order order = { .signal = sig };
        (void)send(c->channel, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT);
        /* What has been learnt is kept even where the stop takes too long, and we are killed. */
        if (c->trace)
                trace_write(c);
        return false;
}

static int loop(Context *c) {
        bool running = false;
        sigset_t mask;
        int ret = 0;

        (void)sigemptyset(&mask);
        for (const int *s = forwarded_signals; *s; s++)
                (void)sigaddset(&mask, *s);
        _cleanup_close_ int signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signals < 0) {
                (void)step_fail(c, -errno, "cannot watch signals");
                return fail(c, &recipe[0], -errno);
        }

        struct pollfd fds[] = { { .fd = c->channel, .events = POLLIN }, { .fd = signals, .events = POLLIN },
                { .fd = -1, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
        for (;;) {
                fds[2].fd = c->denials ? denials_fd(c->denials) : -1;
                fds[3].fd = c->trace ? trace_fd(c->trace) : -1;
                if (poll(fds, ELEMENTSOF(fds), c->denials ? denials_timeout(c->denials) : -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        int error = step_fail(c, -errno, "cannot wait for the service");
                        (void)fail(c, &recipe[recipe_n - 1], error);
                        return STATUS_OF_EXIT(EXIT_CODE_NAMESPACE);
                }
                if (fds[0].revents && take_report(c, &running, &ret))
                        return ret;
                if (fds[1].revents && take_signal(c, signals, running, &ret))
                        return ret;
                if (c->denials)
                        denials_take(c);
                if (fds[3].revents)
                        trace_take(c->trace, fds[3].revents);
        }
}

/* Runs the service to its end; its wait status. */
static int run(Context *c) {
        const Step *step;

        int r = recipe_run(c, PHASE_HOST, &step);
        if (r < 0)
                return fail(c, step, r);

        /* The inside has its copies of these. */
        for (size_t i = 0; i < c->plan.n; i++)
                c->plan.mounts[i].fd = close_fd(c->plan.mounts[i].fd);
        for (unsigned i = 0; i < c->n_listen; i++)
                close_fd(LISTEN_FD_FIRST + (int)i);
        return loop(c);
}

int supervise(Context *c) {
        int status = run(c);

        if (c->denials)
                denials_finish(c);
        if (c->trace)
                trace_write(c);
        denials_report_death(c, status);
        c->denials = denials_free(c->denials);
        c->trace = trace_free(c->trace);
        return end_as(status);
}
