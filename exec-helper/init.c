/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a service: sets up what only the inside can, starts the workload, reaps whatever is left to it,
 * hands signals on, and ends with the workload, upon which the kernel kills all the rest. It must outlive no
 * supervisor: when the other end of the socket pair closes, it ends.
 */

#include "init.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "capabilities.h"
#include "recipe.h"
#include "steps.h"
#include "sys.h"

const int forwarded_signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, 0 };

static void send_report(const Context *c, const Report *r) {
        (void)send(c->channel, r, sizeof(*r), MSG_NOSIGNAL);
}

static void fill_failure(const Context *c, const Step *step, int error, ReportKind kind, Report *ret_) {
        *ret_ = (Report){ .kind = kind, .step = (unsigned)(step - recipe), .error = error };
        memcpy(ret_->text, c->failure, sizeof(ret_->text));
}

/* ---- the workload's process ---- */

/* Whatever a filter says of it: with an exit that is denied, a C library may try for ever. */
_noreturn_ static void end_without_fail(void) {
        (void)syscall(SYS_exit_group, EXIT_FAILURE);
        (void)syscall(SYS_exit, EXIT_FAILURE);
        __builtin_trap();
}

/*
 * The child of vfork(2): our memory, but descriptors, credentials, signals and policy of its own. What it
 * leaves in the Context we read when it has gone: to the workload by exec, or for good.
 */
__attribute__((noinline)) _noreturn_ static void payload_main(Context *c) {
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        c->payload_error = recipe_run(c, PHASE_PAYLOAD, &c->payload_step);
        end_without_fail();
}

/*
 * Starts the workload. vfork(2), since a fork would copy page tables and then pages for a child that needs
 * neither; it returns when the child has run the new program or ended, which is what we wait for anyway.
 */
static void start(Context *c) {
        Report report = { .kind = REPORT_RUNNING };

        c->payload_step = NULL;
        c->workload = vfork();
        if (c->workload == 0)
                payload_main(c);
        if (c->workload < 0) {
                c->payload_error = step_fail(c, -errno, "cannot fork");
                c->payload_step = &recipe[recipe_n - 1];
        }
        /* It had no answer: it was killed, and could not say so itself. */
        if (c->asking_filter && !c->payload_step) {
                c->payload_error = step_exec_forbidden(c, -EPERM);
                c->payload_step = &recipe[recipe_n - 1];
        }
        if (c->payload_step)
                fill_failure(c, c->payload_step, c->payload_error, REPORT_FAILED, &report);
        send_report(c, &report);
        if (c->payload_step)
                _exit(EXIT_FAILURE);
}

/* ---- the loop ---- */

/* What PID 1 needs from now on: to signal a workload of another id, and nothing else. */
static void drop_privileges(void) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (capabilities_keep_only(UINT64_C(1) << 5 /* CAP_KILL */) < 0)
                _exit(EXIT_FAILURE);
        (void)prctl(PR_SET_DUMPABLE, 0);
}

/* Takes every zombie. Where the workload is one: tells how it ended, and ends. */
static void reap(Context *c) {
        for (;;) {
                Report report = { .kind = REPORT_ENDED };
                pid_t pid = waitpid(-1, &report.status, WNOHANG);

                if (pid <= 0)
                        return;
                if (pid != c->workload)
                        continue;
                send_report(c, &report);
                _exit(EXIT_SUCCESS);
        }
}

static void take_order(Context *c) {
        Order order;
        ssize_t n = recv(c->channel, &order, sizeof(order), MSG_DONTWAIT);

        if (n == sizeof(order))
                (void)kill(c->workload, order.signal);
        else if (n == 0)
                _exit(EXIT_FAILURE); /* no supervisor any more */
}

_noreturn_ static void loop(Context *c) {
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGCHLD);
        int children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (children < 0)
                _exit(EXIT_FAILURE);

        struct pollfd fds[] = { { .fd = children, .events = POLLIN },
                { .fd = c->channel, .events = POLLIN } };
        for (;;) {
                struct signalfd_siginfo info;

                reap(c);
                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        _exit(EXIT_FAILURE);
                while (read(children, &info, sizeof(info)) > 0)
                        ;
                if (fds[1].revents)
                        take_order(c);
        }
}

void init_main(Context *c) {
        const Step *step;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!(c->spec->namespaces & NAMESPACE_PID))
                (void)prctl(PR_SET_CHILD_SUBREAPER, 1);

        int r = recipe_run(c, PHASE_INIT, &step);
        if (r < 0) {
                Report report;
                fill_failure(c, step, r, REPORT_FAILED, &report);
                send_report(c, &report);
                _exit(EXIT_FAILURE);
        }

        start(c);
        free(c->filter);
        for (size_t i = 0; i < c->plan.n; i++)
                c->plan.mounts[i].fd = close_fd(c->plan.mounts[i].fd);
        for (unsigned i = 0; i < c->n_listen; i++)
                close_fd(LISTEN_FD_FIRST + (int)i);
        drop_privileges();
        loop(c);
}
