/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning a profile. Which calls are wanted comes first, then their rules are taken over from the base, in
 * its order and with its reasons. Must never write a rule that lets through what the base does not: a
 * program under attack may have been watched.
 */

#include "seccomp-learn.h"

#include "seccomp-evaluate.h"
#include "seccomp-learn-write.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdarg.h>

/*
 * What a trace may lack though the program needs it. All of it is harmless, and the base has the last word.
 */
static const struct {
        bool runc; /* with that option only */
        const char *why;
        const char *names[12];
} always[] = {
        { false, "to be started", { "execve" } },
        { false, "to end, and to come back from a signal",
                { "exit", "exit_group", "restart_syscall", "rt_sigreturn" } },
        { false, "for abort(3), so that a crash is seen as one",
                { "getpid", "gettid", "rt_sigaction", "rt_sigprocmask", "tgkill" } },
        { false, "a call only where the machine's clock needs one",
                { "clock_getres", "clock_gettime", "getcpu", "gettimeofday", "time" } },
        { false, "it depends on chance or on the amount of data",
                { "brk", "futex", "madvise", "mmap", "mprotect", "mremap", "munmap", "sched_yield" } },
        { true, "runc makes it behind its filter, before the program",
                { "close", "fstatfs", "getdents64", "openat", "write" } },
};

/* The base answers the first with ENOSYS, and programs then make the second. */
static const struct {
        const char *name, *other;
} fallbacks[] = {
        { "clone3", "clone" },
        { "fchmodat2", "fchmodat" },
        { "faccessat2", "faccessat" },
        { "epoll_pwait2", "epoll_pwait" },
        { "memfd_create", "openat" },
        { "openat2", "openat" },
};

/* Newer than the oldest systems that are still used: programs and libraries have another way where the
 * kernel lacks them, but often not where it refuses them. */
static const char *const newcomers[] = {
        "cachestat",
        "clone3",
        "close_range",
        "copy_file_range",
        "epoll_pwait2",
        "faccessat2",
        "fchmodat2",
        "futex_waitv",
        "io_uring_setup",
        "listmount",
        "map_shadow_stack",
        "memfd_create",
        "mseal",
        "openat2",
        "pidfd_open",
        "preadv2",
        "pwritev2",
        "renameat2",
        "statmount",
        "statx",
        NULL,
};

static const char *fallback_of(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(fallbacks); i++)
                if (streq(fallbacks[i].name, name))
                        return fallbacks[i].other;
        return NULL;
}

static void learner_done(Learner *l) {
        free(l->wanted);
        strv_free(l->notes);
}

_printf_(2, 3) static int note(Learner *l, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return strv_append(&l->notes, text);
}

/* ---- what is wanted ---- */

Wanted *learner_find(const Learner *l, const char *name) {
        for (size_t i = 0; i < l->n_wanted; i++)
                if (streq(l->wanted[i].name, name))
                        return &l->wanted[i];
        return NULL;
}

static int want(Learner *l, Wanted w) {
        Wanted *known = learner_find(l, w.name);
        uint32_t nr;

        if (known || seccomp_syscall_number(l->options->target->arch, w.name, &nr) < 0)
                return 0;
        Wanted *wanted = reallocarray(l->wanted, l->n_wanted + 1, sizeof(*wanted));
        if (!wanted)
                return -ENOMEM;
        l->wanted = wanted;
        wanted[l->n_wanted++] = w;
        return 0;
}

static int want_traced(Learner *l, const SeccompTrace *t) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < t->n_calls; i++) {
                const SeccompTraceCall *c = &t->calls[i];

                if (c->audit_arch)
                        continue; /* said when it was traced: no profile can allow it */
                if (c->name)
                        r = want(l, (Wanted){ .name = c->name, .call = c });
                else
                        r = note(l,
                                "number %" PRIu32 " was traced %" PRIu64
                                " times, but has no name here: it is "
                                "left out",
                                c->nr, c->count);
        }
        return r;
}

static int want_more(Learner *l) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fallbacks); i++) {
                const Wanted *w = learner_find(l, fallbacks[i].name);
                Wanted *other = learner_find(l, fallbacks[i].other);

                if (!w || !w->call || !l->options->base)
                        continue;
                if (other)
                        other->any_value = true;
                else
                        r = want(l,
                                (Wanted){ .name = fallbacks[i].other, .why = "in place of", .of = w->name });
        }
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(always); i++)
                for (size_t k = 0; r >= 0 && always[i].names[k] && (l->options->runc || !always[i].runc);
                        k++)
                        r = want(l, (Wanted){ .name = always[i].names[k], .why = always[i].why });
        STRV_FOREACH(name, l->options->allowed)
        if (r >= 0)
                r = want(l, (Wanted){ .name = name, .why = "asked for" });
        return r;
}

static int wanted_compare(const void *a, const void *b) {
        return strcmp(((const Wanted *)a)->name, ((const Wanted *)b)->name);
}

/* ---- what the base says of it ---- */

/* Values that were traced, and that no rule of the base lets through. */
static int note_values(Learner *l, const Wanted *w, const SeccompVerdict *verdicts, size_t n) {
        const SeccompTraceCall *c = w->call;
        uint64_t arguments[SECCOMP_ARGUMENTS] = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->n_values; i++) {
                bool permitted = false;

                arguments[c->argument] = c->values[i].value;
                for (size_t k = 0; k < n && !permitted; k++) {
                        SeccompMatch m = verdicts[k].rule ? seccomp_rule_matches(verdicts[k].rule, w->name,
                                                                    arguments, 1U << c->argument)
                                                          : SECCOMP_MATCH_YES;
                        permitted = m != SECCOMP_MATCH_NO && seccomp_action_permits(verdicts[k].action);
                        if (m == SECCOMP_MATCH_YES)
                                break;
                }
                if (!permitted)
                        r = note(l,
                                "%s with argument %u of 0x%" PRIx64 " was traced %" PRIu64
                                " times, but %s refuses it",
                                w->name, c->argument, c->values[i].value, c->values[i].count,
                                l->options->base_name);
        }
        return r;
}

static int note_refused(Learner *l, const Wanted *w, const SeccompVerdict *verdicts, size_t n) {
        const SeccompVerdict *last = &verdicts[n - 1];
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *action = NULL;

        seccomp_action_format(last->action, &b);
        if (strbuf_finish(&b, &action) < 0)
                return -ENOMEM;
        if (last->action == (SECCOMP_RET_ERRNO | ENOSYS) && fallback_of(w->name))
                return 0; /* the rule that has the other call says so */
        return note(l, "%s was traced %" PRIu64 " times, but %s refuses it: %s%s%s", w->name, w->call->count,
                l->options->base_name, action, last->rule && last->rule->comment ? ": " : "",
                last->rule && last->rule->comment ? last->rule->comment : "");
}

static int look_up(Learner *l, Wanted *w) {
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        size_t n = 0;

        w->allowed = strv_contains(l->options->allowed, w->name);
        if (!l->options->base || w->allowed)
                return 0;
        int r = seccomp_explain(l->options->base, l->options->target, w->name, &verdicts, &n);
        if (r < 0 || !w->call)
                return r == -ENOMEM ? r : 0;
        return seccomp_verdicts_permit(verdicts, n) ? note_values(l, w, verdicts, n)
                                                    : note_refused(l, w, verdicts, n);
}

int seccomp_learn(const SeccompTrace *t, const SeccompLearnOptions *o, char **ret_, char ***ret_notes) {
        _cleanup_(learner_done) Learner l = { .trace = t, .options = o, .newcomers = newcomers };

        int r = want_traced(&l, t);
        if (r >= 0)
                r = want_more(&l);
        if (l.n_wanted > 1)
                qsort(l.wanted, l.n_wanted, sizeof(*l.wanted), wanted_compare);
        for (size_t i = 0; r >= 0 && i < l.n_wanted; i++)
                r = look_up(&l, &l.wanted[i]);
        if (r >= 0)
                r = learner_write(&l, ret_);
        if (r >= 0)
                *ret_notes = TAKE_PTR(l.notes);
        return r;
}
