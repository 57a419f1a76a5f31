/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that run another program in a bent world, or disturb one from beside. Used outside the sandbox. */

#include "payload.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* exec PROGRAM [ARGUMENT…]: returns only where that fails. */
int verb_exec(int argc, char **argv) {
        if (argc < 2)
                broken("exec PROGRAM");
        execv(argv[1], argv + 1);
        emit("exec", argv[1], outcome(-1), NULL);
        return 1;
}

static int errno_number(const char *name) {
        for (int e = 1; e < 256; e++) {
                const char *n = strerrorname_np(e);
                if (n && strcmp(n, name) == 0)
                        return e;
        }
        broken("unknown errno");
}

/* Installs a filter that answers these calls (a list with commas) with one action. What seccomp(2) returns.
 */
static int install(char *calls, unsigned action, unsigned flags) {
        struct sock_filter code[128];
        size_t n = 0;

        code[n++] =
                (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        for (char *c = strtok(calls, ","); c && n < ELEMENTSOF(code) - 2; c = strtok(NULL, ",")) {
                code[n++] = (struct sock_filter)BPF_JUMP(
                        BPF_JMP | BPF_JEQ | BPF_K, (unsigned)syscall_number(c), 0, 1);
                code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
        }
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

        struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
        if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                broken("no_new_privs");
        int r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (r < 0)
                broken("seccomp");
        return r;
}

/* errno-exec CALL[,CALL…] ERRNO PROGRAM [ARGUMENT…]: these calls fail so in the program and all it starts.
 */
int verb_errno_exec(int argc, char **argv) {
        if (argc < 4)
                broken("errno-exec CALLS ERRNO PROGRAM");
        install(argv[1], SECCOMP_RET_ERRNO | (unsigned)errno_number(argv[2]), 0);
        execv(argv[3], argv + 3);
        broken(argv[3]);
}

/*
 * hold-exec CALL[,CALL…] SOCKET PROGRAM [ARGUMENT…]: each of these calls, in the program and all it starts,
 * waits until whoever reads the other end of the socket lets it go on (seccomp_unotify(2)).
 */
int verb_hold_exec(int argc, char **argv) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec byte = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
        struct msghdr message = {
                .msg_iov = &byte,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };

        if (argc < 4)
                broken("hold-exec CALLS SOCKET PROGRAM");
        int channel = atoi(argv[2]);
        int listener = install(argv[1], SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &listener, sizeof(int));
        if (sendmsg(channel, &message, 0) != 1)
                broken("sendmsg");
        close(listener);
        close(channel);
        execv(argv[3], argv + 3);
        broken(argv[3]);
}

/*
 * place-exec FROM=TO[,FROM=TO…] PROGRAM [ARGUMENT…]: moves descriptors to where the program shall find them,
 * and says in LISTEN_PID that they are for it where LISTEN_FDS is set: nobody knows the pid before.
 */
int verb_place_exec(int argc, char **argv) {
        char pid[16];
        int from, to;

        if (argc < 3)
                broken("place-exec FROM=TO PROGRAM");
        for (char *pair = strtok(argv[1], ","); pair; pair = strtok(NULL, ",")) {
                if (sscanf(pair, "%d=%d", &from, &to) != 2)
                        broken("not FROM=TO");
                if (dup2(from, to) < 0)
                        broken("dup2");
                close(from);
        }
        snprintf(pid, sizeof(pid), "%d", getpid());
        if (getenv("LISTEN_FDS"))
                setenv("LISTEN_PID", pid, 1);
        execv(argv[2], argv + 2);
        broken(argv[2]);
}

/* exchange A B: swaps two names as fast as it can, until killed. */
int verb_exchange(int argc, char **argv) {
        if (argc != 3)
                broken("exchange A B");
        emit("ready", NULL);
        for (;;)
                if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
                        broken("renameat2");
}

/*
 * naive-bind SOURCE TARGET: what a careless sandbox does, for controls: makes the mount point where it is
 * missing and bind mounts by path, in a mount namespace of its own, then writes a file through the mount.
 */
int verb_naive_bind(int argc, char **argv) {
        char path[4096];

        if (argc != 3)
                broken("naive-bind SOURCE TARGET");
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                broken("unshare");
        if (mkdir(argv[2], 0755) < 0 && errno != EEXIST)
                broken("mkdir");
        int r = mount(argv[1], argv[2], NULL, MS_BIND, NULL);
        if (r >= 0 && realpath(argv[2], path))
                emit("landed", path, NULL);
        emit("naive-bind", argv[2], outcome(r), NULL);
        return 0;
}
