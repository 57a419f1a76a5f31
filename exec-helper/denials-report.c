/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a denial: what was refused, to whom, how, by which line of which policy, and what to ask
 * next. Names and paths are a stranger's, and appear escaped. Must not say more than the kernel told: it
 * tells no errno, so the policy's lines do, where they leave no doubt.
 */

#include "denials-internal.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <sys/wait.h>
#include <syslog.h>

#include "build-config.h"
#include "errno-name.h"
#include "message-id.h"
#include "report.h"
#include "seccomp-lines.h"

#define LIBSECCOMP "libseccomp.so.2"
#define LINES_MAX 4U    /* lines of the policy that are named */
#define SUMMARY_ROWS 8U /* kinds that a summary names */

/* What a filter answered; ERRNO is named after its errno where the policy's lines know it. */
static const struct Answer {
        uint32_t action;
        const char *name;   /* for NUCLEUS_ANSWER= */
        const char *phrase; /* "system call bpf …" */
        int priority;
} answers[] = {
        { SECCOMP_RET_KILL_PROCESS, "killed", "killed its process", LOG_WARNING },
        { SECCOMP_RET_KILL_THREAD, "killed", "killed its thread", LOG_WARNING },
        { SECCOMP_RET_TRAP, "SIGSYS", "answered with SIGSYS", LOG_WARNING },
        { SECCOMP_RET_ERRNO, "errno", "denied", LOG_WARNING },
        { SECCOMP_RET_USER_NOTIF, "notified", "left to a listener", LOG_WARNING },
        { SECCOMP_RET_TRACE, "traced", "left to a tracer", LOG_WARNING },
        { SECCOMP_RET_LOG, "allowed", "allowed and logged", LOG_INFO },
};

static const struct Answer *answer_of(const AuditRecord *r) {
        static const struct Answer unknown = { 0, "unknown", "denied", LOG_WARNING };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                if (answers[i].action == r->code)
                        return &answers[i];
        return &unknown;
}

/* ---- names ---- */

/* Loaded with the first denial: a service that is denied nothing does not pay for it. */
static char *library_name(Denials *d, uint32_t arch, int nr) {
        if (!d->looked_for_names) {
                void *lib = dlopen(LIBSECCOMP, RTLD_NOW | RTLD_LOCAL);
                void *f = lib ? dlsym(lib, "seccomp_syscall_resolve_num_arch") : NULL;
                memcpy(&d->name_of, &f, sizeof(f));
                d->looked_for_names = true;
        }
        return d->name_of ? d->name_of(arch, nr) : NULL;
}

/* The name of the system call, or its number. True: it is a name. */
static bool syscall_name(const Context *c, const AuditRecord *r, char *ret_name, size_t size) {
        _cleanup_free_ char *name = NULL;

        if (r->syscall <= INT32_MAX && r->arch <= UINT32_MAX)
                name = library_name(c->denials, (uint32_t)r->arch, (int)r->syscall);
        if (name)
                (void)snprintf(ret_name, size, "%s", name);
        else
                (void)snprintf(ret_name, size, "%" PRIu64, r->syscall);
        return name;
}

/* "fs.read_file,fs.truncate" to the words that a policy uses: "read_file,truncate". */
static void landlock_rights(const char *blockers, char *ret_rights, size_t size) {
        size_t n = 0;

        for (const char *s = blockers; *s && n + 1 < size;) {
                size_t k = strcspn(s, ",");
                const char *dot = memchr(s, '.', k), *word = dot ? dot + 1 : s;
                size_t length = (size_t)(s + k - word);

                if (n + length + 2 >= size)
                        break;
                if (n > 0)
                        ret_rights[n++] = ',';
                memcpy(ret_rights + n, word, length);
                n += length;
                s += k + (s[k] == ',');
        }
        ret_rights[n] = '\0';
}

static void add_quoted(StrBuf *b, const char *s) {
        strbuf_putc(b, '"');
        audit_text_escape(b, s);
        strbuf_putc(b, '"');
}

/* What Landlock kept from the program: ‘"/etc/shadow"’, ‘127.0.0.1 port 80’, ‘process 1 "init"’. */
static void add_object(StrBuf *b, const AuditRecord *r) {
        const char *address = r->daddr[0] ? r->daddr : r->saddr;

        if (audit_record_has(r, offsetof(AuditRecord, path)))
                add_quoted(b, r->path);
        else if (audit_record_has(r, offsetof(AuditRecord, opid))) {
                strbuf_printf(b, "process %" PRIu64 " ", r->opid);
                add_quoted(b, r->ocomm);
        } else if (audit_record_has(r, offsetof(AuditRecord, src)) ||
                   audit_record_has(r, offsetof(AuditRecord, dest)))
                strbuf_printf(b, "%s%sport %" PRIu64, address, address[0] ? " " : "",
                        audit_record_has(r, offsetof(AuditRecord, dest)) ? r->dest : r->src);
        else
                strbuf_puts(b, "what it does not name");
}

static void add_program(StrBuf *b, const AuditRecord *who) {
        add_quoted(b, who->comm);
        if (who->exe[0]) {
                strbuf_puts(b, " (");
                audit_text_escape(b, who->exe);
                strbuf_putc(b, ')');
        }
}

/* ---- which policy ---- */

/* Built-in profiles are installed as files too, whose lines these are. */
static const char *seccomp_source(const Context *c, char *buffer, size_t size) {
        if (c->spec->seccomp_source)
                return c->spec->seccomp_source;
        (void)snprintf(buffer, size, "%s/%s.seccomp.json", NUCLEUS_POLICY_DIR, c->rules->name);
        return buffer;
}

/* Who answered where no line of the profile did; NULL: one did. */
static const char *other_than_profile(const SeccompLine *line) {
        return line->line == SECCOMP_LINE_FLOOR   ? "the floor of this host"
               : line->line == SECCOMP_LINE_FIRST ? "a built-in rule that stands before every profile"
                                                  : NULL;
}

/* ", by FILE:14 or line 31". ret_numbers: "14,31". */
static void add_policy(
        StrBuf *b, const char *source, const SeccompLine *lines, size_t n, StrBuf *ret_numbers) {
        strbuf_puts(b, ", by ");
        for (size_t i = 0; i < n; i++) {
                const char *other = other_than_profile(&lines[i]);

                strbuf_printf(b, "%s%s", i > 0 ? " or " : "", other ?: "");
                if (other)
                        continue;
                if (ret_numbers->len == 0)
                        audit_text_escape(b, source);
                strbuf_printf(b, "%s%u", ret_numbers->len > 0 ? "line " : ":", lines[i].line);
                strbuf_printf(ret_numbers, "%s%u", ret_numbers->len > 0 ? "," : "", lines[i].line);
        }
        if (n == 0)
                audit_text_escape(b, source);
}

/* Nothing but this can have answered: SECCOMP_LINE_FLOOR or SECCOMP_LINE_FIRST. */
static bool only_by(unsigned line, const SeccompLine *lines, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (lines[i].line != line)
                        return false;
        return n > 0;
}

/* The errno, where all lines that may have answered agree on it. */
static const char *errno_of(const AuditRecord *r, const SeccompLine *lines, size_t n) {
        if (r->code != SECCOMP_RET_ERRNO || n == 0)
                return NULL;
        for (size_t i = 1; i < n; i++)
                if (lines[i].action != lines[0].action)
                        return NULL;
        return errno_name((int)(lines[0].action & SECCOMP_RET_DATA));
}

/* The profile is of our own architecture; a call of another is killed before the profile is asked. */
static size_t lines_of(const Context *c, const AuditRecord *r, SeccompLine *ret_) {
        if (r->syscall > UINT32_MAX || r->arch != AUDIT_ARCH_NATIVE)
                return 0;
        size_t n = seccomp_lines_find(
                c->spec->seccomp_lines, (uint32_t)r->syscall, (uint32_t)r->code, ret_, LINES_MAX);
        return n < LINES_MAX ? n : LINES_MAX;
}

/* ---- records ---- */

/* Text that is complete, or nothing: a record with half a message would mislead. */
static const char *text_of(const StrBuf *b) {
        return b->failed || !b->data ? NULL : b->data;
}

static void report_seccomp(const Context *c, const AuditRecord *r) {
        _cleanup_strbuf_ StrBuf b = {}, comm = {}, exe = {}, numbers = {};
        const struct Answer *answer = answer_of(r);
        char name[64], source_buffer[512], pid[24];
        SeccompLine lines[LINES_MAX];
        size_t n = lines_of(c, r, lines);
        const char *error = errno_of(r, lines, n),
                   *source = seccomp_source(c, source_buffer, sizeof(source_buffer));
        bool native = r->arch == AUDIT_ARCH_NATIVE, named = syscall_name(c, r, name, sizeof(name)),
             floor = only_by(SECCOMP_LINE_FLOOR, lines, n);

        strbuf_printf(&b, "system call %s%s %s%s%s: ", name, native ? "" : " of another architecture",
                answer->phrase, error ? " with " : "", error ?: "");
        add_program(&b, r);
        add_policy(&b, source, lines, n, &numbers);
        if (floor || only_by(SECCOMP_LINE_FIRST, lines, n))
                source = floor ? "floor" : "built-in";
        if (floor)
                strbuf_printf(&b, "; see: nucleus show %s", c->spec->name);
        else if (named && native)
                strbuf_printf(
                        &b, "; see: nucleus policy explain --service %s --syscall %s", c->spec->name, name);
        audit_text_escape(&comm, r->comm);
        audit_text_escape(&exe, r->exe);
        (void)snprintf(pid, sizeof(pid), "%" PRIu64, r->pid);

        report_record(c, answer->priority, MESSAGE_ID_DENIED, text_of(&b) ?: "out of memory",
                (const ReportField[]){
                        { "NUCLEUS_DENIAL", "seccomp" },
                        { "NUCLEUS_SYSCALL", name },
                        { "NUCLEUS_ANSWER", error ?: answer->name },
                        { "NUCLEUS_POLICY", source },
                        { "NUCLEUS_POLICY_LINE", text_of(&numbers) },
                        { "NUCLEUS_COMM", text_of(&comm) },
                        { "NUCLEUS_EXE", text_of(&exe) },
                        { "NUCLEUS_PID", pid },
                },
                8);
}

/* Only for what can be asked and pasted as it is. */
static void add_landlock_hint(StrBuf *b, const Context *c, const AuditRecord *r, const char *rights) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

        if (startswith(r->blockers, "fs.") && r->path[0] == '/' && strspn(r->path, plain) == strlen(r->path))
                strbuf_printf(b, "; see: nucleus policy explain --service %s --path %s --access %s",
                        c->spec->name, r->path, rights);
}

static void report_landlock(const Context *c, const AuditRecord *r, const AuditRecord *call) {
        _cleanup_strbuf_ StrBuf b = {}, object = {}, comm = {}, exe = {};
        char rights[sizeof(r->blockers)], built_in[64], pid[24];
        const char *error =
                call && call->exit < 0 && call->exit > -4096 ? errno_name((int)-call->exit) : NULL;

        landlock_rights(r->blockers, rights, sizeof(rights));
        add_object(&object, r);
        (void)snprintf(built_in, sizeof(built_in), "the built-in Landlock policy of %s", c->rules->name);
        const char *source = !c->spec->landlock_policy ? built_in
                             : c->spec->landlock_source ?: "the Landlock policy of the service";
        strbuf_printf(&b, "access %s to %s denied%s%s", rights, text_of(&object) ?: "?",
                error ? " with " : "", error ?: "");
        if (call) {
                strbuf_puts(&b, ": ");
                add_program(&b, call);
                audit_text_escape(&comm, call->comm);
                audit_text_escape(&exe, call->exe);
                (void)snprintf(pid, sizeof(pid), "%" PRIu64, call->pid);
        }
        strbuf_puts(&b, ", by ");
        audit_text_escape(&b, source);
        add_landlock_hint(&b, c, r, rights);

        report_record(c, LOG_WARNING, MESSAGE_ID_DENIED, text_of(&b) ?: "out of memory",
                (const ReportField[]){
                        { "NUCLEUS_DENIAL", "landlock" },
                        { "NUCLEUS_RIGHT", rights },
                        { "NUCLEUS_OBJECT", text_of(&object) },
                        { "NUCLEUS_ANSWER", error ?: "denied" },
                        { "NUCLEUS_POLICY", source },
                        { "NUCLEUS_COMM", text_of(&comm) },
                        { "NUCLEUS_EXE", text_of(&exe) },
                        { "NUCLEUS_PID", call ? pid : NULL },
                },
                8);
}

void denial_report(const Context *c, const AuditRecord *r, const AuditRecord *call) {
        if (r->type == AUDIT_TYPE_SECCOMP)
                report_seccomp(c, r);
        else
                report_landlock(c, r, call);
}

/* ---- kinds ---- */

void denial_kind(const AuditRecord *r, char *ret_kind, size_t size) {
        if (r->type == AUDIT_TYPE_SECCOMP)
                (void)snprintf(
                        ret_kind, size, "%" PRIx64 " %" PRIu64 " %" PRIx64, r->arch, r->syscall, r->code);
        else
                (void)snprintf(ret_kind, size, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %s", r->blockers,
                        r->src, r->dest, r->opid, r->path);
}

void denial_label(const Context *c, const AuditRecord *r, const char *comm, char *ret_label, size_t size) {
        _cleanup_strbuf_ StrBuf b = {};
        char name[sizeof(r->blockers)];

        if (r->type == AUDIT_TYPE_SECCOMP) {
                (void)syscall_name(c, r, name, sizeof(name));
                strbuf_puts(&b, name);
        } else {
                landlock_rights(r->blockers, name, sizeof(name));
                strbuf_printf(&b, "%s to ", name);
                add_object(&b, r);
        }
        if (!comm)
                strbuf_puts(&b, " by other programs");
        else if (comm[0]) {
                strbuf_puts(&b, " by ");
                add_quoted(&b, comm);
        }
        (void)snprintf(ret_label, size, "%s", text_of(&b) ?: "?");
}

static int row_compare(const void *a, const void *b) {
        uint64_t x = ((const DenialRow *)a)->more, y = ((const DenialRow *)b)->more;
        return x < y ? 1 : x > y ? -1 : 0;
}

void denials_summarize(Context *c) {
        Denials *d = c->denials;
        _cleanup_strbuf_ StrBuf b = {};
        uint64_t total = d->others, rest = d->others;
        char count[24];

        qsort(d->rows, d->n_rows, sizeof(d->rows[0]), row_compare);
        for (size_t i = 0; i < d->n_rows; i++)
                total += d->rows[i].more;
        strbuf_printf(&b, "… and %s%" PRIu64 " more denial%s", d->lost ? "at least " : "", total,
                total == 1 ? "" : "s");
        for (size_t i = 0; i < d->n_rows && d->rows[i].more > 0; i++)
                if (i < SUMMARY_ROWS)
                        strbuf_printf(&b, "%s %" PRIu64 " × %s", i == 0 ? ":" : ",", d->rows[i].more,
                                d->rows[i].label);
                else
                        rest += d->rows[i].more;
        if (rest > 0)
                strbuf_printf(
                        &b, "%s %" PRIu64 " others", d->n_rows > 0 && d->rows[0].more > 0 ? "," : ":", rest);
        (void)snprintf(count, sizeof(count), "%" PRIu64, total);
        if (total > 0 || d->lost)
                report_record(c, LOG_NOTICE, MESSAGE_ID_DENIALS_MORE, text_of(&b) ?: "out of memory",
                        (const ReportField[]){ { "NUCLEUS_COUNT", count } }, 1);
        d->n_rows = d->n_landlock_rows = 0;
        d->others = 0;
        d->lost = false;
}

bool denials_killed(int status) {
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

void denials_report_death(const Context *c, int status) {
        char text[512];

        if (!denials_killed(status))
                return;
        (void)snprintf(text, sizeof(text),
                "killed by its system call policy (SIGSYS); which call it made, the kernel logged as audit "
                "type=1326: "
                "see journalctl -k, then: nucleus policy explain --service %s --syscall CALL",
                c->spec->name);
        report_message(c, LOG_WARNING, MESSAGE_ID_KILLED_BY_POLICY, text);
}
