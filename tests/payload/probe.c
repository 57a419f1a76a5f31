/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that try something and report OK or errno. Each is as useful outside a sandbox, as a control. */

#include "payload.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static unsigned long number(const char *s) {
        char *end;
        unsigned long v = strtoul(s, &end, 0);

        if (end == s || *end)
                broken("not a number");
        return v;
}

/* open LETTERS PATH…: r read, w write, c create, t truncate, d directory, p path only, n no follow. */
int verb_open(int argc, char **argv) {
        static const struct {
                char letter;
                int flag;
        } letters[] = {
                { 'r', O_RDONLY },
                { 'w', O_WRONLY },
                { 'c', O_CREAT },
                { 't', O_TRUNC },
                { 'd', O_DIRECTORY },
                { 'p', O_PATH },
                { 'n', O_NOFOLLOW },
        };
        int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

        if (argc < 3)
                broken("open LETTERS PATH");
        for (const char *c = argv[1]; *c; c++)
                for (size_t i = 0; i < ELEMENTSOF(letters); i++)
                        if (letters[i].letter == *c)
                                flags |= letters[i].flag;
        for (int i = 2; i < argc; i++) {
                int fd = open(argv[i], flags, 0644);
                emit("open", argv[i], outcome(fd), NULL);
                if (fd >= 0)
                        close(fd);
        }
        return 0;
}

/* write PATH TEXT: opens (creating a file) and writes; the errno is that of the first call that failed. */
int verb_write(int argc, char **argv) {
        if (argc != 3)
                broken("write PATH TEXT");
        int fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
        ssize_t n = fd < 0 ? -1 : write(fd, argv[2], strlen(argv[2]));
        emit("write", argv[1], outcome(n), NULL);
        if (fd >= 0)
                close(fd);
        return 0;
}

int verb_mkdir(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                emit("mkdir", argv[i], outcome(mkdir(argv[i], 0755)), NULL);
        return 0;
}

int verb_chdir(int argc, char **argv) {
        if (argc != 2)
                broken("chdir PATH");
        emit("chdir", argv[1], outcome(chdir(argv[1])), NULL);
        return 0;
}

/* An argument of a system call: a number, "s:text", "b:N" (N zero bytes) or "x:hex" (those bytes). */
static unsigned long argument(const char *s) {
        if (strncmp(s, "s:", 2) == 0)
                return (unsigned long)(s + 2);
        if (strncmp(s, "b:", 2) == 0)
                return (unsigned long)calloc(1, number(s + 2) + 1);
        if (strncmp(s, "x:", 2) == 0) {
                size_t n = strlen(s + 2) / 2;
                unsigned char *bytes = calloc(1, n + 1);
                for (size_t i = 0; i < n && bytes; i++)
                        if (sscanf(s + 2 + 2 * i, "%2hhx", &bytes[i]) != 1)
                                broken("bad hex");
                return (unsigned long)bytes;
        }
        return number(s);
}

/* syscall NAME|NUMBER [ARGUMENT…] */
int verb_syscall(int argc, char **argv) {
        unsigned long a[6] = {};

        if (argc < 2 || argc > 8)
                broken("syscall NAME [ARGUMENT…]");
        for (int i = 2; i < argc; i++)
                a[i - 2] = argument(argv[i]);

        pid_t before = getpid();
        long r = syscall(syscall_number(argv[1]), a[0], a[1], a[2], a[3], a[4], a[5]);
        if (r == 0 && getpid() != before)
                _exit(0); /* it was a clone, and this is the child */
        emit("syscall", argv[1], outcome(r), NULL);
        return 0;
}

/* int80 NUMBER: a system call by x86's 32-bit way in, which has numbers of its own */
int verb_int80(int argc, char **argv) {
        if (argc != 2)
                broken("int80 NUMBER");
#ifdef __x86_64__
        int r = (int)number(argv[1]);
        __asm__ volatile("int $0x80"
                         : "+a"(r)
                         : "b"(0), "c"(0), "d"(0)
                         : "memory", "cc", "r8", "r9", "r10", "r11");
        emit("int80", argv[1], r < 0 ? strerrorname_np(-r) ?: "unknown" : "OK", NULL);
        return 0;
#else
        broken("this machine has no int 0x80");
#endif
}

/* socket FAMILY TYPE [PROTOCOL] */
int verb_socket(int argc, char **argv) {
        if (argc < 3)
                broken("socket FAMILY TYPE [PROTOCOL]");
        long r = syscall(SYS_socket, number(argv[1]), number(argv[2]), argc > 3 ? number(argv[3]) : 0);
        emit("socket", argv[1], argv[2], outcome(r), NULL);
        if (r >= 0)
                close((int)r);
        return 0;
}

static struct sockaddr_un unix_address(const char *path, socklen_t *ret_length) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t n = strlen(path);

        if (n >= sizeof(address.sun_path))
                broken("socket path too long");
        memcpy(address.sun_path, path, n);
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
        return address;
}

/* connect PATH|@ABSTRACT: a stream socket */
int verb_connect(int argc, char **argv) {
        socklen_t length;

        if (argc != 2)
                broken("connect PATH");
        struct sockaddr_un address = unix_address(argv[1], &length);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, length);
        emit("connect", argv[1], outcome(r), NULL);
        close(fd);
        return 0;
}

/* notify-forge PATH|@ABSTRACT TEXT: one datagram to a notify socket */
int verb_notify_forge(int argc, char **argv) {
        socklen_t length;

        if (argc != 3)
                broken("notify-forge PATH TEXT");
        struct sockaddr_un address = unix_address(argv[1], &length);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ssize_t r = fd < 0 ? -1
                           : sendto(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL, (struct sockaddr *)&address,
                                     length);
        emit("notify-forge", argv[1], outcome(r), NULL);
        close(fd);
        return 0;
}

/* ioctl PATH|FD REQUEST [ARGUMENT] */
int verb_ioctl(int argc, char **argv) {
        if (argc < 3)
                broken("ioctl PATH REQUEST [ARGUMENT]");
        int fd = argv[1][0] == '/' ? open(argv[1], O_RDWR | O_CLOEXEC | O_NOCTTY) : (int)number(argv[1]);
        if (fd < 0)
                broken("ioctl: cannot open");
        /* The raw call: the C library would cut the request to 32 bits. */
        long r = syscall(SYS_ioctl, fd, number(argv[2]), argc > 3 ? argument(argv[3]) : 0);
        emit("ioctl", argv[1], argv[2], outcome(r), NULL);
        return 0;
}

/* ptrace PID: attach, and let go again */
int verb_ptrace(int argc, char **argv) {
        if (argc != 2)
                broken("ptrace PID");
        pid_t pid = (pid_t)number(argv[1]);
        long r = ptrace(PTRACE_ATTACH, pid, NULL, NULL);
        emit("ptrace", argv[1], outcome(r), NULL);
        if (r >= 0) {
                waitpid(pid, NULL, __WALL);
                ptrace(PTRACE_DETACH, pid, NULL, NULL);
        }
        return 0;
}

/* keyring DESCRIPTION SERIAL: look for a key in the session keyring, and read one by its serial number */
int verb_keyring(int argc, char **argv) {
        char data[256];

        if (argc != 3)
                broken("keyring DESCRIPTION SERIAL");
        long r = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", argv[1], 0);
        emit("key-search", argv[1], outcome(r), NULL);
        r = syscall(SYS_keyctl, KEYCTL_READ, number(argv[2]), data, sizeof(data));
        emit("key-read", argv[2], outcome(r), NULL);
        return 0;
}
