/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that report what the process is and sees. They change nothing. */

#include "payload.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>

extern char **environ;

static char *text(char *buffer, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));

static char *text(char *buffer, size_t n, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(buffer, n, format, ap);
        va_end(ap);
        return buffer;
}

#define TEXT(...) text((char[256]){}, 256, __VA_ARGS__)

int verb_argv(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                emit("arg", argv[i], NULL);
        return 0;
}

int verb_env(int argc, char **argv) {
        for (char **e = environ; *e; e++)
                emit("env", *e, NULL);
        return 0;
}

int verb_fds(int argc, char **argv) {
        struct rlimit limit;
        char target[4096];

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                broken("getrlimit");
        int max = limit.rlim_cur > 65536 ? 65536 : (int)limit.rlim_cur;
        for (int fd = 0; fd < max; fd++) {
                if (fcntl(fd, F_GETFD) < 0)
                        continue;
                ssize_t n = readlink(TEXT("/proc/self/fd/%d", fd), target, sizeof(target) - 1);
                target[n < 0 ? 0 : n] = '\0';
                emit("fd", TEXT("%d", fd), n < 0 ? "?" : target, NULL);
        }
        return 0;
}

/* Calls `row` with each line of a file, without its newline. */
static void each_line(const char *path, void (*row)(char *line)) {
        char *line = NULL;
        size_t size = 0;
        FILE *f = fopen(path, "re");

        if (!f)
                broken(path);
        for (ssize_t n; (n = getline(&line, &size, f)) >= 0;) {
                if (n > 0 && line[n - 1] == '\n')
                        line[n - 1] = '\0';
                row(line);
        }
        free(line);
        fclose(f);
}

static void status_row(char *line) {
        char *colon = strchr(line, ':');

        if (!colon)
                return;
        *colon++ = '\0';
        colon += strspn(colon, " \t");
        emit("status", line, colon, NULL);
}

int verb_status(int argc, char **argv) {
        each_line("/proc/self/status", status_row);
        return 0;
}

static void mount_row(char *line) {
        emit("mount", line, NULL);
}

int verb_mounts(int argc, char **argv) {
        each_line("/proc/self/mountinfo", mount_row);
        return 0;
}

int verb_ids(int argc, char **argv) {
        uid_t u[3];
        gid_t g[3], groups[64];

        if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
                broken("getresuid");
        emit("uid", TEXT("%u", u[0]), TEXT("%u", u[1]), TEXT("%u", u[2]), NULL);
        emit("gid", TEXT("%u", g[0]), TEXT("%u", g[1]), TEXT("%u", g[2]), NULL);
        int n = getgroups(ELEMENTSOF(groups), groups);
        for (int i = 0; i < n; i++)
                emit("supplementary", TEXT("%u", groups[i]), NULL);
        emit("pid", TEXT("%d", getpid()), NULL);
        emit("sid", TEXT("%d", getsid(0)), NULL);
        return 0;
}

int verb_ns(int argc, char **argv) {
        static const char *const names[] = { "user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char target[64];
                ssize_t n = readlink(TEXT("/proc/self/ns/%s", names[i]), target, sizeof(target) - 1);
                if (n < 0)
                        broken("readlink of a namespace");
                target[n] = '\0';
                emit("ns", names[i], target, NULL);
        }
        return 0;
}

int verb_hostname(int argc, char **argv) {
        char name[256];

        if (gethostname(name, sizeof(name)) < 0)
                broken("gethostname");
        emit("hostname", name, NULL);
        return 0;
}

int verb_clock(int argc, char **argv) {
        struct timespec t;

        if (clock_gettime(CLOCK_BOOTTIME, &t) < 0)
                broken("clock_gettime");
        emit("boottime", TEXT("%lld", (long long)t.tv_sec), NULL);
        return 0;
}

int verb_cwd(int argc, char **argv) {
        char path[4096];

        emit("cwd", getcwd(path, sizeof(path)) ?: outcome(-1), NULL);
        return 0;
}

int verb_interfaces(int argc, char **argv) {
        struct if_nameindex *all = if_nameindex();
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (!all || fd < 0)
                broken("if_nameindex");
        for (struct if_nameindex *i = all; i->if_name; i++) {
                struct ifreq request = {};
                strncpy(request.ifr_name, i->if_name, IFNAMSIZ - 1);
                int r = ioctl(fd, SIOCGIFFLAGS, &request);
                emit("interface", i->if_name,
                        r < 0                        ? outcome(r)
                        : request.ifr_flags & IFF_UP ? "up"
                                                     : "down",
                        NULL);
        }
        if_freenameindex(all);
        close(fd);
        return 0;
}

int verb_list(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                DIR *d = opendir(argv[i]);
                emit("list", argv[i], outcome(d ? 0 : -1), NULL);
                if (!d)
                        continue;
                for (struct dirent *e; (e = readdir(d));)
                        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                                emit("entry", argv[i], e->d_name, NULL);
                closedir(d);
        }
        return 0;
}

int verb_processes(int argc, char **argv) {
        DIR *d = opendir("/proc");

        if (!d)
                broken("/proc");
        for (struct dirent *e; (e = readdir(d));)
                if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
                        emit("process", e->d_name, NULL);
        closedir(d);
        return 0;
}

int verb_read(int argc, char **argv) {
        static char data[ROW_MAX];

        for (int i = 1; i < argc; i++) {
                int fd = open(argv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
                ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data) - 1);
                emit("read", argv[i], outcome(n), NULL);
                if (n >= 0) {
                        data[n] = '\0';
                        emit("data", argv[i], data, NULL);
                }
                if (fd >= 0)
                        close(fd);
        }
        return 0;
}

static const char *type_name(mode_t mode) {
        return S_ISREG(mode)    ? "file"
               : S_ISDIR(mode)  ? "directory"
               : S_ISLNK(mode)  ? "link"
               : S_ISCHR(mode)  ? "char"
               : S_ISBLK(mode)  ? "block"
               : S_ISFIFO(mode) ? "fifo"
                                : "socket";
}

/* stat TYPE MODE UID GID SIZE MAJOR:MINOR-of-a-device; links are not followed. */
int verb_stat(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                struct stat st;
                int r = lstat(argv[i], &st);
                if (r < 0) {
                        emit("stat", argv[i], outcome(r), NULL);
                        continue;
                }
                emit("stat", argv[i], type_name(st.st_mode), TEXT("%04o", st.st_mode & 07777),
                        TEXT("%u", st.st_uid), TEXT("%u", st.st_gid), TEXT("%lld", (long long)st.st_size),
                        TEXT("%u:%u", major(st.st_rdev), minor(st.st_rdev)), NULL);
        }
        return 0;
}

/* statfs BYTES FLAGS */
int verb_statfs(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                struct statvfs st;
                int r = statvfs(argv[i], &st);
                if (r < 0) {
                        emit("statfs", argv[i], outcome(r), NULL);
                        continue;
                }
                emit("statfs", argv[i], TEXT("%llu", (unsigned long long)st.f_blocks * st.f_frsize),
                        TEXT("%lu", st.f_flag), NULL);
        }
        return 0;
}
