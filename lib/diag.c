/* SPDX-License-Identifier: Apache-2.0 */
/* Collected diagnostics. Must never print: programs do, at their edge. */

#include "diag.h"

#include <stdarg.h>

#include "path.h"
#include "strbuf.h"
#include "utf8.h"

void diagnostics_done(Diagnostics *d) {
        for (size_t i = 0; i < d->n; i++) {
                free(d->items[i].file);
                free(d->items[i].service);
                free(d->items[i].message);
        }
        free(d->items);
        *d = (Diagnostics){};
}

/* Messages quote what hostile files say: after this they hold no control and no bidi character. */
int text_sanitise(const char *s, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        for (size_t n = strlen(s); n > 0;) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0)
                        strbuf_printf(&b, "\\x%02x", (unsigned char)s[0]);
                else if (character_is_control(c) || character_is_deceptive(c))
                        strbuf_printf(&b, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
                else
                        strbuf_add(&b, s, k);
                k = k ?: 1;
                s += k;
                n -= k;
        }
        return strbuf_finish(&b, ret_);
}

int error_set(char **reterr_, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(reterr_, format, ap);
        va_end(ap);
        if (n < 0) {
                *reterr_ = NULL;
                return -ENOMEM;
        }
        return error;
}

int diagnostics_addv(Diagnostics *d, Severity severity, Position where, const char *service,
        const char *format, va_list ap) {
        _cleanup_free_ char *raw = NULL, *message = NULL, *file = NULL, *name = NULL;

        if (severity == SEVERITY_ERROR)
                d->n_errors++;

        int k = vasprintf(&raw, format, ap);
        if (k < 0) {
                raw = NULL;
                return -ENOMEM;
        }

        k = text_sanitise(raw, &message);
        if (k < 0)
                return k;
        if (where.file && text_sanitise(where.file, &file) < 0)
                return -ENOMEM;
        if (service && !(name = strdup(service)))
                return -ENOMEM;
        Diagnostic *items = grown(d->items, d->n, sizeof(Diagnostic));
        if (!items)
                return -ENOMEM;
        d->items = items;
        d->items[d->n++] = (Diagnostic){
                .severity = severity,
                .file = TAKE_PTR(file),
                .line = where.line,
                .column = where.column,
                .service = TAKE_PTR(name),
                .message = TAKE_PTR(message),
        };
        return 0;
}

int diagnostics_add(
        Diagnostics *d, Severity severity, Position where, const char *service, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int r = diagnostics_addv(d, severity, where, service, format, ap);
        va_end(ap);
        return r;
}

bool diagnostic_needs_service(const Diagnostic *d) {
        const char *base = d->file ? strrchr(d->file, '/') : NULL;

        if (!d->service || !base)
                return false;
        if (path_is_dropin_of(d->file, d->service))
                return false;
        size_t n = strcspn(++base, ".");
        return !streq(base + n, ".toml") || strncmp(base, d->service, n) != 0 ||
               (d->service[n] != '\0' && d->service[n] != '-');
}

int diagnostic_format(const Diagnostic *d, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        if (d->file) {
                strbuf_puts(&b, d->file);
                if (d->line > 0)
                        strbuf_printf(&b, ":%u", d->line);
                if (d->line > 0 && d->column > 0)
                        strbuf_printf(&b, ":%u", d->column);
                strbuf_puts(&b, ": ");
        }
        strbuf_puts(&b, d->message);
        return strbuf_finish(&b, ret_);
}
