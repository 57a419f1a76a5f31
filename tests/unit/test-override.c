/* SPDX-License-Identifier: Apache-2.0 */
/* [X-Nucleus] of drop-ins over a service: each key, resets, lists, order, and what is refused where. */

#include "override.h"
#include "test-config.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_SHA "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define STRICT "mode = \"strict-agent\"\ncommand = [\"/bin/x\"]\n"
#define AGENT "mode = \"agent\"\ncommand = [\"/bin/x\"]\n"
#define VOLUMES                                                                                             \
        "[[volumes]]\nsource = \"/srv/a\"\ntarget = \"/data/a\"\n"                                          \
        "[[volumes]]\nsource = \"/srv/b\"\ntarget = \"/data/b\"\n"

typedef struct Case {
        Config *config;
        DropinFile *files[4];
        size_t n;
        Diagnostics diag;
        ServiceConfig *service;
        char *messages;
} Case;

static void case_done(Case *c) {
        config_free(c->config);
        for (size_t i = 0; i < c->n; i++)
                dropin_file_free(c->files[i]);
        diagnostics_done(&c->diag);
        free(c->messages);
}
#define _cleanup_case_ _cleanup_(case_done)

/* The service of `toml`, with drop-ins 1.conf, 2.conf, … that hold [X-Nucleus] and the texts (to a NULL). */
static Case apply(const char *toml, const char *const *texts) {
        _cleanup_strbuf_ StrBuf b = {};
        Case c = {};

        assert_int_equal(config_parse(toml, strlen(toml), FILE_NAME, "web", &c.config, &c.diag), 0);
        c.service = c.config->services[0];
        for (; texts[c.n]; c.n++) {
                _cleanup_policy_error_ PolicyError what = {};
                _cleanup_free_ char *text = NULL;

                assert_true(asprintf(&text, "[X-Nucleus]\n%s\n", texts[c.n]) > 0);
                assert_int_equal(dropin_parse(text, strlen(text), "X-Nucleus", &c.files[c.n], &what), 0);
                assert_true(asprintf(&c.files[c.n]->path, "/d/nucleus-web.service.d/%zu.conf", c.n + 1) > 0);
        }
        assert_int_equal(override_apply(c.service, (const DropinFile *const *)c.files, c.n, &c.diag), 0);
        assert_int_equal(config_finish(c.service, &c.diag), 0);
        for (size_t i = 0; i < c.diag.n; i++) {
                _cleanup_free_ char *line = NULL;
                assert_int_equal(diagnostic_format(&c.diag.items[i], &line), 0);
                strbuf_printf(&b, "%s\n", line);
        }
        assert_int_equal(strbuf_finish(&b, &c.messages), 0);
        return c;
}

#define APPLY(toml, ...) apply(toml, (const char *const[]){ __VA_ARGS__, NULL })

static const Origin *origin(const Case *c, const char *table, const char *key) {
        return &c->service->origins[schema_index(schema_find(table, key))];
}

static void assert_origin(const Case *c, const char *table, const char *key, OriginKind kind,
        const char *file, unsigned line) {
        const Origin *o = origin(c, table, key);

        assert_int_equal(o->kind, kind);
        if (file) {
                assert_string_equal(o->where.file, file);
                assert_int_equal(o->where.line, line);
        }
}

static void assert_fine(const Case *c) {
        if (c->diag.n > 0 || c->service->failed)
                fail_msg("%s", c->messages);
}

static void assert_message(const Case *c, const char *start, const char *fragment) {
        assert_true(c->service->failed);
        if (c->diag.n != 1 || !startswith(c->messages, start) || !strstr(c->messages, fragment))
                fail_msg("not \"%s…%s…\" but:\n%s", start, fragment, c->messages);
}

static void test_override_sets_each_key(void **state) {
        _cleanup_case_ Case c =
                APPLY(AGENT, "Mode=strict-agent\nSeccompProfile=/p/s.json\nSeccompProfileSHA256=" SHA
                             "\nCapabilityPolicy=/p/c.toml\nCapabilityPolicySHA256=" SHA
                             "\nLandlockPolicy=/p/l.toml\nLandlockPolicySHA256=" SHA
                             "\nLogDenials=yes\nNetworkMode=none");
        const ServiceConfig *s = c.service;

        assert_fine(&c);
        assert_int_equal(s->mode, MODE_STRICT_AGENT);
        assert_string_equal(s->seccomp, "/p/s.json");
        assert_string_equal(s->seccomp_sha256, SHA);
        assert_string_equal(s->capabilities, "/p/c.toml");
        assert_string_equal(s->capabilities_sha256, SHA);
        assert_string_equal(s->landlock, "/p/l.toml");
        assert_string_equal(s->landlock_sha256, SHA);
        assert_true(s->log_denials);
        assert_int_equal(s->network, NETWORK_NONE);
        assert_origin(&c, "", "mode", ORIGIN_DROPIN, "/d/nucleus-web.service.d/1.conf", 2);
        assert_origin(&c, "policy", "landlock_sha256", ORIGIN_DROPIN, "/d/nucleus-web.service.d/1.conf", 8);
        assert_origin(&c, "network", "mode", ORIGIN_DROPIN, "/d/nucleus-web.service.d/1.conf", 10);
}

static void test_override_traces_an_agent_alone(void **state) {
        _cleanup_case_ Case agent = APPLY(AGENT, "SeccompTrace=yes");
        _cleanup_case_ Case strict = APPLY(STRICT, "SeccompTrace=yes");

        assert_fine(&agent);
        assert_true(agent.service->seccomp_trace);
        assert_message(
                &strict, "/d/nucleus-web.service.d/1.conf:2: ", "seccomp_trace is for mode \"agent\" alone");
}

static void test_override_tests_every_key_of_the_table(void **state) {
        size_t n = 0;

        for (const OverrideKey *k = override_keys; k->name; k++, n++) {
                assert_non_null(schema_find(k->table, k->key));
                assert_true(strlen(k->help) > 0);
        }
        assert_int_equal(n, 11); /* a new key belongs into the tests above and below */
}

static void test_override_later_file_and_line_win(void **state) {
        _cleanup_case_ Case c = APPLY(
                STRICT, "SeccompProfile=/p/1.json", "SeccompProfile=/p/2.json\nSeccompProfile=/p/3.json");

        assert_fine(&c);
        assert_string_equal(c.service->seccomp, "/p/3.json");
        assert_origin(&c, "policy", "seccomp", ORIGIN_DROPIN, "/d/nucleus-web.service.d/2.conf", 3);
}

static void test_override_empty_value_takes_back_to_default(void **state) {
        _cleanup_case_ Case c = APPLY(STRICT "[policy]\nseccomp = \"/p/own.json\"\nlog_denials = true\n",
                "SeccompProfile=/p/1.json", "SeccompProfile=\nLogDenials=");

        assert_fine(&c);
        assert_null(c.service->seccomp);
        assert_false(c.service->log_denials);
        assert_origin(&c, "policy", "seccomp", ORIGIN_UNSET, NULL, 0);
        assert_origin(&c, "policy", "log_denials", ORIGIN_DEFAULT, NULL, 0);
}

static void test_override_leaves_what_it_does_not_name(void **state) {
        _cleanup_case_ Case c =
                APPLY(STRICT "[policy]\nseccomp = \"/p/own.json\"\nseccomp_sha256 = \"" SHA "\"\n",
                        "SeccompProfileSHA256=" OTHER_SHA);

        assert_fine(&c);
        assert_string_equal(c.service->seccomp, "/p/own.json");
        assert_string_equal(c.service->seccomp_sha256, OTHER_SHA);
        assert_origin(&c, "policy", "seccomp", ORIGIN_FILE, FILE_NAME, 4);
}

static void test_override_mode_only_becomes_stricter(void **state) {
        static const struct {
                const char *toml, *dropin;
                Mode mode;
                const char *message; /* NULL: fine */
        } cases[] = {
                { AGENT, "Mode=agent", MODE_AGENT, NULL },
                { AGENT, "Mode=strict-agent", MODE_STRICT_AGENT, NULL },
                { STRICT, "Mode=strict-agent", MODE_STRICT_AGENT, NULL },
                { STRICT, "Mode=agent", MODE_STRICT_AGENT,
                        "would loosen the service's mode \"strict-agent\"" },
                { AGENT, "Mode=strict-agent\nMode=", MODE_AGENT, NULL },
                { STRICT, "Mode=", MODE_STRICT_AGENT, NULL },
                /* Stricter than the file, though less than the drop-in before: still not below the file. */
                { AGENT, "Mode=production\nMode=strict-agent", MODE_STRICT_AGENT, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_case_ Case c = APPLY(cases[i].toml, cases[i].dropin);

                assert_int_equal(c.service->mode, cases[i].mode);
                if (cases[i].message)
                        assert_message(&c, "/d/nucleus-web.service.d/1.conf:2: ", cases[i].message);
                else
                        assert_fine(&c);
        }
}

static void test_override_mode_for_many_services_is_at_least(void **state) {
        static const struct {
                const char *toml, *dropin;
                Mode mode;
                OriginKind kind;
        } cases[] = {
                { AGENT, "Mode=strict-agent", MODE_STRICT_AGENT, ORIGIN_DROPIN },
                { STRICT, "Mode=agent", MODE_STRICT_AGENT, ORIGIN_FILE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_policy_error_ PolicyError what = {};
                _cleanup_diagnostics_ Diagnostics diag = {};
                _cleanup_dropin_file_ DropinFile *file = NULL;
                _cleanup_config_ Config *config = NULL;
                _cleanup_free_ char *text = NULL;

                assert_true(asprintf(&text, "[X-Nucleus]\n%s\n", cases[i].dropin) > 0);
                assert_int_equal(dropin_parse(text, strlen(text), "X-Nucleus", &file, &what), 0);
                file->path = strdup("/d/nucleus-.service.d/1.conf");
                assert_int_equal(
                        config_parse(cases[i].toml, strlen(cases[i].toml), FILE_NAME, "web", &config, &diag),
                        0);
                ServiceConfig *s = config->services[0];
                assert_int_equal(override_apply(s, (const DropinFile *const *)&file, 1, &diag), 0);
                assert_int_equal(diag.n, 0);
                assert_int_equal(s->mode, cases[i].mode);
                assert_int_equal(s->origins[schema_index(schema_find("", "mode"))].kind, cases[i].kind);
        }
}

/* Whatever the order of the files' names. */
static void test_override_mode_of_many_is_not_lowered_by_one(void **state) {
        static const char *const paths[][2] = {
                { "/d/nucleus-.service.d/10.conf", "/d/nucleus-web.service.d/50.conf" },
                { "/d/nucleus-web.service.d/10.conf", "/d/nucleus-.service.d/50.conf" },
        };
        static const struct {
                const char *many, *one;
                Mode mode;
                size_t n_errors;
        } cases[] = {
                { "strict-agent", "agent", MODE_STRICT_AGENT, 1 },
                { "strict-agent", "", MODE_STRICT_AGENT, 0 },
                { "agent", "strict-agent", MODE_STRICT_AGENT, 0 },
                { "", "strict-agent", MODE_STRICT_AGENT, 0 },
                { "", "", MODE_AGENT, 0 },
        };

        for (size_t i = 0; i < 2 * ELEMENTSOF(cases); i++) {
                const char *many = cases[i / 2].many, *one = cases[i / 2].one;
                DropinAssignment assignments[2] = {
                        { (char *)"Mode", (char *)(i % 2 == 0 ? many : one), 2 },
                        { (char *)"Mode", (char *)(i % 2 == 0 ? one : many), 2 },
                };
                DropinFile files[2] = {
                        { .path = (char *)paths[i % 2][0], .items = &assignments[0], .n = 1 },
                        { .path = (char *)paths[i % 2][1], .items = &assignments[1], .n = 1 },
                };
                const DropinFile *list[2] = { &files[0], &files[1] };
                _cleanup_diagnostics_ Diagnostics diag = {};
                _cleanup_config_ Config *config = NULL;

                assert_int_equal(config_parse(AGENT, strlen(AGENT), FILE_NAME, "web", &config, &diag), 0);
                assert_int_equal(override_apply(config->services[0], list, 2, &diag), 0);
                assert_int_equal(config->services[0]->mode, cases[i / 2].mode);
                assert_int_equal(diag.n_errors, cases[i / 2].n_errors);
        }
}

static void test_override_mode_brings_the_rules_of_the_tier(void **state) {
        _cleanup_case_ Case c = APPLY(AGENT, "Mode=production");

        assert_true(c.service->failed);
        assert_non_null(strstr(
                c.messages, "/d/nucleus-web.service.d/1.conf:2: mode \"production\" requires a rootfs"));
}

static void test_override_network_is_checked_like_the_file(void **state) {
        _cleanup_case_ Case fine = APPLY(AGENT, "NetworkMode=host");
        _cleanup_case_ Case refused = APPLY(STRICT, "NetworkMode=host");

        assert_fine(&fine);
        assert_int_equal(fine.service->network, NETWORK_HOST);
        assert_int_equal(fine.service->namespaces & NAMESPACE_NET, 0);
        assert_true(refused.service->failed);
        assert_non_null(strstr(refused.messages,
                "/d/nucleus-web.service.d/1.conf:2: mode \"strict-agent\" does not allow the host"));
}

static void test_override_volumes_become_read_only(void **state) {
        _cleanup_case_ Case one = APPLY(STRICT VOLUMES, "VolumeReadOnly=/data/b");
        _cleanup_case_ Case both = APPLY(STRICT VOLUMES, "VolumeReadOnly=/data/b", "VolumeReadOnly=/data/a");
        _cleanup_case_ Case list = APPLY(STRICT VOLUMES, "VolumeReadOnly=/data/b  /data/a");
        _cleanup_case_ Case none = APPLY(STRICT VOLUMES, "VolumeReadOnly=/data/b", "VolumeReadOnly=");

        assert_fine(&one);
        assert_false(one.service->volumes[0].read_only);
        assert_true(one.service->volumes[1].read_only);
        assert_string_equal(one.service->volumes[1].made_read_only.file, "/d/nucleus-web.service.d/1.conf");
        assert_int_equal(one.service->volumes[1].made_read_only.line, 2);
        assert_fine(&both);
        assert_true(both.service->volumes[0].read_only && both.service->volumes[1].read_only);
        assert_fine(&list);
        assert_true(list.service->volumes[0].read_only && list.service->volumes[1].read_only);
        assert_fine(&none);
        assert_false(none.service->volumes[0].read_only || none.service->volumes[1].read_only);
}

static void test_override_refuses_at_the_line(void **state) {
        static const struct {
                const char *dropin, *start, *fragment;
        } cases[] = {
                { "SeccompProfil=/p",
                        "/d/nucleus-web.service.d/1.conf:2: ", "did you mean SeccompProfile=?" },
                { "Frobnicate=1", "/d/nucleus-web.service.d/1.conf:2: ", "nucleus.toml(5) lists the keys" },
                { "\nMode=lax", "/d/nucleus-web.service.d/1.conf:3: ", "Mode must be" },
                { "SeccompProfile=relative.json",
                        "/d/nucleus-web.service.d/1.conf:2: ", "SeccompProfile \"relative.json\"" },
                { "SeccompProfileSHA256=12",
                        "/d/nucleus-web.service.d/1.conf:2: ", "64 lower-case hexadecimal digits" },
                { "LogDenials=maybe", "/d/nucleus-web.service.d/1.conf:2: ", "must be yes or no" },
                { "NetworkMode=bridge",
                        "/d/nucleus-web.service.d/1.conf:2: ", "not supported by this build" },
                { "VolumeReadOnly=/data/aa", "/d/nucleus-web.service.d/1.conf:2: ",
                        "no volume at /data/aa; there is one at /data/a" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_case_ Case c = APPLY(STRICT VOLUMES, cases[i].dropin);
                assert_message(&c, cases[i].start, cases[i].fragment);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_override_sets_each_key),
                cmocka_unit_test(test_override_traces_an_agent_alone),
                cmocka_unit_test(test_override_tests_every_key_of_the_table),
                cmocka_unit_test(test_override_later_file_and_line_win),
                cmocka_unit_test(test_override_empty_value_takes_back_to_default),
                cmocka_unit_test(test_override_leaves_what_it_does_not_name),
                cmocka_unit_test(test_override_mode_only_becomes_stricter),
                cmocka_unit_test(test_override_mode_for_many_services_is_at_least),
                cmocka_unit_test(test_override_mode_of_many_is_not_lowered_by_one),
                cmocka_unit_test(test_override_mode_brings_the_rules_of_the_tier),
                cmocka_unit_test(test_override_network_is_checked_like_the_file),
                cmocka_unit_test(test_override_volumes_become_read_only),
                cmocka_unit_test(test_override_refuses_at_the_line),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
