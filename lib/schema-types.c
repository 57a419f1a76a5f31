/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of values: how each is checked, read and printed. A parser either takes a value whole or reports
 * one error that says what was expected; it never repairs. `target` is NULL for keys without an effect yet.
 */

#include "config-reader.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>

#include "signature.h"
#include "user-db.h"
#include "utf8.h"

#define STRING_MAX 131071U /* MAX_ARG_STRLEN of the kernel, less the NUL */

/* ---- strings ---- */

/* A string without NUL and control characters; TAB only where `tab`. Borrowed, or NULL with an error. */
static const char *get_string(ConfigReader *r, const SchemaRow *row, const TomlNode *v, bool tab) {
        if (v->type != TOML_TYPE_STRING) {
                reader_error(r, v, "%s must be a string, not %s", row->key, toml_type_name(v->type));
                return NULL;
        }
        const char *s = v->string.text;
        for (size_t n = v->string.length, k; n > 0; s += k, n -= k) {
                uint32_t c = 0;
                k = utf8_decode(s, n, &c) ?: 1;
                if (character_is_control(c) && !(tab && c == '\t')) {
                        reader_error(r, v, "%s holds the control character U+%04X, which no value may hold",
                                row->key, c);
                        return NULL;
                }
        }
        if (v->string.length > STRING_MAX) {
                reader_error(r, v, "%s is longer than %u bytes", row->key, STRING_MAX);
                return NULL;
        }
        return v->string.text;
}

static bool set_string(ConfigReader *r, void *target, const char *s) {
        if (!target)
                return true;
        char *copy = strdup(s);
        if (!copy)
                return reader_oom(r);
        free(*(char **)target);
        *(char **)target = copy;
        return true;
}

static void format_quoted(StrBuf *b, const char *s) {
        strbuf_putc(b, '"');
        for (; *s; s++) {
                if (*s == '"' || *s == '\\')
                        strbuf_putc(b, '\\');
                if (*s == '\t')
                        strbuf_puts(b, "\\t");
                else
                        strbuf_putc(b, *s);
        }
        strbuf_putc(b, '"');
}

static void format_string(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        const char *s = *(char *const *)target;

        if (s)
                format_quoted(b, s);
}

static bool parse_text(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);

        return s && set_string(r, target, s);
}

const SchemaType type_text = { "string", parse_text, format_string };

static bool parse_variable(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, true);

        return s && set_string(r, target, s);
}

/* The value of an environment variable: as a text, but TAB is part of the value. */
const SchemaType type_variable = { "string", parse_variable, format_string };

static bool parse_path(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);
        const char *wrong = s ? path_problem(s) : NULL;

        if (wrong)
                return reader_error(r, v, "%s \"%s\" %s", row->key, s, wrong);
        return s && set_string(r, target, s);
}

const SchemaType type_path = { "absolute path", parse_path, format_string };

/* ---- lists of strings ---- */

typedef bool (*CheckString)(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *s, size_t i);

static bool parse_list(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target, bool tab,
        CheckString check) {
        _cleanup_strv_ char **list = NULL;
        size_t i = 0;

        if (v->type != TOML_TYPE_ARRAY)
                return reader_error(
                        r, v, "%s must be a list of strings, not %s", row->key, toml_type_name(v->type));
        for (const TomlNode *e = v->first; e; e = e->next, i++) {
                const char *s = get_string(r, row, e, tab);
                if (i >= LIST_MAX)
                        return reader_error(r, e, "%s has more than %u strings", row->key, LIST_MAX);
                if (!s || (check && !check(r, row, e, s, i)))
                        return false;
                if (strv_append(&list, s) < 0)
                        return reader_oom(r);
        }
        if (target) {
                strv_free(*(char ***)target);
                *(char ***)target = TAKE_PTR(list);
        }
        return true;
}

static void format_list(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        char *const *list = *(char **const *)target;
        const char *separator = "";

        if (!list)
                return;
        strbuf_putc(b, '[');
        STRV_FOREACH(s, list) {
                strbuf_puts(b, separator);
                format_quoted(b, s);
                separator = ", ";
        }
        strbuf_putc(b, ']');
}

static bool check_argument(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *s, size_t i) {
        const char *wrong = i == 0 ? path_problem(s) : NULL;

        if (wrong)
                return reader_error(
                        r, v, "the program of %s, \"%s\", %s inside the service", row->key, s, wrong);
        return true;
}

static bool parse_argv(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        if (v->type == TOML_TYPE_STRING)
                return reader_error(r, v,
                        "%s must be a list such as [\"/bin/program\", \"argument\"]: there is no shell",
                        row->key);
        if (v->type == TOML_TYPE_ARRAY && v->n_children == 0)
                return reader_error(r, v, "%s is empty; name a program", row->key);
        return parse_list(r, row, v, target, true, check_argument);
}

const SchemaType type_argv = { "list of strings, the program first", parse_argv, format_list };

/* Unit names as systemd takes them (systemd.unit(5)); only those that can want something. */
static bool check_unit(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *s, size_t i _unused_) {
        static const char allowed[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.@\\";

        if (strspn(s, allowed) != strlen(s) || strlen(s) > 255 || s[0] == '.' ||
                !(endswith(s, ".target") || endswith(s, ".service")))
                return reader_error(r, v,
                        "%s: \"%s\" is no unit name; write for example \"multi-user.target\"", row->key, s);
        return true;
}

static bool parse_units(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        return parse_list(r, row, v, target, false, check_unit);
}

const SchemaType type_units = { "list of unit names", parse_units, format_list };

/* ---- names ---- */

static bool is_user(const char *s) {
        size_t n = strlen(s);
        uint32_t id;

        if (n == 0 || n > 256)
                return false;
        if (strspn(s, "0123456789") == n)
                return user_id_parse(s, n, &id);
        /* What shadow-utils and systemd accept on Linux, systemd.io/USER_NAMES. */
        return s[0] != '-' && s[0] != '.' &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

static bool parse_user(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        char number[32];
        const char *s = number;

        if (v->type == TOML_TYPE_INTEGER)
                (void)snprintf(number, sizeof(number), "%lld", (long long)v->integer);
        else
                s = get_string(r, row, v, false);
        if (!s)
                return false;
        if (!is_user(s))
                return reader_error(
                        r, v, "%s \"%s\" is neither a name nor a number from 0 to 4294967294", row->key, s);
        return set_string(r, target, s);
}

const SchemaType type_user = { "name or number", parse_user, format_string };

static bool check_user(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *s, size_t i _unused_) {
        return is_user(s) || reader_error(r, v, "%s: \"%s\" is neither a name nor a number", row->key, s);
}

static bool parse_users(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        return parse_list(r, row, v, target, false, check_user);
}

const SchemaType type_users = { "list of names", parse_users, format_list };

static bool parse_host_name(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);
        size_t n = s ? strlen(s) : 0;

        if (!s)
                return false;
        if (n == 0 || n > 64 || s[0] == '-' || s[n - 1] == '-' || s[0] == '.' || strstr(s, "..") ||
                strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != n)
                return reader_error(r, v, "%s \"%s\" is no host name (letters, digits, - and ., at most 64)",
                        row->key, s);
        return set_string(r, target, s);
}

const SchemaType type_host_name = { "host name", parse_host_name, format_string };

static bool parse_service(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);

        if (!s)
                return false;
        if (!service_name_is_valid(s))
                return reader_error(
                        r, v, "%s \"%s\" is no service name ([a-z0-9][a-z0-9_-]*, at most 64)", row->key, s);
        return set_string(r, target, s);
}

const SchemaType type_service = { "service", parse_service, format_string };

static bool parse_file_name(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);
        size_t n = s ? strlen(s) : 0;

        if (!s)
                return false;
        if (n == 0 || n > 255 || s[0] == '.' ||
                strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != n)
                return reader_error(
                        r, v, "%s \"%s\" may hold letters, digits, _, . and -, at most 255", row->key, s);
        return set_string(r, target, s);
}

const SchemaType type_socket_name = { "name", parse_file_name, format_string };
const SchemaType type_credential_name = { "name", parse_file_name, format_string };

/* ---- words ---- */

/* One of `words`, whose index is returned; -1 with an error that lists them. */
static int parse_word(ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *const *words) {
        const char *s = get_string(r, row, v, false);
        _cleanup_strbuf_ StrBuf b = {};

        if (!s)
                return -1;
        for (int i = 0; words[i]; i++)
                if (streq(words[i], s))
                        return i;
        for (int i = 0; words[i]; i++)
                strbuf_printf(&b, "%s\"%s\"", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
        reader_error(r, v, "%s must be %s, not \"%s\"", row->key, b.data ?: "", s);
        return -1;
}

static bool parse_mode(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *words[_MODE_MAX + 1] = {};

        for (int i = 0; i < _MODE_MAX; i++)
                words[i] = mode_rules((Mode)i)->name;
        int i = parse_word(r, row, v, words);
        if (i >= 0)
                *(Mode *)target = (Mode)i;
        return i >= 0;
}

static void format_mode(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        format_quoted(b, mode_rules(*(const Mode *)target)->name);
}

const SchemaType type_mode = { "\"agent\", \"strict-agent\" or \"production\"", parse_mode, format_mode };

static bool parse_runtime(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        static const char *const words[] = { "native", "gvisor", NULL };
        int i = parse_word(r, row, v, words);

        if (i == 1)
                return reader_error(r, v, "runtime \"gvisor\" is not supported by this build");
        return i == 0 && set_string(r, target, words[i]);
}

const SchemaType type_runtime = { "\"native\" or \"gvisor\"", parse_runtime, format_string };

static bool parse_restart(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        static const char *const words[] = { "no", "on-success", "on-failure", "on-abnormal", "on-abort",
                "on-watchdog", "always", NULL };
        int i = parse_word(r, row, v, words);

        return i >= 0 && set_string(r, target, words[i]);
}

const SchemaType type_restart = { "word of Restart= in systemd.service(5)", parse_restart, format_string };

static bool parse_network(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        static const char *const words[] = { "none", "host", "bridge", "user", NULL };
        int i = parse_word(r, row, v, words);

        if (i >= _NETWORK_MAX)
                return reader_error(r, v, "network mode \"%s\" is not supported by this build", words[i]);
        if (i >= 0)
                *(NetworkMode *)target = (NetworkMode)i;
        return i >= 0;
}

static void format_network(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        format_quoted(b, network_mode_names[*(const NetworkMode *)target]);
}

const SchemaType type_network = { "\"none\", \"host\", \"bridge\" or \"user\"", parse_network,
        format_network };

const char *const dependency_condition_names[_CONDITION_MAX] = {
        [CONDITION_STARTED] = "started",
        [CONDITION_HEALTHY] = "healthy",
        [CONDITION_COMPLETED] = "completed",
};

static bool parse_attestation(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *words[_ATTESTATION_METHOD_MAX + 1] = {};

        memcpy(words, attestation_method_names, sizeof(attestation_method_names));
        int i = parse_word(r, row, v, words);
        if (i >= 0)
                *(AttestationMethod *)target = (AttestationMethod)i;
        return i >= 0;
}

static void format_attestation(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        format_quoted(b, attestation_method_names[*(const AttestationMethod *)target]);
}

const SchemaType type_attestation = { "\"sha256\", \"fsverity\" or \"dm-verity\"", parse_attestation,
        format_attestation };

static bool parse_condition(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *words[_CONDITION_MAX + 1] = {};

        memcpy(words, dependency_condition_names, sizeof(dependency_condition_names));
        int i = parse_word(r, row, v, words);
        if (i >= 0)
                *(DependencyCondition *)target = (DependencyCondition)i;
        return i >= 0;
}

static void format_condition(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        format_quoted(b, dependency_condition_names[*(const DependencyCondition *)target]);
}

const SchemaType type_condition = { "\"started\", \"healthy\" or \"completed\"", parse_condition,
        format_condition };

/* ---- booleans ---- */

static bool get_boolean(ConfigReader *r, const SchemaRow *row, const TomlNode *v, bool *ret_) {
        if (v->type != TOML_TYPE_BOOLEAN)
                return reader_error(
                        r, v, "%s must be true or false, not %s", row->key, toml_type_name(v->type));
        *ret_ = v->boolean;
        return true;
}

static bool parse_boolean(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        bool value = false;

        if (!get_boolean(r, row, v, &value))
                return false;
        if (target)
                *(bool *)target = value;
        return true;
}

static void format_boolean(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        strbuf_puts(b, *(const bool *)target ? "true" : "false");
}

const SchemaType type_boolean = { "true or false", parse_boolean, format_boolean };

static bool parse_namespace(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        bool value = false;

        if (!get_boolean(r, row, v, &value))
                return false;
        unsigned *flags = target;
        *flags = value ? *flags | row->flag : *flags & ~row->flag;
        return true;
}

static void format_namespace(const SchemaRow *row, const void *target, StrBuf *b) {
        strbuf_puts(b, *(const unsigned *)target & row->flag ? "true" : "false");
}

const SchemaType type_namespace = { "true or false", parse_namespace, format_namespace };

/* ---- digests and keys ---- */

static bool is_digest(const char *s) {
        return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static bool parse_sha256(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);

        if (!s)
                return false;
        if (!is_digest(s))
                return reader_error(r, v,
                        "%s must be 64 lower-case hexadecimal digits, as `sha256sum` prints them", row->key);
        return set_string(r, target, s);
}

const SchemaType type_sha256 = { "64 hexadecimal digits", parse_sha256, format_string };

/* A digest that is not that of the file's bytes. */
static bool parse_digest(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = get_string(r, row, v, false);

        if (!s)
                return false;
        if (!is_digest(s))
                return reader_error(r, v, "%s must be 64 lower-case hexadecimal digits", row->key);
        return set_string(r, target, s);
}

const SchemaType type_digest = { "64 hexadecimal digits", parse_digest, format_string };

/* What stands before the key in the base64 of a PEM file: the ASN.1 that says "Ed25519". */
#define PEM_PREFIX "MCowBQYDK2VwAyEA"

static bool check_public_key(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, const char *s, size_t i _unused_) {
        const char *bare = startswith(s, PEM_PREFIX);

        if (bare && public_key_is_valid(bare))
                return reader_error(
                        r, v, "%s: leave out " PEM_PREFIX ", the key alone is \"%s\"", row->key, bare);
        if (!public_key_is_valid(s))
                return reader_error(r, v,
                        "%s \"%.64s\" is no Ed25519 public key: 32 bytes in base64, as `nucleus attest "
                        "--sign` prints them",
                        row->key, s);
        return true;
}

/* The one that says again what another said before it, or NULL. */
static const TomlNode *find_twice(const TomlNode *list) {
        for (const TomlNode *a = list->first; a; a = a->next)
                for (const TomlNode *b = list->first; b != a; b = b->next)
                        if (a->type == TOML_TYPE_STRING && b->type == TOML_TYPE_STRING &&
                                streq(a->string.text, b->string.text))
                                return a;
        return NULL;
}

static bool parse_public_keys(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        TomlNode one = *v, list = { .type = TOML_TYPE_ARRAY, .first = &one, .n_children = 1 };

        one.next = NULL;
        if (v->type == TOML_TYPE_STRING) /* a list of one */
                v = &list;
        if (v->type != TOML_TYPE_ARRAY)
                return reader_error(r, v, "%s must be a key or a list of keys, not %s", row->key,
                        toml_type_name(v->type));
        if (v->n_children == 0)
                return reader_error(r, v, "%s is empty; name a key, or leave it out", row->key);
        if (v->n_children > PUBLIC_KEYS_MAX)
                return reader_error(r, v, "%s has more than %u keys", row->key, PUBLIC_KEYS_MAX);

        const TomlNode *twice = find_twice(v);
        if (twice)
                return reader_error(r, twice, "%s names a key twice", row->key);
        return parse_list(r, row, v, target, false, check_public_key);
}

static void format_public_keys(const SchemaRow *row, const void *target, StrBuf *b) {
        char *const *keys = *(char **const *)target;

        if (strv_length(keys) == 1)
                format_quoted(b, keys[0]);
        else
                format_list(row, target, b);
}

const SchemaType type_public_keys = { "base64 of 32 bytes, or a list of such", parse_public_keys,
        format_public_keys };
