/* SPDX-License-Identifier: Apache-2.0 */
/* What read(2), write(2) and rename(2) leave to their caller. */

#include "io.h"

#include <fcntl.h>
#include <sys/stat.h>

int write_all(int fd, const void *data, size_t n) {
        const char *p = data;

        while (n > 0) {
                ssize_t k = write(fd, p, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

int read_to_end(int fd, void *buffer, size_t max, size_t *ret_n) {
        size_t n = 0;

        while (n <= max) {
                ssize_t k = read(fd, (char *)buffer + n, max + 1 - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0) {
                        *ret_n = n;
                        return 0;
                }
                n += (size_t)k;
        }
        return -EFBIG;
}

int replace_begin(int dir_fd, const char *temporary) {
        (void)unlinkat(dir_fd, temporary, 0);
        int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        return fd < 0 ? -errno : fd;
}

int replace_finish(int fd, int dir_fd, const char *temporary, const char *name) {
        if (fchmod(fd, 0444) < 0 || fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0)
                return -errno;
        return fsync(dir_fd) < 0 ? -errno : 0;
}
