/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor that a loader of this kind stands on: the kernel's work for namespaces, a process in them and a
 * program, and not one protection. Usage: floor LEVEL ROOT PROGRAM, where PROGRAM is a path in ROOT and
 * LEVEL is
 *
 *   0  seven namespaces, PID 1, the program as its child
 *   1  and a range of ids
 *   2  and ROOT read-only as the root, with /proc, two tmpfs and the loopback interface
 *
 * Static, and with nothing read, checked, logged or reported. Must never be used to run anything.
 */

#include <err.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_MAP "0 805306368 65536\n" /* the base of the benchmark's specs */

static void mount_or_die(const char *source, const char *target, const char *type, unsigned long flags) {
        if (mount(source, target, type, flags, NULL) < 0)
                err(EXIT_FAILURE, "cannot mount on %s", target);
}

static void make_root(const char *root) {
        struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

        mount_or_die(NULL, "/", NULL, MS_REC | MS_PRIVATE);
        mount_or_die(root, root, NULL, MS_BIND);
        mount_or_die(NULL, root, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV);
        if (chdir(root) < 0)
                err(EXIT_FAILURE, "cannot change to %s", root);
        mount_or_die("proc", "proc", "proc", 0);
        mount_or_die("tmpfs", "dev", "tmpfs", 0);
        mount_or_die("tmpfs", "tmp", "tmpfs", 0);
        if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
                err(EXIT_FAILURE, "cannot change the root");

        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
                err(EXIT_FAILURE, "cannot bring lo up");
        close(fd);
}

static _Noreturn void inside(int level, int channel, const char *root, const char *program) {
        char *const arguments[] = { "true", NULL }, *const environment[] = { NULL };
        char byte;
        int status;

        if (level >= 1 && (read(channel, &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
                err(EXIT_FAILURE, "cannot take on the first id");
        if (level >= 2)
                make_root(root);
        else if (chdir(root) < 0)
                err(EXIT_FAILURE, "cannot change to %s", root);

        pid_t pid = vfork();
        if (pid == 0) {
                (void)execve(program + (level < 2), arguments, environment);
                _exit(127);
        }
        _exit(pid < 0 || waitpid(pid, &status, 0) != pid || status != 0);
}

static void write_map(pid_t pid, const char *name) {
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, ID_MAP, strlen(ID_MAP)) < 0)
                err(EXIT_FAILURE, "cannot write %s", path);
        close(fd);
}

int main(int argc, char **argv) {
        struct clone_args clone = {
                .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS |
                         CLONE_NEWIPC | CLONE_NEWCGROUP,
                .exit_signal = SIGCHLD,
        };
        int pair[2], status;

        if (argc != 4 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                errx(EXIT_FAILURE, "usage: floor LEVEL ROOT PROGRAM");
        int level = atoi(argv[1]);

        pid_t pid = (pid_t)syscall(SYS_clone3, &clone, sizeof(clone));
        if (pid < 0)
                err(EXIT_FAILURE, "cannot make the namespaces");
        if (pid == 0)
                inside(level, pair[1], argv[2], argv[3]);
        if (level >= 1) {
                write_map(pid, "uid_map");
                write_map(pid, "gid_map");
                if (write(pair[0], "", 1) != 1)
                        err(EXIT_FAILURE, "cannot release PID 1");
        }
        if (waitpid(pid, &status, 0) != pid)
                err(EXIT_FAILURE, "cannot wait");
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
