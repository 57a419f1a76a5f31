/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of things, since every system call of a traced process waits for the supervisor:
 *
 * 1. The workload's process loads the filter that tells of all calls. It cannot hand over the filter's
 *    descriptor afterwards by a call that waits for its receiver, so that one sendmsg(2) is let through
 *    without a word, known by its own arguments.
 * 2. The supervisor is in its loop by then, and init waits in vfork(2) for no longer than the exec takes: it
 *    is not asked for anything.
 * 3. The tier's filter comes second, so that no policy can forbid step 1, and holds none the less: of two
 *    filters' answers the kernel takes the stricter. Counting begins behind it, where the calls are those
 * that a policy must allow.
 * 4. Whoever is killed stops waiting; and where the supervisor dies, init and all below it do.
 *
 * Letting a call go on is no decision about it: the tier's filter and all else have had their say. Must
 * never run for another tier.
 */

#include "trace.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <syslog.h>

#include "audit-record.h"
#include "init.h"
#include "message-id.h"
#include "report.h"
#include "seccomp-trace-file.h"
#include "steps.h"
#include "sys.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define CALLS_MAX 4096U /* numbers are the workload's to choose */
#define X32_BIT 0x40000000U

struct Trace {
        int file;
        int listener; /* -EBADF: not there yet, or nobody is left */
        bool counting;
        SeccompTrace counts;
};

Trace *trace_free(Trace *t) {
        if (!t)
                return NULL;
        close_fd(t->file);
        close_fd(t->listener);
        seccomp_trace_done(&t->counts);
        free(t);
        return NULL;
}

/* ---- the file ---- */

static int open_file(Context *c, const char *path) {
        struct stat st;
        /* Not to wait for the reader of a FIFO. */
        _cleanup_close_ int fd =
                open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

        if (fd < 0)
                return step_fail(c, -errno, "cannot open the trace %s for writing", path);
        if (fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at the trace %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != c->caller_uid || st.st_nlink != 1)
                return step_fail(
                        c, -EEXIST, "the trace %s is no regular file of the caller with one name", path);
        if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
                return step_fail(c, -errno, "cannot empty the trace %s", path);
        return TAKE_FD(fd);
}

int step_trace_file(Context *c) {
        _cleanup_(trace_freep) Trace *t = calloc(1, sizeof(*t));
        struct utsname name;

        if (!t)
                return step_fail(c, -ENOMEM, "out of memory");
        t->listener = -EBADF;
        t->file = open_file(c, c->spec->seccomp_trace);
        if (t->file < 0)
                return t->file;
        (void)uname(&name);
        t->counts.architecture = strdup(name.machine);
        t->counts.kernel = strdup(name.release);
        if (!t->counts.architecture || !t->counts.kernel)
                return step_fail(c, -ENOMEM, "out of memory");
        STRV_FOREACH(argument, c->spec->arguments)
        if (strv_append(&t->counts.command, argument) < 0)
                return step_fail(c, -ENOMEM, "out of memory");
        c->trace = TAKE_PTR(t);
        return 0;
}

static int write_all(int fd, const char *text) {
        size_t n = strlen(text);

        if (ftruncate(fd, 0) < 0)
                return -errno;
        for (size_t done = 0; done < n;) {
                ssize_t k = pwrite(fd, text + done, n - done, (off_t)done);
                if (k < 0 && errno != EINTR)
                        return -errno;
                done += k > 0 ? (size_t)k : 0;
        }
        return 0;
}

void trace_write(Context *c) {
        _cleanup_free_ char *text = NULL;
        char message[512];

        int r = seccomp_trace_format(&c->trace->counts, &text);
        if (r >= 0)
                r = write_all(c->trace->file, text);
        if (r >= 0)
                return;
        (void)snprintf(message, sizeof(message), "cannot write the trace %s: %s", c->spec->seccomp_trace,
                strerror(-r));
        report_one_line(message);
        report_message(c, LOG_ERR, MESSAGE_ID_TRACE_LOST, message);
}

/* ---- the workload's process ---- */

/* Tells of every call but sendmsg(channel, message, flags) with exactly these arguments. */
static long load_filter(int channel, const struct msghdr *message, int flags) {
        enum { NR = offsetof(struct seccomp_data, nr), ARGS = offsetof(struct seccomp_data, args) };
        const uint64_t address = (uint64_t)(uintptr_t)message;
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 9),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)channel, 0, 7),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 8),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)address, 0, 5),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 12),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(address >> 32), 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 16),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)flags, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        };
        struct sock_fprog program = { ELEMENTSOF(filter), filter };
        unsigned long listen = SECCOMP_FILTER_FLAG_NEW_LISTENER;

        /* Once the supervisor has taken a call in hand, a signal makes it neither begin anew nor count
         * twice. */
        long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                listen | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
        if (fd < 0 && errno == EINVAL)
                fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen, &program);
        return fd < 0 ? -errno : fd;
}

int step_seccomp_trace(Context *c) {
        const int flags = MSG_NOSIGNAL;
        Report report = { .kind = REPORT_TRACED };
        struct iovec iov = { &report, sizeof(report) };
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));

        long fd = load_filter(c->channel, &message, flags);
        if (fd == -EBUSY)
                return step_fail(c, -EBUSY, "the caller is traced by a seccomp listener of its own already");
        if (fd < 0)
                return step_fail(c, (int)fd, "cannot load a filter that traces");
        memcpy(CMSG_DATA(header), &(int){ (int)fd }, sizeof(int));
        if (syscall(SYS_sendmsg, c->channel, &message, flags) < 0)
                return step_fail(c, -errno, "cannot hand the trace to the supervisor");
        return 0; /* exec closes our copy */
}

/* ---- the supervisor ---- */

void trace_listen(Trace *t, int fd) {
        close_fd(t->listener);
        t->listener = fd;
        /* From Linux 6.6 on: who calls and who answers take turns on one processor, which is faster. */
        (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

int trace_fd(const Trace *t) {
        return t->listener;
}

static void count(Trace *t, const struct seccomp_data *call) {
        /* The first that loads a filter is the tier's, by the process that becomes the workload. */
        if (!t->counting) {
                t->counting = call->nr == SYS_seccomp && call->args[0] == SECCOMP_SET_MODE_FILTER;
                return;
        }
        uint32_t nr = (uint32_t)call->nr;
        bool foreign =
                call->arch != AUDIT_ARCH_NATIVE || (call->arch == AUDIT_ARCH_X86_64 && (nr & X32_BIT));
        if (t->counts.n_calls < CALLS_MAX)
                (void)seccomp_trace_add(&t->counts, foreign ? call->arch : 0, nr, 1);
}

void trace_take(Trace *t, int events) {
        struct seccomp_notif call = {};

        if (!(events & POLLIN)) {
                t->listener = close_fd(t->listener); /* nobody is left who could call */
                return;
        }
        /* ENOENT: killed meanwhile. */
        if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
                return;
        count(t, &call.data);
        struct seccomp_notif_resp answer = { .id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
        (void)ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
