/* SPDX-License-Identifier: Apache-2.0 */
/* Counting system calls, and the text of a trace. Needs libc alone, since services are traced by a program
 * that links nothing else. Must never write bytes that are no UTF-8: the text is JSON. */

#include "seccomp-trace-file.h"
#include "utf8.h"

#include <inttypes.h>

static void call_done(SeccompTraceCall *c) {
        free(c->name);
        free(c->values);
}

void seccomp_trace_done(SeccompTrace *t) {
        for (size_t i = 0; i < t->n_calls; i++)
                call_done(&t->calls[i]);
        free(t->calls);
        free(t->architecture);
        free(t->kernel);
        strv_free(t->command);
        *t = (SeccompTrace){};
}

/* ---- counting ---- */

static int call_compare(const SeccompTraceCall *c, uint32_t audit_arch, uint32_t nr) {
        if (c->audit_arch != audit_arch)
                return c->audit_arch < audit_arch ? -1 : 1;
        return c->nr < nr ? -1 : c->nr > nr;
}

/* The index of the first call that is not before this one. */
static size_t call_index(const SeccompTrace *t, uint32_t audit_arch, uint32_t nr) {
        size_t low = 0, high = t->n_calls;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (call_compare(&t->calls[middle], audit_arch, nr) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* Counts come from files too: they stop at the end, they do not begin anew. */
static uint64_t add_counts(uint64_t a, uint64_t b) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
}

SeccompTraceCall *seccomp_trace_add(SeccompTrace *t, uint32_t audit_arch, uint32_t nr, uint64_t count) {
        size_t i = call_index(t, audit_arch, nr);
        bool known = i < t->n_calls && call_compare(&t->calls[i], audit_arch, nr) == 0;

        uint32_t beyond_arch = audit_arch ? UINT32_MAX : 0;

        if (!known && t->n_calls >= SECCOMP_TRACE_CALLS_MAX &&
                (nr != UINT32_MAX || audit_arch != beyond_arch))
                return seccomp_trace_add(t, beyond_arch, UINT32_MAX, count);
        if (!known) {
                SeccompTraceCall *calls = reallocarray(t->calls, t->n_calls + 1, sizeof(*calls));
                if (!calls)
                        return NULL;
                t->calls = calls;
                memmove(&calls[i + 1], &calls[i], (t->n_calls++ - i) * sizeof(*calls));
                calls[i] = (SeccompTraceCall){ .audit_arch = audit_arch, .nr = nr };
        }
        t->calls[i].count = add_counts(t->calls[i].count, count);
        return &t->calls[i];
}

int seccomp_trace_add_value(SeccompTraceCall *c, unsigned argument, uint64_t value, uint64_t count) {
        size_t i = 0;

        c->argument = argument;
        while (i < c->n_values && c->values[i].value < value)
                i++;
        if (i == c->n_values || c->values[i].value != value) {
                if (c->n_values >= SECCOMP_TRACE_VALUES_MAX) {
                        c->values_cut = true;
                        return 0;
                }
                SeccompTraceValue *values = reallocarray(c->values, c->n_values + 1, sizeof(*values));
                if (!values)
                        return -ENOMEM;
                c->values = values;
                memmove(&values[i + 1], &values[i], (c->n_values++ - i) * sizeof(*values));
                values[i] = (SeccompTraceValue){ .value = value };
        }
        c->values[i].count = add_counts(c->values[i].count, count);
        return 0;
}

/* Values are worth something only where all are known: what one side lacks, or has of another argument, cuts
 * them. */
static int merge_values(SeccompTraceCall *to, const SeccompTraceCall *from, bool to_is_new) {
        bool comparable =
                to_is_new || (to->n_values > 0 && from->n_values > 0 && to->argument == from->argument);

        to->values_cut |= from->values_cut || (!comparable && to->n_values + from->n_values > 0);
        if (!comparable)
                return 0;
        for (size_t i = 0; i < from->n_values; i++) {
                int r = seccomp_trace_add_value(
                        to, from->argument, from->values[i].value, from->values[i].count);
                if (r < 0)
                        return r;
        }
        return 0;
}

int seccomp_trace_merge(SeccompTrace *t, const SeccompTrace *from) {
        for (size_t i = 0; i < from->n_calls; i++) {
                const SeccompTraceCall *f = &from->calls[i];
                size_t before = t->n_calls;
                SeccompTraceCall *c = seccomp_trace_add(t, f->audit_arch, f->nr, f->count);
                if (!c)
                        return -ENOMEM;
                int r = merge_values(c, f, t->n_calls > before);
                if (r < 0)
                        return r;
                if (!c->name && f->name && !(c->name = strdup(f->name)))
                        return -ENOMEM;
        }
        return 0;
}

/* ---- the text ---- */

void seccomp_json_string(StrBuf *b, const char *s) {
        strbuf_putc(b, '"');
        for (size_t n = strlen(s); n > 0;) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0)
                        strbuf_printf(b, "\\\\x%02x", (unsigned char)*s);
                else if (c < ' ' || c == 0x7f || c == '"' || c == '\\')
                        strbuf_printf(b, "\\u%04x", c);
                else
                        strbuf_add(b, s, k);
                k = k ?: 1;
                s += k;
                n -= k;
        }
        strbuf_putc(b, '"');
}

static void add_command(StrBuf *b, char *const *command) {
        size_t n = 0;

        if (!command)
                return;
        strbuf_puts(b, ",\n  \"command\": [");
        STRV_FOREACH(argument, command) {
                strbuf_puts(b, n++ > 0 ? ", " : "");
                seccomp_json_string(b, argument);
        }
        strbuf_putc(b, ']');
}

static void add_call(StrBuf *b, const SeccompTraceCall *c) {
        seccomp_json_string(b, c->name);
        strbuf_printf(b, ": { \"count\": %" PRIu64, c->count);
        if (c->n_values > 0 || c->values_cut) {
                strbuf_printf(b, ", \"argument\": %u, \"values\": {", c->argument);
                for (size_t i = 0; i < c->n_values; i++)
                        strbuf_printf(b, "%s \"0x%" PRIx64 "\": %" PRIu64, i > 0 ? "," : "",
                                c->values[i].value, c->values[i].count);
                strbuf_puts(b, c->n_values > 0 ? " }" : "}");
                strbuf_puts(b, c->values_cut ? ", \"values_cut\": true" : "");
        }
        strbuf_puts(b, " }");
}

static void add_number(StrBuf *b, const SeccompTraceCall *c) {
        strbuf_printf(b, "\"%" PRIu32 "\": %" PRIu64, c->nr, c->count);
}

static void add_foreign(StrBuf *b, const SeccompTraceCall *c) {
        strbuf_printf(b,
                "{ \"architecture\": \"0x%08" PRIx32 "\", \"number\": %" PRIu32 ", \"count\": %" PRIu64 " }",
                c->audit_arch, c->nr, c->count);
}

static bool is_named(const SeccompTraceCall *c) {
        return !c->audit_arch && c->name;
}

static bool is_number(const SeccompTraceCall *c) {
        return !c->audit_arch && !c->name;
}

static bool is_foreign(const SeccompTraceCall *c) {
        return c->audit_arch;
}

/* One member of the document; left out where no call belongs to it. */
static const struct {
        const char *key, *open, *close;
        bool (*belongs)(const SeccompTraceCall *c);
        void (*add)(StrBuf *b, const SeccompTraceCall *c);
} sections[] = {
        { "syscalls", "{", "}", is_named, add_call },
        { "numbers", "{", "}", is_number, add_number },
        { "foreign", "[", "]", is_foreign, add_foreign },
};

static int name_compare(const void *a, const void *b) {
        const SeccompTraceCall *x = *(const SeccompTraceCall *const *)a;
        const SeccompTraceCall *y = *(const SeccompTraceCall *const *)b;

        if (is_named(x) && is_named(y))
                return strcmp(x->name, y->name);
        return call_compare(x, y->audit_arch, y->nr);
}

int seccomp_trace_format(const SeccompTrace *t, char **ret_) {
        _cleanup_free_ const SeccompTraceCall **order = calloc(t->n_calls + 1, sizeof(*order));
        _cleanup_strbuf_ StrBuf b = {};

        if (!order)
                return -ENOMEM;

        strbuf_printf(&b, "{\n  \"nucleus-trace\": %d,\n  \"architecture\": ", SECCOMP_TRACE_VERSION);
        seccomp_json_string(&b, t->architecture);
        if (t->kernel) {
                strbuf_puts(&b, ",\n  \"kernel\": ");
                seccomp_json_string(&b, t->kernel);
        }
        add_command(&b, t->command);
        for (size_t s = 0; s < ELEMENTSOF(sections); s++) {
                size_t n = 0;

                for (size_t i = 0; i < t->n_calls; i++)
                        if (sections[s].belongs(&t->calls[i]))
                                order[n++] = &t->calls[i];
                if (n == 0)
                        continue;
                qsort(order, n, sizeof(*order), name_compare);
                strbuf_printf(&b, ",\n  \"%s\": %s\n", sections[s].key, sections[s].open);
                for (size_t i = 0; i < n; i++) {
                        strbuf_puts(&b, "    ");
                        sections[s].add(&b, order[i]);
                        strbuf_puts(&b, i + 1 < n ? ",\n" : "\n");
                }
                strbuf_printf(&b, "  %s", sections[s].close);
        }
        strbuf_puts(&b, "\n}\n");
        return strbuf_finish(&b, ret_);
}
