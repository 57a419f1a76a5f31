/* SPDX-License-Identifier: Apache-2.0 */
/* Reports. Must be called once for each error, by the process that ends with it. */

#include "report.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <syslog.h>

#include "journal.h"
#include "message-id.h"
#include "notify.h"

#define TEXT_MAX (FAILURE_TEXT_MAX + 256)
#define OWN_FIELDS 5

/* How long a line waits for whoever reads standard error: one that says why a service failed, and others. */
#define PATIENCE_ERROR_MS 1000
#define PATIENCE_MS 20

int step_fail(Context *c, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(c->failure, sizeof(c->failure), format, ap);
        va_end(ap);
        return error;
}

/* The fields of one record, "NAME=VALUE" each. */
typedef struct Fields {
        char *text[OWN_FIELDS + REPORT_FIELDS_MAX];
        size_t n;
} Fields;

static void fields_done(Fields *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->text[i]);
}

/* What does not fit or finds no memory is left out. */
static void add_field(Fields *f, const char *name, const char *value) {
        if (!value || f->n == ELEMENTSOF(f->text) || asprintf(&f->text[f->n], "%s=%s", name, value) < 0)
                return;
        f->n++;
}

/* A pipe that others write to may have filled up since it was asked: so this write does not wait either,
 * where the kernel can do that without a flag that the others would share. */
static ssize_t write_now(int fd, const char *s, size_t n) {
        struct iovec iov = { (void *)s, n };
        const int nowait = 8; /* RWF_NOWAIT */
        struct stat st;

        ssize_t k = send(fd, s, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k >= 0 || errno != ENOTSOCK)
                return k;
        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
                k = syscall(SYS_pwritev2, fd, &iov, 1, -1L, -1L, nowait);
                if (k >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
                        return k;
        }
        return write(fd, s, n);
}

/* A line for standard error; dropped where nobody makes room for it: the service has signals to get. */
static void write_line(const char *s, int patience) {
        struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

        if (poll(&p, 1, patience) == 1 && p.revents == POLLOUT)
                (void)write_now(STDERR_FILENO, s, strlen(s));
}

void report_record(const Context *c, int priority, const char *message_id, const char *message,
        const ReportField *fields, size_t n) {
        const char *name = c->spec && c->spec->name ? c->spec->name : "unknown";
        _cleanup_free_ char *line = NULL;
        char number[16], identifier[96];

        if (c->stderr_is_journal) {
                _cleanup_(fields_done) Fields f = {};

                (void)snprintf(number, sizeof(number), "%d", priority);
                (void)snprintf(identifier, sizeof(identifier), "nucleus-%s", name);
                add_field(&f, "MESSAGE", message);
                add_field(&f, "PRIORITY", number);
                add_field(&f, "MESSAGE_ID", message_id);
                add_field(&f, "NUCLEUS_SERVICE", name);
                add_field(&f, "SYSLOG_IDENTIFIER", identifier);
                for (size_t i = 0; i < n; i++)
                        add_field(&f, fields[i].name, fields[i].value);
                if (journal_send(f.text, f.n) >= 0)
                        return;
        }
        number[0] = '\0';
        if (c->stderr_is_journal)
                (void)snprintf(number, sizeof(number), "<%d>", priority);
        if (asprintf(&line, "%snucleus-exec: %s: %s\n", number, name, message) >= 0)
                write_line(line, priority <= LOG_ERR ? PATIENCE_ERROR_MS : PATIENCE_MS);
}

/* One record of a step. */
static void report(
        const Context *c, int priority, const char *id, const char *step, int error, const char *message) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", -error);
        report_record(c, priority, id, message,
                (const ReportField[]){ { "NUCLEUS_STEP", step }, { "ERRNO", error < 0 ? number : NULL } },
                2);
}

void report_one_line(char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        *text = ' ';
}

/* "cannot mount /dev: Permission denied (step dev)" */
static void describe(const Context *c, const Step *step, int error, char *ret_text, size_t size) {
        bool complete = error == -EBADMSG || error == -EKEYREJECTED;

        (void)snprintf(ret_text, size, "%s%s%s", c->failure[0] ? c->failure : step->name,
                complete ? "" : ": ", complete ? "" : strerror(-error));
        report_one_line(ret_text);
}

/* What Landlock is to do comes from a file, from drop-ins and from the floor: one command knows them all. */
static void add_hint(const Context *c, const Step *step, char *text, size_t size) {
        size_t n = strlen(text);

        if (step->exit_code == EXIT_CODE_LANDLOCK && c->spec)
                (void)snprintf(text + n, size - n, "; see: nucleus show %s", c->spec->name);
}

void report_message(const Context *c, int priority, const char *message_id, const char *message) {
        report_record(c, priority, message_id, message, NULL, 0);
}

void report_failure(const Context *c, const Step *step, int error) {
        char text[TEXT_MAX], state[TEXT_MAX + 64];

        describe(c, step, error, text, sizeof(text));
        add_hint(c, step, text, sizeof(text));
        report(c, LOG_ERR,
                step->exit_code == EXIT_CODE_DATAERR  ? MESSAGE_ID_ATTESTATION_FAILED
                : step->exit_code == EXIT_CODE_CONFIG ? MESSAGE_ID_CONFIGURATION
                                                      : MESSAGE_ID_START_FAILED,
                step->name, error, text);
        /* Of a failed attestation errno says nothing: the exit status is the code to show. */
        if (error == -EBADMSG)
                (void)snprintf(state, sizeof(state), "STATUS=%s: %s", step->name, text);
        else
                (void)snprintf(state, sizeof(state), "STATUS=%s: %s\nERRNO=%d", step->name, text, -error);
        (void)notify_send(c->notify_socket, state);
}

void report_degradation(const Context *c, const Step *step, int error) {
        char text[TEXT_MAX], line[TEXT_MAX + 64];

        describe(c, step, error, text, sizeof(text));
        (void)snprintf(line, sizeof(line), "running without %s: %s", step->name, text);
        report(c, LOG_WARNING, MESSAGE_ID_DEGRADED, step->name, error, line);
}
