/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI seccomp JSON to a SeccompProfile (runtime-spec, config-linux.md). The only file that knows jansson's
 * reading side. Must never ignore a key: what is not understood is not enforced, so it is an error.
 */

#include "seccomp-profile.h"

#include <jansson.h>
#include <linux/seccomp.h>

static void rule_done(SeccompRule *r) {
        strv_free(r->names);
        free(r->conditions);
}

SeccompProfile *seccomp_profile_free(SeccompProfile *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_rules; i++)
                rule_done(&p->rules[i]);
        free(p->rules);
        free(p);
        return NULL;
}

/* Where in the profile we are, for messages. */
typedef struct Place {
        size_t rule; /* from 1; 0: at the top */
        PolicyError *reterr_;
} Place;

_printf_(2, 3) static int bad(const Place *at, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return at->rule > 0 ? policy_error_set(at->reterr_, 0, 0, "syscalls, rule %zu: %s", at->rule, text)
                            : policy_error_set(at->reterr_, 0, 0, "%s", text);
}

static int check_keys(const Place *at, json_t *object, const char *const *known) {
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) {
                size_t i = 0;
                while (known[i] && !streq(known[i], key))
                        i++;
                if (!known[i])
                        return bad(at, "key \"%s\" is unknown or not supported by this build", key);
        }
        return 0;
}

static const struct {
        const char *name;
        uint32_t action;
        bool with_errno;
} actions[] = {
        { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false },
        { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false },
        { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false },
        { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false },
        { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true },
        { "SCMP_ACT_LOG", SECCOMP_RET_LOG, false },
        { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false },
};

static int parse_action(const Place *at, json_t *name, json_t *number, const char *key, uint32_t *ret_) {
        json_int_t value = EPERM;

        if (!json_is_string(name))
                return bad(at, "\"%s\" must be a string", key);
        for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
                if (!streq(actions[i].name, json_string_value(name)))
                        continue;
                if (number && !actions[i].with_errno)
                        return bad(at, "%s takes no errno", actions[i].name);
                if (number && !json_is_integer(number))
                        return bad(at, "the errno must be a number");
                if (number)
                        value = json_integer_value(number);
                if (value < 0 || value > 4095)
                        return bad(at, "the errno must be from 0 to 4095");
                *ret_ = actions[i].action | (actions[i].with_errno ? (uint32_t)value : 0);
                return 0;
        }
        return bad(at, "unknown action \"%s\"", json_string_value(name));
}

static int parse_operator(const Place *at, json_t *name, SeccompOperator *ret_) {
        static const char *const names[] = {
                [SECCOMP_OPERATOR_NE] = "SCMP_CMP_NE",
                [SECCOMP_OPERATOR_LT] = "SCMP_CMP_LT",
                [SECCOMP_OPERATOR_LE] = "SCMP_CMP_LE",
                [SECCOMP_OPERATOR_EQ] = "SCMP_CMP_EQ",
                [SECCOMP_OPERATOR_GE] = "SCMP_CMP_GE",
                [SECCOMP_OPERATOR_GT] = "SCMP_CMP_GT",
                [SECCOMP_OPERATOR_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
        };

        if (!json_is_string(name))
                return bad(at, "\"op\" must be a string");
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(names[i], json_string_value(name))) {
                        *ret_ = (SeccompOperator)i;
                        return 0;
                }
        return bad(at, "unknown operator \"%s\"", json_string_value(name));
}

static int parse_condition(const Place *at, json_t *object, SeccompCondition *ret_) {
        static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
        json_t *index = json_object_get(object, "index"), *value = json_object_get(object, "value");
        json_t *two = json_object_get(object, "valueTwo");

        if (!json_is_object(object))
                return bad(at, "an entry of \"args\" must be an object");
        int r = check_keys(at, object, known);
        if (r < 0)
                return r;
        if (!json_is_integer(index) || json_integer_value(index) < 0 || json_integer_value(index) > 5)
                return bad(at, "\"index\" must be a number from 0 to 5");
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                (two && (!json_is_integer(two) || json_integer_value(two) < 0)))
                return bad(at, "\"value\" and \"valueTwo\" must be numbers from 0 to 2^63-1");
        ret_->index = (unsigned)json_integer_value(index);
        ret_->value = (uint64_t)json_integer_value(value);
        ret_->value_two = two ? (uint64_t)json_integer_value(two) : 0;
        r = parse_operator(at, json_object_get(object, "op"), &ret_->op);
        if (r < 0)
                return r;
        if (ret_->op == SECCOMP_OPERATOR_MASKED_EQ && (ret_->value_two & ~ret_->value))
                return bad(at, "\"valueTwo\" has bits outside of the mask \"value\": the condition could "
                               "never hold");
        return 0;
}

/* An int is compared on its 32 bits: a value beyond those would be cut to another one. */
static int check_widths(const Place *at, const SeccompRule *rule) {
        for (size_t i = 0; i < rule->n_conditions; i++) {
                const SeccompCondition *q = &rule->conditions[i];

                if ((q->value | q->value_two) <= UINT32_MAX)
                        continue;
                STRV_FOREACH(name, rule->names)
                if (seccomp_argument_is_int(name, q->index))
                        return bad(
                                at, "argument %u of %s has 32 bits: the value is too large", q->index, name);
        }
        return 0;
}

static int parse_names(const Place *at, json_t *names, char ***ret_) {
        size_t i;
        json_t *name;

        if (!json_is_array(names) || json_array_size(names) == 0)
                return bad(at, "\"names\" must be a list of system calls");
        json_array_foreach(names, i, name) {
                bool known = false;
                uint32_t nr;

                if (!json_is_string(name))
                        return bad(at, "\"names\" must hold strings");
                for (const SeccompArch *a = seccomp_archs; a->name && !known; a++)
                        known = seccomp_syscall_number(a, json_string_value(name), &nr) != -ENOENT;
                if (!known)
                        return bad(at, "unknown system call \"%s\"", json_string_value(name));
                if (strv_append(ret_, json_string_value(name)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int parse_rule(const Place *at, json_t *object, SeccompRule *ret_) {
        static const char *const known[] = { "names", "action", "errnoRet", "args", "comment", NULL };
        json_t *args = json_object_get(object, "args"), *arg;
        size_t i;

        if (!json_is_object(object))
                return bad(at, "must be an object");
        int r = check_keys(at, object, known);
        if (r >= 0)
                r = parse_names(at, json_object_get(object, "names"), &ret_->names);
        if (r >= 0)
                r = parse_action(at, json_object_get(object, "action"), json_object_get(object, "errnoRet"),
                        "action", &ret_->action);
        if (r < 0 || !args)
                return r;
        if (!json_is_array(args))
                return bad(at, "\"args\" must be a list");

        ret_->conditions = calloc(json_array_size(args) + 1, sizeof(*ret_->conditions));
        if (!ret_->conditions)
                return -ENOMEM;
        json_array_foreach(args, i, arg) {
                r = parse_condition(at, arg, &ret_->conditions[ret_->n_conditions++]);
                if (r < 0)
                        return r;
        }
        return check_widths(at, ret_);
}

/* A rule behind one that always matches has no effect; where it says something else, somebody is mistaken.
 */
static int check_reachable(const SeccompProfile *p, PolicyError *reterr_) {
        for (size_t i = 0; i < p->n_rules; i++)
                for (size_t k = 0; k < i; k++)
                        if (p->rules[k].n_conditions == 0 && p->rules[k].action != p->rules[i].action)
                                STRV_FOREACH(name, p->rules[i].names)
        if (strv_contains(p->rules[k].names, name))
                return bad(&(Place){ i + 1, reterr_ }, "%s is decided by rule %zu already", name, k + 1);
        return 0;
}

static int parse_profile(json_t *root, SeccompProfile *p, PolicyError *reterr_) {
        static const char *const known[] = { "defaultAction", "defaultErrnoRet", "comment", "syscalls",
                NULL };
        json_t *rules = json_object_get(root, "syscalls"), *rule;
        Place at = { .reterr_ = reterr_ };
        size_t i;

        if (!json_is_object(root))
                return bad(&at, "a profile must be an object");
        int r = check_keys(&at, root, known);
        if (r >= 0)
                r = parse_action(&at, json_object_get(root, "defaultAction"),
                        json_object_get(root, "defaultErrnoRet"), "defaultAction", &p->default_action);
        if (r < 0)
                return r;
        if (!json_is_array(rules))
                return bad(&at, "\"syscalls\" must be a list of rules");

        p->rules = calloc(json_array_size(rules) + 1, sizeof(*p->rules));
        if (!p->rules)
                return -ENOMEM;
        json_array_foreach(rules, i, rule) {
                at.rule = i + 1;
                p->rules[i].number = at.rule;
                r = parse_rule(&at, rule, &p->rules[p->n_rules++]);
                if (r < 0)
                        return r;
        }
        return check_reachable(p, reterr_);
}

int seccomp_profile_parse(const char *text, size_t n, SeccompProfile **ret_, PolicyError *reterr_) {
        _cleanup_seccomp_profile_ SeccompProfile *p = calloc(1, sizeof(*p));
        json_error_t error;

        if (!p)
                return -ENOMEM;
        json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return policy_error_set(
                        reterr_, (unsigned)error.line, (unsigned)error.column, "%s", error.text);
        int r = parse_profile(root, p, reterr_);
        json_decref(root);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(p);
        return 0;
}
