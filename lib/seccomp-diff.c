/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two profiles. Whether two chains of conditions let the same through is tried, not proven: on all
 * combinations of the values at which a condition of either changes its mind. So must never call two chains
 * the same that are not written the same; what was tried only says in which direction they differ.
 */

#include "seccomp-diff.h"

#include "seccomp-evaluate.h"

#define VALUES_MAX 32U          /* tried of an argument */
#define COMBINATIONS_MAX 50000U /* tried of a call */

const char *seccomp_change_name(SeccompChangeKind kind) {
        static const char *const names[_SECCOMP_CHANGE_MAX] = {
                [SECCOMP_CHANGE_NONE] = "none",
                [SECCOMP_CHANGE_GAINED] = "gained",
                [SECCOMP_CHANGE_LOST] = "lost",
                [SECCOMP_CHANGE_ARGUMENTS] = "arguments",
                [SECCOMP_CHANGE_ANSWER] = "answer",
        };
        return names[kind];
}

void seccomp_diff_done(SeccompDiff *d) {
        for (size_t i = 0; i < d->n; i++) {
                free(d->items[i].name);
                free(d->items[i].a);
                free(d->items[i].b);
        }
        free(d->items);
        free(d->default_a);
        free(d->default_b);
        *d = (SeccompDiff){};
}

/* What decides a call in one of the profiles. */
typedef struct Side {
        SeccompVerdict *verdicts;
        size_t n;
} Side;

static void side_done(Side *s) {
        free(s->verdicts);
}

/* ---- trying arguments ---- */

typedef struct Values {
        uint64_t values[VALUES_MAX];
        size_t n;
} Values;

static void add_value(Values *v, uint64_t value) {
        for (size_t i = 0; i < v->n; i++)
                if (v->values[i] == value)
                        return;
        if (v->n < VALUES_MAX)
                v->values[v->n++] = value;
}

/* Where the condition changes its mind. */
static void add_condition(Values *v, const SeccompCondition *c) {
        if (c->op != SECCOMP_OPERATOR_MASKED_EQ) {
                add_value(v, c->value - 1);
                add_value(v, c->value);
                add_value(v, c->value + 1);
                return;
        }
        add_value(v, c->value_two);
        add_value(v, c->value_two | ~c->value);
        for (uint64_t bits = c->value; bits; bits &= bits - 1)
                add_value(v, c->value_two ^ (bits & -bits));
}

static void collect_values(const Side *s, Values values[SECCOMP_ARGUMENTS]) {
        for (size_t i = 0; i < s->n; i++)
                for (size_t k = 0; s->verdicts[i].rule && k < s->verdicts[i].rule->n_conditions; k++)
                        add_condition(&values[s->verdicts[i].rule->conditions[k].index],
                                &s->verdicts[i].rule->conditions[k]);
}

/* The next combination, as a counter counts. False: there was none. */
static bool next_combination(const Values values[SECCOMP_ARGUMENTS], size_t at[SECCOMP_ARGUMENTS]) {
        for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++) {
                if (++at[i] < values[i].n)
                        return true;
                at[i] = 0;
        }
        return false;
}

static void try_arguments(const char *name, const Side *a, const Side *b, SeccompChange *c) {
        Values values[SECCOMP_ARGUMENTS] = {};
        size_t at[SECCOMP_ARGUMENTS] = {};
        unsigned n = 0;

        for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
                add_value(&values[i], 0);
        collect_values(a, values);
        collect_values(b, values);
        do {
                uint64_t arguments[SECCOMP_ARGUMENTS];

                for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
                        arguments[i] = values[i].values[at[i]];
                bool in_a =
                        seccomp_action_permits(seccomp_verdicts_action(a->verdicts, a->n, name, arguments));
                bool in_b =
                        seccomp_action_permits(seccomp_verdicts_action(b->verdicts, b->n, name, arguments));
                c->more |= in_b && !in_a;
                c->less |= in_a && !in_b;
        } while (!(c->more && c->less) && ++n < COMBINATIONS_MAX && next_combination(values, at));
}

/* ---- one call ---- */

static int verdicts_text(const Side *s, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        seccomp_verdicts_format(s->verdicts, s->n, &b);
        return strbuf_finish(&b, ret_);
}

static SeccompChangeKind kind_of(const SeccompChange *c, const Side *a, const Side *b) {
        bool in_a = seccomp_verdicts_permit(a->verdicts, a->n),
             in_b = seccomp_verdicts_permit(b->verdicts, b->n);

        if (streq(c->a, c->b))
                return SECCOMP_CHANGE_NONE;
        if (in_a != in_b)
                return in_b ? SECCOMP_CHANGE_GAINED : SECCOMP_CHANGE_LOST;
        return in_a ? SECCOMP_CHANGE_ARGUMENTS : SECCOMP_CHANGE_ANSWER;
}

static int compare_call(const SeccompProfile *a, const SeccompProfile *b, const SeccompTarget *target,
        const char *name, SeccompChange *c) {
        _cleanup_(side_done) Side in_a = {}, in_b = {};

        c->name = strdup(name);
        if (!c->name)
                return -ENOMEM;
        int r = seccomp_explain(a, target, name, &in_a.verdicts, &in_a.n);
        if (r >= 0)
                r = seccomp_explain(b, target, name, &in_b.verdicts, &in_b.n);
        if (r >= 0)
                r = verdicts_text(&in_a, &c->a);
        if (r >= 0)
                r = verdicts_text(&in_b, &c->b);
        if (r < 0)
                return r;
        c->kind = kind_of(c, &in_a, &in_b);
        if (c->kind == SECCOMP_CHANGE_ARGUMENTS)
                try_arguments(name, &in_a, &in_b, c);
        return 0;
}

/* ---- all of them ---- */

static int default_text(const SeccompProfile *p, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        seccomp_action_format(p->default_action, &b);
        if (p->log)
                strbuf_puts(&b, ", logged");
        return strbuf_finish(&b, ret_);
}

static int change_compare(const void *a, const void *b) {
        return strcmp(((const SeccompChange *)a)->name, ((const SeccompChange *)b)->name);
}

static int compare_all(
        const SeccompProfile *a, const SeccompProfile *b, const SeccompTarget *target, SeccompDiff *d) {
        char buffer[SECCOMP_NAME_SIZE];

        d->items = calloc(SECCOMP_NUMBERS, sizeof(*d->items));
        if (!d->items)
                return -ENOMEM;
        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                const char *name = seccomp_syscall_name(target->arch, nr, buffer);
                if (!name)
                        continue;
                SeccompChange *c = &d->items[d->n++];
                int r = compare_call(a, b, target, name, c);
                if (r < 0)
                        return r;
                d->counts[c->kind]++;
        }
        qsort(d->items, d->n, sizeof(*d->items), change_compare);
        return 0;
}

int seccomp_diff(
        const SeccompProfile *a, const SeccompProfile *b, const SeccompTarget *target, SeccompDiff *ret_) {
        _cleanup_seccomp_diff_ SeccompDiff d = {};

        int r = compare_all(a, b, target, &d);
        if (r >= 0)
                r = default_text(a, &d.default_a);
        if (r >= 0)
                r = default_text(b, &d.default_b);
        if (r < 0)
                return r;
        d.differs = d.counts[SECCOMP_CHANGE_NONE] < d.n || !streq(d.default_a, d.default_b);
        *ret_ = d;
        d = (SeccompDiff){};
        return 0;
}
