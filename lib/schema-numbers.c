/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are numbers in one way or another: sizes, durations, counts, ports, addresses. */

#include "config-reader.h"

#include <arpa/inet.h>
#include <math.h>

static bool set_u64(void *target, uint64_t value) {
        if (target)
                *(uint64_t *)target = value;
        return true;
}

static void format_u64(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        uint64_t v = *(const uint64_t *)target;

        if (v > 0)
                strbuf_printf(b, "%llu", (unsigned long long)v);
}

static bool wrong_type(ConfigReader *r, const SchemaRow *row, const TomlNode *v) {
        return reader_error(
                r, v, "%s must be a %s, not %s", row->key, row->type->name, toml_type_name(v->type));
}

/* Decimal digits at *p, moved behind them. */
static bool digits(const char **p, uint64_t *ret_) {
        const char *start = *p;
        uint64_t value = 0;

        for (; **p >= '0' && **p <= '9'; (*p)++)
                if (__builtin_mul_overflow(value, 10U, &value) ||
                        __builtin_add_overflow(value, (uint64_t)(**p - '0'), &value))
                        return false;
        *ret_ = value;
        return *p > start;
}

/* ---- sizes ---- */

static const struct {
        char suffix;
        unsigned shift;
} suffixes[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 }, { 'T', 40 } };

static bool size_from_string(const char *s, uint64_t *ret_) {
        uint64_t value;

        if (!digits(&s, &value))
                return false;
        for (size_t i = 0; *s && i < ELEMENTSOF(suffixes); i++)
                if (*s == suffixes[i].suffix && s[1] == '\0') {
                        if (value > UINT64_MAX >> suffixes[i].shift)
                                return false;
                        *ret_ = value << suffixes[i].shift;
                        return true;
                }
        *ret_ = value;
        return *s == '\0';
}

static bool parse_size(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        uint64_t value = 0;

        if (v->type == TOML_TYPE_INTEGER)
                value = v->integer > 0 ? (uint64_t)v->integer : 0;
        else if (v->type != TOML_TYPE_STRING)
                return wrong_type(r, row, v);
        else if (strlen(v->string.text) != v->string.length || !size_from_string(v->string.text, &value))
                return reader_error(r, v,
                        "%s: \"%s\" is no size; write for example \"512M\" (K, M, G, T) or a number of "
                        "bytes",
                        row->key, v->string.text);
        if (value < 4096 || value > INT64_MAX)
                return reader_error(r, v, "%s must be at least 4096 bytes and less than 8 EiB", row->key);
        return set_u64(target, value);
}

static void format_size(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        uint64_t v = *(const uint64_t *)target;

        for (size_t i = ELEMENTSOF(suffixes); v > 0 && i-- > 0;)
                if ((v & ((UINT64_C(1) << suffixes[i].shift) - 1)) == 0) {
                        strbuf_printf(b, "\"%llu%c\"", (unsigned long long)(v >> suffixes[i].shift),
                                suffixes[i].suffix);
                        return;
                }
        format_u64(row, target, b);
}

const SchemaType type_size = { "size", parse_size, format_size };

/* ---- durations, systemd.time(7) ---- */

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "us", 1 },
        { "usec", 1 },
        { "ms", 1000 },
        { "msec", 1000 },
        { "s", 1000000 },
        { "sec", 1000000 },
        { "second", 1000000 },
        { "seconds", 1000000 },
        { "m", 60000000 },
        { "min", 60000000 },
        { "minute", 60000000 },
        { "minutes", 60000000 },
        { "h", 3600000000 },
        { "hr", 3600000000 },
        { "hour", 3600000000 },
        { "hours", 3600000000 },
        { "d", 86400000000 },
        { "day", 86400000000 },
        { "days", 86400000000 },
};

static bool unit_of(const char *s, size_t n, uint64_t *ret_) {
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == n && memcmp(units[i].name, s, n) == 0) {
                        *ret_ = units[i].usec;
                        return true;
                }
        return false;
}

static bool duration_from_string(const char *s, uint64_t *ret_) {
        uint64_t total = 0, value, unit;
        bool any = false;

        for (;;) {
                s += strspn(s, " ");
                if (*s == '\0')
                        break;
                if (!digits(&s, &value))
                        return false;
                s += strspn(s, " ");
                size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");
                if (!unit_of(s, n, &unit))
                        return false;
                s += n;
                if (__builtin_mul_overflow(value, unit, &value) ||
                        __builtin_add_overflow(total, value, &total))
                        return false;
                any = true;
        }
        *ret_ = total;
        return any;
}

static bool parse_duration(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        uint64_t value;

        if (v->type != TOML_TYPE_STRING)
                return wrong_type(r, row, v);
        if (strlen(v->string.text) != v->string.length || !duration_from_string(v->string.text, &value))
                return reader_error(r, v,
                        "%s: \"%s\" is no duration; write for example \"30s\" or \"1min 30s\"", row->key,
                        v->string.text);
        if (value == 0)
                return reader_error(r, v, "%s must be more than 0", row->key);
        if (value > UINT64_C(86400000000) * 365)
                return reader_error(r, v, "%s is more than a year", row->key);
        return set_u64(target, value);
}

static void format_duration(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        uint64_t v = *(const uint64_t *)target;

        if (v > 0 && v % 1000000 == 0)
                strbuf_printf(b, "\"%llus\"", (unsigned long long)v / 1000000);
        else if (v > 0)
                strbuf_printf(b, "\"%lluus\"", (unsigned long long)v);
}

const SchemaType type_duration = { "duration string", parse_duration, format_duration };

/* ---- counts ---- */

static bool parse_integer(
        ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target, int64_t min, int64_t max) {
        if (v->type != TOML_TYPE_INTEGER)
                return reader_error(
                        r, v, "%s must be an integer, not %s", row->key, toml_type_name(v->type));
        if (v->integer < min || v->integer > max)
                return reader_error(
                        r, v, "%s must be from %lld to %lld", row->key, (long long)min, (long long)max);
        return set_u64(target, (uint64_t)v->integer);
}

static bool parse_count(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        return parse_integer(r, row, v, target, 1, 4194304); /* PID_MAX_LIMIT */
}

static bool parse_weight(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        return parse_integer(r, row, v, target, 1, 10000);
}

static bool parse_port(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        return parse_integer(r, row, v, target, 1, 65535);
}

const SchemaType type_count = { "number", parse_count, format_u64 };
const SchemaType type_weight = { "number from 1 to 10000", parse_weight, format_u64 };
const SchemaType type_port = { "port number", parse_port, format_u64 };

static bool parse_cpus(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        double cpus = v->type == TOML_TYPE_FLOAT     ? v->real
                      : v->type == TOML_TYPE_INTEGER ? (double)v->integer
                                                     : NAN;

        if (v->type != TOML_TYPE_FLOAT && v->type != TOML_TYPE_INTEGER)
                return reader_error(
                        r, v, "%s must be a number such as 1.5, not %s", row->key, toml_type_name(v->type));
        if (!(cpus >= 0.01 && cpus <= 8192))
                return reader_error(r, v, "%s must be from 0.01 to 8192", row->key);
        return set_u64(target, (uint64_t)llround(cpus * 10000));
}

static void format_cpus(const SchemaRow *row _unused_, const void *target, StrBuf *b) {
        uint64_t v = *(const uint64_t *)target;

        if (v > 0)
                strbuf_printf(b, "%g", (double)v / 10000);
}

const SchemaType type_cpus = { "number of CPUs", parse_cpus, format_cpus };

static bool parse_octal(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = v->type == TOML_TYPE_STRING ? v->string.text : NULL;
        size_t n = s ? strlen(s) : 0;

        if (!s || n != v->string.length || n < 3 || n > 4 || strspn(s, "01234567") != n ||
                (n == 4 && s[0] != '0'))
                return reader_error(r, v, "%s must be a string of octal digits such as \"0660\"", row->key);
        return type_text.parse(r, row, v, target);
}

static void format_octal(const SchemaRow *row, const void *target, StrBuf *b) {
        type_text.format(row, target, b);
}

const SchemaType type_octal = { "octal mode", parse_octal, format_octal };

/* ---- listening addresses, the stream forms of ListenStream= in systemd.socket(5) ---- */

static bool is_port(const char *s) {
        uint64_t port;

        return *s != '0' && digits(&s, &port) && *s == '\0' && port <= 65535;
}

static bool is_address(const char *s) {
        const char *colon = strrchr(s, ':');
        struct in6_addr address;
        char host[64];

        if (!colon)
                return is_port(s);
        size_t n = (size_t)(colon - s);
        if (!is_port(colon + 1) || n == 0 || n >= sizeof(host))
                return false;
        memcpy(host, s, n);
        host[n] = '\0';
        if (host[0] == '[' && host[n - 1] == ']') {
                host[n - 1] = '\0';
                return inet_pton(AF_INET6, host + 1, &address) == 1;
        }
        return inet_pton(AF_INET, host, &address) == 1;
}

static bool parse_listen(ConfigReader *r, const SchemaRow *row, const TomlNode *v, void *target) {
        const char *s = v->type == TOML_TYPE_STRING ? v->string.text : "";
        bool local = s[0] == '/' || s[0] == '@';

        if (v->type != TOML_TYPE_STRING)
                return wrong_type(r, row, v);
        if (local && strlen(s) > 107)
                return reader_error(r, v, "%s: the name of a Unix socket has at most 107 bytes", row->key);
        if (s[0] == '/' && path_problem(s))
                return reader_error(r, v, "%s \"%s\" %s", row->key, s, path_problem(s));
        if ((s[0] == '@' && s[1] == '\0') || (!local && !is_address(s)))
                return reader_error(r, v,
                        "%s \"%s\" is no stream address; write \"127.0.0.1:8080\", \"[::1]:8080\", "
                        "\"8080\", \"/run/x.sock\" or \"@name\"",
                        row->key, s);
        return type_text.parse(r, row, v, target);
}

static void format_listen(const SchemaRow *row, const void *target, StrBuf *b) {
        type_text.format(row, target, b);
}

const SchemaType type_listen = { "stream address", parse_listen, format_listen };
