/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a learned profile: the base's rules, cut to what is wanted. */

#include "seccomp-learn-write.h"

#include "seccomp-evaluate.h"
#include "seccomp-words.h"

#include <inttypes.h>
#include <linux/seccomp.h>

#define LINE_MAX_ 110U

typedef struct Writer {
        Learner *learner;
        StrBuf b;
        size_t n_rules;
} Writer;

static const char *action_word(uint32_t action) {
        for (const SeccompActionWord *w = seccomp_action_words; w->name; w++)
                if (w->action == (action & SECCOMP_RET_ACTION_FULL))
                        return w->name;
        return "SCMP_ACT_ERRNO";
}

static bool action_has_errno(uint32_t action) {
        return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

/* ---- one rule ---- */

static void add_traced_names(const Writer *w, char *const *names, StrBuf *b) {
        const char *between = b->len > 0 ? " Traced: " : "Traced: ", *end = "";

        STRV_FOREACH(name, names) {
                const Wanted *x = learner_find(w->learner, name);

                if (!x || !x->call)
                        continue;
                strbuf_printf(b, "%s%s %" PRIu64, between, name, x->call->count);
                between = ", ";
                end = ".";
        }
        strbuf_puts(b, end);
}

static bool same_reason(const Wanted *x, const Wanted *y) {
        return streq(x->why, y->why) && (x->of == y->of || (x->of && y->of && streq(x->of, y->of)));
}

/* One reason, behind all names that have it; only where `lead` is the first of them. */
static void add_reason(
        const Writer *w, char *const *names, const Wanted *lead, const char *between, StrBuf *b) {
        STRV_FOREACH(name, names) {
                const Wanted *x = learner_find(w->learner, name);

                if (!x || x->call || !same_reason(x, lead))
                        continue;
                strbuf_printf(b, "%s%s", between, name);
                between = ", ";
        }
        strbuf_printf(b, " (%s%s%s)", lead->why, lead->of ? " " : "", lead->of ?: "");
}

static void add_other_names(const Writer *w, char *const *names, StrBuf *b) {
        const char *between = b->len > 0 ? " Not traced: " : "Not traced: ", *end = "";

        for (char *const *name = names; *name; name++) {
                const Wanted *x = learner_find(w->learner, *name);
                bool leads = x && !x->call;

                for (char *const *before = names; leads && before < name; before++) {
                        const Wanted *y = learner_find(w->learner, *before);
                        leads = !y || y->call || !same_reason(x, y);
                }
                if (!leads)
                        continue;
                add_reason(w, names, x, between, b);
                between = "; ";
                end = ".";
        }
        strbuf_puts(b, end);
}

/* "Traced: read 12, write 3. Not traced: exit (to end)." behind the base's own words. */
static int comment_text(const Writer *w, const char *before, char *const *names, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        strbuf_puts(&b, before ?: "");
        add_traced_names(w, names, &b);
        add_other_names(w, names, &b);
        return strbuf_finish(&b, ret_);
}

static void add_names(StrBuf *b, char *const *names) {
        size_t column = 0;

        strbuf_puts(b, "\"names\": [\n        ");
        STRV_FOREACH(name, names) {
                size_t length = strlen(name) + 4;

                if (column > 0) {
                        bool wrap = column + length > LINE_MAX_ - 8;
                        strbuf_puts(b, wrap ? ",\n        " : ", ");
                        column = wrap ? 0 : column;
                }
                seccomp_json_string(b, name);
                column += length;
        }
        strbuf_puts(b, "\n      ]");
}

static void add_conditions(StrBuf *b, const SeccompCondition *conditions, size_t n) {
        strbuf_puts(b, ",\n      \"args\": [");
        for (size_t i = 0; i < n; i++) {
                const SeccompCondition *c = &conditions[i];

                strbuf_printf(b, "%s\n        { \"index\": %u, \"value\": %" PRIu64, i > 0 ? "," : "",
                        c->index, c->value);
                if (c->op == SECCOMP_OPERATOR_MASKED_EQ)
                        strbuf_printf(b, ", \"valueTwo\": %" PRIu64, c->value_two);
                strbuf_printf(b, ", \"op\": \"%s\" }", seccomp_operator_words[c->op]);
        }
        strbuf_puts(b, "\n      ]");
}

static int add_rule(Writer *w, const char *comment, char *const *names, uint32_t action,
        const SeccompCondition *conditions, size_t n_conditions) {
        _cleanup_free_ char *text = NULL;
        StrBuf *b = &w->b;

        if (!names)
                return 0;
        int r = comment_text(w, comment, names, &text);
        if (r < 0)
                return r;
        strbuf_puts(b, w->n_rules++ > 0 ? ",\n    {\n      " : "\n    {\n      ");
        if (*text) {
                strbuf_puts(b, "\"comment\": ");
                seccomp_json_string(b, text);
                strbuf_puts(b, ",\n      ");
        }
        add_names(b, names);
        strbuf_printf(b, ",\n      \"action\": \"%s\"", action_word(action));
        if (action_has_errno(action))
                strbuf_printf(b, ",\n      \"errnoRet\": %u", action & SECCOMP_RET_DATA);
        if (n_conditions > 0)
                add_conditions(b, conditions, n_conditions);
        strbuf_puts(b, "\n    }");
        return 0;
}

/* ---- arguments ---- */

/* All values of the call's argument are known, so that the others can be refused. */
static bool is_narrowed(const Writer *w, const Wanted *x) {
        return w->learner->options->arguments && x && !x->allowed && !x->any_value && x->call &&
               x->call->n_values > 0 && !x->call->values_cut;
}

/*
 * One rule for each traced value that the base's rule lets through. The value takes the place of the rule's
 * conditions on that argument, which it fulfils: two conditions on one argument would mean "either".
 */
static int add_values(Writer *w, const Wanted *x, const SeccompRule *rule) {
        const SeccompTraceCall *c = x->call;
        char *names[] = { (char *)x->name, NULL };

        for (size_t i = 0; i < c->n_values; i++) {
                _cleanup_free_ SeccompCondition *conditions =
                        calloc(rule->n_conditions + 1, sizeof(*conditions));
                uint64_t arguments[SECCOMP_ARGUMENTS] = {};
                size_t n = 0;

                if (!conditions)
                        return -ENOMEM;
                arguments[c->argument] = c->values[i].value;
                if (seccomp_rule_matches(rule, x->name, arguments, 1U << c->argument) == SECCOMP_MATCH_NO)
                        continue;
                conditions[n++] =
                        (SeccompCondition){ c->argument, SECCOMP_OPERATOR_EQ, c->values[i].value, 0 };
                for (size_t k = 0; k < rule->n_conditions && !rule->any_condition; k++)
                        if (rule->conditions[k].index != c->argument)
                                conditions[n++] = rule->conditions[k];
                int r = add_rule(w, rule->comment, names, rule->action, conditions, n);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the rules of the base ---- */

static bool on_architecture(const Writer *w, const char *name) {
        uint32_t nr;

        return seccomp_syscall_number(w->learner->options->target->arch, name, &nr) == 0;
}

/* An answer of its own is kept for all calls that it is for: programs rely on ENOSYS to go another way. */
static bool is_answer(const Writer *w, const SeccompRule *rule) {
        return rule->n_conditions == 0 && !seccomp_action_permits(rule->action) &&
               rule->action != w->learner->options->base->default_action;
}

static int add_base_rule(Writer *w, const SeccompRule *rule) {
        _cleanup_strv_ char **names = NULL;
        bool permits = seccomp_action_permits(rule->action);
        int r = 0;

        STRV_FOREACH(name, rule->names) {
                Wanted *x = learner_find(w->learner, name);

                if (r < 0 || (x && x->allowed) || !on_architecture(w, name))
                        continue;
                if (permits && is_narrowed(w, x))
                        r = add_values(w, x, rule);
                else if ((x || is_answer(w, rule)) && !strv_contains(names, name))
                        r = strv_append(&names, name);
        }
        return r < 0 ? r
                     : add_rule(w, rule->comment, names, rule->action, rule->conditions, rule->n_conditions);
}

static int add_base(Writer *w) {
        const SeccompProfile *base = w->learner->options->base;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < base->n_rules; i++)
                if (seccomp_rule_applies(&base->rules[i], w->learner->options->target))
                        r = add_base_rule(w, &base->rules[i]);
        return r;
}

/* ---- the rules beside it ---- */

/* Without a base, whatever was traced. */
static int add_traced(Writer *w) {
        static const SeccompRule any = { .action = SECCOMP_RET_ALLOW };
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < w->learner->n_wanted; i++) {
                Wanted *x = &w->learner->wanted[i];
                if (is_narrowed(w, x))
                        r = add_values(w, x, &any);
                else if (!x->allowed)
                        r = strv_append(&names, x->name);
        }
        return r < 0 ? r : add_rule(w, NULL, names, SECCOMP_RET_ALLOW, NULL, 0);
}

static int add_allowed(Writer *w) {
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < w->learner->n_wanted; i++)
                if (w->learner->wanted[i].allowed)
                        r = strv_append(&names, w->learner->wanted[i].name);
        return r < 0 ? r
                     : add_rule(w, "Asked for when this profile was made, whatever its base says.", names,
                               SECCOMP_RET_ALLOW, NULL, 0);
}

/* Does the base refuse it in so many words? */
static bool is_refused(const Writer *w, const char *name) {
        const SeccompProfile *base = w->learner->options->base;

        for (size_t i = 0; base && i < base->n_rules; i++)
                if (base->rules[i].n_conditions == 0 && !seccomp_action_permits(base->rules[i].action) &&
                        seccomp_rule_applies(&base->rules[i], w->learner->options->target) &&
                        strv_contains(base->rules[i].names, name))
                        return true;
        return false;
}

static int add_newcomers(Writer *w) {
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (const char *const *name = w->learner->newcomers; r >= 0 && *name; name++)
                if (!learner_find(w->learner, *name) && on_architecture(w, *name) && !is_refused(w, *name))
                        r = strv_append(&names, *name);
        return r < 0 ? r
                     : add_rule(w,
                               "Not traced. Programs have another way where a kernel lacks these, but often "
                               "not "
                               "where it refuses them: so that they work alike with other libraries and "
                               "kernels.",
                               names, SECCOMP_RET_ERRNO | ENOSYS, NULL, 0);
}

/* ---- all of it ---- */

static int add_head(Writer *w) {
        const Learner *l = w->learner;
        const SeccompTrace *t = l->trace;
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;
        uint64_t calls = 0;
        size_t kinds = 0;

        for (size_t i = 0; i < t->n_calls; i++)
                if (!t->calls[i].audit_arch) {
                        calls += t->calls[i].count;
                        kinds++;
                }
        strbuf_printf(&b, "Learned by nucleus-seccomp(1) from %" PRIu64 " calls of %zu kinds", calls, kinds);
        if (t->command && t->command[0])
                strbuf_printf(&b, " of %s", t->command[0]);
        if (t->kernel)
                strbuf_printf(&b, " on Linux %s", t->kernel);
        strbuf_printf(
                &b, l->options->base ? ", on the terms of %s." : ", without a base.", l->options->base_name);
        int r = strbuf_finish(&b, &text);
        if (r < 0)
                return r;
        strbuf_puts(&w->b, "{\n  \"comment\": ");
        seccomp_json_string(&w->b, text);
        return 0;
}

static void add_defaults(Writer *w) {
        const SeccompLearnOptions *o = w->learner->options;
        uint32_t action = SECCOMP_RET_ERRNO | EPERM;

        if (o->base && !seccomp_action_permits(o->base->default_action))
                action = o->base->default_action;
        strbuf_printf(&w->b, ",\n  \"defaultAction\": \"%s\"", action_word(action));
        if (action_has_errno(action))
                strbuf_printf(&w->b, ",\n  \"defaultErrnoRet\": %u", action & SECCOMP_RET_DATA);
        strbuf_printf(
                &w->b, ",\n  \"architectures\": [\"%s\"],\n  \"syscalls\": [", o->target->arch->oci_name);
}

int learner_write(Learner *l, char **ret_) {
        Writer w = { .learner = l };

        int r = add_head(&w);
        if (r >= 0) {
                add_defaults(&w);
                r = add_allowed(&w);
        }
        if (r >= 0)
                r = l->options->base ? add_base(&w) : add_traced(&w);
        if (r >= 0)
                r = add_newcomers(&w);
        strbuf_puts(&w.b, "\n  ]\n}\n");
        if (r >= 0)
                r = strbuf_finish(&w.b, ret_);
        strbuf_done(&w.b);
        return r;
}
