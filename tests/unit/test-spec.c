/* SPDX-License-Identifier: Apache-2.0 */
/* Spec text: canonical both ways, and each thing that nucleus-exec refuses, whoever wrote it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec.h"
#include "strbuf.h"

#define D16 "0123456789abcdef"
#define D64 D16 D16 D16 D16

/* 8 bytes: allow. Another that is 4. */
#define PROGRAM "BgAAAAAA/38="
#define HALF "BgAAAA=="

/* Public keys: of RFC 8032, 7.1. */
#define KEY_1 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

/* One of each record that production has, 34 lines. */
static const char full[] =
        "nucleus-spec 1\nname web\nmode production\nargument /bin/web\nargument a\\x20b\n"
        "environment A=\\x09b\nworkdir /w\nhostname web\nuser www\ngroup 5\n"
        "supplementary-group log\nid-base 805306368\nnamespaces user pid mount net uts ipc cgroup\n"
        "network none\nlisten-fds 2\nrootfs /srv/web\nattest " D64 "\nvolume /s /t rw\n"
        "volume /s2 /t2 ro\ntmpfs /u 4096\ncapabilities-bounding 0000010000000401\n"
        "capabilities-ambient 0000000000000400\nseccomp custom\nseccomp-program " PROGRAM "\n"
        "seccomp-source /etc/p\\x20q.json\nlandlock custom\n"
        "landlock-source /etc/l\\x20m.toml\nlandlock-min-abi 6\n"
        "landlock-rule required execute,read_file,read_dir /\nlandlock-rule optional write_file /a\\x20b\n"
        "landlock-port bind_tcp,connect_tcp 80\nlandlock-port bind_tcp 65535\n"
        "landlock-scoped abstract_unix_socket signal\nlog-denials yes\n";
static const char agent[] = "nucleus-spec 1\nname web\nmode agent\nargument /a\nworkdir /\nuser 0\n"
                            "namespaces pid mount net\nnetwork none\nseccomp default\nlandlock default\n";
static const char open_agent[] =
        "nucleus-spec 1\nname web\nmode agent\nargument /a\nworkdir /\nuser 0\n"
        "namespaces user pid mount net\nnetwork none\nseccomp default\nseccomp-trace /t\nlandlock default\n"
        "landlock-min-abi 3\n";
static const char empty_policy[] =
        "nucleus-spec 1\nname web\nmode agent\nargument /a\nworkdir /\nuser 0\n"
        "namespaces user pid mount net\nnetwork none\nseccomp default\nlandlock custom\n";
static const char keys[] = "nucleus-spec 1\nname web\nmode agent\nargument /a\nworkdir /\nuser 0\n"
                           "namespaces pid mount net\nnetwork none\nrootfs /r\nattest unpinned\n"
                           "attest-method fsverity\npublic-key " KEY_1 "\npublic-key " KEY_2 "\n"
                           "seccomp default\nlandlock default\n";
static const char image[] = "nucleus-spec 1\nname web\nmode agent\nargument /a\nworkdir /\nuser 0\n"
                            "namespaces pid mount net\nnetwork none\nrootfs /r\nattest unpinned\n"
                            "attest-method dm-verity\nroot-hash " D64 "\n"
                            "seccomp default\nlandlock default\n";
static const char failing[] = "nucleus-spec 1\nname web\nmode agent\nerror f:1:2:\\x20wrong\n";

static Spec *parse_good(const char *text) {
        _cleanup_free_ char *error = NULL;
        Spec *s = NULL;

        if (spec_parse(text, strlen(text), &s, &error) < 0)
                fail_msg("%s\n%s", text, error ?: "no memory");
        assert_null(error);
        return s;
}

static void test_spec_round_trips(void **state) {
        static const char *const texts[] = { full, agent, open_agent, empty_policy, keys, image, failing };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_spec_ Spec *s = parse_good(texts[i]);
                _cleanup_free_ char *again = NULL;

                assert_int_equal(spec_format(s, &again), 0);
                assert_string_equal(again, texts[i]);
        }
}

static void test_spec_reads_each_record(void **state) {
        _cleanup_spec_ Spec *s = parse_good(full);

        assert_string_equal(s->name, "web");
        assert_null(s->error);
        assert_int_equal(s->mode, MODE_PRODUCTION);
        assert_int_equal(strv_length(s->arguments), 2);
        assert_string_equal(s->arguments[1], "a b");
        assert_string_equal(s->environment[0], "A=\tb");
        assert_string_equal(s->workdir, "/w");
        assert_string_equal(s->hostname, "web");
        assert_string_equal(s->user, "www");
        assert_string_equal(s->group, "5");
        assert_string_equal(s->supplementary_groups[0], "log");
        assert_true(s->id_base == 0x30000000);
        assert_int_equal(s->namespaces, 0x7f);
        assert_int_equal(s->network, NETWORK_NONE);
        assert_int_equal(s->listen_fds, 2);
        assert_string_equal(s->rootfs, "/srv/web");
        assert_true(s->attest);
        assert_string_equal(s->manifest_sha256, D64);
        assert_int_equal(s->n_volumes, 2);
        assert_string_equal(s->volumes[1].source, "/s2");
        assert_string_equal(s->volumes[1].target, "/t2");
        assert_true(s->volumes[1].read_only && !s->volumes[0].read_only);
        assert_int_equal(s->n_tmpfs, 1);
        assert_true(s->tmpfs[0].size == 4096);
}

static void test_spec_reads_each_record_of_policies(void **state) {
        _cleanup_spec_ Spec *s = parse_good(full), *a = parse_good(open_agent),
                            *e = parse_good(empty_policy);
        const LandlockPolicy *p = s->landlock_policy;

        assert_true(s->capabilities_bounding == 0x10000000401 && s->capabilities_ambient == 0x400);
        assert_string_equal(s->seccomp, "custom");
        assert_string_equal(s->seccomp_program, PROGRAM);
        assert_string_equal(s->seccomp_source, "/etc/p q.json");
        assert_null(s->seccomp_trace);
        assert_string_equal(s->landlock, "custom");
        assert_string_equal(s->landlock_source, "/etc/l m.toml");
        assert_int_equal(s->landlock_min_abi, 6);
        assert_int_equal(p->min_abi, 6);
        assert_int_equal(p->n_rules, 2);
        assert_string_equal(p->rules[0].path, "/");
        assert_true(p->rules[0].access == 0xd && !p->rules[0].optional);
        assert_string_equal(p->rules[1].path, "/a b");
        assert_true(p->rules[1].access == 2 && p->rules[1].optional);
        assert_int_equal(p->n_ports, 2);
        assert_true(p->ports[0].port == 80 && p->ports[0].access == 3);
        assert_true(p->ports[1].port == 65535 && p->ports[1].access == 1);
        assert_true(p->scoped == 3);
        assert_true(s->log_denials);

        assert_true(a->capabilities_bounding == 0 && a->capabilities_ambient == 0 && !a->log_denials);
        assert_string_equal(a->seccomp, "default");
        assert_string_equal(a->seccomp_trace, "/t");
        assert_null(a->seccomp_program);
        assert_string_equal(a->landlock, "default");
        assert_null(a->landlock_policy);
        assert_int_equal(spec_landlock_min_abi(a), 3);

        assert_non_null(e->landlock_policy);
        assert_true(e->landlock_policy->n_rules == 0 && e->landlock_policy->scoped == 0);
        assert_int_equal(spec_landlock_min_abi(e), 0);
}

static void test_spec_reads_each_record_of_attestation(void **state) {
        static const struct {
                const char *method, *record;
                size_t offset;
        } pins[] = {
                { "", "image-sha256 ", offsetof(Spec, image_sha256) },
                { "attest-method fsverity\n", "image-fsverity ", offsetof(Spec, image_fsverity) },
                { "attest-method dm-verity\n", "root-hash ", offsetof(Spec, root_hash) },
        };
        _cleanup_spec_ Spec *s = parse_good(keys), *a = parse_good(agent);

        assert_true(s->attest);
        assert_int_equal(s->attestation_method, ATTESTATION_FSVERITY);
        assert_int_equal(strv_length(s->public_keys), 2);
        assert_string_equal(s->public_keys[0], KEY_1);
        assert_string_equal(s->public_keys[1], KEY_2);
        assert_true(!s->manifest_sha256 && !s->image_sha256 && !s->image_fsverity && !s->root_hash);
        assert_true(a->attestation_method == ATTESTATION_SHA256 && !a->public_keys);

        for (size_t i = 0; i < ELEMENTSOF(pins); i++) {
                _cleanup_free_ char *text = NULL;
                _cleanup_spec_ Spec *p = NULL;

                assert_true(asprintf(&text, "%.*s%s%s" D64 "\nseccomp default\nlandlock default\n",
                                    (int)(strstr(image, "attest-method") - image), image, pins[i].method,
                                    pins[i].record) > 0);
                p = parse_good(text);
                assert_int_equal(p->attestation_method, i);
                assert_string_equal(*(char **)((char *)p + pins[i].offset), D64);
        }
}

/* Whichever of the two asks for more is what is printed. */
static void test_spec_prints_the_higher_landlock_abi(void **state) {
        static const unsigned rows[][3] = { { 0, 5, 5 }, { 5, 0, 5 }, { 4, 6, 6 }, { 6, 4, 6 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_spec_ Spec *s = parse_good(empty_policy), *again = NULL;
                _cleanup_free_ char *text = NULL;

                s->landlock_min_abi = rows[i][0];
                s->landlock_policy->min_abi = rows[i][1];
                assert_int_equal(spec_landlock_min_abi(s), rows[i][2]);
                assert_int_equal(spec_format(s, &text), 0);
                again = parse_good(text);
                assert_int_equal(spec_landlock_min_abi(again), rows[i][2]);
        }
}

/* ---- refusals: one change of a good text each ---- */

static const struct {
        const char *text, *from, *to, *error;
} bad[] = {
        /* the text */
        { full, "nucleus-spec 1", "nucleus-spec 2", "line 1: not a spec of this version" },
        { full, "nucleus-spec 1\n", "", "line 1: not a spec of this version" },
        { full, "log-denials yes\n", "log-denials yes", "line 34: no newline at the end" },
        { full, "a\\x20b", "a b", "line 5: wrong number of fields" },
        { full, "a\\x20b", "", "line 5: bad escaping" },
        { full, "a\\x20b", "\\x41", "line 5: bad escaping" },
        { full, "argument a", "argument  a", "line 5: bad escaping" },
        { full, "hostname web\n", "\n", "line 8: bad escaping" },
        { full, "hostname web", "hostname", "line 8: wrong number of fields" },
        { full, "hostname", "Hostname", "line 8: unknown or misplaced record" },
        { full, "mode production\n", "mode production\nname web\n", "line 4: unknown or misplaced record" },
        { full, "name web\n", "name web\nname web\n", "line 3: repeated record" },
        { full, "rw\n", "rw x\n", "line 18: wrong number of fields" },
        /* values */
        { full, "production", "prod", "line 3: bad value" },
        { full, "805306368", "0", "line 12: bad value" },
        { full, "805306368", "0805306368", "line 12: bad value" },
        { full, "805306368", "-1", "line 12: bad value" },
        { full, "805306368", "18446744073709551616", "line 12: bad value" },
        { full, "user pid", "pid user", "line 13: bad value" },
        { full, "user pid", "user user pid", "line 13: bad value" },
        { full, "cgroup", "cgroup chroot", "line 13: bad value" },
        { full, " user pid mount net uts ipc cgroup", "", "line 13: bad value" },
        { full, "network none", "network bridge", "line 14: bad value" },
        { full, "listen-fds 2", "listen-fds 0", "line 15: bad value" },
        { full, D64, D16, "line 17: bad value" },
        { full, D64, "ABCDEF0123456789" D16 D16 D16, "line 17: bad value" },
        { full, "/t rw", "/t wr", "line 18: bad value" },
        { full, "/s /t", "s /t", "line 18: bad value" },
        { full, "/s /t", "/s t", "line 18: bad value" },
        { full, "/u 4096", "/u 0", "line 20: bad value" },
        { full, "/u 4096", "u 4096", "line 20: bad value" },
        { full, "/u 4096", "/u 4K", "line 20: bad value" },
        /* what is missing */
        { full, "name web\n", "", "no valid name" },
        { full, "name web", "name ../web", "no valid name" },
        { full, "name web", "name Web", "no valid name" },
        { full, "name web", "name -web", "no valid name" },
        { full, "name web", "name w.service", "no valid name" },
        { full, "name web", "name \\e", "no valid name" },
        { full, "name web", "name " D64 "0", "no valid name" },
        { full, "mode production\n", "", "no mode" },
        { full, "argument /bin/web\nargument a\\x20b\n", "", "no argument" },
        { full, "/bin/web", "web", "no absolute path" },
        { full, "workdir /w\n", "", "no workdir" },
        { full, "workdir /w", "workdir w", "no workdir, or one that is no absolute path" },
        { full, "user www\n", "", "no user" },
        { full, "network none\n", "", "no network" },
        { full, "rootfs /srv", "rootfs srv", "rootfs is no absolute path" },
        { agent, "seccomp default\n", "", "no seccomp or landlock policy" },
        { agent, "landlock default\n", "", "no seccomp or landlock policy" },
        { agent, "namespaces pid mount net\n", "", "mount and pid namespaces are required" },
        { agent, "pid mount net", "mount net", "mount and pid namespaces are required" },
        { agent, "pid mount net", "pid net", "mount and pid namespaces are required" },
        { agent, "workdir /\n", "workdir /\nhostname a\n", "hostname without a uts namespace" },
        { agent, "pid mount net", "pid mount", "network and the net namespace contradict" },
        { agent, "network none", "network host", "network and the net namespace contradict" },
        { full, "805306368", "805306369", "id-base out of range" },
        { full, "805306368", "4294967296", "id-base out of range" },
        { full, "A=\\x09b", "A", "environment without a name" },
        { full, "A=\\x09b", "=b", "environment without a name" },
        /* bad values that only all records together, or a path's rules, can tell */
        { full, "user www", "user \\e", "an empty user or group" },
        { full, "group 5", "group \\e", "an empty user or group" },
        { full, "workdir /w", "workdir /w/../x", "a working directory that is not" },
        { full, "rootfs /srv", "rootfs /srv/", "a rootfs that is not absolute and normalised" },
        { full, "/s /t", "/s/. /t", "a source that is not absolute and normalised" },
        { full, "/s /t", "/proc/sys /t",
                "a source that is not absolute and normalised, or in /proc or /sys" },
        { full, "/s /t", "/sys /t", "in /proc or /sys" },
        { full, "/s /t", "/s /t//x", "a mount target that is not normalised" },
        { full, "/s /t", "/s /", "a mount target that is not normalised, reserved" },
        { full, "/s /t", "/s /proc/sys", "a mount target" },
        { full, "/s /t", "/s /t2", "a mount target" },
        { full, "/s /t", "/s /u", "a mount target" },
        { full, "/u 4096", "/dev/shm 4096", "a mount target" },
        { full, "/u 4096", "/u/.. 4096", "a mount target" },
        { full, "/u 4096", "/u 4096\ntmpfs /u 1", "a mount target" },
        /* the tier */
        { full, "user pid", "pid", "requires more namespaces" },
        { full, " cgroup", "", "requires more namespaces" },
        { full, "rootfs /srv/web\nattest " D64 "\n", "", "requires a rootfs" },
        { full, "rootfs /srv/web\n", "", "requires a rootfs" },
        { full, "attest " D64 "\n", "", "requires attestation" },
        { agent, "seccomp", "attest unpinned\nseccomp", "attestation without a rootfs" },
        { agent, "mode agent", "mode strict-agent", "requires more namespaces" },
        /* attestation */
        { keys, "fsverity", "sha256", "line 11: bad value" }, /* would not be written */
        { keys, "fsverity", "none", "line 11: bad value" },
        { image, D64, D16, "line 12: bad value" },
        { image, "0123456789", "ABCDEF6789", "line 12: bad value" },
        { keys, "attest unpinned\n", "", "details of an attestation that is not asked for" },
        { image, "attest unpinned\nattest-method dm-verity\n", "", "that is not asked for" },
        { image, "attest unpinned", "attest " D64, "two pins that exclude each other" },
        { image, "root-hash", "image-sha256 " D64 "\nroot-hash", "two pins that exclude each other" },
        { image, "dm-verity", "fsverity", "a pin of an image that is not of the method" },
        { image, "attest-method dm-verity\n", "", "a pin of an image that is not of the method" },
        { image, "root-hash", "image-sha256", "a pin of an image that is not of the method" },
        { image, "root-hash", "image-fsverity", "a pin of an image that is not of the method" },
        { image, "root-hash " D64 "\n", "", "dm-verity without a root hash" },
        { image, "attest unpinned\nattest-method dm-verity\nroot-hash " D64 "\n",
                "attest " D64 "\nattest-method dm-verity\n", "dm-verity without a root hash" },
        { keys, KEY_2, KEY_1, "a public key twice" },
        { keys, KEY_2, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "a public key that is none" },
        { keys, KEY_2, D16, "a public key that is none" },
        { keys, KEY_2, "\\e", "a public key that is none" },
        /* policies */
        { agent, "seccomp default", "seccomp none", "an unknown seccomp policy" },
        { agent, "landlock default", "landlock /x", "an unknown landlock policy" },
        /* capabilities */
        { full, "0000010000000401", "0000000000000000", "line 21: bad value" },
        { full, "0000010000000401", "10000000401", "line 21: bad value" },
        { full, "0000010000000401", "00000100000004010", "line 21: bad value" },
        { full, "0000010000000401", "000001000000040A", "line 21: bad value" },
        { full, "0000010000000401", "0x00010000000401", "line 21: bad value" },
        { full, "0000000000000400", "0000000000000402",
                "ambient capabilities that are not in the bounding set" },
        { full, "capabilities-bounding 0000010000000401\n", "", "ambient capabilities that are not in" },
        { agent, "seccomp", "capabilities-bounding 0000000000000001\nseccomp",
                "capabilities without a user namespace" },
        /* seccomp */
        { full, "seccomp custom", "seccomp default", "seccomp default with a program" },
        { full, "seccomp-program " PROGRAM "\n", "", "seccomp custom without a program" },
        { full, PROGRAM, "BgAAAAAA/38", "a seccomp program that is not base64" },
        { full, PROGRAM, "BgAAAAAA/39=", "a seccomp program that is not base64" },
        { full, PROGRAM, HALF, "no list of at most 4096 instructions" },
        { full, PROGRAM, "\\e", "no list of at most 4096 instructions" },
        { full, "/etc/p\\x20q.json", "\\e", "a seccomp source that is empty" },
        { agent, "landlock", "seccomp-source /etc/p\nlandlock",
                "a seccomp source that is empty, or of no program" },
        { full, "landlock custom", "seccomp-trace /t\nlandlock custom", "this mode does not allow a trace" },
        { open_agent, "trace /t", "trace t", "a seccomp trace that is not absolute" },
        { open_agent, "trace /t", "trace /t/../u", "a seccomp trace that is not absolute and normalised" },
        /* Landlock */
        { full, "/etc/l\\x20m.toml", "\\e", "a landlock source that is empty, or of no policy" },
        { agent, "landlock default\n", "landlock default\nlandlock-source /etc/l\n",
                "a landlock source that is empty, or of no policy" },
        { full, "landlock custom", "landlock default", "line 29: bad value" },
        { agent, "landlock default\n", "landlock default\nlandlock-rule required execute /\n",
                "line 11: bad value" },
        { agent, "landlock default\n", "landlock default\nlandlock-port bind_tcp 1\n",
                "line 11: bad value" },
        { agent, "landlock default\n", "landlock default\nlandlock-scoped signal\n", "line 11: bad value" },
        { full, "min-abi 6", "min-abi 0", "line 28: bad value" },
        { full, "min-abi 6", "min-abi 06", "line 28: bad value" },
        { full, "min-abi 6", "min-abi 1000", "line 28: bad value" },
        { full, "min-abi 6", "min-abi 3", "landlock ports without the landlock-min-abi" },
        { full, "landlock-min-abi 6\n", "", "landlock ports without the landlock-min-abi" },
        { full, "required", "needed", "line 29: bad value" },
        { full, "execute,read_file", "read_file,execute", "line 29: bad value" },
        { full, "execute,read_file", "execute,execute", "line 29: bad value" },
        { full, "execute,read_file", "execute,,read_file", "line 29: bad value" },
        { full, "execute,read_file,read_dir", "read", "line 29: bad value" },
        { full, "execute,read_file,read_dir", "bind_tcp", "line 29: bad value" },
        { full, "execute,read_file,read_dir", "\\e", "line 29: bad value" },
        { full, "read_dir /\n", "read_dir usr\n", "line 29: bad value" },
        { full, "read_dir /\n", "read_dir /usr/\n", "line 29: bad value" },
        { full, "read_dir /\n", "read_dir /a\\x20b\n", "line 30: bad value" },
        { full, "bind_tcp,connect_tcp 80", "connect_tcp,bind_tcp 80", "line 31: bad value" },
        { full, "bind_tcp,connect_tcp 80", "execute 80", "line 31: bad value" },
        { full, "connect_tcp 80", "connect_tcp 0", "line 31: bad value" },
        { full, "connect_tcp 80", "connect_tcp 65536", "line 31: bad value" },
        { full, "connect_tcp 80", "connect_tcp 080", "line 31: bad value" },
        { full, "connect_tcp 80", "connect_tcp 65535", "line 32: bad value" },
        { full, "abstract_unix_socket signal", "signal abstract_unix_socket", "line 33: bad value" },
        { full, "abstract_unix_socket signal", "signal signal", "line 33: bad value" },
        { full, "abstract_unix_socket signal", "execute", "line 33: bad value" },
        { full, " abstract_unix_socket signal", "", "line 33: bad value" },
        { full, "log-denials yes", "log-denials no", "line 34: bad value" },
        /* failing specs */
        { failing, "mode agent\n", "", "no mode" },
        { failing, "name web", "name a/b", "no valid name" },
        { failing, "wrong\n", "wrong\nnetwork none\n", "line 5: bad value" },
        { failing, "wrong\n", "wrong\nnamespaces\n", "line 5: bad value" },
};

static char *changed(const char *text, const char *from, const char *to) {
        const char *at = strstr(text, from);
        _cleanup_strbuf_ StrBuf b = {};
        char *s = NULL;

        assert_non_null(at);
        strbuf_add(&b, text, (size_t)(at - text));
        strbuf_puts(&b, to);
        strbuf_puts(&b, at + strlen(from));
        assert_int_equal(strbuf_finish(&b, &s), 0);
        return s;
}

static void test_spec_refuses_each_violation(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = changed(bad[i].text, bad[i].from, bad[i].to), *error = NULL;
                _cleanup_spec_ Spec *s = NULL;

                int k = spec_parse(text, strlen(text), &s, &error);
                if (k != -EINVAL || !error || !startswith(error, "spec line ") ||
                        !strstr(error, bad[i].error))
                        fail_msg("%s\ngave %d, %s\nnot %s", text, k, error ?: "nothing", bad[i].error);
                assert_null(s);
        }
}

static void test_spec_takes_each_mode_at_its_least(void **state) {
        static const char *const rows[][2] = {
                { "pid mount net", "pid mount" }, /* with network host, below */
                { "mode agent", "mode agent" },
                { "seccomp", "rootfs /r\nattest unpinned\nseccomp" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = changed(agent, rows[i][0], rows[i][1]);
                _cleanup_free_ char *host =
                        i == 0 ? changed(text, "network none", "network host") : strdup(text);
                _cleanup_spec_ Spec *s = parse_good(host);
                assert_int_equal(s->mode, MODE_AGENT);
        }
        _cleanup_free_ char *strict = changed(agent, "mode agent", "mode strict-agent");
        _cleanup_free_ char *whole = changed(strict, "pid mount net", "user pid mount net uts ipc cgroup");
        _cleanup_spec_ Spec *s = parse_good(whole);
        assert_int_equal(s->mode, MODE_STRICT_AGENT);
}

static void test_spec_refuses_nul_and_too_much(void **state) {
        _cleanup_free_ char *error = NULL, *large = NULL, *later = NULL;
        _cleanup_spec_ Spec *s = NULL;

        assert_int_equal(spec_parse(full, sizeof(full), &s, &error), -EINVAL); /* with its NUL */
        assert_string_equal(error, "spec line 1: too long, or a NUL byte");
        large = malloc(SPEC_TEXT_MAX + 1);
        assert_non_null(large);
        memset(large, 'a', SPEC_TEXT_MAX + 1);
        assert_int_equal(spec_parse(large, SPEC_TEXT_MAX + 1, &s, &later), -EINVAL);
        assert_string_equal(later, "spec line 1: too long, or a NUL byte");
}

/* Whatever byte of a spec is changed: it is refused, or it is canonical again. */
static void test_spec_is_canonical_after_any_change_of_a_byte(void **state) {
        size_t n_taken = 0, n_refused = 0;

        for (size_t i = 0; i + 1 < sizeof(full); i++)
                for (unsigned c = 1; c < 128; c++) {
                        char text[sizeof(full)];
                        _cleanup_free_ char *error = NULL, *again = NULL;
                        _cleanup_spec_ Spec *s = NULL;

                        memcpy(text, full, sizeof(full));
                        text[i] = (char)c;
                        if (spec_parse(text, sizeof(full) - 1, &s, &error) < 0) {
                                n_refused++;
                                continue;
                        }
                        n_taken++;
                        assert_int_equal(spec_format(s, &again), 0);
                        assert_string_equal(again, text);
                }
        assert_true(n_taken > 1000 && n_refused > 10000);
}

static void test_spec_service_names(void **state) {
        static const char *const good[] = { "a", "0", "web-1", "a_b", D64 };
        static const char *const bad_names[] = { "", "-a", "_a", "A", "a.b", "a/b", "../a", "a b", "a@b",
                "x.service", D64 "0", "\xc3\xa4", "a\xe2\x80\xae" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(service_name_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad_names); i++)
                assert_false(service_name_is_valid(bad_names[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spec_round_trips),
                cmocka_unit_test(test_spec_reads_each_record),
                cmocka_unit_test(test_spec_reads_each_record_of_policies),
                cmocka_unit_test(test_spec_reads_each_record_of_attestation),
                cmocka_unit_test(test_spec_prints_the_higher_landlock_abi),
                cmocka_unit_test(test_spec_refuses_each_violation),
                cmocka_unit_test(test_spec_takes_each_mode_at_its_least),
                cmocka_unit_test(test_spec_refuses_nul_and_too_much),
                cmocka_unit_test(test_spec_is_canonical_after_any_change_of_a_byte),
                cmocka_unit_test(test_spec_service_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
