/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trace. The text may come from a service, so it is as strange as anybody's: what is not
 * understood is an error. Must never guess at a call: a profile is made of it.
 */

#include "seccomp-trace-file.h"

#include "seccomp-arch.h"

#include <inttypes.h>
#include <jansson.h>

/* Few arguments tell what a call is for, and are no pointers. */
static const struct {
        const char *name;
        unsigned argument;
} traced_arguments[] = {
        { "arch_prctl", 0 },                  /* code */
        { "bpf", 0 },                         /* command */
        { "clone", 0 },                       /* flags */
        { "fcntl", 1 },                       /* command */
        { "ioctl", 1 },                       /* request */
        { "keyctl", 0 },                      /* operation */
        { "personality", 0 }, { "prctl", 0 }, /* option */
        { "socket", 0 },                      /* family */
        { "socketpair", 0 },                  /* family */
        { "unshare", 0 },                     /* flags */
};

int seccomp_trace_argument(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(traced_arguments); i++)
                if (streq(traced_arguments[i].name, name))
                        return (int)traced_arguments[i].argument;
        return -1;
}

int seccomp_trace_name_calls(SeccompTrace *t) {
        const SeccompArch *arch = seccomp_arch_find(t->architecture);
        char buffer[SECCOMP_NAME_SIZE];

        for (size_t i = 0; arch && i < t->n_calls; i++) {
                SeccompTraceCall *c = &t->calls[i];
                const char *name =
                        c->audit_arch || c->name ? NULL : seccomp_syscall_name(arch, c->nr, buffer);

                if (name && !(c->name = strdup(name)))
                        return -ENOMEM;
        }
        return 0;
}

/* ---- reading ---- */

typedef struct Reader {
        const char *text;
        size_t n;
        const SeccompArch *arch;
        SeccompTrace *trace;
        PolicyError *reterr_;
} Reader;

/* The line in which the text "WORD" first stands: JSON objects know no place. 0: nowhere. */
static unsigned line_of(const Reader *r, const char *word) {
        size_t length = word ? strlen(word) : 0;
        unsigned line = 1;

        for (size_t i = 0; length > 0 && i + length + 2 <= r->n; i++) {
                if (r->text[i] == '\n')
                        line++;
                if (r->text[i] == '"' && r->text[i + 1 + length] == '"' &&
                        memcmp(r->text + i + 1, word, length) == 0)
                        return line;
        }
        return 0;
}

#define bad(r, word, ...) policy_error_set((r)->reterr_, line_of(r, word), 0, __VA_ARGS__)

static int check_keys(const Reader *r, json_t *object, const char *const *known) {
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) {
                size_t i = 0;
                while (known[i] && !streq(known[i], key))
                        i++;
                if (!known[i])
                        return bad(r, key, "a trace has no key \"%s\"", key);
        }
        return 0;
}

static int read_count(const Reader *r, const char *of, json_t *value, uint64_t *ret_) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return bad(r, of, "the count of \"%s\" must be a number from 0", of);
        *ret_ = (uint64_t)json_integer_value(value);
        return 0;
}

/* "12" or "0x5401", and nothing else of what strtoull(3) takes. */
static int read_number(const Reader *r, const char *s, bool hexadecimal, uint64_t max, uint64_t *ret_) {
        const char *digits = hexadecimal ? startswith(s, "0x") : s;
        bool valid = digits && *digits &&
                     digits[strspn(digits, hexadecimal ? "0123456789abcdef" : "0123456789")] == '\0';

        errno = 0;
        uint64_t value = valid ? strtoull(digits, NULL, hexadecimal ? 16 : 10) : 0;
        if (!valid || errno != 0 || value > max)
                return bad(r, s, "\"%s\" is no number of the kind that is wanted here (\"%s\")", s,
                        hexadecimal ? "0x5401" : "12");
        *ret_ = value;
        return 0;
}

static int unknown_call(const Reader *r, const char *name) {
        char buffer[SECCOMP_NAME_SIZE];
        const char *near = seccomp_syscall_nearest(name, buffer);

        return near ? bad(r, name, "unknown system call \"%s\"; did you mean \"%s\"?", name, near)
                    : bad(r, name, "unknown system call \"%s\"", name);
}

static int read_values(const Reader *r, SeccompTraceCall *c, const char *name, json_t *object) {
        json_t *argument = json_object_get(object, "argument"), *values = json_object_get(object, "values");
        json_t *cut = json_object_get(object, "values_cut"), *count;
        const char *key;

        if (!argument && !values && !cut)
                return 0;
        if (!json_is_integer(argument) || json_integer_value(argument) < 0 ||
                json_integer_value(argument) > 5)
                return bad(r, name, "\"argument\" of \"%s\" must be a number from 0 to 5", name);
        if (!json_is_object(values) || json_object_size(values) > SECCOMP_TRACE_VALUES_MAX)
                return bad(r, name, "\"values\" of \"%s\" must be an object of at most %u members", name,
                        SECCOMP_TRACE_VALUES_MAX);
        if (cut && !json_is_boolean(cut))
                return bad(r, name, "\"values_cut\" of \"%s\" must be true or false", name);
        c->values_cut = json_is_true(cut);
        c->argument = (unsigned)json_integer_value(argument);
        json_object_foreach(values, key, count) {
                uint64_t value = 0, n = 0;
                int k = read_number(r, key, true, UINT64_MAX, &value);

                if (k >= 0)
                        k = read_count(r, name, count, &n);
                if (seccomp_argument_is_int(name, c->argument))
                        value = (uint32_t)value; /* as the kernel does */
                if (k >= 0)
                        k = seccomp_trace_add_value(c, c->argument, value, n);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int read_call(const Reader *r, const char *name, json_t *object) {
        static const char *const known[] = { "count", "argument", "values", "values_cut", NULL };
        uint64_t count = 0;
        uint32_t nr = 0;

        if (!json_is_object(object))
                return bad(r, name, "\"%s\" must be an object with \"count\"", name);
        int k = check_keys(r, object, known);
        if (k < 0)
                return k;
        k = seccomp_syscall_number(r->arch, name, &nr);
        if (k == -EOPNOTSUPP)
                return bad(r, name, "%s has no system call \"%s\"", r->arch->name, name);
        if (k < 0)
                return unknown_call(r, name);
        k = read_count(r, name, json_object_get(object, "count"), &count);
        if (k < 0)
                return k;
        SeccompTraceCall *c = seccomp_trace_add(r->trace, 0, nr, count);
        return c ? read_values(r, c, name, object) : -ENOMEM;
}

static int read_calls(const Reader *r, json_t *object) {
        const char *name;
        json_t *value;

        if (object && !json_is_object(object))
                return bad(r, "syscalls", "\"syscalls\" must be an object");
        json_object_foreach(object, name, value) {
                int k = read_call(r, name, value);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int read_numbers(const Reader *r, json_t *object) {
        const char *key;
        json_t *value;

        if (object && !json_is_object(object))
                return bad(r, "numbers", "\"numbers\" must be an object");
        json_object_foreach(object, key, value) {
                uint64_t nr = 0, count = 0;
                int k = read_number(r, key, false, UINT32_MAX, &nr);

                if (k >= 0)
                        k = read_count(r, key, value, &count);
                if (k < 0)
                        return k;
                if (!seccomp_trace_add(r->trace, 0, (uint32_t)nr, count))
                        return -ENOMEM;
        }
        return 0;
}

static int read_foreign(const Reader *r, json_t *array) {
        static const char *const known[] = { "architecture", "number", "count", NULL };
        json_t *object;
        size_t i;

        if (array && !json_is_array(array))
                return bad(r, "foreign", "\"foreign\" must be a list");
        json_array_foreach(array, i, object) {
                json_t *arch = json_object_get(object, "architecture");
                json_t *number = json_object_get(object, "number");
                uint64_t audit_arch = 0, count = 0;

                int k = check_keys(r, object, known);
                if (k < 0)
                        return k;
                if (!json_is_string(arch) || !json_is_integer(number) || json_integer_value(number) < 0 ||
                        json_integer_value(number) > UINT32_MAX)
                        return bad(r, "foreign",
                                "an entry of \"foreign\" must have \"architecture\" and \"number\"");
                k = read_number(r, json_string_value(arch), true, UINT32_MAX, &audit_arch);
                if (k >= 0 && audit_arch == 0)
                        k = bad(r, "foreign", "an architecture of \"foreign\" must not be 0");
                if (k >= 0)
                        k = read_count(r, "foreign", json_object_get(object, "count"), &count);
                if (k < 0)
                        return k;
                if (!seccomp_trace_add(
                            r->trace, (uint32_t)audit_arch, (uint32_t)json_integer_value(number), count))
                        return -ENOMEM;
        }
        return 0;
}

/* What a trace is of. */
static int read_head(Reader *r, json_t *root) {
        json_t *version = json_object_get(root, "nucleus-trace"),
               *arch = json_object_get(root, "architecture");
        json_t *kernel = json_object_get(root, "kernel"), *command = json_object_get(root, "command"), *word;
        size_t i;

        if (!json_is_integer(version))
                return bad(r, NULL, "this is no trace: it has no \"nucleus-trace\"");
        if (json_integer_value(version) != SECCOMP_TRACE_VERSION)
                return bad(r, "nucleus-trace",
                        "a trace of version %" JSON_INTEGER_FORMAT "; this build reads version %d",
                        json_integer_value(version), SECCOMP_TRACE_VERSION);
        r->arch = json_is_string(arch) ? seccomp_arch_find(json_string_value(arch)) : NULL;
        if (!r->arch)
                return bad(r, "architecture",
                        "\"architecture\" must be one that this build knows, such as \"%s\"",
                        seccomp_archs[0].name);
        if ((kernel && !json_is_string(kernel)) || (command && !json_is_array(command)))
                return bad(r, kernel ? "kernel" : "command",
                        "\"kernel\" must be a string, and \"command\" a list of strings");
        r->trace->architecture = strdup(r->arch->name);
        r->trace->kernel = kernel ? strdup(json_string_value(kernel)) : NULL;
        if (!r->trace->architecture || (kernel && !r->trace->kernel))
                return -ENOMEM;
        json_array_foreach(command, i, word) {
                if (!json_is_string(word))
                        return bad(r, "command", "\"command\" must hold strings");
                if (strv_append(&r->trace->command, json_string_value(word)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_trace(Reader *r, json_t *root) {
        static const char *const known[] = { "nucleus-trace", "architecture", "kernel", "command",
                "syscalls", "numbers", "foreign", NULL };

        if (!json_is_object(root))
                return bad(r, NULL, "a trace must be an object");
        int k = check_keys(r, root, known);
        if (k >= 0)
                k = read_head(r, root);
        if (k >= 0)
                k = read_calls(r, json_object_get(root, "syscalls"));
        if (k >= 0)
                k = read_numbers(r, json_object_get(root, "numbers"));
        if (k >= 0)
                k = read_foreign(r, json_object_get(root, "foreign"));
        return k < 0 ? k : seccomp_trace_name_calls(r->trace);
}

int seccomp_trace_parse(const char *text, size_t n, SeccompTrace *ret_, PolicyError *reterr_) {
        _cleanup_seccomp_trace_ SeccompTrace trace = {};
        Reader r = { .text = text, .n = n, .trace = &trace, .reterr_ = reterr_ };
        json_error_t error;

        json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return policy_error_set(
                        reterr_, (unsigned)error.line, (unsigned)error.column, "%s", error.text);
        int k = read_trace(&r, root);
        json_decref(root);
        if (k < 0)
                return k;
        *ret_ = trace;
        trace = (SeccompTrace){};
        return 0;
}
