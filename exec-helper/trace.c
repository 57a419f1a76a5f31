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
#include "io.h"
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

#define X32_BIT 0x40000000U

struct Trace {
        int directory;         /* that the trace is in */
        char *name, *new_name; /* in it */
        int file;              /* new_name, not yet the trace; -EBADF: none */
        int listener;          /* -EBADF: not there yet, or nobody is left */
        bool counting, running;
        SeccompTrace counts;
};

/* The file beside the trace, where it is not to become it. */
static void forget_new(Trace *t) {
        if (t->file >= 0)
                (void)unlinkat(t->directory, t->new_name, 0);
        t->file = close_fd(t->file);
}

Trace *trace_free(Trace *t) {
        if (!t)
                return NULL;
        forget_new(t);
        close_fd(t->directory);
        close_fd(t->listener);
        free(t->name);
        free(t->new_name);
        seccomp_trace_done(&t->counts);
        free(t);
        return NULL;
}

/* ---- the file ---- */

/* Makes the file beside the trace that is to become it. One that is there is left of somebody killed. */
static int open_new(Trace *t) {
        (void)unlinkat(t->directory, t->new_name, 0);
        t->file = openat(
                t->directory, t->new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (t->file < 0)
                return -errno;
        return fchmod(t->file, 0600) < 0 ? -errno : 0; /* whatever the umask is */
}

/* The trace is all of what was counted until now, or it stays what it was. */
static int replace(Trace *t) {
        _cleanup_free_ char *text = NULL;

        int r = seccomp_trace_format(&t->counts, &text);
        if (r >= 0 && t->file < 0)
                r = open_new(t);
        if (r >= 0)
                r = write_all(t->file, text, strlen(text));
        if (r >= 0 && renameat(t->directory, t->new_name, t->directory, t->name) < 0)
                r = -errno;
        if (r < 0)
                forget_new(t);
        t->file = close_fd(t->file);
        return r;
}

/* What we were asked to write, and must not replace: another's, or no file at all. */
static int check_former(Context *c, const Trace *t) {
        const char *path = c->spec->seccomp_trace;
        struct stat st;

        if (fstatat(t->directory, t->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : step_fail(c, -errno, "cannot look at the trace %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != c->caller_uid)
                return step_fail(c, -EEXIST, "the trace %s is no regular file of the caller", path);
        return 0;
}

/* Now, since nothing could be said of it to whoever waits for the start when there is something to write. */
static int open_file(Context *c, Trace *t) {
        const char *path = c->spec->seccomp_trace;
        _cleanup_free_ char *directory = strdup(path);

        if (!directory)
                return step_fail(c, -ENOMEM, "out of memory");
        char *slash = strrchr(directory, '/'); /* the path is absolute */
        t->name = strdup(slash + 1);
        if (!t->name || asprintf(&t->new_name, ".%s.new", t->name) < 0)
                return step_fail(c, -ENOMEM, "out of memory");
        slash[slash == directory] = '\0';
        t->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (t->directory < 0)
                return step_fail(c, -errno, "cannot open the directory of the trace %s", path);
        int r = check_former(c, t);
        if (r < 0)
                return r;
        r = open_new(t);
        return r < 0 ? step_fail(c, r, "cannot make a file beside the trace %s", path) : 0;
}

int step_trace_file(Context *c) {
        _cleanup_(trace_freep) Trace *t = calloc(1, sizeof(*t));
        struct utsname name;

        if (!t)
                return step_fail(c, -ENOMEM, "out of memory");
        t->directory = t->file = t->listener = -EBADF;
        int r = open_file(c, t);
        if (r < 0)
                return r;
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

void trace_write(Context *c) {
        char message[512];

        int r = c->trace->running ? replace(c->trace) : 0;
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

void trace_begin(Trace *t) {
        t->running = true;
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
