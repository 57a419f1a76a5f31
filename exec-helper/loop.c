/* SPDX-License-Identifier: Apache-2.0 */
/* Loop devices, loop(4). Must never leave one behind: each is told to go with its last user. */

#include "loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#define ATTEMPTS 64U /* somebody else may take a free one first */

/* One attempt. 0, -EBUSY where somebody was faster, or another -errno. */
static int attach(int control, int file_fd, int *ret_fd, char ret_path[LOOP_PATH_MAX]) {
        const struct loop_config config = {
                .fd = (uint32_t)file_fd,
                .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
        };
        int n = ioctl(control, LOOP_CTL_GET_FREE);

        if (n < 0)
                return -errno;
        (void)snprintf(ret_path, LOOP_PATH_MAX, "/dev/loop%d", n);
        _cleanup_close_ int fd = open(ret_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int loop_attach(Context *c, int file_fd, int *ret_fd, char ret_path[LOOP_PATH_MAX]) {
        _cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        int r = -EBUSY;

        if (control < 0)
                return step_fail(c, -errno,
                        "cannot make a loop device for the image %s: /dev/loop-control cannot be opened, "
                        "see "
                        "`modprobe loop`",
                        c->spec->rootfs);
        for (unsigned i = 0; r == -EBUSY && i < ATTEMPTS; i++)
                r = attach(control, file_fd, ret_fd, ret_path);
        return r < 0 ? step_fail(c, r, "cannot make a loop device for the image %s", c->spec->rootfs) : 0;
}
