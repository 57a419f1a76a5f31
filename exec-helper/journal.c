/* SPDX-License-Identifier: Apache-2.0 */
/* A record for journald. Must never wait: a journal that is stuck is no reason for a service to be. */

#include "journal.h"

#include <endian.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "strbuf.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A value with a newline goes with its length before it; any other ends at the newline. */
static void add_field(StrBuf *b, const char *field) {
        size_t name = strcspn(field, "="), n = strlen(field);

        if (!memchr(field, '\n', n)) {
                strbuf_add(b, field, n);
        } else {
                uint64_t length = htole64(n - name - 1);
                strbuf_add(b, field, name);
                strbuf_putc(b, '\n');
                strbuf_add(b, (const char *)&length, sizeof(length));
                strbuf_add(b, field + name + 1, n - name - 1);
        }
        strbuf_putc(b, '\n');
}

int journal_send(char *const *fields, size_t n) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        _cleanup_strbuf_ StrBuf b = {};

        for (size_t i = 0; i < n; i++)
                add_field(&b, fields[i]);
        if (b.failed)
                return -ENOMEM;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (sendto(fd, b.data, b.len, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return 0;
}
