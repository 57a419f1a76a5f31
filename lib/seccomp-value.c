/* SPDX-License-Identifier: Apache-2.0 */
/* Values that both halves of the profile's parser read, and how their errors are told. */

#include "seccomp-json.h"

#include <ctype.h>
#include <linux/seccomp.h>
#include <stdarg.h>

#include "nearest.h"

int seccomp_bad(const SeccompReader *r, JsonNode where, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        unsigned line = node_line(where), column = node_column(where);
        if (r->rule > 0)
                return policy_error_set(r->reterr_, line, column, "syscalls, rule %u: %s", r->rule, text);
        return policy_error_set(r->reterr_, line, column, "%s", text);
}

/* ---- words ---- */

/* "allow" and "ALLOW" mean SCMP_ACT_ALLOW: what all words begin with is left out easily. */
static const char *nearest_word(const char *word, const char *const *words, const char *prefix) {
        const char *best = NULL, *dummy = NULL;
        char upper[NAME_DISTANCE_MAX + 1];
        size_t distance = SIZE_MAX, n = 0;

        for (; word[n] && n < NAME_DISTANCE_MAX; n++)
                upper[n] = (char)toupper((unsigned char)word[n]);
        upper[n] = '\0';
        for (size_t i = 0; words[i]; i++) {
                size_t before = distance;

                name_consider(word, words[i], &best, &distance);
                if (!*prefix)
                        continue;
                name_consider(upper, words[i], &best, &distance);
                name_consider(upper, words[i] + strlen(prefix), &dummy, &distance);
                best = distance < before ? words[i] : best;
        }
        return best;
}

int seccomp_bad_word(const SeccompReader *r, JsonNode where, const char *what, const char *word,
        const char *const *words, const char *prefix) {
        _cleanup_strbuf_ StrBuf all = {};
        _cleanup_free_ char *list = NULL;

        const char *near = nearest_word(word, words, prefix);
        if (near)
                return seccomp_bad(r, where, "unknown %s \"%.64s\"; did you mean \"%s\"?", what, word, near);
        for (size_t i = 0; words[i]; i++)
                strbuf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
        if (strbuf_finish(&all, &list) < 0)
                return -ENOMEM;
        return seccomp_bad(r, where, "unknown %s \"%.64s\"; there are %s", what, word, list);
}

int seccomp_check_keys(const SeccompReader *r, JsonNode object, const char *what, const char *const *known) {
        JsonNode at;

        if (node_type(object) != JSON_TYPE_OBJECT)
                return seccomp_bad(r, object, "%s must be an object", what);
        const char *key = node_unknown_key(object, known, &at);
        return key ? seccomp_bad_word(r, at, "key", key, known, "") : 0;
}

int seccomp_each_word(const SeccompReader *r, JsonNode node, const char *what,
        int (*take)(const SeccompReader *r, JsonNode where, const char *word, void *data), void *data) {
        if (node.value && node_type(node) != JSON_TYPE_LIST)
                return seccomp_bad(r, node, "%s must be a list of strings", what);
        for (JsonItems i = node_items(node); node_next(&i);) {
                const char *word = node_string(i.node);

                int k = word ? take(r, i.node, word, data)
                             : seccomp_bad(r, i.node, "%s must hold strings", what);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* ---- actions ---- */

/* An errno by its name, as podman's profiles have it beside the number, or by a number in a string. */
static int parse_errno_name(const SeccompReader *r, JsonNode node, const char *key, uint64_t *ret_) {
        const char *word = node_string(node);

        if (!word)
                return seccomp_bad(r, node, "\"%s\" must be a string", key);
        for (int i = 1; i < 256; i++)
                if (strerrorname_np(i) && streq(strerrorname_np(i), word)) {
                        *ret_ = (uint64_t)i;
                        return 0;
                }
        if (*word && strlen(word) <= 4 && strspn(word, "0123456789") == strlen(word)) {
                *ret_ = strtoul(word, NULL, 10);
                return 0;
        }

        const char *near = NULL;
        size_t distance = SIZE_MAX;
        for (int i = 1; i < 256; i++)
                if (strerrorname_np(i))
                        name_consider(word, strerrorname_np(i), &near, &distance);
        return near ? seccomp_bad(r, node, "unknown errno \"%.64s\"; did you mean \"%s\"?", word, near)
                    : seccomp_bad(r, node, "unknown errno \"%.64s\"", word);
}

/* What goes with the action: an errno, or the message to a tracer. EPERM where nothing is given, as engines
 * have it. */
static int parse_data(const SeccompReader *r, JsonNode object, const SeccompActionKeys *keys,
        const SeccompActionWord *action, uint32_t *ret_) {
        JsonNode number = node_member(object, keys->number), name = node_member(object, keys->name);
        bool is_errno = action->action == SECCOMP_RET_ERRNO, is_trace = action->action == SECCOMP_RET_TRACE;
        uint64_t value = EPERM, named = 0;
        uint32_t largest = is_trace ? SECCOMP_RET_DATA : 4095;

        if (node_string(name) && !*node_string(name))
                name.value = NULL;
        if (!is_errno && !is_trace && (number.value || name.value))
                return seccomp_bad(r, number.value ? number : name, "%s takes no errno", action->name);
        if (number.value && node_type(number) != JSON_TYPE_INTEGER)
                return seccomp_bad(r, number, "\"%s\" must be a number", keys->number);
        if (number.value && (node_uint64(number, &value) < 0 || value > largest))
                return seccomp_bad(r, number, "\"%s\" must be from 0 to %u", keys->number, largest);
        if (name.value) {
                int k = parse_errno_name(r, name, keys->name, &named);
                if (k < 0)
                        return k;
                if (number.value && named != value)
                        return seccomp_bad(r, name, "\"%s\" is %u, and \"%s\" is another number", keys->name,
                                (unsigned)named, keys->number);
                value = named;
        }
        *ret_ = is_errno || is_trace ? (uint32_t)value : 0;
        return 0;
}

int seccomp_action_parse(
        const SeccompReader *r, JsonNode object, const SeccompActionKeys *keys, uint32_t *ret_) {
        JsonNode node = node_member(object, keys->action);
        const char *word = node_string(node), *words[16] = {};
        uint32_t data = 0;
        size_t n = 0;

        if (!word)
                return seccomp_bad(r, node, "\"%s\" must be a string", keys->action);
        for (const SeccompActionWord *w = seccomp_action_words; w->name; w++) {
                if (streq(w->name, word)) {
                        if (w->refused)
                                return seccomp_bad(r, node, "%s is not supported: %s", word, w->refused);
                        int k = parse_data(r, object, keys, w, &data);
                        if (k >= 0)
                                *ret_ = w->action | data;
                        return k;
                }
                if (!w->refused)
                        words[n++] = w->name;
        }
        return seccomp_bad_word(r, node, "action", word, words, "SCMP_ACT_");
}
