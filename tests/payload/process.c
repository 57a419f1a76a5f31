/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about life as a process: ends, signals, orphans, bombs, sockets handed over. */

#include "payload.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static long number(const char *s) {
        char *end;
        long v = strtol(s, &end, 0);

        if (end == s || *end)
                broken("not a number");
        return v;
}

static void nap(void) {
        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
}

int verb_exit(int argc, char **argv) {
        if (argc != 2)
                broken("exit N");
        _exit((int)number(argv[1]));
}

int verb_kill_self(int argc, char **argv) {
        if (argc != 2)
                broken("kill-self SIGNAL");
        int sig = (int)number(argv[1]);
        signal(sig, SIG_DFL);
        kill(getpid(), sig);
        pause();
        return EXIT_USAGE;
}

/* sleep SECONDS */
int verb_sleep(int argc, char **argv) {
        if (argc != 2)
                broken("sleep SECONDS");
        sleep((unsigned)number(argv[1]));
        return 0;
}

/* Says "ready" and waits for whatever ends it. */
int verb_linger(int argc, char **argv) {
        emit("ready", NULL);
        for (;;)
                pause();
}

/* trap-signals STATUS: prints each signal that comes; SIGTERM ends it with STATUS. */
int verb_trap_signals(int argc, char **argv) {
        static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };
        sigset_t set;
        int sig;

        if (argc != 2)
                broken("trap-signals STATUS");
        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&set, signals[i]);
        sigprocmask(SIG_BLOCK, &set, NULL);
        emit("ready", NULL);
        do {
                if (sigwait(&set, &sig) != 0)
                        broken("sigwait");
                emit("signal", sigabbrev_np(sig), NULL);
        } while (sig != SIGTERM);
        return (int)number(argv[1]);
}

static int count_zombies(void) {
        DIR *d = opendir("/proc");
        int n = 0;

        if (!d)
                broken("/proc");
        for (struct dirent *e; (e = readdir(d));) {
                char path[300], line[512] = "";
                if (e->d_name[0] < '0' || e->d_name[0] > '9')
                        continue;
                snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        continue;
                if (read(fd, line, sizeof(line) - 1) > 0) {
                        const char *close_paren = strrchr(line, ')');
                        n += close_paren && close_paren[1] && close_paren[2] == 'Z';
                }
                close(fd);
        }
        closedir(d);
        return n;
}

static void make_orphan(void) {
        pid_t pid = fork();

        if (pid < 0)
                broken("fork");
        if (pid == 0) {
                pid_t grandchild = fork();
                _exit(grandchild < 0 ? 1 : 0);
        }
        int status;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        broken("waitpid");
        if (status != 0)
                broken("fork in the child");
}

/* orphans N SECONDS: leaves N dead grandchildren to PID 1 and prints how many stay zombies. */
int verb_orphans(int argc, char **argv) {
        char text[32];

        if (argc != 3)
                broken("orphans N SECONDS");
        for (long i = 0; i < number(argv[1]); i++)
                make_orphan();
        int zombies = count_zombies();
        for (long i = 0; zombies > 0 && i < number(argv[2]) * 100; i++) {
                nap();
                zombies = count_zombies();
        }
        snprintf(text, sizeof(text), "%d", zombies);
        emit("zombies", text, NULL);
        return 0;
}

/*
 * daemon N: leaves N processes that have a session of their own, ignore what can be ignored, and hold
 * standard output open until they die.
 */
int verb_daemon(int argc, char **argv) {
        if (argc != 2)
                broken("daemon N");
        for (long i = 0; i < number(argv[1]); i++) {
                int ready[2];
                char c;
                if (pipe2(ready, O_CLOEXEC) < 0)
                        broken("pipe2");
                pid_t pid = fork();
                if (pid < 0)
                        broken("fork");
                if (pid == 0) {
                        setsid();
                        if (fork() != 0)
                                _exit(0);
                        for (int sig = 1; sig < NSIG; sig++)
                                signal(sig, SIG_IGN);
                        if (write(ready[1], "", 1) != 1)
                                _exit(1);
                        for (;;)
                                pause();
                }
                close(ready[1]);
                if (read(ready[0], &c, 1) != 1)
                        broken("the daemon did not start");
                close(ready[0]);
                waitpid(pid, NULL, 0);
        }
        emit("daemons", argv[1], NULL);
        return 0;
}

/* fork-bomb N: up to N children that stay; prints how many it got, and the errno that stopped it. */
int verb_fork_bomb(int argc, char **argv) {
        char text[32];
        long n = 0;
        const char *end = "OK";

        if (argc != 2)
                broken("fork-bomb N");
        for (; n < number(argv[1]); n++) {
                pid_t pid = fork();
                if (pid < 0) {
                        end = outcome(-1);
                        break;
                }
                if (pid == 0)
                        for (;;)
                                pause();
        }
        snprintf(text, sizeof(text), "%ld", n);
        emit("fork-bomb", text, end, NULL);
        return 0;
}

/* allocate MEBIBYTES: touches each page, then says so. */
int verb_allocate(int argc, char **argv) {
        if (argc != 2)
                broken("allocate MEBIBYTES");
        for (long i = 0; i < number(argv[1]); i++) {
                char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (p == MAP_FAILED) {
                        emit("allocate", outcome(-1), NULL);
                        return 0;
                }
                for (size_t k = 0; k < 1 << 20; k += 4096)
                        p[k] = (char)(k + 1);
        }
        emit("allocate", "OK", NULL);
        return 0;
}

/* fill DIRECTORY MEBIBYTES: prints how many it could write, and the errno that stopped it. */
int verb_fill(int argc, char **argv) {
        static char block[1 << 20];
        char path[4096], count[32];
        const char *end = "OK";
        long n = 0;

        if (argc != 3)
                broken("fill DIRECTORY MEBIBYTES");
        snprintf(path, sizeof(path), "%s/fill", argv[1]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (; fd >= 0 && n < number(argv[2]); n++) {
                ssize_t k = write(fd, block, sizeof(block));
                if (k != sizeof(block)) {
                        end = k < 0 ? outcome(-1) : "ENOSPC";
                        break;
                }
        }
        if (fd < 0)
                end = outcome(-1);
        snprintf(count, sizeof(count), "%ld", n);
        emit("fill", argv[1], count, end, NULL);
        return 0;
}

/* serve-fd N: answers one connection on each of the N sockets at 3 and up. */
int verb_serve_fd(int argc, char **argv) {
        const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID"),
                   *names = getenv("LISTEN_FDNAMES");

        if (argc != 2)
                broken("serve-fd N");
        emit("listen", fds ?: "-", pid && number(pid) == getpid() ? "mine" : pid ?: "-", names ?: "-", NULL);
        for (int fd = 3; fd < 3 + number(argv[1]); fd++) {
                char text[64];
                int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (connection < 0) {
                        emit("accept", outcome(-1), NULL);
                        return 1;
                }
                int n = snprintf(text, sizeof(text), "hello on %d\n", fd);
                if (write(connection, text, (size_t)n) != n)
                        broken("write");
                close(connection);
        }
        return 0;
}
