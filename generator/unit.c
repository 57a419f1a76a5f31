/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit text. assign() writes every value, so that no text of a configuration can end its line, join the next
 * one, or be expanded. Everything else here is literal. Must stay pure and free of anything that differs
 * between two runs: two runs give identical bytes.
 */

#include "unit.h"

#include "build-config.h"

#include <stdarg.h>

#include "exit-code.h"
#include "strbuf.h"

/* How systemd reads the value of a key. */
typedef enum Reading {
        READING_PLAIN,   /* as it is, specifiers expanded */
        READING_ESCAPED, /* C escapes first, specifiers after */
        READING_LITERAL, /* as it is; for values that are ours */
} Reading;

/* Longest line that systemd takes (LONG_LINE_MAX is 1 MiB), and longest text for people. */
#define LINE_MAX_LENGTH (1024U * 1024 - 64)
#define DESCRIPTION_MAX 500U

static const char *const early_targets[] = {
        "basic.target",
        "cryptsetup.target",
        "first-boot-complete.target",
        "local-fs-pre.target",
        "local-fs.target",
        "paths.target",
        "slices.target",
        "sockets.target",
        "swap.target",
        "sysinit.target",
        "timers.target",
};

void unit_set_drop_files(UnitSet *u) {
        for (size_t i = 0; i < u->n_files; i++) {
                free(u->files[i].name);
                free(u->files[i].text);
        }
        u->n_files = 0;
}

static void unit_link_done(UnitLink *l) {
        free(l->directory);
        free(l->unit);
        *l = (UnitLink){};
}

void unit_set_done(UnitSet *u) {
        unit_set_drop_files(u);
        for (size_t i = 0; i < u->n_links; i++)
                unit_link_done(&u->links[i]);
        free(u->files);
        free(u->links);
        *u = (UnitSet){};
}

static int compare_links(const void *a, const void *b) {
        const UnitLink *x = a, *y = b;

        return strcmp(x->directory, y->directory) ?: strcmp(x->unit, y->unit);
}

void unit_set_sort_links(UnitSet *u) {
        size_t n = 0;

        if (u->n_links == 0)
                return;
        qsort(u->links, u->n_links, sizeof(UnitLink), compare_links);
        for (size_t i = 0; i < u->n_links; i++)
                if (n > 0 && compare_links(&u->links[n - 1], &u->links[i]) == 0)
                        unit_link_done(&u->links[i]);
                else
                        u->links[n++] = u->links[i];
        u->n_links = n;
}

/* Takes the text of `b`. */
static int add_file(UnitSet *u, StrBuf *b, const char *name, const char *suffix) {
        /* Grown when the number is a power of two; unit_set_drop_files() keeps what there is. */
        if (u->n_files == 0 || (u->n_files & (u->n_files - 1)) == 0) {
                UnitFile *p = reallocarray(u->files, u->n_files ? 2 * u->n_files : 1, sizeof(UnitFile));
                if (!p)
                        return -ENOMEM;
                u->files = p;
        }

        UnitFile f = { .length = b->len };
        if (asprintf(&f.name, "nucleus-%s.%s", name, suffix) < 0)
                return -ENOMEM;
        if (strbuf_finish(b, &f.text) < 0) {
                free(f.name);
                return -ENOMEM;
        }
        u->files[u->n_files++] = f;
        return 0;
}

static int add_link(UnitSet *u, const char *by, const char *name, const char *suffix) {
        UnitLink l = {};

        if ((u->n_links & (u->n_links - 1)) == 0) {
                UnitLink *p = reallocarray(u->links, u->n_links ? 2 * u->n_links : 1, sizeof(UnitLink));
                if (!p)
                        return -ENOMEM;
                u->links = p;
        }
        if (asprintf(&l.directory, "%s.wants", by) < 0)
                return -ENOMEM;
        if (asprintf(&l.unit, "nucleus-%s.%s", name, suffix) < 0) {
                free(l.directory);
                return -ENOMEM;
        }
        u->links[u->n_links++] = l;
        return 0;
}

static int add_links(UnitSet *u, char *const *wanted_by, const char *name, const char *suffix) {
        STRV_FOREACH(by, wanted_by) {
                /* Also of a service with an error, and that may be this one. */
                if (!unit_name_is_valid(by) || unit_is_early_target(by))
                        continue;
                int k = add_link(u, by, name, suffix);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* ---- values ---- */

bool unit_name_is_valid(const char *name) {
        static const char *const suffixes[] = { ".service", ".socket", ".target", ".device", ".mount",
                ".automount", ".swap", ".timer", ".path", ".slice", ".scope" };
        size_t n = strlen(name);

        /* NAME_MAX, less ".requires". */
        if (n > 246 || name[0] == '.' || name[0] == '-' ||
                strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") != n)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                if (endswith(name, suffixes[i]) && n > strlen(suffixes[i]))
                        return true;
        return false;
}

bool unit_is_early_target(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(early_targets); i++)
                if (streq(early_targets[i], name))
                        return true;
        return false;
}

static bool is_control(char c) {
        return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool unit_value_is_plain(const char *value) {
        size_t n = strlen(value);

        if (n == 0 || is_space(value[0]) || is_space(value[n - 1]) || value[n - 1] == '\\')
                return false;
        for (size_t i = 0; i < n; i++)
                if (is_control(value[i]))
                        return false;
        return true;
}

/* [A-Za-z0-9 _./:=,+@-]: what no parser of units gives a meaning to, wherever it stands. */
static bool is_safe(char c) {
        static const bool safe[256] = {
                ['a' ... 'z'] = true,
                ['A' ... 'Z'] = true,
                ['0' ... '9'] = true,
                [' '] = true,
                ['_'] = true,
                ['.'] = true,
                ['/'] = true,
                [':'] = true,
                ['='] = true,
                [','] = true,
                ['+'] = true,
                ['@'] = true,
                ['-'] = true,
        };
        return safe[(unsigned char)c];
}

/* White space at either end of a line is not part of the value. */
static bool is_safe_at(const char *s, size_t n, size_t i) {
        return is_safe(s[i]) && !(s[i] == ' ' && (i == 0 || i == n - 1));
}

static void put_escaped(StrBuf *b, const char *s, size_t n) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                size_t start = i;

                while (i < n && is_safe_at(s, n, i))
                        i++;
                strbuf_add(b, s + start, i - start);
                if (i == n)
                        break;

                unsigned char c = (unsigned char)s[i];
                /* Specifiers are expanded after escapes: \x25 would be one. */
                if (c == '%')
                        strbuf_puts(b, "%%");
                else
                        strbuf_add(b, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
        }
}

static void put_plain(StrBuf *b, const char *s, size_t n) {
        size_t backslashes = 0;

        for (size_t i = 0; i < n; i++) {
                char c = is_control(s[i]) ? ' ' : s[i];

                if (c == '%')
                        strbuf_putc(b, '%');
                strbuf_putc(b, c);
                backslashes = c == '\\' ? backslashes + 1 : 0;
        }
        /* A single one would take the next line in. Only text for people gets here with one: checked. */
        if (backslashes % 2 == 1)
                strbuf_putc(b, '\\');
}

/* The one function that writes a value. */
static void assign_n(StrBuf *b, const char *key, const char *value, size_t n, Reading reading) {
        strbuf_puts(b, key);
        strbuf_putc(b, '=');
        if (reading == READING_ESCAPED)
                put_escaped(b, value, n);
        else if (reading == READING_PLAIN)
                put_plain(b, value, n);
        else
                strbuf_add(b, value, n);
        strbuf_putc(b, '\n');
}

static void assign(StrBuf *b, const char *key, const char *value) {
        if (!isempty(value))
                assign_n(b, key, value, strlen(value), READING_PLAIN);
}

/* For values that are ours: numbers and names of units. */
static void assignf(StrBuf *b, const char *key, const char *format, ...) _printf_(3, 4);
static void assignf(StrBuf *b, const char *key, const char *format, ...) {
        char value[160];
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(value, sizeof(value), format, ap);
        va_end(ap);
        if (n < 0 || (size_t)n >= sizeof(value))
                b->failed = true;
        else
                assign_n(b, key, value, (size_t)n, READING_LITERAL);
}

static void assign_time(StrBuf *b, const char *key, uint64_t us) {
        unsigned long long v = us;

        if (us == UINT64_MAX)
                assignf(b, key, "infinity");
        else if (us == 0)
                assignf(b, key, "1us"); /* 0 would mean for ever */
        else if (us % 1000000 == 0)
                assignf(b, key, "%llus", v / 1000000);
        else if (us % 1000 == 0)
                assignf(b, key, "%llums", v / 1000);
        else
                assignf(b, key, "%lluus", v);
}

static void assign_number(StrBuf *b, const char *key, uint64_t v) {
        if (v > 0)
                assignf(b, key, "%llu", (unsigned long long)v);
}

/* ---- sections ---- */

/* How many bytes of a text for people are shown: whole characters of UTF-8. */
static size_t shortened(const char *s) {
        size_t n = strnlen(s, DESCRIPTION_MAX + 1);

        if (n <= DESCRIPTION_MAX)
                return n;
        while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
                n--;
        return n;
}

static void put_head(
        StrBuf *b, const char *description, const char *kind, const char *name, Position where) {
        strbuf_puts(b, UNIT_HEADER "[Unit]\n");
        if (isempty(description))
                assignf(b, "Description", "Nucleus %s %s", kind, name);
        else
                assign_n(b, "Description", description, shortened(description), READING_PLAIN);
        assignf(b, "Documentation", "man:nucleus.toml(5)");
        /* systemd wants a clean absolute path here, and does without it. */
        if (where.file && where.file[0] == '/' && unit_value_is_plain(where.file))
                assign(b, "SourcePath", where.file);
}

static void put_dependency(StrBuf *b, const char *name, const char *suffix) {
        assignf(b, "Requires", "nucleus-%s%s", name, suffix);
        assignf(b, "After", "nucleus-%s%s", name, suffix);
}

static void put_limits(StrBuf *b, const ServiceConfig *s) {
        if (s->memory > 0) {
                assign_number(b, "MemoryMax", s->memory);
                /* Else the limit would only move what exceeds it to swap, without a bound of its own. */
                assignf(b, "MemorySwapMax", "0");
        }
        if (s->cpu_quota > 0 && s->cpu_quota % 100 == 0)
                assignf(b, "CPUQuota", "%llu%%", (unsigned long long)s->cpu_quota / 100);
        else if (s->cpu_quota > 0)
                assignf(b, "CPUQuota", "%llu.%02llu%%", (unsigned long long)s->cpu_quota / 100,
                        (unsigned long long)s->cpu_quota % 100);
        assign_number(b, "TasksMax", s->pids);
        assign_number(b, "IOWeight", s->io_weight);
}

/* The trace outlives the service, or nobody could learn from it. */
static void put_trace_directory(StrBuf *b, const ServiceConfig *s) {
        if (!s->seccomp_trace)
                return;
        assignf(b, "RuntimeDirectory", "nucleus/trace");
        assignf(b, "RuntimeDirectoryPreserve", "yes");
}

const char *unit_exec_path(const Node *n) {
        /* libcrypto, and libseccomp's names of calls. */
        bool library = !n->error && (n->service->attestation_verify || n->service->log_denials);

        return library ? NUCLEUS_EXEC_PATH : NUCLEUS_EXEC_STATIC_PATH;
}

/* Into [Service]; READY=1 says that a service runs, and its end that a oneshot is complete. */
static void put_service(StrBuf *b, const Node *n, const char *exec_path) {
        bool oneshot = n->oneshot && !n->error;

        strbuf_puts(b, "\n[Service]\n");
        assignf(b, "Type", oneshot ? "oneshot" : "notify");
        if (oneshot)
                assignf(b, "RemainAfterExit", "yes");
        assignf(b, "NotifyAccess", "main");
        assignf(b, "KillMode", "mixed");
        assignf(b, "Slice", "nucleus.slice");
        assignf(b, "SyslogIdentifier", "nucleus-%s", n->name);
        assign_n(b, "ExecStart", exec_path, strlen(exec_path), READING_ESCAPED);
        if (!n->error)
                assign(b, "Restart", n->service->restart);
        assignf(b, "RestartPreventExitStatus", EXIT_CODES_NOT_RETRIED);
        if (!n->error) {
                assign_time(b, "TimeoutStopSec", n->service->stop_timeout);
                put_limits(b, n->service);
                put_trace_directory(b, n->service);
        }
}

static int put_spec(StrBuf *b, const Node *n) {
        _cleanup_spec_ Spec *spec = NULL;
        _cleanup_free_ char *text = NULL;

        int k = node_to_spec(n, &spec);
        if (k >= 0)
                k = spec_format(spec, &text);
        if (k < 0)
                return k;
        if (strlen(text) > SPEC_TEXT_MAX)
                return -E2BIG;

        assignf(b, "StandardInput", "data");
        for (const char *line = text, *eol; (eol = strchr(line, '\n')); line = eol + 1) {
                size_t before = b->len;

                assign_n(b, "StandardInputText", line, (size_t)(eol - line), READING_ESCAPED);
                if (b->len - before > LINE_MAX_LENGTH)
                        return -E2BIG;
        }
        return 0;
}

/* ---- sockets ---- */

static bool same(const char *a, const char *b) {
        return streq(a ?: "", b ?: "");
}

/* A name and a mode are those of a whole unit: sockets that differ in them need several. */
static bool same_unit(const Socket *a, const Socket *b) {
        return same(a->name, b->name) && same(a->mode, b->mode) && same(a->user, b->user) &&
               same(a->group, b->group);
}

/* Is this the first of its unit? */
static bool is_leader(const ServiceConfig *s, size_t i) {
        for (size_t j = 0; j < i; j++)
                if (same_unit(&s->sockets[j], &s->sockets[i]))
                        return false;
        return true;
}

/* "socket", "2.socket", …: a name of a service has no dot, so no other service's unit is called so. */
static void socket_suffix(char *buffer, size_t size, size_t unit) {
        if (unit == 0)
                (void)snprintf(buffer, size, "socket");
        else
                (void)snprintf(buffer, size, "%zu.socket", unit + 1);
}

static int add_socket_unit(UnitSet *u, const Node *n, size_t leader, size_t unit) {
        _cleanup_strbuf_ StrBuf b = {};
        const ServiceConfig *s = n->service;
        const Socket *first = &s->sockets[leader];
        char suffix[32];

        put_head(&b, NULL, "socket of", n->name, s->where);
        strbuf_puts(&b, "\n[Socket]\n");
        for (size_t i = leader; i < s->n_sockets; i++)
                if (same_unit(first, &s->sockets[i]))
                        assign(&b, "ListenStream", s->sockets[i].listen);
        assign(&b, "FileDescriptorName", first->name);
        assign(&b, "SocketMode", first->mode);
        assign(&b, "SocketUser", first->user);
        assign(&b, "SocketGroup", first->group);
        if (unit > 0)
                assignf(&b, "Service", "nucleus-%s.service", n->name);

        socket_suffix(suffix, sizeof(suffix), unit);
        int k = add_file(u, &b, n->name, suffix);
        if (k >= 0 && s->wanted_by && s->wanted_by[0])
                k = add_link(u, "sockets.target", n->name, suffix);
        return k;
}

static int add_sockets(UnitSet *u, const Node *n) {
        size_t unit = 0;

        for (size_t i = 0; i < n->service->n_sockets; i++)
                if (is_leader(n->service, i)) {
                        int k = add_socket_unit(u, n, i, unit++);
                        if (k < 0)
                                return k;
                }
        return 0;
}

static void put_socket_dependencies(StrBuf *b, const Node *n) {
        char suffix[32], dotted[34];
        size_t unit = 0;

        for (size_t i = 0; i < n->service->n_sockets; i++)
                if (is_leader(n->service, i)) {
                        socket_suffix(suffix, sizeof(suffix), unit++);
                        (void)snprintf(dotted, sizeof(dotted), ".%s", suffix);
                        put_dependency(b, n->name, dotted);
                }
}

/* systemd hands a service the sockets of its namesake only, unless it is told. */
static void put_socket_list(StrBuf *b, const Node *n) {
        char suffix[32];
        size_t unit = 0;

        for (size_t i = 0; i < n->service->n_sockets; i++)
                if (is_leader(n->service, i)) {
                        socket_suffix(suffix, sizeof(suffix), unit++);
                        if (unit > 1)
                                assignf(b, "Sockets", "nucleus-%s.%s", n->name, suffix);
                }
}

/* ---- units ---- */

static int add_too_long(UnitSet *u, const Graph *g, const Node *n, const char *exec_path) {
        char message[] = "an argument, a path or a value of the environment is too long for a unit";
        Node failing = *n;

        failing.error = message;
        return unit_add_node(u, g, &failing, exec_path);
}

int unit_add_node(UnitSet *u, const Graph *g, const Node *n, const char *exec_path) {
        _cleanup_strbuf_ StrBuf b = {};

        if (n->foreign)
                return 0;

        put_head(&b, n->service->description, "service", n->name, n->service->where);
        if (n->stack != NAME_MAP_NONE && !g->stacks[n->stack].foreign)
                assignf(&b, "PartOf", "nucleus-%s.target", g->stacks[n->stack].config->name);
        if (!n->error) {
                for (size_t e = 0; e < n->n_edges; e++)
                        put_dependency(&b, g->nodes[n->edges[e].node].name, ".service");
                put_socket_dependencies(&b, n);
        }
        put_service(&b, n, exec_path);
        if (!n->error)
                put_socket_list(&b, n);

        int k = put_spec(&b, n);
        if (k == -E2BIG)
                return add_too_long(u, g, n, exec_path);
        if (k >= 0)
                k = add_file(u, &b, n->name, "service");
        if (k >= 0)
                k = add_links(u, n->service->wanted_by, n->name, "service");
        if (k >= 0 && !n->error)
                k = add_sockets(u, n);
        return k;
}

int unit_add_stack(UnitSet *u, const Graph *g, const Stack *s) {
        _cleanup_strbuf_ StrBuf b = {};

        if (s->foreign)
                return 0;

        put_head(&b, s->config->description, "stack", s->config->name, s->config->where);
        for (size_t i = 0; i < s->n_members; i++)
                if (!g->nodes[s->members[i]].foreign)
                        assignf(&b, "Wants", "nucleus-%s.service", g->nodes[s->members[i]].name);

        int k = add_file(u, &b, s->config->name, "target");
        return k < 0 ? k : add_links(u, s->config->wanted_by, s->config->name, "target");
}
