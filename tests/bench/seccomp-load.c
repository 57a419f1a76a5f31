/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp filter costs, in nanoseconds on standard output. Usage: seccomp-load FILTER WHAT [N]
 *
 *   load         the one seccomp(2) that loads FILTER
 *   CALL         one call of N in a row under FILTER, where CALL is a row of the table below
 *
 * FILTER is a file of instructions; an empty one is not loaded. One measurement a process, since a filter
 * stays.
 */

#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct {
        const char *name;
        long nr, first, second;
} calls[] = {
        /* Allowed whatever its arguments are: the kernel remembers that, and does not run the filter. */
        { "getppid", SYS_getppid, 0, 0 },
        /* Decided by its argument in every profile measured, and a mere question. */
        { "personality", SYS_personality, 0xffffffff, 0 },
        /* Decided by its argument in some profiles. There is no such descriptor, so it ends at once. */
        { "ioctl", SYS_ioctl, -1, 0 },
};

static struct sock_filter filter[BPF_MAXINSNS];

static unsigned short read_filter(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, filter, sizeof(filter));

        if (n < 0)
                err(EXIT_FAILURE, "%s", path);
        return (unsigned short)((size_t)n / sizeof(filter[0]));
}

static double now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double load(unsigned short n) {
        const struct sock_fprog program = { .len = n, .filter = filter };

        if (n == 0)
                return 0;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                err(EXIT_FAILURE, "cannot set no_new_privs");
        double begin = now();
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                err(EXIT_FAILURE, "cannot load the filter");
        return now() - begin;
}

static double call(const char *name, long n) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                if (strcmp(calls[i].name, name) != 0)
                        continue;
                double begin = now();
                for (long k = 0; k < n; k++)
                        (void)syscall(calls[i].nr, calls[i].first, calls[i].second, 0);
                return (now() - begin) / (double)n;
        }
        errx(EXIT_FAILURE, "no call %s", name);
}

int main(int argc, char **argv) {
        if (argc < 3)
                errx(EXIT_FAILURE, "usage: seccomp-load FILTER WHAT [N]");
        double time = load(read_filter(argv[1]));
        if (strcmp(argv[2], "load") != 0)
                time = call(argv[2], argc > 3 ? atol(argv[3]) : 0);
        return printf("%.1f\n", time) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
