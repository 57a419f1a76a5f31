/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to standard error, all of them, and to the kernel log, the first few: the kernel drops what one
 * writer says beyond ten lines in five seconds (printk_devkmsg in sysctl/kernel), and a thousand broken
 * files must not push a boot's messages out of its buffer.
 */

#include "report.h"

#include <fcntl.h>

#define KMSG_MESSAGES_MAX 8U
#define KMSG_LINE_MAX 900U /* the kernel takes 1024 with what it adds itself */
#define PREFIX "nucleus-generator: "

void report_open(Report *r, bool kernel) {
        *r = (Report){ .kmsg_fd = -EBADF };
        if (kernel)
                r->kmsg_fd = open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/*
 * One write(2) is one record; "<3>" is its priority. Without a newline at its end the kernel keeps it open
 * for a continuation, and shows it to nobody before the next record comes.
 */
static void write_kmsg(const Report *r, Severity severity, const char *line) {
        char record[KMSG_LINE_MAX + 1];

        int n = snprintf(
                record, sizeof(record) - 1, "<%d>" PREFIX "%s", severity == SEVERITY_ERROR ? 3 : 4, line);
        if (n < 0)
                return;
        if ((size_t)n >= sizeof(record) - 1)
                n = sizeof(record) - 2;
        record[n++] = '\n';
        /* Where the kernel log is closed to us there is nowhere left to say so. */
        if (write(r->kmsg_fd, record, (size_t)n) < 0)
                return;
}

void report_line(Report *r, Severity severity, const char *line) {
        (void)fprintf(stderr, PREFIX "%s%s\n", severity == SEVERITY_WARNING ? "warning: " : "", line);

        if (r->kmsg_fd >= 0 && severity == SEVERITY_ERROR && r->n++ < KMSG_MESSAGES_MAX)
                write_kmsg(r, severity, line);
}

/* A problem of a file that several services share says whose it is. */
static int format_line(const Diagnostic *d, char **ret_) {
        _cleanup_free_ char *line = NULL;

        int r = diagnostic_format(d, &line);
        if (r < 0)
                return r;
        if (!diagnostic_needs_service(d)) {
                *ret_ = TAKE_PTR(line);
                return 0;
        }
        return asprintf(ret_, "%s (service %s)", line, d->service) < 0 ? -ENOMEM : 0;
}

void report_diagnostics(Report *r, const Diagnostics *d) {
        for (size_t i = 0; i < d->n; i++) {
                _cleanup_free_ char *line = NULL;

                if (format_line(&d->items[i], &line) >= 0)
                        report_line(r, d->items[i].severity, line);
                else
                        report_line(r, SEVERITY_ERROR, "out of memory");
        }
}

void report_done(Report *r) {
        char line[96];

        if (r->kmsg_fd < 0)
                return;
        if (r->n > KMSG_MESSAGES_MAX) {
                (void)snprintf(line, sizeof(line), "%zu more errors: see `nucleus verify`",
                        r->n - KMSG_MESSAGES_MAX);
                write_kmsg(r, SEVERITY_ERROR, line);
        }
        r->kmsg_fd = close_fd(r->kmsg_fd);
}
