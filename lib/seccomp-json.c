/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI seccomp JSON to a SeccompProfile: the profile as a whole (runtime-spec, config-linux.md, and what
 * container engines add to it). Must never ignore a key: what is not understood is not enforced, so it is an
 * error.
 */

#include "seccomp-json.h"

#include <linux/seccomp.h>
#include <stdarg.h>

SeccompProfile *seccomp_profile_free(SeccompProfile *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_rules; i++)
                seccomp_rule_done(&p->rules[i]);
        free(p->rules);
        free(p);
        return NULL;
}

/* ---- architectures: all are checked, and one is compiled ---- */

static int take_arch(const SeccompReader *r, JsonNode where, const char *word, void *data) {
        return seccomp_arch_oci_known(word) ? 0
                                            : seccomp_bad_word(r, where, "architecture", word,
                                                      seccomp_oci_arch_words, "SCMP_ARCH_");
}

static int parse_arch_map(const SeccompReader *r, JsonNode map) {
        static const char *const known[] = { "architecture", "subArchitectures", NULL };

        if (map.value && node_type(map) != JSON_TYPE_LIST)
                return seccomp_bad(r, map, "\"archMap\" must be a list");
        for (JsonItems i = node_items(map); node_next(&i);) {
                int k = seccomp_check_keys(r, i.node, "an entry of \"archMap\"", known);
                if (k < 0)
                        return k;
                JsonNode arch = node_member(i.node, "architecture");
                if (!node_string(arch))
                        return seccomp_bad(r, arch, "\"architecture\" must be a string");
                k = take_arch(r, arch, node_string(arch), NULL);
                if (k >= 0)
                        k = seccomp_each_word(r, node_member(i.node, "subArchitectures"),
                                "\"subArchitectures\"", take_arch, NULL);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int parse_archs(const SeccompReader *r, JsonNode root) {
        JsonNode list = node_member(root, "architectures"), map = node_member(root, "archMap");

        int k = seccomp_each_word(r, list, "\"architectures\"", take_arch, NULL);
        if (k >= 0)
                k = parse_arch_map(r, map);
        if (k < 0)
                return k;
        if (node_length(list) > 0 && node_length(map) > 0)
                return seccomp_bad(r, map, "give \"architectures\" or \"archMap\", not both");
        return 0;
}

/* ---- flags ---- */

static int take_flag(const SeccompReader *r, JsonNode where, const char *word, void *data) {
        SeccompProfile *p = data;

        for (const SeccompFlagWord *w = seccomp_flag_words; w->name; w++) {
                if (!streq(w->name, word))
                        continue;
                if (w->refused)
                        return seccomp_bad(r, where, "%s is not supported: %s", word, w->refused);
                p->log = p->log || w->log;
                return 0;
        }
        const char *words[] = { seccomp_flag_words[0].name, seccomp_flag_words[1].name, NULL };
        return seccomp_bad_word(r, where, "flag", word, words, "SECCOMP_FILTER_FLAG_");
}

/* A socket that the supervisor of notifications listens on. An empty string is none. */
static int refuse_listener(const SeccompReader *r, JsonNode root) {
        static const char *const keys[] = { "listenerPath", "listenerMetadata" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                JsonNode node = node_member(root, keys[i]);

                if (node.value && (!node_string(node) || *node_string(node)))
                        return seccomp_bad(r, node,
                                "\"%s\" is not supported: no supervisor answers notifications", keys[i]);
        }
        return 0;
}

/* ---- the whole ---- */

typedef struct Named {
        const char *name;
        const SeccompRule *rule;
} Named;

static int named_compare(const void *a, const void *b) {
        const Named *x = a, *y = b;
        int k = strcmp(x->name, y->name);

        return k ? k : (x->rule > y->rule) - (x->rule < y->rule);
}

static bool unconditional(const SeccompRule *rule) {
        return rule->n_conditions == 0 && !seccomp_rule_is_selective(rule);
}

/*
 * Two rules that always count and always match, and say different things of one call: the second has no
 * effect, so somebody is mistaken. Anything less certain is left to the order of the rules.
 */
static int check_contradictions(SeccompReader *r, const SeccompProfile *p) {
        size_t n = 0, k = 0;

        for (size_t i = 0; i < p->n_rules; i++)
                n += unconditional(&p->rules[i]) ? strv_length(p->rules[i].names) : 0;
        _cleanup_free_ Named *all = calloc(n + 1, sizeof(*all));
        if (!all)
                return -ENOMEM;
        for (size_t i = 0; i < p->n_rules; i++)
                if (unconditional(&p->rules[i]))
                        STRV_FOREACH(name, p->rules[i].names)
        all[k++] = (Named){ name, &p->rules[i] };
        qsort(all, n, sizeof(*all), named_compare);
        for (size_t i = 1; i < n; i++) {
                const SeccompRule *first = all[i - 1].rule, *second = all[i].rule;

                if (streq(all[i - 1].name, all[i].name) && first->action != second->action)
                        return policy_error_set(r->reterr_, second->line, 0,
                                "syscalls, rule %u: %s is decided by rule %u already (line %u), and "
                                "differently: remove one of them",
                                second->number, all[i].name, first->number, first->line);
        }
        return 0;
}

static int parse_rules(SeccompReader *r, JsonNode list, SeccompProfile *p) {
        if (list.value && node_type(list) != JSON_TYPE_LIST)
                return seccomp_bad(r, list, "\"syscalls\" must be a list of rules");
        p->rules = calloc(node_length(list) + 1, sizeof(*p->rules));
        if (!p->rules)
                return -ENOMEM;
        for (JsonItems i = node_items(list); node_next(&i);) {
                r->rule++;
                int k = seccomp_rule_parse(r, i.node, &p->rules[p->n_rules++]);
                if (k < 0)
                        return k;
        }
        r->rule = 0;
        return check_contradictions(r, p);
}

static int parse_profile(SeccompReader *r, JsonNode root, SeccompProfile *p) {
        static const char *const known[] = { "defaultAction", "defaultErrnoRet", "defaultErrno",
                "architectures", "archMap", "flags", "listenerPath", "listenerMetadata", "syscalls",
                "comment", NULL };
        static const SeccompActionKeys keys = { "defaultAction", "defaultErrnoRet", "defaultErrno" };

        int k = seccomp_check_keys(r, root, "a profile", known);
        if (k >= 0)
                k = seccomp_action_parse(r, root, &keys, &p->default_action);
        if (k < 0)
                return k;
        p->default_line = node_line(node_member(root, "defaultAction"));
        k = parse_archs(r, root);
        if (k >= 0)
                k = seccomp_each_word(r, node_member(root, "flags"), "\"flags\"", take_flag, p);
        if (k >= 0)
                k = refuse_listener(r, root);
        if (k >= 0)
                k = parse_rules(r, node_member(root, "syscalls"), p);
        return k;
}

/* Is its first line that says something a comment, a table or a key of TOML? JSON begins with a brace. */
static bool is_toml(const char *text, size_t n) {
        const char *end = text + n;

        while (text < end && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n'))
                text++;
        if (text == end || *text == '{')
                return false;
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline ?: end) - text);

        return *text == '#' || memchr(text, '=', length) || (*text == '[' && memchr(text, ']', length));
}

int seccomp_profile_parse(const char *text, size_t n, SeccompProfile **ret_, PolicyError *reterr_) {
        _cleanup_seccomp_profile_ SeccompProfile *p = calloc(1, sizeof(*p));
        _cleanup_json_text_ JsonText json = {};
        SeccompReader r = { .reterr_ = reterr_ };

        if (!p)
                return -ENOMEM;
        int k = json_text_parse(text, n, &json, reterr_);
        if (k == -EINVAL && is_toml(text, n))
                return policy_error_set(
                        reterr_, 1, 0, "this looks like TOML, and a seccomp profile is written in JSON");
        if (k >= 0)
                k = parse_profile(&r, node_root(&json), p);
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(p);
        return 0;
}
