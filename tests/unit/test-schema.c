/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of the schema: what it takes, how that is printed again, and what it refuses where. */

#include "test-config.h"

#define D16 "0123456789abcdef"
#define D64 D16 D16 D16 D16
/* Public keys: of RFC 8032, 7.1. */
#define KEY_1 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define S64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define S256 S64 S64 S64 S64

/* A service of the agent tier, in which `text` stands below a header (or at the top). */
static char *service_text(const char *table, const char *text) {
        char *s;

        assert_true(asprintf(&s, "mode = \"agent\"\ncommand = [\"/a\"]\n%s%s%s\n", table,
                            isempty(table) ? "" : "\n", text) > 0);
        return s;
}

/* ---- what a key takes ---- */

static const struct {
        const char *table, *key, *value;
        const char *printed; /* NULL: as written */
} good[] = {
        { "", "description", "\"A \\\"web\\\" server \\\\ \xc3\xa4\"" },
        { "", "rootfs", "\"/srv/web\"" },
        { "", "rootfs", "\"/\"" },
        { "", "runtime", "\"native\"" },
        { "", "user", "\"www-data\"" },
        { "", "user", "33", "\"33\"" },
        { "", "user", "\"4294967294\"" },
        { "", "group", "0", "\"0\"" },
        { "", "supplementary_groups", "[\"a\", \"1\"]" },
        { "", "workdir", "\"/srv\"" },
        { "", "hostname", "\"web-1.Example\"" },
        { "", "hostname", "\"" S64 "\"" },
        { "", "wanted_by", "[\"multi-user.target\", \"a@b.service\"]" },
        { "", "stop_timeout", "\"30s\"" },
        { "", "stop_timeout", "\"1min 30s\"", "\"90s\"" },
        { "", "stop_timeout", "\"2 h\"", "\"7200s\"" },
        { "", "stop_timeout", "\"1d2hr3m4sec5msec6usec\"", "\"93784005006us\"" },
        { "", "stop_timeout", "\"365days\"", "\"31536000s\"" },
        { "", "restart", "\"no\"" },
        { "", "restart", "\"on-success\"" },
        { "", "restart", "\"on-failure\"" },
        { "", "restart", "\"on-abnormal\"" },
        { "", "restart", "\"on-abort\"" },
        { "", "restart", "\"on-watchdog\"" },
        { "", "restart", "\"always\"" },
        { "attestation", "verify", "false" },
        { "resources", "memory", "4096", "\"4K\"" },
        { "resources", "memory", "4097" },
        { "resources", "memory", "\"512M\"" },
        { "resources", "memory", "\"1024M\"", "\"1G\"" },
        { "resources", "memory", "\"7T\"" },
        { "resources", "memory", "\"9223372036854775807\"", "9223372036854775807" },
        { "resources", "cpus", "1.5" },
        { "resources", "cpus", "2" },
        { "resources", "cpus", "0.01" },
        { "resources", "cpus", "8192" },
        { "resources", "pids", "1" },
        { "resources", "pids", "4194304" },
        { "resources", "io_weight", "1" },
        { "resources", "io_weight", "10000" },
        { "namespaces", "user", "false" },
        { "namespaces", "uts", "false" },
        { "namespaces", "ipc", "false" },
        { "namespaces", "cgroup", "false" },
        { "namespaces", "pid", "true" },
        { "namespaces", "mount", "true" },
        { "namespaces", "net", "true" },
        { "namespaces", "time", "true" },
        { "network", "mode", "\"none\"" },
        { "network", "mode", "\"host\"" },
        { "policy", "seccomp", "\"/etc/nucleus/policies/web.seccomp.json\"" },
        { "policy", "seccomp_sha256", "\"" S64 "\"" },
        { "policy", "capabilities", "\"/p/caps.toml\"" },
        { "policy", "capabilities_sha256", "\"" S64 "\"" },
        { "policy", "landlock", "\"/p/landlock.toml\"" },
        { "policy", "landlock_sha256", "\"" S64 "\"" },
        { "policy", "log_denials", "true" },
        { "policy", "seccomp_trace", "true" },
};

static void test_schema_takes_and_prints_good_values(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *line = NULL, *header = NULL, *text = NULL;
                _cleanup_strbuf_ StrBuf printed = {};
                bool top = isempty(good[i].table);

                assert_true(asprintf(&line, "%s = %s", good[i].key, good[i].value) > 0);
                assert_true(asprintf(&header, "%s%s%s", top ? "" : "[", good[i].table, top ? "" : "]") >= 0);
                text = service_text(header, line);
                _cleanup_parsed_ Parsed p = parse(text);
                const ServiceConfig *s = good_service(&p);

                const SchemaRow *row = schema_find(good[i].table, good[i].key);
                assert_non_null(row);
                const Origin *o = &s->origins[schema_index(row)];
                assert_int_equal(o->kind, ORIGIN_FILE);
                assert_int_equal(o->where.line, top ? 3 : 4);
                assert_int_equal(o->where.column, strlen(good[i].key) + 4);
                schema_format_value(row, s, &printed);
                assert_string_equal(printed.data ?: "", good[i].printed ?: good[i].value);
        }
}

static void test_schema_takes_each_stream_address(void **state) {
        static const char *const addresses[] = { "1", "8080", "65535", "127.0.0.1:80", "0.0.0.0:1",
                "[::1]:8080", "[::]:443", "/run/x.sock", "@name", "@a b" };

        for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
                _cleanup_free_ char *line = NULL, *text = NULL;

                assert_true(asprintf(&line, "listen = \"%s\"\nname = \"http.1\"", addresses[i]) > 0);
                text = service_text("[[sockets]]", line);
                _cleanup_parsed_ Parsed p = parse(text);
                const ServiceConfig *s = good_service(&p);
                assert_int_equal(s->n_sockets, 1);
                assert_string_equal(s->sockets[0].listen, addresses[i]);
                assert_string_equal(s->sockets[0].name, "http.1");
        }
}

/* ---- what a key refuses ---- */

static const struct {
        const char *table, *text, *place, *fragment;
} bad[] = {
        /* strings */
        { "", "description = 1", "3:15", "description must be a string, not an integer" },
        { "", "description = 1.5", "3:15", "not a float" },
        { "", "description = true", "3:15", "not a boolean" },
        { "", "description = 1979-05-27", "3:15", "not a date or time" },
        { "", "description = []", "3:15", "not an array" },
        { "", "description = {}", "3:15", "not a table" },
        { "", "description = \"a\\nExecStartPost=/bin/evil\"", "3:15", "the control character U+000A" },
        { "", "description = \"a\\rExecStartPost=/bin/evil\"", "3:15", "the control character U+000D" },
        { "", "description = \"a\\u0000b\"", "3:15", "the control character U+0000" },
        { "", "description = \"a\\tb\"", "3:15", "the control character U+0009" },
        { "", "description = \"a\\u007fb\"", "3:15", "the control character U+007F" },
        { "", "description = \"a\\u0085b\"", "3:15", "the control character U+0085" },
        { "", "description = \"a\\u2028b\"", "3:15", "the control character U+2028" },
        { "", "  description = '''\na\nb'''", "3:17", "the control character U+000A" },
        /* paths */
        { "", "rootfs = \"srv\"", "3:10", "rootfs \"srv\" must be an absolute path" },
        { "", "rootfs = \"\"", "3:10", "must be an absolute path" },
        { "", "rootfs = \"/a/\"", "3:10", "must not end in a slash" },
        { "", "rootfs = \"/a//b\"", "3:10", "doubled slash" },
        { "", "rootfs = \"/a/../b\"", "3:10", "\"..\"" },
        { "", "rootfs = \"/./b\"", "3:10", "\".\"" },
        { "", "rootfs = \"/" S256 "\"", "3:10", "more than 255 bytes" },
        { "", "workdir = \"a\"", "3:11", "workdir \"a\" must be an absolute path" },
        /* words */
        { "", "runtime = \"docker\"", "3:11", "runtime must be \"native\" or \"gvisor\", not \"docker\"" },
        { "", "runtime = \"gvisor\"", "3:11", "not supported by this build" },
        { "", "restart = \"sometimes\"", "3:11", "restart must be \"no\", \"on-success\"" },
        { "", "restart = true", "3:11", "restart must be a string, not a boolean" },
        { "[network]", "mode = \"bridge\"", "4:8",
                "network mode \"bridge\" is not supported by this build" },
        { "[network]", "mode = \"user\"", "4:8", "network mode \"user\" is not supported by this build" },
        { "[network]", "mode = \"all\"", "4:8", "\"none\", \"host\", \"bridge\" or \"user\", not \"all\"" },
        /* names */
        { "", "user = \"\"", "3:8", "neither a name nor a number" },
        { "", "user = \"a b\"", "3:8", "user \"a b\" is neither" },
        { "", "user = \"-a\"", "3:8", "neither" },
        { "", "user = \".a\"", "3:8", "neither" },
        { "", "user = -1", "3:8", "user \"-1\" is neither" },
        { "", "user = 4294967295", "3:8", "neither" },
        { "", "user = \"99999999999\"", "3:8", "neither" },
        { "", "user = true", "3:8", "user must be a string" },
        { "", "group = \"a:b\"", "3:9", "group \"a:b\" is neither" },
        { "", "supplementary_groups = [\"a\", \"b c\"]", "3:30",
                "supplementary_groups: \"b c\" is neither" },
        { "", "supplementary_groups = \"a\"", "3:24", "must be a list of strings, not a string" },
        { "", "supplementary_groups = [1]", "3:25", "must be a string, not an integer" },
        { "", "hostname = \"\"", "3:12", "is no host name" },
        { "", "hostname = \"-a\"", "3:12", "is no host name" },
        { "", "hostname = \"a-\"", "3:12", "is no host name" },
        { "", "hostname = \".a\"", "3:12", "is no host name" },
        { "", "hostname = \"a..b\"", "3:12", "is no host name" },
        { "", "hostname = \"a_b\"", "3:12", "is no host name" },
        { "", "hostname = \"" S64 "a\"", "3:12", "is no host name" },
        { "", "wanted_by = [\"a.socket\"]", "3:14", "\"a.socket\" is no unit name" },
        { "", "wanted_by = [\".target\"]", "3:14", "is no unit name" },
        { "", "wanted_by = [\"a b.target\"]", "3:14", "is no unit name" },
        { "", "wanted_by = [\"a/b.target\"]", "3:14", "is no unit name" },
        { "", "wanted_by = [\"" S256 ".target\"]", "3:14", "is no unit name" },
        { "", "wanted_by = \"multi-user.target\"", "3:13", "must be a list of strings, not a string" },
        /* durations */
        { "", "stop_timeout = 30", "3:16", "must be a duration string, not an integer" },
        { "", "stop_timeout = \"30\"", "3:16", "\"30\" is no duration" },
        { "", "stop_timeout = \"\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"s\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"1 fortnight\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"-1s\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"99999999999999999999s\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"18446744073709551615h\"", "3:16", "is no duration" },
        { "", "stop_timeout = \"0s\"", "3:16", "must be more than 0" },
        { "", "stop_timeout = \"366d\"", "3:16", "more than a year" },
        /* resources */
        { "[resources]", "memory = \"12X\"", "4:10", "\"12X\" is no size" },
        { "[resources]", "memory = \"1GB\"", "4:10", "is no size" },
        { "[resources]", "memory = \"\"", "4:10", "is no size" },
        { "[resources]", "memory = \"-1\"", "4:10", "is no size" },
        { "[resources]", "memory = \"1K\\u0000\"", "4:10", "is no size" },
        { "[resources]", "memory = \"18446744073709551616\"", "4:10", "is no size" },
        { "[resources]", "memory = \"16777216T\"", "4:10", "is no size" },
        { "[resources]", "memory = \"8388608T\"", "4:10", "less than 8 EiB" },
        { "[resources]", "memory = 4095", "4:10", "at least 4096 bytes" },
        { "[resources]", "memory = -4096", "4:10", "at least 4096 bytes" },
        { "[resources]", "memory = 1e9", "4:10", "memory must be a size, not a float" },
        { "[resources]", "cpus = \"two\"", "4:8", "must be a number such as 1.5, not a string" },
        { "[resources]", "cpus = 0", "4:8", "from 0.01 to 8192" },
        { "[resources]", "cpus = 8193", "4:8", "from 0.01 to 8192" },
        { "[resources]", "cpus = nan", "4:8", "from 0.01 to 8192" },
        { "[resources]", "cpus = inf", "4:8", "from 0.01 to 8192" },
        { "[resources]", "pids = 0", "4:8", "pids must be from 1 to 4194304" },
        { "[resources]", "pids = 4194305", "4:8", "pids must be from 1 to 4194304" },
        { "[resources]", "pids = 1.0", "4:8", "pids must be an integer, not a float" },
        { "[resources]", "io_weight = 10001", "4:13", "io_weight must be from 1 to 10000" },
        /* booleans */
        { "[namespaces]", "user = \"no\"", "4:8", "user must be true or false, not a string" },
        { "[attestation]", "verify = 1", "4:10", "verify must be true or false, not an integer" },
        { "[attestation]", "method = \"sha512\"", "4:10",
                "method must be \"sha256\", \"fsverity\" or \"dm-verity\", not \"sha512\"" },
        { "[attestation]", "method = true", "4:10", "method must be a string" },
        { "[attestation]", "image_sha256 = \"" D16 "\"", "4:16", "64 lower-case hexadecimal digits" },
        { "[attestation]", "image_fsverity = \"sha256:" D64 "\"", "4:18", "64 lower-case" },
        { "[attestation]", "root_hash = \"" D64 D64 "\"", "4:13", "64 lower-case hexadecimal digits" },
        { "[attestation]", "public_key = 1", "4:14", "must be a key or a list of keys, not an integer" },
        { "[attestation]", "public_key = []", "4:14", "public_key is empty; name a key" },
        { "[attestation]", "public_key = [1]", "4:15", "public_key must be a string" },
        { "[attestation]", "public_key = \"" D64 "\"", "4:14", "\" is no Ed25519 public key: 32 bytes" },
        { "[attestation]", "public_key = \"\"", "4:14", "public_key \"\" is no Ed25519 public key" },
        { "[attestation]", "public_key = [\"" KEY_1 "\", \"" KEY_2 "\", \"" KEY_1 "\"]", "4:111",
                "public_key names a key twice" },
        { "[attestation]", "public_key = \"MCowBQYDK2VwAyEA" KEY_1 "\"", "4:14",
                "leave out MCowBQYDK2VwAyEA, the key alone is \"" KEY_1 "\"" },
        { "[attestation]", "public_key = \"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", "4:14",
                "is no Ed25519 public key" }, /* that anybody could sign for */
        { "[attestation]", "publik_key = \"\"", "4:1", "did you mean \"public_key\"?" },
        { "[attestation]", "manifest_sha256 = \"" D16 "\"", "4:19", "64 lower-case hexadecimal digits" },
        { "[attestation]", "manifest_sha256 = \"" D16 D16 D16 "0123456789ABCDEF\"", "4:19",
                "64 lower-case" },
        /* the environment */
        { "[environment]", "A = 1", "4:5", "A must be a string, not an integer" },
        { "[environment]", "A = \"x\\nB=y\"", "4:5", "A holds the control character U+000A" },
        { "[environment]", "A = \"x\\u0000y\"", "4:5", "A holds the control character U+0000" },
        { "[environment]", "\"A=B\" = \"x\"", "4:1", "\"A=B\" is no name of an environment variable" },
        { "[environment]", "\"\" = \"x\"", "4:1", "is no name of an environment variable" },
        { "[environment]", "1A = \"x\"", "4:1", "is no name of an environment variable" },
        { "[environment]", "\"A\\u0000B\" = \"x\"", "4:1", "is no name of an environment variable" },
        { "[environment]", "LISTEN_FDS = \"x\"", "4:1", "LISTEN_FDS is set by Nucleus alone" },
        { "[environment]", "NOTIFY_SOCKET = \"x\"", "4:1", "NOTIFY_SOCKET is set by Nucleus alone" },
        { "", "environment = 1", "3:15", "environment must be a table, [environment], not an integer" },
        /* volumes, tmpfs */
        { "[[volumes]]", "target = \"/b\"", "3:1", "volumes without \"source\"" },
        { "[[volumes]]", "source = \"/b\"", "3:1", "volumes without \"target\"" },
        { "[[volumes]]", "source = \"b\"\ntarget = \"/b\"", "4:10",
                "source \"b\" must be an absolute path" },
        { "[[volumes]]", "source = \"/b\"\ntarget = \"/b\"\nread_only = 1", "6:13",
                "read_only must be true or false" },
        { "[[volumes]]", "source = \"/b\"\ntarget = \"/proc/x\"", "3:1",
                "nothing can be mounted on /proc/x" },
        { "[[volumes]]", "source = \"/proc/sys\"\ntarget = \"/b\"", "3:1", "/proc/sys cannot be a volume" },
        { "[[volumes]]", "source = \"/sys\"\ntarget = \"/b\"", "3:1", "/sys cannot be a volume" },
        { "[[volumes]]", "source = \"/b\"\ntarget = \"/\"", "3:1", "nothing can be mounted on /:" },
        { "[volumes]", "source = \"/b\"", "3:1",
                "volumes must be a list of tables, [[volumes]], not a table" },
        { "", "volumes = [1]", "3:12", "volumes must hold tables, not an integer" },
        { "[[tmpfs]]", "size = \"1M\"", "3:1", "tmpfs without \"target\"" },
        { "[[tmpfs]]", "target = \"/dev/shm\"", "3:1", "nothing can be mounted on /dev/shm" },
        { "[[tmpfs]]", "target = \"/sys\"", "3:1", "nothing can be mounted on /sys" },
        { "[[tmpfs]]", "target = \"/t\"\nsize = \"4\"", "5:8", "size must be at least 4096 bytes" },
        { "[[tmpfs]]", "target = \"/t\"\n[[tmpfs]]\ntarget = \"/t\"", "5:1",
                "/t is the target of two mounts" },
        { "[[volumes]]", "source = \"/b\"\ntarget = \"/t\"\n[[tmpfs]]\ntarget = \"/t\"", "6:1",
                "target of two mounts" },
        { "[[volumes]]", "source = \"/b\"\ntarget = \"/t\"\n[[volumes]]\nsource = \"/c\"\ntarget = \"/t\"",
                "6:1", "target of two mounts" },
        /* sockets */
        { "[[sockets]]", "name = \"a\"", "3:1", "sockets without \"listen\"" },
        { "[[sockets]]", "listen = 80", "4:10", "listen must be a stream address, not an integer" },
        { "[[sockets]]", "listen = \"0\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"65536\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"080\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"udp:1\"", "4:10", "\"udp:1\" is no stream address" },
        { "[[sockets]]", "listen = \"010.0.0.1:1\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"::1:80\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"[!^K::1]:80\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"@\"", "4:10", "is no stream address" },
        { "[[sockets]]", "listen = \"/a/../b\"", "4:10", "must not hold" },
        { "[[sockets]]", "listen = \"@" S64 S64 "\"", "4:10", "at most 107 bytes" },
        { "[[sockets]]", "listen = \"@a\\nb\"", "4:10", "the control character U+000A" },
        { "[[sockets]]", "listen = \"80\"\nname = \"a:b\"", "5:8", "name \"a:b\" may hold" },
        { "[[sockets]]", "listen = \"/s\"\nmode = \"999\"", "5:8", "octal digits such as \"0660\"" },
        { "[[sockets]]", "listen = \"/s\"\nmode = \"1777\"", "5:8", "octal digits" },
        { "[[sockets]]", "listen = \"/s\"\nmode = 438", "5:8", "octal digits" },
        { "[[sockets]]", "listen = \"80\"\nmode = \"0600\"", "3:1",
                "mode, user and group are for sockets with a path" },
        { "[[sockets]]", "listen = \"80\"\nuser = \"a\"", "3:1", "for sockets with a path" },
        { "[[sockets]]", "listen = \"80\"\ngroup = \"a\"", "3:1", "for sockets with a path" },
        { "[[sockets]]", "listen = \"80\"\n[[sockets]]\nlisten = \"80\"", "5:1", "80 is listened on twice" },
        /* dependencies */
        { "[[depends_on]]", "condition = \"started\"", "3:1", "depends_on without \"service\"" },
        { "[[depends_on]]", "service = \"../x\"", "4:11", "service \"../x\" is no service name" },
        { "[[depends_on]]", "service = \"Db\"", "4:11", "service \"Db\" is no service name" },
        { "[[depends_on]]", "service = \"db.service\"", "4:11", "is no service name" },
        { "[[depends_on]]", "service = \"a\"\ncondition = \"up\"", "5:13",
                "\"started\", \"healthy\" or \"completed\"" },
        { "[[depends_on]]", "service = \"a\"\n[[depends_on]]\nservice = \"a\"", "5:1",
                "depends_on names a twice" },
        /* not in this build: checked, then refused */
        { "[[credentials]]", "name = \"a\"\nsource = \"/a\"\nencrypted = true", "3:3",
                "credentials is not supported" },
        { "[[credentials]]", "name = \"/a\"\nsource = \"/a\"", "4:8", "name \"/a\" may hold" },
        { "[[credentials]]", "name = \"a\"", "3:1", "credentials without \"source\"" },
        { "[health]", "command = [\"/a\"]", "3:2", "health is not supported by this build" },
        { "[health]", "command = []", "4:11", "command is empty" },
        { "[health]", "tcp = 65536", "4:7", "tcp must be from 1 to 65535" },
        { "[health]", "interval = 1", "4:12", "interval must be a duration string" },
        { "[health]", "timeout = \"x\"", "4:11", "\"x\" is no duration" },
        { "[health]", "retries = 0", "4:11", "retries must be from 1" },
        { "[health]", "start_period = \"0s\"", "4:16", "must be more than 0" },
        { "[readiness]", "exec = [\"/a\"]", "3:2", "readiness is not supported by this build" },
        { "[readiness]", "tcp = 0", "4:7", "tcp must be from 1" },
        { "[readiness]", "notify = 1", "4:10", "notify must be true or false" },
        { "[policy]", "seccomp = \"a\"", "4:11", "must be an absolute path" },
        { "[policy]", "seccomp_sha256 = \"a\"", "4:18", "64 lower-case" },
        { "[policy]", "capabilities = 1", "4:16", "must be a string" },
        { "[policy]", "capabilities_sha256 = 1", "4:23", "must be a string" },
        { "[policy]", "landlock = 1", "4:12", "must be a string" },
        { "[policy]", "landlock_sha256 = 1", "4:19", "must be a string" },
        { "[policy]", "log_denials = 1", "4:15", "must be true or false" },
        { "[policy]", "seccomp_trace = \"yes\"", "4:17", "must be true or false" },
        /* unknown keys */
        { "", "colour = 1", "3:1", "unknown key \"colour\"; nucleus.toml(5) lists the keys" },
        { "", "comand = 1", "3:1", "unknown key \"comand\"; did you mean \"command\"?" },
        { "[resource]", "memory = 1", "3:2", "unknown key \"resource\"; did you mean \"resources\"?" },
        { "[resources]", "memroy = 1", "4:1",
                "unknown key \"memroy\" in resources; did you mean \"memory\"?" },
        { "[[volumes]]", "source = \"/a\"\ntarget = \"/b\"\nro = true", "6:1",
                "unknown key \"ro\" in volumes" },
        { "", "\"a\\u0000b\" = 1", "3:1", "unknown key \"a\"" },
        { "", "\"\" = 1", "3:1", "unknown key \"\"" },
};

static void test_schema_refuses_bad_values_in_place(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = service_text(bad[i].table, bad[i].text);

                assert_refused(text, bad[i].place, bad[i].fragment);
        }
}

static void test_schema_refuses_a_string_of_128_KiB(void **state) {
        _cleanup_free_ char *a = malloc(131073), *text = NULL;

        assert_non_null(a);
        memset(a, 'a', 131072);
        a[131072] = '\0';
        assert_true(asprintf(&text, "mode = \"agent\"\ncommand = [\"/a\", \"%s\"]\n", a) > 0);
        assert_refused(text, "2:18", "command is longer than 131071 bytes");
        memmove(strchr(text, ']') - 2, "\"]\n", 4); /* one byte less is fine */
        _cleanup_parsed_ Parsed p = parse(text);
        assert_int_equal(strlen(good_service(&p)->command[1]), 131071);
}

static void test_schema_refuses_long_lists(void **state) {
        static const struct {
                const char *head, *entry, *tail, *place, *fragment;
        } rows[] = {
                { "mode = \"agent\"\ncommand = [", "\"/a\",", "]\n", "2:20492",
                        "command has more than 4096 strings" },
                { "mode = \"agent\"\ncommand = [\"/a\"]\n[environment]\n", NULL, "", "3:2",
                        "more than 4096 environment variables" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_strbuf_ StrBuf b = {};

                strbuf_puts(&b, rows[i].head);
                for (unsigned k = 0; k < 4097; k++)
                        if (rows[i].entry)
                                strbuf_puts(&b, rows[i].entry);
                        else
                                strbuf_printf(&b, "K%u = \"\"\n", k);
                strbuf_puts(&b, rows[i].tail);
                assert_false(b.failed);
                assert_refused(b.data, rows[i].place, rows[i].fragment);
        }
}

/* ---- the table itself ---- */

static void test_schema_rows_are_whole(void **state) {
        size_t n = 0;

        for (const SchemaRow *row = schema_rows; row->key; row++, n++) {
                assert_non_null(row->table);
                assert_non_null(row->type);
                assert_non_null(row->type->name);
                assert_non_null(row->type->parse);
                assert_non_null(row->type->format);
                assert_false(isempty(row->help));
                assert_ptr_equal(schema_find(row->table, row->key), row);
                assert_int_equal(schema_index(row), n);
        }
        assert_int_equal(schema_count(), n);
        assert_true(n > 50);
        assert_null(schema_find("", "memory"));
        assert_null(schema_find("resources", "mode"));
}

/* A new row needs a bad value above. "mode" and "command" have theirs in test-config.c. */
static void test_schema_every_key_has_a_bad_value(void **state) {
        for (const SchemaRow *row = schema_rows; row->key; row++) {
                bool found =
                        streq(row->key, "mode") || streq(row->key, "command") || streq(row->key, "NAME");

                for (size_t i = 0; i < ELEMENTSOF(bad) && !found; i++) {
                        const char *table = bad[i].table + strspn(bad[i].table, "[");
                        size_t k = strcspn(table, "]");
                        const char *at = strstr(bad[i].text, row->key);
                        found = k == strlen(row->table) && memcmp(table, row->table, k) == 0 && at &&
                                startswith(at + strlen(row->key), " = ");
                }
                /* Switches of the namespaces are one type. */
                if (!found && !streq(row->table, "namespaces"))
                        fail_msg("no bad value of %s.%s", row->table, row->key);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_schema_takes_and_prints_good_values),
                cmocka_unit_test(test_schema_takes_each_stream_address),
                cmocka_unit_test(test_schema_refuses_bad_values_in_place),
                cmocka_unit_test(test_schema_refuses_a_string_of_128_KiB),
                cmocka_unit_test(test_schema_refuses_long_lists),
                cmocka_unit_test(test_schema_rows_are_whole),
                cmocka_unit_test(test_schema_every_key_has_a_bad_value),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
