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

/* One system call. *highest grows to the highest number that the profile names. */
static int add_call(
        StrBuf *b, const SeccompProfile *p, const SeccompTarget *target, uint32_t nr, uint32_t *highest) {
        char name[SECCOMP_NAME_SIZE], subject[16];
        _cleanup_free_ SeccompVerdict *v = NULL;
        size_t n = 0;

        if (!seccomp_syscall_name(target->arch, nr, name))
                return 0;
        int r = seccomp_explain(p, target, name, &v, &n);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || is_default(v, n))
                return 0;
        *highest = nr + 1;
        (void)snprintf(subject, sizeof(subject), "%u", nr);
        for (size_t i = 0; i < n; i++)
                if (v[i].action != SECCOMP_RET_ALLOW)
                        add_entry(b, subject, v[i].action, v[i].line);
        return 0;
}

int seccomp_lines_make(const SeccompProfile *p, const SeccompTarget *target, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {}, calls = {};
        uint32_t beyond = 0;
        char subject[16];

        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                int r = add_call(&calls, p, target, nr, &beyond);
                if (r < 0)
                        return r;
        }
        add_entry(&b, "default", p->default_action, p->default_line);
        if ((p->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
                (void)snprintf(subject, sizeof(subject), "%u+", beyond);
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
