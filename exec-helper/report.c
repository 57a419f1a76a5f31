/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports. libsystemd is loaded only when there is something to say to the journal: a good start never pays
 * for it. Must be called once for each error, by the process that ends with it.
 */

#include "report.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <syslog.h>

#include "message-id.h"
#include "notify.h"

#define LIBSYSTEMD "libsystemd.so.0"
#define TEXT_MAX (FAILURE_TEXT_MAX + 256)
#define FIELDS_MAX 8

int step_fail(Context *c, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(c->failure, sizeof(c->failure), format, ap);
        va_end(ap);
        return error;
}

typedef int (*SendFunc)(const struct iovec *, int);

static bool send_to_journal(char *const *fields, size_t n) {
        struct iovec iov[FIELDS_MAX];
        void *lib = dlopen(LIBSYSTEMD, RTLD_NOW | RTLD_LOCAL);
        SendFunc send = lib ? (SendFunc)dlsym(lib, "sd_journal_sendv") : NULL;

        if (!send)
                return false;
        for (size_t i = 0; i < n; i++)
                iov[i] = (struct iovec){ fields[i], strlen(fields[i]) };
        return send(iov, (int)n) >= 0;
}

/* One record. `step` and `error` may be NULL and 0. */
static void report(
        const Context *c, int priority, const char *id, const char *step, int error, const char *message) {
        const char *name = c->spec && c->spec->name ? c->spec->name : "unknown";
        char text[TEXT_MAX + 16], pri[16], mid[64], service[96], identifier[96], step_field[64],
                errno_field[24];
        char *fields[FIELDS_MAX] = { text, pri, mid, service, identifier };
        size_t n = 5;

        if (c->stderr_is_journal) {
                (void)snprintf(text, sizeof(text), "MESSAGE=%s", message);
                (void)snprintf(pri, sizeof(pri), "PRIORITY=%d", priority);
                (void)snprintf(mid, sizeof(mid), "MESSAGE_ID=%s", id);
                (void)snprintf(service, sizeof(service), "NUCLEUS_SERVICE=%s", name);
                (void)snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=nucleus-%s", name);
                if (step) {
                        (void)snprintf(step_field, sizeof(step_field), "NUCLEUS_STEP=%s", step);
                        fields[n++] = step_field;
                }
                if (error < 0) {
                        (void)snprintf(errno_field, sizeof(errno_field), "ERRNO=%d", -error);
                        fields[n++] = errno_field;
                }
                if (send_to_journal(fields, n))
                        return;
        }
        (void)dprintf(STDERR_FILENO, "%snucleus-exec: %s: %s\n",
                !c->stderr_is_journal ? ""
                : priority <= LOG_ERR ? "<3>"
                                      : "<4>",
                name, message);
}

void report_one_line(char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        *text = ' ';
}

/* "cannot mount /dev: Permission denied (step dev)" */
static void describe(const Context *c, const Step *step, int error, char *ret_text, size_t size) {
        const char *text = strerrordesc_np(-error);
        bool complete = error == -EBADMSG || error == -EKEYREJECTED;

        (void)snprintf(ret_text, size, "%s%s%s", c->failure[0] ? c->failure : step->name,
                complete ? "" : ": ", complete ? "" : text ?: "unknown error");
        report_one_line(ret_text);
}

void report_message(const Context *c, int priority, const char *message_id, const char *message) {
        report(c, priority, message_id, NULL, 0, message);
}

void report_failure(const Context *c, const Step *step, int error) {
        char text[TEXT_MAX], state[TEXT_MAX + 64];

        describe(c, step, error, text, sizeof(text));
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
