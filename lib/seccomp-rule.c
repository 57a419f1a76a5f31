/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI seccomp JSON to a SeccompProfile: one rule, that is one entry of "syscalls". Must never ignore a key,
 * as seccomp-json.c.
 */

#include "seccomp-json.h"

#include <linux/seccomp.h>

#include "policy.h"

#define NAMES_MAX 1024U

void seccomp_rule_done(SeccompRule *rule) {
        strv_free(rule->names);
        free(rule->unknown);
        free(rule->conditions);
        free(rule->comment);
}

/* ---- conditions ---- */

static int parse_operator(const SeccompReader *r, JsonNode node, SeccompOperator *ret_) {
        const char *word = node_string(node);

        if (!word)
                return seccomp_bad(r, node, "\"op\" must be a string");
        for (size_t i = 0; seccomp_operator_words[i]; i++)
                if (streq(seccomp_operator_words[i], word)) {
                        *ret_ = (SeccompOperator)i;
                        return 0;
                }
        return seccomp_bad_word(r, node, "operator", word, seccomp_operator_words, "SCMP_CMP_");
}

static int parse_condition(const SeccompReader *r, JsonNode object, SeccompCondition *ret_) {
        static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
        JsonNode index = node_member(object, "index"), value = node_member(object, "value"),
                 two = node_member(object, "valueTwo");
        uint64_t i;

        int k = seccomp_check_keys(r, object, "an entry of \"args\"", known);
        if (k < 0)
                return k;
        if (node_uint64(index, &i) < 0 || i > 5)
                return seccomp_bad(r, index, "\"index\" must be a number from 0 to 5");
        if (node_uint64(value, &ret_->value) < 0)
                return seccomp_bad(r, value, "\"value\" must be a number from 0 to 2^64-1");
        if (two.value && node_uint64(two, &ret_->value_two) < 0)
                return seccomp_bad(r, two, "\"valueTwo\" must be a number from 0 to 2^64-1");
        ret_->index = (unsigned)i;
        k = parse_operator(r, node_member(object, "op"), &ret_->op);
        if (k < 0)
                return k;
        if (ret_->op == SECCOMP_OPERATOR_MASKED_EQ && (ret_->value_two & ~ret_->value))
                return seccomp_bad(r, two,
                        "\"valueTwo\" has bits outside of the mask \"value\": the condition could never "
                        "hold");
        return 0;
}

/* What a rule compares one argument with: all bits of all its values, and where the largest stands. */
typedef struct Argument {
        uint64_t bits;
        JsonNode largest;
} Argument;

/* Of an argument that the kernel cuts, a value beyond its bits would be cut to another one. */
static int check_widths(const SeccompReader *r, const Argument *arguments, const SeccompRule *rule) {
        for (unsigned i = 0; i < 6; i++) {
                if (arguments[i].bits <= UINT16_MAX)
                        continue;
                STRV_FOREACH(name, rule->names) {
                        unsigned width = seccomp_argument_bits(name, i);
                        if (width < 64 && arguments[i].bits >> width)
                                return seccomp_bad(r, arguments[i].largest,
                                        "argument %u of %s has %u bits: the value is too large", i, name,
                                        width);
                }
        }
        return 0;
}

static int parse_conditions(const SeccompReader *r, JsonNode args, SeccompRule *rule) {
        Argument arguments[6] = {};
        unsigned seen = 0;

        if (args.value && node_type(args) != JSON_TYPE_LIST)
                return seccomp_bad(r, args, "\"args\" must be a list");
        rule->conditions = calloc(node_length(args) + 1, sizeof(*rule->conditions));
        if (!rule->conditions)
                return -ENOMEM;
        for (JsonItems i = node_items(args); node_next(&i);) {
                SeccompCondition *c = &rule->conditions[rule->n_conditions++];
                int k = parse_condition(r, i.node, c);
                if (k < 0)
                        return k;

                Argument *a = &arguments[c->index];
                if ((c->value | c->value_two) > a->bits)
                        a->largest = i.node;
                a->bits |= c->value | c->value_two;
                rule->any_condition = rule->any_condition || (seen & 1U << c->index);
                seen |= 1U << c->index;
        }
        return check_widths(r, arguments, rule);
}

/* ---- includes and excludes ---- */

static int take_capability(const SeccompReader *r, JsonNode where, const char *word, void *data) {
        SeccompSelector *s = data;
        unsigned capability;

        if (capability_from_name(word, &capability) >= 0) {
                s->capabilities |= UINT64_C(1) << capability;
                return 0;
        }
        const char *near = capability_nearest(word);
        return near ? seccomp_bad(r, where, "unknown capability \"%.64s\"; did you mean \"%s\"?", word, near)
                    : seccomp_bad(r, where, "unknown capability \"%.64s\"", word);
}

static int take_arch(const SeccompReader *r, JsonNode where, const char *word, void *data) {
        SeccompSelector *s = data;
        const SeccompArch *arch = seccomp_arch_find(word);

        s->by_arch = true;
        if (arch) {
                s->archs |= 1U << (arch - seccomp_archs);
                return 0;
        }
        for (size_t i = 0; seccomp_go_arch_words[i]; i++)
                if (streq(seccomp_go_arch_words[i], word))
                        return 0;
        if (seccomp_arch_oci_known(word))
                return 0;
        return seccomp_bad_word(r, where, "architecture", word, seccomp_go_arch_words, "");
}

/* "MAJOR.MINOR" and nothing else. */
static int parse_kernel(const SeccompReader *r, JsonNode node, SeccompSelector *s) {
        const char *text = node_string(node);

        if (!node.value)
                return 0;
        if (!text || seccomp_kernel_parse(text, &s->kernel_major, &s->kernel_minor) < 0 ||
                strspn(text, "0123456789.") != strlen(text) || strchr(text, '.') != strrchr(text, '.'))
                return seccomp_bad(r, node, "\"minKernel\" must be a version as \"4.8\"");
        s->by_kernel = true;
        return 0;
}

static int parse_selector(const SeccompReader *r, JsonNode rule, const char *key, SeccompSelector *ret_) {
        static const char *const known[] = { "caps", "arches", "minKernel", NULL };
        JsonNode object = node_member(rule, key);

        if (!object.value)
                return 0;
        int k = seccomp_check_keys(r, object, key, known);
        if (k >= 0)
                k = seccomp_each_word(r, node_member(object, "caps"), "\"caps\"", take_capability, ret_);
        if (k >= 0)
                k = seccomp_each_word(r, node_member(object, "arches"), "\"arches\"", take_arch, ret_);
        if (k >= 0)
                k = parse_kernel(r, node_member(object, "minKernel"), ret_);
        return k;
}

/* ---- names ---- */

bool seccomp_rule_is_selective(const SeccompRule *rule) {
        const SeccompSelector *in = &rule->includes, *out = &rule->excludes;

        return in->by_arch || in->by_kernel || in->capabilities || out->by_arch || out->by_kernel ||
               out->capabilities;
}

/*
 * An unknown name is a misspelling, or newer than this build. Where the rule is for some machines only it is
 * kept, and is an error where the rule counts (seccomp_profile_check()).
 */
static int take_name(const SeccompReader *r, JsonNode where, const char *word, void *data) {
        SeccompRule *rule = data;
        char buffer[SECCOMP_NAME_SIZE];

        for (const SeccompArch *a = seccomp_archs; a->name; a++) {
                uint32_t nr;
                if (seccomp_syscall_number(a, word, &nr) != -ENOENT)
                        return strv_append(&rule->names, word);
        }
        if (seccomp_rule_is_selective(rule)) {
                if (rule->unknown)
                        return 0;
                rule->unknown_line = node_line(where);
                rule->unknown = strndup(word, SECCOMP_NAME_SIZE);
                return rule->unknown ? 0 : -ENOMEM;
        }
        const char *near = seccomp_syscall_nearest(word, buffer);
        return near ? seccomp_bad(
                              r, where, "unknown system call \"%.64s\"; did you mean \"%s\"?", word, near)
                    : seccomp_bad(r, where, "unknown system call \"%.64s\"", word);
}

static int parse_names(const SeccompReader *r, JsonNode object, SeccompRule *rule) {
        JsonNode names = node_member(object, "names"), name = node_member(object, "name");

        if (names.value && name.value)
                return seccomp_bad(r, name, "give \"names\" or, as older profiles do, \"name\", not both");
        if (name.value)
                return node_string(name) ? take_name(r, name, node_string(name), rule)
                                         : seccomp_bad(r, name, "\"name\" must be a string");
        if (node_length(names) == 0)
                return seccomp_bad(r, names, "\"names\" must be a list of system calls");
        /* Twice as many as there are calls: a list is walked from its beginning for each. */
        if (node_length(names) > NAMES_MAX)
                return seccomp_bad(r, names, "more than %u names in one rule", NAMES_MAX);
        return seccomp_each_word(r, names, "\"names\"", take_name, rule);
}

static int parse_comment(const SeccompReader *r, JsonNode node, SeccompRule *rule) {
        if (!node.value)
                return 0;
        if (!node_string(node))
                return seccomp_bad(r, node, "\"comment\" must be a string");
        if (*node_string(node) && !(rule->comment = strdup(node_string(node))))
                return -ENOMEM;
        return 0;
}

int seccomp_rule_parse(const SeccompReader *r, JsonNode object, SeccompRule *ret_) {
        static const char *const known[] = { "names", "name", "action", "errnoRet", "errno", "args",
                "includes", "excludes", "comment", NULL };
        static const SeccompActionKeys keys = { "action", "errnoRet", "errno" };

        *ret_ = (SeccompRule){ .number = r->rule, .line = node_line(object) };
        int k = seccomp_check_keys(r, object, "a rule", known);
        if (k >= 0)
                k = parse_selector(r, object, "includes", &ret_->includes);
        if (k >= 0)
                k = parse_selector(r, object, "excludes", &ret_->excludes);
        if (k >= 0)
                k = parse_names(r, object, ret_);
        if (k >= 0)
                k = seccomp_action_parse(r, object, &keys, &ret_->action);
        if (k >= 0)
                k = parse_conditions(r, node_member(object, "args"), ret_);
        if (k >= 0)
                k = parse_comment(r, node_member(object, "comment"), ret_);
        return k;
}
