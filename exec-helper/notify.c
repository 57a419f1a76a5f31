/* SPDX-License-Identifier: Apache-2.0 */
/* Must be called by the supervisor alone: no other process of a service knows the socket. */

#include "notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "util.h"

/* How long a service manager may be busy. Not for ever: it may have ordered us to stop. But READY=1 should
 * not be lost to a moment's queue. */
static const struct timeval patience = { .tv_sec = 2 };

int notify_send(const char *path, const char *state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t n;

        if (!path)
                return 0;
        n = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || n >= sizeof(address.sun_path))
                return -EINVAL;
        memcpy(address.sun_path, path, n);
        if (path[0] == '@')
                address.sun_path[0] = '\0';

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
                return -errno;
        /* A Unix socket's address has no terminating NUL where it is abstract. */
        socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
        if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length) < 0)
                return -errno;
        return 0;
}
