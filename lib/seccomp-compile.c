/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of the program. All jumps of classic BPF go forward, and the conditional ones reach 255
 * instructions: a node of the search is a comparison, with a far jump beside it where the lower half is
 * longer than that, and each leaf holds its outcome itself.
 */

#include "seccomp-select.h"

#include <linux/seccomp.h>
#include <stddef.h>

typedef struct Code {
        struct sock_filter *filter;
        size_t n, size;
        bool failed;   /* what is there must not be used */
        bool too_long; /* …because of its length, which is not even finished */
} Code;

/* Numbers from `first` up to the next range have one outcome: a plain action, or that of a call with rules
 * that look at arguments. */
typedef struct Range {
        uint32_t first;
        uint32_t action;
        const SeccompCall *call;
} Range;

static void emit(Code *c, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf) {
        if (c->n > BPF_MAXINSNS) {
                c->failed = c->too_long = true;
                return;
        }
        if (c->n == c->size) {
                size_t size = c->size ? 2 * c->size : 256;
                struct sock_filter *p = reallocarray(c->filter, size, sizeof(*p));
                if (!p) {
                        c->failed = true;
                        return;
                }
                c->filter = p;
                c->size = size;
        }
        c->filter[c->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void ret(Code *c, uint32_t action) {
        /* What the kernel says where nobody traces, and nobody does: but a listener that the workload makes
         * for itself would be asked before a tracer. */
        if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
                action = SECCOMP_RET_ERRNO | ENOSYS;
        emit(c, BPF_RET | BPF_K, action, 0, 0);
}

/* ---- arguments ---- */

/* Placeholders of jumps, patched when the targets are known. No condition is near that long. */
#define TO_MATCH 254U
#define TO_FAIL 255U

static void load_argument(Code *c, unsigned index, bool high) {
        size_t offset = offsetof(struct seccomp_data, args) + 8 * index + (high ? 4 : 0); /* little-endian */

        emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void jump(Code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf) {
        emit(c, (uint16_t)(BPF_JMP | op | BPF_K), k, jt, jf);
}

/* The comparison of one half (or the only one): GT, GE, EQ, or their negations. */
static void compare_low(Code *c, SeccompOperator op, uint32_t value) {
        switch (op) {
        case SECCOMP_OPERATOR_NE:
                jump(c, BPF_JEQ, value, TO_FAIL, TO_MATCH);
                return;
        case SECCOMP_OPERATOR_LT:
                jump(c, BPF_JGE, value, TO_FAIL, TO_MATCH);
                return;
        case SECCOMP_OPERATOR_LE:
                jump(c, BPF_JGT, value, TO_FAIL, TO_MATCH);
                return;
        case SECCOMP_OPERATOR_GE:
                jump(c, BPF_JGE, value, TO_MATCH, TO_FAIL);
                return;
        case SECCOMP_OPERATOR_GT:
                jump(c, BPF_JGT, value, TO_MATCH, TO_FAIL);
                return;
        case SECCOMP_OPERATOR_EQ:
        case SECCOMP_OPERATOR_MASKED_EQ:
                jump(c, BPF_JEQ, value, TO_MATCH, TO_FAIL);
                return;
        }
}

/* Decides by the upper half where that is enough; else falls through to the lower one. */
static void compare_high(Code *c, SeccompOperator op, uint32_t value) {
        switch (op) {
        case SECCOMP_OPERATOR_NE:
                jump(c, BPF_JEQ, value, 0, TO_MATCH);
                return;
        case SECCOMP_OPERATOR_LT:
        case SECCOMP_OPERATOR_LE:
                jump(c, BPF_JGT, value, TO_FAIL, 0);
                jump(c, BPF_JEQ, value, 0, TO_MATCH);
                return;
        case SECCOMP_OPERATOR_GE:
        case SECCOMP_OPERATOR_GT:
                jump(c, BPF_JGT, value, TO_MATCH, 0);
                jump(c, BPF_JEQ, value, 0, TO_FAIL);
                return;
        case SECCOMP_OPERATOR_EQ:
        case SECCOMP_OPERATOR_MASKED_EQ:
                jump(c, BPF_JEQ, value, 0, TO_FAIL);
                return;
        }
}

static void mask(Code *c, const SeccompCondition *q, bool high, unsigned bits) {
        uint32_t value = bits == 16 ? UINT16_MAX : UINT32_MAX;

        if (q->op == SECCOMP_OPERATOR_MASKED_EQ)
                value &= (uint32_t)(high ? q->value >> 32 : q->value);
        if (value != UINT32_MAX)
                emit(c, BPF_ALU | BPF_AND | BPF_K, value, 0, 0);
}

/* One condition. Where it holds, execution goes on behind it; else to the end of the rule. */
static void condition(Code *c, const char *name, const SeccompCondition *q) {
        uint64_t value = q->op == SECCOMP_OPERATOR_MASKED_EQ ? q->value_two : q->value;
        size_t start = c->n;

        /* The registers have 64 bits, and of an int the kernel reads 32: compare what it reads. */
        unsigned bits = seccomp_argument_bits(name, q->index);
        bool low_only = q->op == SECCOMP_OPERATOR_MASKED_EQ && q->value <= UINT32_MAX;
        if (bits == 64 && !low_only) {
                load_argument(c, q->index, true);
                mask(c, q, true, bits);
                compare_high(c, q->op, (uint32_t)(value >> 32));
        }
        load_argument(c, q->index, false);
        mask(c, q, false, bits);
        compare_low(c, q->op, (uint32_t)value);

        for (size_t i = start; i < c->n && !c->failed; i++) {
                struct sock_filter *f = &c->filter[i];
                if (BPF_CLASS(f->code) != BPF_JMP)
                        continue;
                f->jt = f->jt == TO_MATCH ? (uint8_t)(c->n - i - 1) : f->jt;
                f->jf = f->jf == TO_MATCH ? (uint8_t)(c->n - i - 1) : f->jf;
        }
}

/* Jumps since `start` that wait for the end of a rule go here. */
static void resolve_fail(Code *c, size_t start) {
        if (c->n - start >= TO_MATCH)
                c->failed = true; /* nothing of six arguments gets there */
        for (size_t i = start; i < c->n && !c->failed; i++) {
                struct sock_filter *f = &c->filter[i];
                if (BPF_CLASS(f->code) != BPF_JMP)
                        continue;
                f->jt = f->jt == TO_FAIL ? (uint8_t)(c->n - i - 1) : f->jt;
                f->jf = f->jf == TO_FAIL ? (uint8_t)(c->n - i - 1) : f->jf;
        }
}

static void rule(Code *c, const char *name, const SeccompRule *r) {
        size_t start = c->n;

        for (size_t i = 0; i < r->n_conditions; i++) {
                condition(c, name, &r->conditions[i]);
                if (r->any_condition && i + 1 < r->n_conditions) {
                        ret(c, r->action);
                        resolve_fail(c, start);
                        start = c->n;
                }
        }
        ret(c, r->action);
        resolve_fail(c, start);
}

/* ---- the search ---- */

static void outcome(Code *c, const Range *r) {
        const SeccompCall *call = r->call;

        if (!call) {
                ret(c, r->action);
                return;
        }
        for (size_t i = 0; i < call->n_rules; i++) {
                rule(c, call->name, call->rules[i]);
                if (call->rules[i]->n_conditions == 0)
                        return;
        }
        ret(c, call->fallback);
}

/* Lets the comparison at `at` jump over everything behind it where it holds: by itself where it reaches that
 * far, else with the help of a far jump. Jumps are relative, so what is moved stays right. */
static void skip(Code *c, size_t at) {
        size_t length = c->n - at - 1;

        if (c->failed)
                return;
        if (length <= UINT8_MAX) {
                c->filter[at].jt = (uint8_t)length;
                return;
        }
        emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
        if (c->failed)
                return;
        memmove(&c->filter[at + 2], &c->filter[at + 1], length * sizeof(*c->filter));
        c->filter[at + 1] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)length };
        c->filter[at].jf = 1;
}

/* The accumulator holds the number. Leaves overwrite it. */
static void search(Code *c, const Range *ranges, size_t n) {
        if (n == 1) {
                outcome(c, ranges);
                return;
        }

        size_t half = n / 2, at = c->n;
        jump(c, BPF_JGE, ranges[half].first, 0, 0);
        search(c, ranges, half);
        skip(c, at);
        search(c, ranges + half, n - half);
}

/* ---- calls to ranges ---- */

static bool same_outcome(const Range *a, const Range *b) {
        return !a->call && !b->call && a->action == b->action;
}

static size_t add_range(Range *ranges, size_t n, Range r) {
        if (n > 0 && same_outcome(&ranges[n - 1], &r))
                return n;
        ranges[n] = r;
        return n + 1;
}

/* The numbers from `next` to before `end`, which nobody names. */
static size_t add_gap(
        const SeccompProfile *p, uint32_t beyond, Range *ranges, size_t n, uint32_t next, uint32_t end) {
        if (next < beyond && next < end)
                n = add_range(ranges, n, (Range){ next, p->default_action, NULL });
        if (end > beyond && next < end)
                n = add_range(
                        ranges, n, (Range){ next > beyond ? next : beyond, seccomp_beyond_action(p), NULL });
        return n;
}

static Range range_of(const SeccompCall *call) {
        if (call->denied)
                return (Range){ call->nr, SECCOMP_FLOOR_ACTION, NULL };
        if (call->n_rules == 0)
                return (Range){ call->nr, call->fallback, NULL };
        if (call->rules[0]->n_conditions == 0)
                return (Range){ call->nr, call->rules[0]->action, NULL };
        return (Range){ call->nr, 0, call };
}

/* At most two ranges a call, and two more where the list ends. */
static size_t make_ranges(const SeccompProfile *p, const SeccompCalls *c, Range *ranges) {
        uint32_t next = 0;
        size_t n = 0;

        for (size_t i = 0; i < c->n; i++) {
                n = add_gap(p, c->beyond, ranges, n, next, c->calls[i].nr);
                n = add_range(ranges, n, range_of(&c->calls[i]));
                next = c->calls[i].nr + 1;
        }
        return add_gap(p, c->beyond, ranges, n, next, UINT32_MAX);
}

static void prologue(Code *c, const SeccompArch *arch) {
        emit(c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
        jump(c, BPF_JEQ, arch->audit_arch, 1, 0);
        ret(c, SECCOMP_RET_KILL_PROCESS);
        emit(c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
        if (arch->foreign_bit) {
                jump(c, BPF_JGE, arch->foreign_bit, 0, 1);
                ret(c, SECCOMP_RET_ERRNO | ENOSYS);
        }
}

int seccomp_compile(const SeccompProfile *p, const SeccompTarget *target, SeccompProgram *ret_) {
        _cleanup_seccomp_calls_ SeccompCalls calls = {};
        Code c = {};

        int r = seccomp_calls_collect(p, target, &calls);
        if (r < 0)
                return r;
        _cleanup_free_ Range *ranges = calloc(2 * calls.n + 3, sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;
        size_t n = make_ranges(p, &calls, ranges);

        prologue(&c, target->arch);
        search(&c, ranges, n);

        if (c.failed || c.n > BPF_MAXINSNS) {
                free(c.filter);
                return c.failed && !c.too_long ? -ENOMEM : -E2BIG;
        }
        *ret_ = (SeccompProgram){ c.filter, c.n };
        return 0;
}
