/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads are worth having: the processors that we may run on, but no more than the time that the
 * control groups grant is worth. A quota of two processors on a machine of 64 would otherwise be used up by
 * 64 threads in the first part of each period, and the rest of it slept away.
 */

#include "attest-pool.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>

/* The beginning of a small file. */
static int read_text(const char *path, char *text, size_t size) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, text, size - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        return 0;
}

/* cpu.max is "QUOTA PERIOD" in microseconds, or "max PERIOD". Rounded up; 0: no limit. */
static unsigned quota_of(const char *group) {
        unsigned long long quota, period;
        char path[PATH_MAX], text[64];

        int n = snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
        if (n < 0 || (size_t)n >= sizeof(path) || read_text(path, text, sizeof(text)) < 0)
                return 0;
        if (sscanf(text, "%llu %llu", &quota, &period) != 2 || period == 0)
                return 0;
        quota = (quota + period - 1) / period;
        return quota < POOL_THREADS_MAX ? (unsigned)quota : POOL_THREADS_MAX;
}

/* The least of our control group and those above it. 0: no limit, or not known. */
static unsigned quota(void) {
        char text[PATH_MAX];
        unsigned least = 0;

        if (read_text("/proc/self/cgroup", text, sizeof(text)) < 0)
                return 0;
        char *group = strstr(text, "0::/");
        if (!group)
                return 0;
        group += strlen("0::");
        group[strcspn(group, "\n")] = '\0';
        while (group[0] != '\0' && group[1] != '\0') {
                unsigned n = quota_of(group);
                if (n > 0 && (least == 0 || n < least))
                        least = n;
                *strrchr(group, '/') = '\0';
        }
        return least;
}

unsigned pool_processors(void) {
        cpu_set_t set;
        unsigned n = POOL_THREADS_MAX, limit = quota();

        /* Fails where there are more than 1024 processors: then there are enough. */
        if (sched_getaffinity(0, sizeof(set), &set) == 0)
                n = (unsigned)CPU_COUNT(&set);
        if (limit > 0 && limit < n)
                n = limit;
        return n < 1 ? 1 : n < POOL_THREADS_MAX ? n : POOL_THREADS_MAX;
}
