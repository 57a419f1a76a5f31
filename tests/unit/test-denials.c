/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Denials: the kernel's records as a strict parser reads them, whose they are, and how often they are told.
 * The records are the kernel's own (6.18), but for numbers that a row changes.
 */

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "denials-internal.h"
#include "recipe.h"

#define ID_BASE 1073741824U
#define OURS "1073741829"
#define EVENT(serial) "audit(1795521177.798:" serial "): "
#define SECCOMP_OF(uid, comm, nr, code)                                                                     \
        EVENT("19")                                                                                         \
        "auid=4294967295 uid=" uid " gid=0 ses=4294967295 pid=13936 comm=" comm                             \
        " exe=\"/bin/d\" sig=0 arch=c000003e syscall=" nr " compat=0 ip=0x7f2fff224829 code=" code
#define ACCESS(serial)                                                                                      \
        EVENT(serial)                                                                                       \
        "domain=194fe8534 blockers=fs.remove_file,fs.refer path=\"/data\" dev=\"vda\" "                     \
        "ino=109"
#define DOMAIN(serial, uid)                                                                                 \
        EVENT(serial)                                                                                       \
        "domain=194fe8534 status=allocated mode=enforcing pid=13936 uid=" uid " exe=\"/d\" comm=\"d\""
#define GONE EVENT("41") "domain=194fe8534 status=deallocated denials=6"
#define CALL_OF(serial, uid)                                                                                \
        EVENT(serial)                                                                                       \
        "arch=c000003e syscall=82 success=no exit=-13 a0=5573d7f6d047 a1=5573d7f6d040 a2=0 "                \
        "a3=7f2fff13a528 items=0 ppid=13839 pid=13936 auid=4294967295 uid=" uid                             \
        " gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"mv\" "         \
        "exe=\"/bin/mv\" key=(null)"

/* ---- the parser ---- */

static int parse(unsigned type, const char *text, AuditRecord *ret) {
        return audit_record_parse(type, text, strlen(text), ret);
}

static void test_parser_reads_seccomp(void **state _unused_) {
        AuditRecord r;

        assert_int_equal(
                parse(AUDIT_TYPE_SECCOMP, SECCOMP_OF("5", "636F206D6D2278", "321", "0x80000000"), &r), 0);
        assert_int_equal(r.serial, 19);
        assert_int_equal(r.time, 1795521177798);
        assert_int_equal(r.uid, 5);
        assert_int_equal(r.pid, 13936);
        assert_string_equal(r.comm, "co mm\"x");
        assert_string_equal(r.exe, "/bin/d");
        assert_int_equal(r.arch, 0xc000003e);
        assert_int_equal(r.syscall, 321);
        assert_int_equal(r.code, SECCOMP_RET_KILL_PROCESS);
}

static void test_parser_reads_landlock(void **state _unused_) {
        AuditRecord r;

        assert_int_equal(parse(AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), &r), 0);
        assert_int_equal(r.domain, 0x194fe8534);
        assert_string_equal(r.blockers, "fs.remove_file,fs.refer");
        assert_string_equal(r.path, "/data");
        assert_true(audit_record_has(&r, offsetof(AuditRecord, path)));
        assert_false(audit_record_has(&r, offsetof(AuditRecord, opid)));

        assert_int_equal(
                parse(AUDIT_TYPE_LANDLOCK_ACCESS,
                        EVENT("46") "domain=1 blockers=net.connect_tcp daddr=127.0.0.1 dest=80", &r),
                0);
        assert_string_equal(r.daddr, "127.0.0.1");
        assert_int_equal(r.dest, 80);

        assert_int_equal(
                parse(AUDIT_TYPE_LANDLOCK_ACCESS,
                        EVENT("49") "domain=1 blockers=scope.abstract_unix_socket path=0061622063", &r),
                0);
        assert_string_equal(r.path, "@ab c");

        assert_int_equal(
                parse(AUDIT_TYPE_LANDLOCK_ACCESS,
                        EVENT("18") "domain=1 blockers=scope.signal opid=1 ocomm=\"process_api\"", &r),
                0);
        assert_int_equal(r.opid, 1);
        assert_string_equal(r.ocomm, "process_api");

        assert_int_equal(parse(AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("14", "7"), &r), 0);
        assert_string_equal(r.status, "allocated");
        assert_int_equal(r.uid, 7);
        assert_int_equal(parse(AUDIT_TYPE_LANDLOCK_DOMAIN, GONE, &r), 0);
        assert_string_equal(r.status, "deallocated");

        assert_int_equal(parse(AUDIT_TYPE_SYSCALL, CALL_OF("17", "7"), &r), 0);
        assert_int_equal(r.exit, -13);
        assert_string_equal(r.exe, "/bin/mv");
}

static void test_parser_refuses_what_is_not_the_kernels(void **state _unused_) {
        static const struct {
                unsigned type;
                const char *text;
        } bad[] = {
                { AUDIT_TYPE_SECCOMP, "" },
                { AUDIT_TYPE_SECCOMP, "audit" },
                { AUDIT_TYPE_SECCOMP, "audit(1.2:3): " },
                { AUDIT_TYPE_SECCOMP, "audit(1.234:3):" },
                { AUDIT_TYPE_SECCOMP, "audit(1.234:): pid=1" },
                { AUDIT_TYPE_SECCOMP, "audit(-1.234:3): pid=1" },
                { AUDIT_TYPE_SECCOMP, EVENT("19") "uid=0" }, /* the rest is missing */
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("x", "\"d\"", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("-1", "\"d\"", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("18446744073709551616", "\"d\"", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"", "1 syscall=2", "0x50000") }, /* twice */
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"x", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "636F2", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "63zz", "1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"", "0x1", "0x50000") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"", "1", "0x") },
                { AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"", "1", "0x50000 word") },
                { AUDIT_TYPE_LANDLOCK_ACCESS, EVENT("1") "blockers=fs.refer path=\"/\"" },
                { AUDIT_TYPE_LANDLOCK_ACCESS, EVENT("1") "domain=1 path=\"/\"" },
                { AUDIT_TYPE_LANDLOCK_ACCESS, EVENT("1") "domain=1 blockers=\"fs refer\"" },
                { AUDIT_TYPE_LANDLOCK_DOMAIN, EVENT("1") "domain=1" },
        };
        AuditRecord r;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (parse(bad[i].type, bad[i].text, &r) != -EINVAL)
                        fail_msg("taken: %s", bad[i].text);
        assert_int_equal(parse(AUDIT_TYPE_SECCOMP, SECCOMP_OF("0", "\"d\"", "1", "0x50000"), &r), 0);
}

/* Every prefix and every single changed byte of a record is read within its bounds, whatever comes of it. */
static void test_parser_stays_within_the_record(void **state _unused_) {
        static const char text[] = SECCOMP_OF("5", "636F206D6D2278", "321", "0x80000000");
        AuditRecord r;

        for (size_t n = 0; n < sizeof(text); n++) {
                _cleanup_free_ char *copy = malloc(n ?: 1);
                assert_non_null(copy);
                memcpy(copy, text, n);
                (void)audit_record_parse(AUDIT_TYPE_SECCOMP, copy, n, &r);
        }
        for (size_t i = 0; i + 1 < sizeof(text); i++) {
                _cleanup_free_ char *copy = malloc(sizeof(text) - 1);
                assert_non_null(copy);
                memcpy(copy, text, sizeof(text) - 1);
                for (int c = 0; c < 256; c++) {
                        copy[i] = (char)c;
                        (void)audit_record_parse(AUDIT_TYPE_SECCOMP, copy, sizeof(text) - 1, &r);
                }
        }
}

static void test_parser_cuts_what_is_too_long(void **state _unused_) {
        _cleanup_strbuf_ StrBuf b = {};
        AuditRecord r;

        strbuf_puts(&b, EVENT("1") "domain=1 blockers=fs.refer path=");
        for (int i = 0; i < 4096; i++)
                strbuf_puts(&b, "2F");
        assert_int_equal(parse(AUDIT_TYPE_LANDLOCK_ACCESS, b.data, &r), 0);
        assert_int_equal(strlen(r.path), AUDIT_PATH_MAX - 1);
}

static void test_text_of_strangers_is_escaped(void **state _unused_) {
        _cleanup_strbuf_ StrBuf b = {};

        audit_text_escape(&b, "a\nb\"c\\\x1b[0m\xff\xc3\xa4\xe2\x80\xae");
        assert_string_equal(b.data, "a\\x0ab\\x22c\\x5c\\x1b[0m\\xff\xc3\xa4\\xe2\\x80\\xae");
}

/* ---- whose, and how often ---- */

typedef struct Fixture {
        Spec spec;
        Context c;
        int saved, out;
} Fixture;

static int set_up(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->spec.name = strdup("web");
        f->spec.mode = MODE_PRODUCTION;
        f->spec.seccomp_source = strdup("/p.json");
        f->spec.seccomp_lines = strdup(
                "default:00050001@2,16:00050001@14,16:0005000d@31,101:00050001@0,425:00050001@4294967295");
        f->c = (Context){ .spec = &f->spec, .rules = mode_rules(MODE_PRODUCTION) };
        f->c.denials = calloc(1, sizeof(Denials));
        f->c.denials->fd = -EBADF;
        f->c.denials->first_id = ID_BASE;
        f->c.denials->last_id = ID_BASE + SPEC_ID_COUNT - 1;
        f->saved = dup(STDERR_FILENO);
        f->out = memfd_create("stderr", 0);
        assert_true(f->saved >= 0 && f->out >= 0 && dup2(f->out, STDERR_FILENO) >= 0);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        assert_true(dup2(f->saved, STDERR_FILENO) >= 0);
        close(f->saved);
        close(f->out);
        free(f->spec.name);
        free(f->spec.seccomp_source);
        free(f->spec.seccomp_lines);
        denials_free(f->c.denials);
        free(f);
        return 0;
}

/* What was reported since the last time, to be freed. */
static char *reported(Fixture *f) {
        off_t n = lseek(f->out, 0, SEEK_CUR);
        char *text = calloc(1, (size_t)n + 1);

        assert_non_null(text);
        assert_int_equal(pread(f->out, text, (size_t)n, 0), n);
        assert_int_equal(ftruncate(f->out, 0), 0);
        assert_int_equal(lseek(f->out, 0, SEEK_SET), 0);
        return text;
}

static void assert_reported(Fixture *f, const char *expected) {
        _cleanup_free_ char *text = reported(f);

        assert_string_equal(text, expected);
}

static void feed(Fixture *f, unsigned type, const char *text, int64_t now) {
        denials_feed(&f->c, type, text, strlen(text), now);
}

static void test_denial_names_call_answer_line_and_program(void **state) {
        Fixture *f = *state;

        if (AUDIT_ARCH_NATIVE != AUDIT_ARCH_X86_64)
                skip(); /* of which the records are */

        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"mount\"", "165", "0x50000"), 0);
        assert_reported(f, "nucleus-exec: web: system call mount denied with EPERM: \"mount\" (/bin/d), by "
                           "/p.json:2; see: nucleus policy explain --service web --syscall mount\n");
        /* Two rules may have answered, and not with the same errno. */
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"tty\"", "16", "0x50000"), 0);
        assert_reported(f, "nucleus-exec: web: system call ioctl denied: \"tty\" (/bin/d), by /p.json:14 "
                           "or line 31; "
                           "see: nucleus policy explain --service web --syscall ioctl\n");
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"gdb\"", "101", "0x50000"), 0);
        assert_reported(f,
                "nucleus-exec: web: system call ptrace denied with EPERM: \"gdb\" (/bin/d), by the floor of "
                "this host; see: nucleus show web\n");
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"db\"", "425", "0x50000"), 0);
        assert_reported(f,
                "nucleus-exec: web: system call io_uring_setup denied with EPERM: \"db\" (/bin/d), by "
                "a built-in rule that stands before every profile; see: nucleus policy explain --service "
                "web "
                "--syscall io_uring_setup\n");
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "636F206D6D0A78", "90000", "0x80000000"), 0);
        assert_reported(f,
                "nucleus-exec: web: system call 90000 killed its process: \"co mm\\x0ax\" (/bin/d), by "
                "/p.json\n");
}

static void test_denial_of_others_is_not_claimed(void **state) {
        Fixture *f = *state;
        static const char *const others[] = { "0", "1073741823", "1073807360", "4294967295" };

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                _cleanup_free_ char *text = NULL;
                assert_true(asprintf(&text,
                                    EVENT("19") "uid=%s pid=1 comm=\"d\" sig=0 arch=c000003e syscall=165 "
                                                "code=0x50000",
                                    others[i]) > 0);
                feed(f, AUDIT_TYPE_SECCOMP, text, 0);
        }
        denials_summarize(&f->c);
        assert_reported(f, "");
        /* The first and the last id are ours. */
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF("1073741824", "\"a\"", "165", "0x50000"), 0);
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF("1073807359", "\"b\"", "165", "0x50000"), 0);
        assert_int_equal(f->c.denials->n_rows, 2);
}

static void test_denial_without_ids_is_told_by_the_cgroup(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *mine = NULL, *gone = NULL;

        f->c.denials->first_id = f->c.denials->last_id = 0;
        f->c.denials->cgroup = denials_cgroup_of(0);
        if (!f->c.denials->cgroup)
                skip(); /* no hierarchy of version 2 */
        assert_true(
                asprintf(&mine,
                        EVENT("19") "uid=0 pid=%d comm=\"me\" sig=0 arch=c000003e syscall=165 code=0x50000",
                        getpid()) > 0);
        feed(f, AUDIT_TYPE_SECCOMP, mine, 0);
        assert_int_equal(f->c.denials->n_rows, 1);

        /* A process that is gone belongs to nobody, and so does one of another cgroup. */
        pid_t pid = fork();
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(asprintf(&gone,
                            EVENT("19") "uid=0 pid=%d comm=\"gone\" sig=0 arch=c000003e syscall=165 "
                                        "code=0x50000",
                            pid) > 0);
        feed(f, AUDIT_TYPE_SECCOMP, gone, 0);
        free(f->c.denials->cgroup);
        f->c.denials->cgroup = strdup("/of/another");
        feed(f, AUDIT_TYPE_SECCOMP, mine, 0);
        assert_int_equal(f->c.denials->n_rows, 1);
        assert_int_equal(f->c.denials->rows[0].more, 0);
}

static void test_denial_is_reported_once_and_counted(void **state) {
        Fixture *f = *state;

        for (int i = 0; i < 1000; i++)
                feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"d\"", "165", "0x50000"), i);
        _cleanup_free_ char *first = reported(f);
        assert_non_null(strstr(first, "system call mount"));
        assert_ptr_equal(strchr(first, '\n'), strrchr(first, '\n'));

        /* Another program, another call, another answer: each is a kind of its own. */
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"e\"", "165", "0x50000"), 0);
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"d\"", "101", "0x50000"), 0);
        feed(f, AUDIT_TYPE_SECCOMP, SECCOMP_OF(OURS, "\"d\"", "165", "0x80000000"), 0);
        assert_int_equal(f->c.denials->n_rows, 4);
        free(reported(f));

        denials_summarize(&f->c);
        assert_reported(f, "nucleus-exec: web: … and 999 more denials: 999 × mount by \"d\"\n");
        denials_summarize(&f->c);
        assert_reported(f, "");
}

static void test_denial_is_reported_again_after_an_hour(void **state) {
        Fixture *f = *state;
        static const char text[] = SECCOMP_OF(OURS, "\"d\"", "165", "0x50000");

        feed(f, AUDIT_TYPE_SECCOMP, text, 0);
        feed(f, AUDIT_TYPE_SECCOMP, text, DENIALS_WINDOW_MS - 1);
        free(reported(f));
        feed(f, AUDIT_TYPE_SECCOMP, text, DENIALS_WINDOW_MS);
        _cleanup_free_ char *again = reported(f);
        assert_non_null(strstr(again, "and 1 more denial: 1 × mount"));
        assert_non_null(strstr(again, "system call mount denied"));
}

static void test_denial_of_many_kinds_is_bounded(void **state) {
        Fixture *f = *state;

        for (unsigned i = 0; i < 10 * DENIALS_ROWS; i++) {
                char text[512];
                (void)snprintf(text, sizeof(text),
                        EVENT("19") "uid=" OURS " pid=1 comm=\"d%u\" sig=0 arch=c000003e syscall=%u "
                                    "code=0x50000",
                        i, i);
                feed(f, AUDIT_TYPE_SECCOMP, text, 0);
        }
        assert_int_equal(f->c.denials->n_rows, DENIALS_ROWS);
        free(reported(f));
        f->c.denials->lost = true;
        denials_summarize(&f->c);
        assert_reported(f, "nucleus-exec: web: … and at least 576 more denials: 576 others\n");
}

static void feed_call(Fixture *f, const char *comm, unsigned nr) {
        char text[512];

        (void)snprintf(text, sizeof(text),
                EVENT("19") "uid=" OURS " pid=1 comm=\"%s\" sig=0 arch=c000003e syscall=%u code=0x50000",
                comm, nr);
        feed(f, AUDIT_TYPE_SECCOMP, text, 0);
}

/* A program that changes its name with each call hides no other call. */
static void test_denial_of_many_names_hides_no_other(void **state) {
        Fixture *f = *state;
        char name[16];

        for (unsigned round = 0; round < 2; round++)
                for (unsigned i = 0; i < 10 * DENIALS_ROWS; i++) {
                        (void)snprintf(name, sizeof(name), "n%u", i);
                        feed_call(f, name, 167);
                }
        assert_int_equal(f->c.denials->n_rows, DENIALS_NAMES + 1);
        _cleanup_free_ char *flood = reported(f);
        assert_non_null(strstr(flood, "\"n3\""));
        assert_null(strstr(flood, "\"n4\""));

        feed_call(f, "probe", 321);
        _cleanup_free_ char *one = reported(f);
        assert_non_null(strstr(one, ": \"probe\""));
        /* Those that were named are still told apart. */
        for (unsigned i = 0; i < 2000; i++)
                feed_call(f, "n2", 167);
        denials_summarize(&f->c);
        _cleanup_free_ char *sum = reported(f);
        if (!strstr(sum,
                    "and 3276 more denials: 2001 × swapon by \"n2\", 1272 × swapon by other programs, 1 × "))
                fail_msg("%s", sum);
}

/* ---- Landlock ---- */

#define LANDLOCK_TEXT                                                                                       \
        "nucleus-exec: web: access remove_file,refer to \"/data\" denied%s, by the built-in Landlock "      \
        "policy of "                                                                                        \
        "production; see: nucleus policy explain --service web --path /data --access remove_file,refer\n"

static void assert_landlock(Fixture *f, const char *how) {
        _cleanup_free_ char *expected = NULL;

        assert_true(asprintf(&expected, LANDLOCK_TEXT, how) > 0);
        assert_reported(f, expected);
}

static void test_landlock_event_is_put_together(void **state) {
        Fixture *f = *state;

        /* The order of the kernel; the record of the call, which says who, comes last. */
        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("17", OURS), 0);
        assert_reported(f, "");
        feed(f, AUDIT_TYPE_SYSCALL, CALL_OF("16", OURS), 0); /* of another event */
        assert_reported(f, "");
        feed(f, AUDIT_TYPE_SYSCALL, CALL_OF("17", OURS), 0);
        assert_landlock(f, " with EACCES: \"mv\" (/bin/mv)");
        assert_int_equal(f->c.denials->n_pending, 0);
}

static void test_landlock_event_without_its_call_is_reported_in_time(void **state) {
        Fixture *f = *state;

        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("18", OURS), 0);
        denials_expire(&f->c, DENIALS_PENDING_MS - 1);
        assert_reported(f, "");
        denials_expire(&f->c, DENIALS_PENDING_MS);
        assert_landlock(f, "");
}

static void test_landlock_event_is_reported_when_its_domain_goes(void **state) {
        Fixture *f = *state;

        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("18", OURS), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, GONE, 0);
        assert_landlock(f, "");
        assert_int_equal(f->c.denials->n_domains, 0);
}

static void test_landlock_event_of_others_is_not_claimed(void **state) {
        Fixture *f = *state;

        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("17", "0"), 0);
        feed(f, AUDIT_TYPE_SYSCALL, CALL_OF("17", "0"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("18"), 0); /* whose domain is never named */
        denials_expire(&f->c, INT64_MAX);
        assert_reported(f, "");
        assert_int_equal(f->c.denials->n_pending, 0);
}

static void test_landlock_events_are_bounded(void **state) {
        Fixture *f = *state;

        for (unsigned i = 1; i < 1000; i++) {
                char text[256];
                (void)snprintf(
                        text, sizeof(text), "audit(1.000:%u): domain=%x blockers=fs.refer path=\"/\"", i, i);
                feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, text, 0);
                (void)snprintf(text, sizeof(text),
                        "audit(1.000:%u): domain=%x status=allocated mode=enforcing pid=1 uid=" OURS, i, i);
                feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, text, 0);
        }
        assert_int_equal(f->c.denials->n_domains, DENIALS_DOMAINS);
        assert_int_equal(f->c.denials->domains[0], 1); /* the service's own is never forgotten */
        assert_true(f->c.denials->n_pending <= DENIALS_PENDING);
}

/* A search through the file system hides no system call. */
static void test_landlock_denials_of_many_paths_hide_no_call(void **state) {
        Fixture *f = *state;

        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("17", OURS), 0);
        for (unsigned i = 0; i < 10 * DENIALS_ROWS; i++) {
                char text[256];
                (void)snprintf(text, sizeof(text),
                        "audit(1.000:%u): domain=194fe8534 blockers=fs.read_file path=\"/%u\"", i, i);
                feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, text, 0);
                denials_expire(&f->c, DENIALS_PENDING_MS);
        }
        assert_int_equal(f->c.denials->n_rows, DENIALS_LANDLOCK_ROWS);
        free(reported(f));
        feed_call(f, "probe", 321);
        _cleanup_free_ char *text = reported(f);
        assert_non_null(strstr(text, ": \"probe\""));
}

static void test_landlock_denial_names_the_file(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;
        LandlockPolicy policy = {};

        f->spec.landlock_policy = &policy;
        f->spec.landlock_source = (char *)"/l\nm.toml";
        feed(f, AUDIT_TYPE_LANDLOCK_ACCESS, ACCESS("17"), 0);
        feed(f, AUDIT_TYPE_LANDLOCK_DOMAIN, DOMAIN("17", OURS), 0);
        feed(f, AUDIT_TYPE_SYSCALL, CALL_OF("17", OURS), 0);
        text = reported(f);
        assert_non_null(strstr(text, "(/bin/mv), by /l\\x0am.toml; see: nucleus policy explain"));
}

static void test_death_by_the_policy_is_said(void **state) {
        Fixture *f = *state;

        assert_true(denials_killed(SIGSYS) && !denials_killed(SIGKILL) && !denials_killed(SIGSYS << 8));

        denials_report_death(&f->c, SIGKILL);
        denials_report_death(&f->c, SIGSYS << 8);
        assert_reported(f, "");
        denials_report_death(&f->c, SIGSYS);
        _cleanup_free_ char *text = reported(f);
        assert_non_null(strstr(text, "killed by its system call policy"));
        assert_non_null(strstr(text, "nucleus policy explain --service web"));
}

int main(void) {
#define TEST(f) cmocka_unit_test(f)
#define FED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_parser_reads_seccomp),
                TEST(test_parser_reads_landlock),
                TEST(test_parser_refuses_what_is_not_the_kernels),
                TEST(test_parser_stays_within_the_record),
                TEST(test_parser_cuts_what_is_too_long),
                TEST(test_text_of_strangers_is_escaped),
                FED(test_denial_names_call_answer_line_and_program),
                FED(test_denial_of_others_is_not_claimed),
                FED(test_denial_without_ids_is_told_by_the_cgroup),
                FED(test_denial_is_reported_once_and_counted),
                FED(test_denial_is_reported_again_after_an_hour),
                FED(test_denial_of_many_kinds_is_bounded),
                FED(test_denial_of_many_names_hides_no_other),
                FED(test_landlock_event_is_put_together),
                FED(test_landlock_event_without_its_call_is_reported_in_time),
                FED(test_landlock_event_is_reported_when_its_domain_goes),
                FED(test_landlock_event_of_others_is_not_claimed),
                FED(test_landlock_events_are_bounded),
                FED(test_landlock_denials_of_many_paths_hide_no_call),
                FED(test_landlock_denial_names_the_file),
                FED(test_death_by_the_policy_is_said),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
