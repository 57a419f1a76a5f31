/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text that names the lines of a profile, made of what the compiler says it compiles
 * (seccomp_explain()), so that it cannot tell of another policy than the one that is loaded.
 */

#include "seccomp-lines.h"

#include <linux/seccomp.h>

#include "seccomp-profile.h"

static void add_entry(StrBuf *b, const char *subject, uint32_t action, unsigned line) {
        strbuf_printf(b, "%s%s:%08x@%u", b->len > 0 ? "," : "", subject, action, line);
}

/* A call that the profile says nothing about but in its default. */
static bool is_default(const SeccompVerdict *v, size_t n) {
        return n == 1 && !v[0].rule && !v[0].by_floor;
}

/* Another of our rules, with the same answer: without its line it says nothing new. */
static bool is_repeated(const SeccompVerdict *v, size_t i) {
        return i > 0 && v[i].first && v[i - 1].first && v[i].action == v[i - 1].action;
}

/* One system call. */
static int add_call(StrBuf *b, const SeccompExplainer *e, uint32_t nr) {
        _cleanup_free_ SeccompVerdict *v = NULL;
        char subject[16];
        size_t n = 0;

        int r = seccomp_explainer_ask(e, nr, &v, &n);
        if (r < 0 || is_default(v, n))
                return r;
        (void)snprintf(subject, sizeof(subject), "%u", nr);
        for (size_t i = 0; i < n; i++)
                if (v[i].action != SECCOMP_RET_ALLOW && !is_repeated(v, i))
                        add_entry(b, subject, v[i].action, v[i].first ? SECCOMP_LINE_FIRST : v[i].line);
        return 0;
}

int seccomp_lines_make(const SeccompProfile *p, const SeccompTarget *target, char **ret_) {
        _cleanup_seccomp_explainer_ SeccompExplainer *e = NULL;
        _cleanup_strbuf_ StrBuf b = {}, calls = {};
        char subject[16];

        int r = seccomp_explainer_new(p, target, &e);
        for (uint32_t nr = 0; r >= 0 && nr < SECCOMP_NUMBERS; nr++)
                r = add_call(&calls, e, nr);
        if (r < 0)
                return r;
        add_entry(&b, "default", p->default_action, p->default_line);
        if ((p->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
                (void)snprintf(subject, sizeof(subject), "%u+", seccomp_explainer_beyond(e));
                add_entry(&b, subject, SECCOMP_RET_ERRNO | ENOSYS, p->default_line);
        }
        if (calls.len > 0) {
                strbuf_putc(&b, ',');
                strbuf_add(&b, calls.data, calls.len);
        }
        if (calls.failed)
                return -ENOMEM;
        if (b.len > SECCOMP_LINES_TEXT_MAX)
                return -E2BIG;
        return strbuf_finish(&b, ret_);
}
