/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what it takes and refuses, and the promise that no configuration, no drop-in, no policy file
 * and no second floor can loosen it, which is tried with random ones. NUCLEUS_TEST_SEED repeats a run.
 */

#include "floor.h"
#include "override.h"
#include "policy.h"
#include "service-policy.h"
#include "test-bpf.h"
#include "test-config.h"

#include <sys/stat.h>
#include <time.h>

#include "base64.h"

/* Public keys: of RFC 8032, 7.1. */
#define KEY_1 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

typedef struct Floors {
        Floor *floor;
        Diagnostics diag;
        char *messages;
} Floors;

static void floors_done(Floors *f) {
        floor_free(f->floor);
        diagnostics_done(&f->diag);
        free(f->messages);
}
#define _cleanup_floors_ _cleanup_(floors_done)

/* Files 1.conf, 2.conf, … with these texts (to a NULL), merged in that order. */
static Floors merge(const char *const *texts) {
        _cleanup_strbuf_ StrBuf b = {};
        Floors f = { .floor = calloc(1, sizeof(Floor)) };

        assert_non_null(f.floor);
        for (size_t i = 0; texts[i]; i++) {
                _cleanup_policy_error_ PolicyError what = {};
                _cleanup_free_ char *text = NULL;
                DropinFile *file = NULL;

                assert_true(asprintf(&text, "[Floor]\n%s\n", texts[i]) > 0);
                assert_int_equal(dropin_parse(text, strlen(text), "Floor", &file, &what), 0);
                assert_true(asprintf(&file->path, "/f/%zu.conf", i + 1) > 0);
                assert_int_equal(floor_merge(f.floor, file, &f.diag), 0);
        }
        for (size_t i = 0; i < f.diag.n; i++) {
                _cleanup_free_ char *line = NULL;
                assert_int_equal(diagnostic_format(&f.diag.items[i], &line), 0);
                strbuf_printf(&b, "%s\n", line);
        }
        assert_int_equal(strbuf_finish(&b, &f.messages), 0);
        return f;
}

#define MERGE(...) merge((const char *const[]){ __VA_ARGS__, NULL })

static void test_floor_takes_each_key(void **state) {
        _cleanup_floors_ Floors f = MERGE("Mode=strict-agent\nSystemCallDenied=ptrace bpf\n"
                                          "CapabilityDenied=CAP_NET_RAW\nLandlockMinABI=3\n"
                                          "RequireAttestation=yes\nDenyHostNetwork=on\n"
                                          "PublicKey=" KEY_1 " " KEY_2 "\nPublicKey=" KEY_2);
        size_t n = 0;

        assert_string_equal(f.messages, "");
        assert_int_equal(f.floor->mode, MODE_STRICT_AGENT);
        assert_int_equal(f.floor->n_syscalls, 2);
        assert_string_equal(f.floor->syscall_names[0], "bpf");
        assert_string_equal(f.floor->syscall_names[1], "ptrace");
        assert_null(f.floor->syscall_names[2]);
        assert_int_equal(f.floor->capabilities, UINT64_C(1) << 13);
        assert_int_equal(f.floor->landlock_min_abi, 3);
        assert_true(f.floor->require_attestation && f.floor->deny_host_network);
        assert_int_equal(f.floor->mode_where.line, 2);
        assert_int_equal(f.floor->n_public_keys, 2);
        assert_string_equal(f.floor->public_keys[0].word, KEY_1);
        assert_string_equal(f.floor->public_keys[1].word, KEY_2);
        assert_int_equal(f.floor->public_keys[1].where.line, 8);
        for (const FloorKey *k = floor_keys; k->name; k++)
                n++;
        assert_int_equal(n, 7); /* a new key belongs here, and into the random ones below */
}

static void test_floor_only_adds_up(void **state) {
        _cleanup_floors_ Floors f =
                MERGE("Mode=production\nLandlockMinABI=4\nRequireAttestation=yes\nSystemCallDenied=bpf",
                        "Mode=agent\nLandlockMinABI=1\nRequireAttestation=no\nSystemCallDenied=ptrace bpf");

        assert_string_equal(f.messages, "");
        assert_int_equal(f.floor->mode, MODE_PRODUCTION);
        assert_string_equal(f.floor->mode_where.file, "/f/1.conf");
        assert_int_equal(f.floor->landlock_min_abi, 4);
        assert_true(f.floor->require_attestation);
        assert_int_equal(f.floor->n_syscalls, 2);
}

static void test_floor_refuses_and_then_nothing_starts(void **state) {
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "Mode=", "/f/1.conf:2: Mode= is empty: a floor is only ever raised" },
                { "Mode=lax", "/f/1.conf:2: Mode= must be agent, strict-agent or production" },
                { "SystemCallDenied=ptrase",
                        "/f/1.conf:2: unknown system call \"ptrase\"; did you mean \"ptrace\"?" },
                { "CapabilityDenied=CAP_NET_ROW",
                        "unknown capability \"CAP_NET_ROW\"; did you mean \"CAP_NET_RAW\"?" },
                { "LandlockMinABI=-1", "LandlockMinABI= must be a number" },
                { "RequireAttestation=maybe", "RequireAttestation= must be yes or no" },
                { "PublicKey=", "/f/1.conf:2: PublicKey= is empty: a floor is only ever raised" },
                { "PublicKey=" KEY_1 " AAAA", "PublicKey= \"AAAA\" is no Ed25519 public key" },
                { "PublicKey=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "is no Ed25519 public key" },
                { "DenyHostNetwok=yes",
                        "unknown key DenyHostNetwok= in [Floor]; did you mean DenyHostNetwork=?" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_floors_ Floors f = MERGE(cases[i].text);
                _cleanup_parsed_ Parsed p = parse("mode = \"agent\"\ncommand = [\"/bin/x\"]\n");

                if (!strstr(f.messages, cases[i].message))
                        fail_msg("not \"%s\" but: %s", cases[i].message, f.messages);
                assert_true(f.floor->failed);
                assert_int_equal(floor_apply(f.floor, p.config->services[0], &f.diag), 0);
                assert_true(p.config->services[0]->failed);
                assert_non_null(strstr(f.diag.items[f.diag.n - 1].message, "nothing starts without it"));
        }
}

/* ---- public keys ---- */

static void test_floor_keys_of_two_files_are_those_of_both(void **state) {
        _cleanup_floors_ Floors f = MERGE("PublicKey=" KEY_1 " " KEY_2, "Mode=agent", "PublicKey=" KEY_2);

        assert_string_equal(f.messages, "");
        assert_int_equal(f.floor->n_public_keys, 1);
        assert_string_equal(f.floor->public_keys[0].word, KEY_2);

        _cleanup_floors_ Floors none = MERGE("PublicKey=" KEY_1, "Mode=agent\nPublicKey=" KEY_2);
        assert_true(none.floor->failed);
        assert_string_equal(none.messages,
                "/f/2.conf:3: no key is left: only those count that each file with PublicKey= names, and "
                "/f/1.conf:2 names others\n");
}

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TREE "mode = \"agent\"\ncommand = [\"/bin/x\"]\nrootfs = \"/r\"\n"

/* What a service says of attestation, and what the floor with KEY_1 then makes of it. */
static const struct {
        const char *text, *error; /* error NULL: it is raised */
} under_key[] = {
        { TREE },
        { TREE "[attestation]\nverify = false\n" },
        { TREE "[attestation]\nmanifest_sha256 = \"" D64 "\"\n" },
        { TREE "[attestation]\npublic_key = \"" KEY_1 "\"\n" },
        { TREE "[attestation]\npublic_key = \"" KEY_2 "\"\n",
                FILE_NAME ":5:14: public_key " KEY_2 " is not one of the floor's, whose first one is " KEY_1
                          " (/f/1.conf:2)" },
        { TREE "[attestation]\npublic_key = [\"" KEY_1 "\", \"" KEY_2 "\"]\n",
                FILE_NAME ":5:14: public_key " KEY_2 " is not one" },
        { "mode = \"agent\"\ncommand = [\"/bin/x\"]\n", "/f/1.conf:2: attestation needs a rootfs" },
};

static void test_floor_key_is_what_every_service_needs(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(under_key); i++) {
                _cleanup_floors_ Floors f = MERGE("PublicKey=" KEY_1);
                _cleanup_diagnostics_ Diagnostics diag = {};
                _cleanup_config_ Config *config = NULL;
                _cleanup_free_ char *line = NULL;
                const char *text = under_key[i].text;

                assert_int_equal(config_parse(text, strlen(text), FILE_NAME, "web", &config, &diag), 0);
                ServiceConfig *s = config->services[0];
                assert_int_equal(floor_apply(f.floor, s, &diag), 0);
                assert_int_equal(config_finish(s, &diag), 0);
                if (diag.n > 0)
                        assert_int_equal(diagnostic_format(&diag.items[0], &line), 0);
                if (under_key[i].error) {
                        assert_true(s->failed);
                        assert_non_null(startswith(line, under_key[i].error));
                        continue;
                }
                assert_null(line);
                assert_true(s->attestation_verify);
                assert_int_equal(strv_length(s->public_keys), 1);
                assert_string_equal(s->public_keys[0], KEY_1);
        }
}

/* ---- random ones ---- */

static unsigned seed;

static unsigned pick(unsigned n) {
        return (unsigned)rand_r(&seed) % n;
}

static const char *one_of(const char *const *words, size_t n) {
        return words[pick((unsigned)n)];
}
#define ONE_OF(...)                                                                                         \
        one_of((const char *const[]){ __VA_ARGS__ }, ELEMENTSOF(((const char *const[]){ __VA_ARGS__ })))

/* Policy files, as loose as can be, in a directory of their own. */
static char directory[] = "/tmp/test-floor.XXXXXX";
static char *path_of(const char *name) {
        char *path = NULL;
        assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
        return path;
}

static const struct {
        const char *name, *text;
} policy_files[] = {
        { "all.json", "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}" },
        { "log.json", "{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": []}" },
        { "some.json", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
                       "[\"ptrace\", \"bpf\", \"socket\", \"execve\"], \"action\": \"SCMP_ACT_ALLOW\"}]}" },
        { "args.json", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"execve\"], "
                       "\"action\": \"SCMP_ACT_ALLOW\"}, {\"names\": [\"ptrace\"], "
                       "\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 7, \"op\": "
                       "\"SCMP_CMP_NE\"}]}]}" },
        { "all.toml", "[bounding]\nkeep = [\"CAP_NET_RAW\", \"CAP_SYS_PTRACE\", \"CAP_CHOWN\"]\n"
                      "[ambient]\nkeep = [\"CAP_NET_RAW\", \"CAP_CHOWN\"]\n" },
        { "none.toml", "" },
};

static int make_files(void **state) {
        assert_non_null(mkdtemp(directory));
        for (size_t i = 0; i < ELEMENTSOF(policy_files); i++) {
                _cleanup_free_ char *path = path_of(policy_files[i].name);
                _cleanup_fclose_ FILE *f = fopen(path, "we");
                assert_non_null(f);
                assert_true(fputs(policy_files[i].text, f) >= 0);
                assert_int_equal(fchmod(fileno(f), 0644), 0);
        }
        return 0;
}

static int remove_files(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(policy_files); i++) {
                _cleanup_free_ char *path = path_of(policy_files[i].name);
                (void)unlink(path);
        }
        return rmdir(directory);
}

static void random_floor(StrBuf *b) {
        for (unsigned n = pick(4); n > 0; n--)
                switch (pick(7)) {
                case 6:
                        strbuf_printf(b, "PublicKey=%s\n", ONE_OF(KEY_1, KEY_2, KEY_1 " " KEY_2));
                        break;
                case 0:
                        strbuf_printf(b, "Mode=%s\n", ONE_OF("agent", "strict-agent", "production"));
                        break;
                case 1:
                        strbuf_printf(b, "SystemCallDenied=%s\n",
                                ONE_OF("ptrace", "bpf socket", "execve", "getpid"));
                        break;
                case 2:
                        strbuf_printf(b, "CapabilityDenied=%s\n",
                                ONE_OF("CAP_NET_RAW", "CAP_CHOWN CAP_SYS_PTRACE"));
                        break;
                case 3:
                        strbuf_printf(b, "LandlockMinABI=%u\n", pick(8));
                        break;
                case 4:
                        strbuf_printf(b, "RequireAttestation=%s\n", ONE_OF("yes", "no"));
                        break;
                case 5:
                        strbuf_printf(b, "DenyHostNetwork=%s\n", ONE_OF("yes", "no"));
                        break;
                }
}

static void random_dropin(StrBuf *b) {
        for (unsigned n = pick(6); n > 0; n--)
                switch (pick(5)) {
                case 0:
                        strbuf_printf(b, "Mode=%s\n", ONE_OF("agent", "strict-agent", "production", ""));
                        break;
                case 1:
                        strbuf_printf(b, "SeccompProfile=%s/%s\n", directory,
                                ONE_OF("all.json", "log.json", "some.json", "args.json"));
                        break;
                case 2:
                        strbuf_printf(
                                b, "CapabilityPolicy=%s/%s\n", directory, ONE_OF("all.toml", "none.toml"));
                        break;
                case 3:
                        strbuf_printf(b, "NetworkMode=%s\n", ONE_OF("host", "none", ""));
                        break;
                case 4:
                        strbuf_puts(b, ONE_OF("SeccompProfile=\n", "CapabilityPolicy=\n"));
                        break;
                }
}

static void random_toml(StrBuf *b) {
        if (pick(4) > 0)
                strbuf_printf(b, "mode = \"%s\"\n", ONE_OF("agent", "agent", "strict-agent", "production"));
        strbuf_puts(b, "command = [\"/bin/x\"]\n");
        if (pick(2))
                strbuf_puts(b, "rootfs = \"/srv/x\"\n");
        if (pick(2))
                strbuf_printf(b, "[attestation]\n%s",
                        ONE_OF("verify = true\n", "verify = false\n", "public_key = \"" KEY_1 "\"\n",
                                "public_key = [\"" KEY_2 "\"]\n"));
        if (pick(2))
                strbuf_puts(b, "[resources]\nmemory = \"64M\"\n");
        if (pick(2))
                strbuf_printf(b, "[network]\nmode = \"%s\"\n", ONE_OF("host", "none"));
        if (pick(2))
                strbuf_printf(b, "[policy]\nseccomp = \"%s/%s\"\ncapabilities = \"%s/all.toml\"\n",
                        directory, ONE_OF("all.json", "log.json", "some.json", "args.json"), directory);
}

static DropinFile *section(const char *name, const char *text, const char *path) {
        _cleanup_policy_error_ PolicyError what = {};
        _cleanup_free_ char *whole = NULL;
        DropinFile *file = NULL;

        assert_true(asprintf(&whole, "[%s]\n%s", name, text) > 0);
        assert_int_equal(dropin_parse(whole, strlen(whole), name, &file, &what), 0);
        file->path = strdup(path);
        assert_non_null(file->path);
        return file;
}

/* What the program that would be loaded answers, whatever the arguments. */
static void assert_denied(const ServiceConfig *s, const char *name) {
        _cleanup_free_ void *bytes = NULL;
        const SeccompArch *arch = seccomp_arch_this();
        uint32_t nr;
        size_t n;

        assert_non_null(s->policy.seccomp_program);
        assert_int_equal(base64_decode(s->policy.seccomp_program, &bytes, &n), 0);
        assert_int_equal(seccomp_syscall_number(arch, name, &nr), 0);
        const SeccompProgram program = { bytes, n / sizeof(struct sock_filter) };
        for (unsigned i = 0; i < 8; i++) {
                struct seccomp_data data = { .nr = (int)nr, .arch = arch->audit_arch };
                for (size_t k = 0; k < 6; k++)
                        data.args[k] = pick(3) == 0 ? 7 : (uint64_t)pick(1 << 30) << pick(33);
                assert_int_equal(bpf_run(&program, &data, NULL), ERRNO(EPERM));
        }
}

static bool has_key(const Floor *f, const char *key) {
        for (size_t i = 0; i < f->n_public_keys; i++)
                if (streq(f->public_keys[i].word, key))
                        return true;
        return false;
}

static void check_service(const Floor *f, const ServiceConfig *s) {
        assert_true(s->mode >= f->mode);
        assert_true(!f->require_attestation || s->attestation_verify);
        assert_true(f->n_public_keys == 0 || (s->attestation_verify && strv_length(s->public_keys) > 0));
        STRV_FOREACH(key, s->public_keys)
        assert_true(f->n_public_keys == 0 || has_key(f, key));
        assert_true(!f->deny_host_network || s->network != NETWORK_HOST);
        assert_true(s->policy.landlock_min_abi >= f->landlock_min_abi);
        assert_int_equal(s->policy.capabilities_bounding & f->capabilities, 0);
        assert_int_equal(s->policy.capabilities_ambient & f->capabilities, 0);
        for (size_t i = 0; i < f->n_syscalls; i++)
                assert_denied(s, f->syscalls[i].word);
}

static bool try_random_service(const Floor *f) {
        _cleanup_strbuf_ StrBuf toml = {}, one = {}, two = {};
        _cleanup_policy_store_ PolicyStore *store = NULL;
        _cleanup_diagnostics_ Diagnostics diag = {};
        _cleanup_config_ Config *config = NULL;

        random_toml(&toml);
        random_dropin(&one);
        random_dropin(&two);
        _cleanup_dropin_file_ DropinFile *a = section("X-Nucleus", one.data ?: "", "/d/1.conf");
        _cleanup_dropin_file_ DropinFile *b = section("X-Nucleus", two.data ?: "", "/d/2.conf");
        const DropinFile *files[] = { a, b };

        assert_int_equal(config_parse(toml.data, toml.len, FILE_NAME, "web", &config, &diag), 0);
        assert_int_equal(policy_store_new(f, &store), 0);
        ServiceConfig *s = config->services[0];
        assert_int_equal(override_apply(s, files, 2, &diag), 0);
        assert_int_equal(floor_apply(f, s, &diag), 0);
        assert_int_equal(config_finish(s, &diag), 0);
        if (!s->failed)
                assert_int_equal(policy_store_resolve(store, s, &diag), 0);
        if (!s->failed)
                check_service(f, s);
        return !s->failed;
}

/* a is at least as strict as b, in everything. */
static void assert_at_least(const Floor *a, const Floor *b) {
        assert_true(a->failed || !b->failed);
        if (a->failed)
                return; /* nothing starts */
        assert_true(b->n_public_keys == 0 || a->n_public_keys > 0);
        for (size_t i = 0; b->n_public_keys > 0 && i < a->n_public_keys; i++)
                assert_true(has_key(b, a->public_keys[i].word));
        assert_true(a->mode >= b->mode && a->landlock_min_abi >= b->landlock_min_abi);
        assert_true(a->require_attestation || !b->require_attestation);
        assert_true(a->deny_host_network || !b->deny_host_network);
        assert_int_equal(b->capabilities & ~a->capabilities, 0);
        for (size_t i = 0; i < b->n_syscalls; i++)
                assert_true(strv_contains(a->syscall_names, b->syscalls[i].word));
}

static void test_floor_no_input_loosens_it(void **state) {
        unsigned n_started = 0;
        const char *given = getenv("NUCLEUS_TEST_SEED");

        seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
        print_message("NUCLEUS_TEST_SEED=%u\n", seed);
        for (unsigned i = 0; i < 3000; i++) {
                _cleanup_strbuf_ StrBuf x = {}, y = {};

                random_floor(&x);
                random_floor(&y);
                _cleanup_floors_ Floors a = MERGE(x.data ?: ""), b = MERGE(y.data ?: "");
                _cleanup_floors_ Floors ab = MERGE(x.data ?: "", y.data ?: "");
                _cleanup_floors_ Floors ba = MERGE(y.data ?: "", x.data ?: "");

                assert_at_least(ab.floor, a.floor);
                assert_at_least(ab.floor, b.floor);
                assert_at_least(ab.floor, ba.floor);
                assert_at_least(ba.floor, ab.floor);
                n_started += try_random_service(ab.floor);
        }
        assert_true(n_started > 300); /* or nothing was tried */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_floor_takes_each_key),
                cmocka_unit_test(test_floor_only_adds_up),
                cmocka_unit_test(test_floor_refuses_and_then_nothing_starts),
                cmocka_unit_test(test_floor_keys_of_two_files_are_those_of_both),
                cmocka_unit_test(test_floor_key_is_what_every_service_needs),
                cmocka_unit_test(test_floor_no_input_loosens_it),
        };
        return cmocka_run_group_tests(tests, make_files, remove_files);
}
