/* SPDX-License-Identifier: Apache-2.0 */
/* Files to services: stacks, defaults and their origins, the rules of the tiers, the spec that comes out. */

#include "test-config.h"

#define D16 "0123456789abcdef"
#define D64 D16 D16 D16 D16
#define AGENT "mode = \"agent\"\ncommand = [\"/a\"]\n"
#define PRODUCTION "command = [\"/a\"]\nrootfs = \"/r\"\n[resources]\nmemory = \"1M\"\n"

static const Origin *origin_of(const ServiceConfig *s, const char *table, const char *key) {
        const SchemaRow *row = schema_find(table, key);

        assert_non_null(row);
        return &s->origins[schema_index(row)];
}

/* ---- command and mode ---- */

static void test_config_refuses_bad_command_and_mode(void **state) {
        static const char *const rows[][3] = {
                { "command = \"/a b\"\nmode = \"agent\"", "1:11", "must be a list such as" },
                { "command = []\nmode = \"agent\"", "1:11", "command is empty; name a program" },
                { "command = 1\nmode = \"agent\"", "1:11", "must be a list of strings, not an integer" },
                { "command = [\"a\"]\nmode = \"agent\"", "1:12",
                        "the program of command, \"a\", must be an absolute" },
                { "command = [\"/a/../b\"]\nmode = \"agent\"", "1:12", "must not hold" },
                { "command = [\"/a\", 1]\nmode = \"agent\"", "1:18", "must be a string, not an integer" },
                { "mode = \"agent\"\ncommand = [\"/bin/a\",\n\"x\\nExecStartPost=/bin/evil\"]", "3:1",
                        "command holds the control character U+000A" },
                { "mode = \"agent\"", "1:1", "no command; add command = [" },
                { AGENT "mode = \"agent\"", "3:8", "cannot redefine existing string 'mode'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_refused(rows[i][0], rows[i][1], rows[i][2]);
}

static void test_config_refuses_an_unknown_mode(void **state) {
        _cleanup_parsed_ Parsed p = parse(PRODUCTION "[x]");

        assert_string_equal(p.messages, "5:2: unknown key \"x\"; nucleus.toml(5) lists the keys\n");
        parsed_done(&p);
        p = parse("mode = \"prod\"\n" PRODUCTION);
        assert_string_equal(p.messages,
                "1:8: mode must be \"agent\", \"strict-agent\" or \"production\", not \"prod\"\n");
}

static void test_config_passes_arguments_byte_for_byte(void **state) {
        static const char *const arguments[] = { "/a", "%h", "%%", "$X", "${X}", "$$", ";", "a\tb",
                "trailing ", "-@:+!|", "'\"", "back\\", "\xc3\xa4", "" };
        _cleanup_parsed_ Parsed p =
                parse("mode = \"agent\"\ncommand = [\"/a\", \"%h\", \"%%\", \"$X\", \"${X}\", "
                      "\"$$\", \";\", \"a\\tb\", \"trailing \", \"-@:+!|\", \"'\\\"\", "
                      "\"back\\\\\", \"\xc3\xa4\", \"\"]\n");
        const ServiceConfig *s = good_service(&p);

        assert_int_equal(strv_length(s->command), ELEMENTSOF(arguments));
        for (size_t i = 0; i < ELEMENTSOF(arguments); i++)
                assert_string_equal(s->command[i], arguments[i]);
}

#define TREE AGENT "rootfs = \"/r\"\n[attestation]\n"
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* ---- defaults ---- */

static const struct {
        const char *table, *key, *value, *reason;
} agent_defaults[] = {
        { "", "description", "\"Nucleus service web\"", "default" },
        { "", "runtime", "\"native\"", "default" },
        { "", "user", "\"0\"", "default" },
        { "", "group", "", NULL },
        { "", "supplementary_groups", "", NULL },
        { "", "workdir", "\"/\"", "default" },
        { "", "hostname", "\"web\"", "the service's name" },
        { "", "wanted_by", "", NULL },
        { "", "stop_timeout", "\"90s\"", "default" },
        { "", "restart", "\"no\"", "default of agent" },
        { "", "rootfs", "", NULL },
        { "attestation", "verify", "false", "default of agent" },
        { "attestation", "method", "\"sha256\"", "default" },
        { "attestation", "manifest_sha256", "", NULL },
        { "attestation", "public_key", "", NULL },
        { "attestation", "image_sha256", "", NULL },
        { "attestation", "image_fsverity", "", NULL },
        { "attestation", "root_hash", "", NULL },
        { "resources", "memory", "", NULL },
        { "resources", "cpus", "", NULL },
        { "namespaces", "user", "true", "default" },
        { "namespaces", "net", "true", "default" },
        { "namespaces", "time", "false", "default" },
        { "network", "mode", "\"none\"", "default" },
}, production_defaults[] = {
        { "", "mode", "\"production\"", "default" },
        { "", "restart", "\"on-failure\"", "default of production" },
        { "attestation", "verify", "true", "default of production" },
}, pinned_defaults[] = {
        { "attestation", "verify", "true", "manifest_sha256 is given" },
        { "", "restart", "\"no\"", "default of strict-agent" },
}, signed_defaults[] = {
        { "attestation", "verify", "true", "public_key is given" },
        { "attestation", "method", "\"sha256\"", "default" },
}, method_defaults[] = {
        { "attestation", "verify", "true", "method is given" },
}, image_defaults[] = {
        { "attestation", "verify", "true", "image_sha256 is given" },
        { "attestation", "method", "\"sha256\"", "default" },
}, fsverity_defaults[] = {
        { "attestation", "verify", "true", "image_fsverity is given" },
        { "attestation", "method", "\"fsverity\"", "image_fsverity is given" },
}, dm_verity_defaults[] = {
        { "attestation", "verify", "true", "root_hash is given" },
        { "attestation", "method", "\"dm-verity\"", "root_hash is given" },
}, host_defaults[] = {
        { "namespaces", "net", "false", "network.mode is host" },
};

#define assert_defaults(text, rows)                                                                         \
        do {                                                                                                \
                _cleanup_parsed_ Parsed parsed = parse(text);                                               \
                const ServiceConfig *s = good_service(&parsed);                                             \
                for (size_t i = 0; i < ELEMENTSOF(rows); i++) {                                             \
                        _cleanup_strbuf_ StrBuf b = {};                                                     \
                        const Origin *o = origin_of(s, rows[i].table, rows[i].key);                         \
                        schema_format_value(schema_find(rows[i].table, rows[i].key), s, &b);                \
                        assert_string_equal(b.data ?: "", rows[i].value);                                   \
                        assert_int_equal(o->kind, rows[i].reason ? ORIGIN_DEFAULT : ORIGIN_UNSET);          \
                        if (rows[i].reason)                                                                 \
                                assert_string_equal(o->reason, rows[i].reason);                             \
                }                                                                                           \
        } while (false)

static void test_config_defaults_and_their_origins(void **state) {
        assert_defaults(AGENT, agent_defaults);
        assert_defaults(PRODUCTION, production_defaults);
        assert_defaults("mode = \"strict-agent\"\ncommand = [\"/a\"]\nrootfs = \"/r\"\n"
                        "attestation.manifest_sha256 = \"" D64 "\"\n",
                pinned_defaults);
        assert_defaults(TREE "public_key = \"" KEY "\"\n", signed_defaults);
        assert_defaults(TREE "method = \"fsverity\"\n", method_defaults);
        assert_defaults(TREE "image_sha256 = \"" D64 "\"\n", image_defaults);
        assert_defaults(TREE "image_fsverity = \"" D64 "\"\n", fsverity_defaults);
        assert_defaults(TREE "root_hash = \"" D64 "\"\n", dm_verity_defaults);
        assert_defaults(AGENT "network.mode = \"host\"\n", host_defaults);
}

static void test_config_default_path_and_sorted_environment(void **state) {
        _cleanup_parsed_ Parsed p = parse(AGENT "[environment]\nZ = \"1\"\nA = \"x\\ty\"\n");
        const ServiceConfig *s = good_service(&p);

        assert_int_equal(strv_length(s->environment), 3);
        assert_string_equal(s->environment[0], "A=x\ty");
        assert_string_equal(s->environment[1], CONFIG_DEFAULT_PATH);
        assert_string_equal(s->environment[2], "Z=1");

        _cleanup_parsed_ Parsed own = parse(AGENT "[environment]\nPATH = \"/x\"\n");
        assert_int_equal(strv_length(good_service(&own)->environment), 1);
        assert_string_equal(own.config->services[0]->environment[0], "PATH=/x");
}

static void test_config_default_size_of_tmpfs(void **state) {
        _cleanup_parsed_ Parsed p =
                parse(AGENT "[[tmpfs]]\ntarget = \"/t\"\n[[tmpfs]]\ntarget = \"/u\"\nsize = 8192\n");
        const ServiceConfig *s = good_service(&p);

        assert_int_equal(s->n_tmpfs, 2);
        assert_true(s->tmpfs[0].size == 64U << 20 && s->tmpfs[1].size == 8192);
}

/* ---- the tiers, and what fits together ---- */

#define STRICT "mode = \"strict-agent\"\ncommand = [\"/a\"]\n"
static const char *const tier_rules[][3] = {
        { "command = [\"/a\"]\n[resources]\nmemory = \"1M\"\n", "1:1", "\"production\" requires a rootfs" },
        { "command = [\"/a\"]\nmode = \"production\"\n[resources]\nmemory = \"1M\"\n", "2:8",
                "requires a rootfs" },
        { "command = [\"/a\"]\nrootfs = \"/r\"\n", "1:1",
                "requires a memory limit: add [resources] memory" },
        { "command = [\"/a\"]\nrootfs = \"/r\"\nmode = \"production\"", "3:8", "requires a memory limit" },
        { PRODUCTION "[attestation]\nverify = false\n", "6:10",
                "requires attestation: remove verify = false" },
        { PRODUCTION "[network]\nmode = \"host\"\n", "6:8",
                "\"production\" does not allow the host's network" },
        { STRICT "[network]\nmode = \"host\"\n", "4:8",
                "\"strict-agent\" does not allow the host's network" },
        { PRODUCTION "[namespaces]\nuser = false\n", "6:8", "\"production\" requires the user namespace" },
        { PRODUCTION "[namespaces]\npid = false\n", "6:7", "requires the pid namespace" },
        { PRODUCTION "[namespaces]\nipc = false\n", "6:7", "requires the ipc namespace" },
        { PRODUCTION "[namespaces]\ncgroup = false\n", "6:10", "requires the cgroup namespace" },
        { STRICT "[namespaces]\nmount = false\n", "4:9", "\"strict-agent\" requires the mount namespace" },
        { STRICT "[namespaces]\nuts = false\n", "4:7", "requires the uts namespace" },
        { AGENT "[namespaces]\nnet = false\n", "4:7", "network.mode \"none\" needs the net namespace" },
        { AGENT "network.mode = \"host\"\n[namespaces]\nnet = true\n", "5:7", "exclude each other" },
        { AGENT "hostname = \"a\"\n[namespaces]\nuts = false\n", "3:12",
                "hostname needs the uts namespace" },
        { AGENT "rootfs = \"/r\"\n[namespaces]\nmount = false\n", "5:9", "need the mount namespace" },
        { AGENT "[attestation]\nverify = true\n", "4:10", "attestation needs a rootfs" },
        { AGENT "rootfs = \"/r\"\n[attestation]\nverify = false\nmanifest_sha256 = \"" D64 "\"\n", "6:19",
                "manifest_sha256 has no effect with verify = false" },
        { TREE "verify = false\npublic_key = \"" KEY "\"\n", "6:14", "public_key has no effect" },
        { TREE "verify = false\nmethod = \"sha256\"\n", "6:10", "method has no effect" },
        { AGENT "[attestation]\npublic_key = \"" KEY "\"\n", "4:14", "attestation needs a rootfs" },
        { TREE "image_sha256 = \"" D64 "\"\nmanifest_sha256 = \"" D64 "\"\n", "5:16",
                "manifest_sha256 and image_sha256 exclude each other: one is of a directory" },
        { TREE "image_sha256 = \"" D64 "\"\nroot_hash = \"" D64 "\"\n", "6:13",
                "image_sha256 and root_hash exclude each other: name one digest of the image" },
        { TREE "image_fsverity = \"" D64 "\"\nroot_hash = \"" D64 "\"\n", "6:13", "exclude each other" },
        { TREE "method = \"sha256\"\nroot_hash = \"" D64 "\"\n", "5:10",
                "method \"sha256\" and root_hash exclude each other: that is of method \"dm-verity\"" },
        { TREE "method = \"dm-verity\"\nimage_sha256 = \"" D64 "\"\n", "5:10",
                "method \"dm-verity\" and image_sha256 exclude each other: that is of method \"sha256\"" },
        { TREE "method = \"sha256\"\nimage_fsverity = \"" D64 "\"\n", "5:10", "is of method \"fsverity\"" },
        { TREE "method = \"dm-verity\"\nmanifest_sha256 = \"" D64 "\"\n", "5:10",
                "method \"dm-verity\" is for images, and manifest_sha256 is of a directory" },
        { TREE "method = \"dm-verity\"\n", "5:10", "method \"dm-verity\" needs the root_hash" },
};

static void test_config_rules_in_place(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(tier_rules); i++)
                assert_refused(tier_rules[i][0], tier_rules[i][1], tier_rules[i][2]);
}

/* What a stricter tier refuses, the agent tier takes. */
static void test_config_agent_may_do_without(void **state) {
        static const char *const texts[] = { AGENT, AGENT "network.mode = \"host\"\n",
                AGENT "[namespaces]\nuser = false\nuts = false\nipc = false\ncgroup = false\n" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_parsed_ Parsed p = parse(texts[i]);
                (void)good_service(&p);
        }
}

/* ---- files and stacks ---- */

static void test_config_file_that_is_no_toml_is_one_failed_service(void **state) {
        assert_refused("this is prose", "1:6", "expected '=', saw 'i'");
        assert_refused("[{x]\n", "1:2", "not the name of a table");
        _cleanup_parsed_ Parsed p = parse_bytes("a\0", 2);
        assert_string_equal(p.messages, "1:2: a NUL byte; the file must be plain text\n");
        assert_string_equal(p.config->services[0]->name, "web");
}

static void test_config_stack_names_its_services(void **state) {
        _cleanup_parsed_ Parsed p =
                parse("description = \"D\"\nwanted_by = [\"multi-user.target\"]\n[services.db]\n" AGENT
                      "[services.app]\n" AGENT
                      "[[services.app.depends_on]]\nservice = \"db\"\ncondition = \"completed\"\n");

        assert_string_equal(p.messages, "");
        assert_int_equal(p.config->n_services, 2);
        assert_string_equal(p.config->stack->name, "web");
        assert_string_equal(p.config->stack->description, "D");
        assert_string_equal(p.config->stack->wanted_by[0], "multi-user.target");
        const ServiceConfig *s = find_service(&p, "web-app");
        assert_string_equal(s->stack, "web");
        assert_string_equal(s->local_name, "app");
        assert_int_equal(s->where.line, 6);
        assert_int_equal(s->n_depends_on, 1);
        assert_string_equal(s->depends_on[0].service, "db");
        assert_int_equal(s->depends_on[0].condition, CONDITION_COMPLETED);
}

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 60 */
static const char *const stack_errors[][3] = {
        { "services = 1", "1:12", "services must be a table of tables, [services.NAME], not an integer" },
        { "[services]", "1:1", "services is empty; add a table [services.NAME]" },
        { "[services]\na = 1", "2:5", "services.a must be a table, not an integer" },
        { "[services.\"../x\"]\n" AGENT, "1:11", "\"../x\" is no service name" },
        { "[services.\"a/b\"]\n" AGENT, "1:11", "is no service name" },
        { "[services.\"\"]\n" AGENT, "1:11", "\"\" is no service name" },
        { "[services.\"x@y\"]\n" AGENT, "1:11", "is no service name" },
        { "[services.\"x.service\"]\n" AGENT, "1:11", "is no service name" },
        { "[services.-x]\n" AGENT, "1:11", "\"-x\" is no service name" },
        { "[services.Db]\n" AGENT, "1:11", "\"Db\" is no service name" },
        { "[services.\"a\\u202eb\"]\n" AGENT, "1:11", "\"a\\u202eb\" is no service name" },
        { "[services.\"a\\u0000b\"]\n" AGENT, "1:11", "is no service name" },
        { "[services." LONG LONG LONG LONG LONG "]\n" AGENT, "1:11", "is no service name" },
        { "[services." LONG "a]\n" AGENT, "1:11", "has more than 64 characters" },
        { "restart = \"no\"\n[services.a]\n" AGENT, "1:1", "\"restart\" stands at the top of a stack" },
        { "wanted_by = 1\n[services.a]\n" AGENT, "1:13", "wanted_by must be a list of strings" },
        { "[services.a]\ncommand = [\"/a\"]\nrootfs = \"/r\"\n", "1:1", "requires a memory limit" },
        { "[services.a]\nmode = \"agent\"\n", "1:1", "no command" },
};

static void test_config_stack_errors_in_place(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(stack_errors); i++)
                assert_refused(stack_errors[i][0], stack_errors[i][1], stack_errors[i][2]);
        _cleanup_parsed_ Parsed p = parse("[services." LONG "]\n" AGENT); /* 64 in all */
        (void)good_service(&p);
}

/* The bad one is named; the one that needs it is read, and the graph then misses what it needs. */
static void test_config_bad_service_keeps_no_other_from_being_read(void **state) {
        _cleanup_parsed_ Parsed p =
                parse("[services.a]\n" AGENT "colour = 1\n[services.Db]\n" AGENT "[services.b]\n" AGENT
                      "[[services.b.depends_on]]\nservice = \"db\"\n");

        assert_string_equal(p.messages,
                "4:1: unknown key \"colour\"; nucleus.toml(5) lists the keys\n"
                "5:11: \"Db\" is no service name ([a-z0-9][a-z0-9_-]*, at most 64)\n");
        assert_int_equal(p.config->n_services, 2);
        assert_true(find_service(&p, "web-a")->failed);
        assert_false(find_service(&p, "web-b")->failed);
        assert_string_equal(p.diag.items[0].service, "web-a");
        assert_null(p.diag.items[1].service);
}

/* ---- messages ---- */

static void test_config_reports_all_mistakes_of_a_file(void **state) {
        _cleanup_parsed_ Parsed p =
                parse("mode = \"agent\"\ncommand = \"/a\"\nmod = 1\n[resources]\npids = 0\ncpus = \"\"\n");

        assert_int_equal(p.diag.n, 4);
        assert_true(startswith(p.messages, "2:11: command must be"));
        assert_non_null(strstr(p.messages, "\n3:1: unknown key \"mod\"; did you mean \"mode\"?\n"));
        assert_non_null(strstr(p.messages, "\n5:8: pids must be from 1"));
        assert_non_null(strstr(p.messages, "\n6:8: cpus must be a number"));
}

static void test_config_stops_at_a_hundred_messages(void **state) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_puts(&b, "[services.a]\n" AGENT);
        for (unsigned i = 0; i < 500; i++)
                strbuf_printf(&b, "zzzzzzzzzzzzzz%u = 1\n", i);
        strbuf_puts(&b, "[services.b]\n[services.c]\n" AGENT);
        assert_false(b.failed);

        _cleanup_parsed_ Parsed p = parse(b.data);
        assert_int_equal(p.diag.n, 104); /* what b lacks is counted by itself */
        assert_true(startswith(p.diag.items[100].message, "more than 100 errors"));
        assert_string_equal(p.diag.items[101].service, "web-b"); /* whose failing unit needs a message */
        assert_true(find_service(&p, "web-a")->failed);
        assert_true(find_service(&p, "web-b")->failed);
        assert_false(find_service(&p, "web-c")->failed);
}

static void test_config_messages_hold_no_control_characters(void **state) {
        assert_refused(
                AGENT "\"a\\nb\\u202e\\u001b[31m\" = 1\n", "3:1", "unknown key \"a\\x0ab\\u202e\\x1b[31m\"");
}

/* ---- the spec ---- */

static void test_config_to_spec_says_all(void **state) {
        _cleanup_parsed_ Parsed p =
                parse("command = [\"/bin/web\", \"a b\"]\nrootfs = \"/srv/web\"\nuser = \"www\"\n"
                      "group = 5\nsupplementary_groups = [\"log\"]\nworkdir = \"/w\"\n"
                      "attestation.manifest_sha256 = \"" D64 "\"\nresources.memory = \"1M\"\n"
                      "namespaces.time = true\nenvironment.PATH = \"/bin\"\n"
                      "[[volumes]]\nsource = \"/s\"\ntarget = \"/t\"\n"
                      "[[volumes]]\nsource = \"/s2\"\ntarget = \"/t2\"\nread_only = true\n"
                      "[[tmpfs]]\ntarget = \"/u\"\nsize = 4096\n[[sockets]]\nlisten = \"80\"\n");
        _cleanup_spec_ Spec *spec = NULL;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(config_to_spec(good_service(&p), 0x30000000, &spec), 0);
        assert_int_equal(spec_format(spec, &text), 0);
        assert_string_equal(text,
                "nucleus-spec 1\nname web\nmode production\nargument /bin/web\nargument a\\x20b\n"
                "environment PATH=/bin\nworkdir /w\nhostname web\nuser www\ngroup 5\nsupplementary-group "
                "log\n"
                "id-base 805306368\nnamespaces user pid mount net uts ipc cgroup time\nnetwork none\n"
                "listen-fds 1\nrootfs /srv/web\nattest " D64 "\nvolume /s /t rw\nvolume /s2 /t2 ro\n"
                "tmpfs /u 4096\nseccomp default\nlandlock default\n");
}

/* What stands in [attestation], and its records. */
static const char *const attestations[][2] = {
        { "verify = false", "" },
        { "verify = true", "attest unpinned\n" },
        { "method = \"fsverity\"", "attest unpinned\nattest-method fsverity\n" },
        { "method = \"fsverity\"\nmanifest_sha256 = \"" D64 "\"",
                "attest " D64 "\nattest-method fsverity\n" },
        { "public_key = \"" KEY "\"", "attest unpinned\npublic-key " KEY "\n" },
        { "public_key = [\"" KEY "\", \"" KEY_2 "\"]\nmanifest_sha256 = \"" D64 "\"",
                "attest " D64 "\npublic-key " KEY "\npublic-key " KEY_2 "\n" },
        { "image_sha256 = \"" D64 "\"", "attest unpinned\nimage-sha256 " D64 "\n" },
        { "image_fsverity = \"" D64 "\"",
                "attest unpinned\nattest-method fsverity\nimage-fsverity " D64 "\n" },
        { "root_hash = \"" D64 "\"", "attest unpinned\nattest-method dm-verity\nroot-hash " D64 "\n" },
        { "root_hash = \"" D64 "\"\npublic_key = \"" KEY "\"",
                "attest unpinned\nattest-method dm-verity\npublic-key " KEY "\nroot-hash " D64 "\n" },
};

static void test_config_to_spec_says_how_to_attest(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(attestations); i++) {
                _cleanup_free_ char *toml = NULL, *text = NULL, *error = NULL, *records = NULL;
                _cleanup_spec_ Spec *spec = NULL, *again = NULL;

                assert_true(asprintf(&toml, TREE "%s\n", attestations[i][0]) > 0);
                assert_true(asprintf(&records, "rootfs /r\n%sseccomp default\n", attestations[i][1]) > 0);
                _cleanup_parsed_ Parsed p = parse(toml);
                assert_int_equal(config_to_spec(good_service(&p), 0, &spec), 0);
                assert_int_equal(spec_format(spec, &text), 0);
                if (!strstr(text, records))
                        fail_msg("%s: not \"%s\" in: %s", toml, records, text);
                assert_int_equal(spec_parse(text, strlen(text), &again, &error), 0);
        }
}

static void test_config_to_spec_without_user_namespace_has_no_ids(void **state) {
        _cleanup_parsed_ Parsed p = parse(AGENT "namespaces.user = false\n");
        _cleanup_spec_ Spec *spec = NULL;

        assert_int_equal(config_to_spec(good_service(&p), 0x30000000, &spec), 0);
        assert_int_equal(spec->id_base, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_config_refuses_bad_command_and_mode),
                cmocka_unit_test(test_config_refuses_an_unknown_mode),
                cmocka_unit_test(test_config_passes_arguments_byte_for_byte),
                cmocka_unit_test(test_config_defaults_and_their_origins),
                cmocka_unit_test(test_config_default_path_and_sorted_environment),
                cmocka_unit_test(test_config_default_size_of_tmpfs),
                cmocka_unit_test(test_config_rules_in_place),
                cmocka_unit_test(test_config_agent_may_do_without),
                cmocka_unit_test(test_config_file_that_is_no_toml_is_one_failed_service),
                cmocka_unit_test(test_config_stack_names_its_services),
                cmocka_unit_test(test_config_stack_errors_in_place),
                cmocka_unit_test(test_config_bad_service_keeps_no_other_from_being_read),
                cmocka_unit_test(test_config_reports_all_mistakes_of_a_file),
                cmocka_unit_test(test_config_stops_at_a_hundred_messages),
                cmocka_unit_test(test_config_messages_hold_no_control_characters),
                cmocka_unit_test(test_config_to_spec_says_all),
                cmocka_unit_test(test_config_to_spec_says_how_to_attest),
                cmocka_unit_test(test_config_to_spec_without_user_namespace_has_no_ids),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
