/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus policy explain` of system calls: what decides, in order, with the place and the reason of each.
 */

#include "nucleus-policy.h"
#include "nucleus-seccomp.h"

#include "build-config.h"
#include "floor.h"
#include "seccomp-evaluate.h"
#include "service-policy.h"

#include <inttypes.h>

#define COLUMNS 100U

/* The profile that is asked, and what it is compiled for. */
typedef struct Source {
        const SeccompProfile *profile;
        SeccompTarget target;
        char *path;         /* of the file that lines are of */
        NamedProfile own;   /* where the profile is no service's */
        const Floor *floor; /* of a service; NULL: none */
} Source;

static void source_done(Source *s) {
        named_profile_done(&s->own);
        free(s->path);
}

static int own_source(const Question *q, Source *s) {
        int r = target_of_this_machine(&s->target);

        if (r == 0)
                r = load_profile(q->profile ?: mode_rules(q->mode)->name, &s->own);
        s->profile = s->own.profile;
        return r;
}

static int service_source(const Question *q, Source *s, const char **ret_path) {
        int r = policy_store_seccomp(
                q->services->set->policies, q->config, &s->profile, &s->target, ret_path);

        if (r < 0) {
                print_error("the policy of %s cannot be had: %s", q->service, strerror(-r));
                return STATUS_FAILED;
        }
        s->floor = q->services->set->floor;
        return 0;
}

/* Lines of a built-in profile are those of the file that is installed. */
static int find_source(const Question *q, Source *s) {
        const char *path = q->profile;

        int r = q->config ? service_source(q, s, &path) : own_source(q, s);
        if (r != 0)
                return r;
        if (path)
                s->path = strdup(path);
        else if (asprintf(&s->path, "%s/%s.seccomp.json", NUCLEUS_POLICY_DIR, mode_rules(q->mode)->name) < 0)
                s->path = NULL;
        return s->path ? 0 : out_of_memory();
}

/* ---- one call ---- */

typedef struct Answer {
        const char *name;
        uint32_t nr;
        SeccompVerdict *verdicts;
        size_t n;
} Answer;

static void answer_done(Answer *a) {
        free(a->verdicts);
}

static int find_answer(const Source *s, const char *name, Answer *ret_) {
        int r = seccomp_syscall_number(s->target.arch, name, &ret_->nr);

        ret_->name = name;
        if (r >= 0)
                r = seccomp_explain(s->profile, &s->target, name, &ret_->verdicts, &ret_->n);
        return r < 0 ? out_of_memory() : 0;
}

static const char *result_of(const Answer *a) {
        size_t n_permits = 0;

        for (size_t i = 0; i < a->n; i++)
                n_permits += seccomp_action_permits(a->verdicts[i].action);
        return n_permits == 0 ? "denied" : n_permits == a->n ? "allowed" : "depends";
}

/* Where the floor says so, or where the rule stands. */
static Position place_of(const Source *s, const Answer *a, const SeccompVerdict *v) {
        for (size_t i = 0; v->by_floor && s->floor && i < s->floor->n_syscalls; i++)
                if (streq(s->floor->syscalls[i].word, a->name))
                        return s->floor->syscalls[i].where;
        return (Position){ .file = v->by_floor ? NULL : v->first ?: s->path, .line = v->line };
}

static const char *reason_of(const Source *s, const SeccompVerdict *v) {
        if (v->by_floor)
                return "The floor: no service and no drop-in may allow it.";
        if (v->rule)
                return v->rule->comment;
        return v->action == s->profile->default_action
                       ? "No rule of the profile decides: its default action."
                       : "Newer than all calls that the profile names: as if the kernel lacked it, so that "
                         "programs take "
                         "another way.";
}

/* ---- text ---- */

static void print_wrapped(const char *text) {
        size_t column = 0;

        while (*text) {
                size_t n = strcspn(text, " ");

                if (column > 0 && column + 1 + n > COLUMNS) {
                        (void)putchar('\n');
                        column = 0;
                }
                printf(column == 0 ? "      " : " ");
                print_text(text, n);
                column += (column == 0 ? 6 : 1) + n;
                text += n;
                text += strspn(text, " ");
        }
        (void)putchar('\n');
}

static void print_place(Position p, const SeccompVerdict *v) {
        printf("    ");
        if (p.file) {
                print_text(p.file, strlen(p.file));
                printf(":%u", p.line);
        }
        if (v->rule)
                printf(", rule %u", v->rule->number);
        printf("%s\n", v->by_floor ? ", SystemCallDenied=" : v->rule ? "" : ", defaultAction");
}

static int print_verdict(const Source *s, const Answer *a, size_t i) {
        const SeccompVerdict *v = &a->verdicts[i];
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        seccomp_verdicts_format(v, 1, &b);
        if (strbuf_finish(&b, &text) < 0)
                return out_of_memory();
        printf("  %s%s\n", i > 0 ? "else " : "", text);
        print_place(place_of(s, a, v), v);
        if (reason_of(s, v))
                print_wrapped(reason_of(s, v));
        return 0;
}

static int print_answer(const Source *s, const Answer *a) {
        const char *result = result_of(a);
        Colour c = streq(result, "allowed")  ? COLOUR_GREEN
                   : streq(result, "denied") ? COLOUR_RED
                                             : COLOUR_YELLOW;
        int r = 0;

        printf("%s%s%s (%" PRIu32 " on %s): %s%s%s\n", colour(stdout, COLOUR_BOLD), a->name,
                colour(stdout, COLOUR_RESET), a->nr, s->target.arch->name, colour(stdout, c),
                streq(result, "depends") ? "depends on its arguments" : result,
                colour(stdout, COLOUR_RESET));
        for (size_t i = 0; r == 0 && i < a->n; i++)
                r = print_verdict(s, a, i);
        return r;
}

/* One line: the verdict that always decides, and where it stands. */
static int print_row(const Source *s, const Answer *a) {
        const SeccompVerdict *last = &a->verdicts[a->n - 1];
        Position p = place_of(s, a, last);
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *action = NULL;

        seccomp_action_format(last->action, &b);
        if (strbuf_finish(&b, &action) < 0)
                return out_of_memory();
        printf("%-24s %-8s %-28s %s:%u\n", a->name, result_of(a), a->n == 1 ? action : "by its arguments",
                p.file ?: "", p.line);
        return 0;
}

/* ---- JSON ---- */

static json_t *verdict_to_json(const Source *s, const Answer *a, const SeccompVerdict *v) {
        _cleanup_strbuf_ StrBuf action = {}, conditions = {};
        _cleanup_free_ char *action_text = NULL, *conditions_text = NULL;
        Position p = place_of(s, a, v);

        seccomp_action_format(v->action, &action);
        if (v->rule)
                seccomp_conditions_format(v->rule, &conditions);
        if (strbuf_finish(&action, &action_text) < 0 || strbuf_finish(&conditions, &conditions_text) < 0)
                return NULL;
        return json_pack("{ss sb so so so so so sb}", "action", action_text, "permits",
                seccomp_action_permits(v->action), "conditions",
                *conditions_text ? json_text(conditions_text) : json_null(), "file", json_text(p.file),
                "line", p.line ? json_integer(p.line) : json_null(), "rule",
                v->rule ? json_integer(v->rule->number) : json_null(), "reason", json_text(reason_of(s, v)),
                "floor", v->by_floor);
}

static json_t *answer_to_json(const Source *s, const Answer *a) {
        json_t *verdicts = json_array();

        for (size_t i = 0; verdicts && i < a->n; i++)
                if (json_array_append_new(verdicts, verdict_to_json(s, a, &a->verdicts[i])) < 0) {
                        json_decref(verdicts);
                        return NULL;
                }
        return json_pack("{ss sI ss ss so}", "syscall", a->name, "number", (json_int_t)a->nr, "architecture",
                s->target.arch->name, "result", result_of(a), "verdicts", verdicts);
}

/* ---- the questions ---- */

/* Logs name calls by number. */
static int name_of(
        const Source *s, const char *word, char buffer[static SECCOMP_NAME_SIZE], const char **ret_) {
        char *end;
        unsigned long nr = strtoul(word, &end, 10);

        *ret_ = word;
        if (*word < '0' || *word > '9' || *end)
                return check_syscall(s->target.arch, word);
        *ret_ = nr < SECCOMP_NUMBERS ? seccomp_syscall_name(s->target.arch, (uint32_t)nr, buffer) : NULL;
        if (*ret_)
                return 0;
        print_error("%s has no system call of the number %s", s->target.arch->name, word);
        return STATUS_FAILED;
}

int explain_syscall(const Question *q) {
        _cleanup_(source_done) Source s = {};
        _cleanup_(answer_done) Answer a = {};
        char buffer[SECCOMP_NAME_SIZE];
        const char *name;

        int r = find_source(q, &s);
        if (r == 0)
                r = name_of(&s, q->syscall, buffer, &name);
        if (r == 0)
                r = find_answer(&s, name, &a);
        if (r != 0)
                return r;
        if (q->json)
                return print_json(answer_to_json(&s, &a), 0);
        return finish_output(print_answer(&s, &a));
}

static int name_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every call of the architecture, by name. */
static int all_names(const SeccompArch *arch, char ***ret_) {
        char buffer[SECCOMP_NAME_SIZE];

        for (uint32_t nr = 0; nr < SECCOMP_NUMBERS; nr++) {
                const char *name = seccomp_syscall_name(arch, nr, buffer);
                if (name && strv_append(ret_, name) < 0)
                        return out_of_memory();
        }
        qsort(*ret_, strv_length(*ret_), sizeof(**ret_), name_compare);
        return 0;
}

int explain_all(const Question *q) {
        _cleanup_(source_done) Source s = {};
        _cleanup_strv_ char **names = NULL;

        int r = find_source(q, &s);
        if (r == 0)
                r = all_names(s.target.arch, &names);
        json_t *list = r == 0 && q->json ? json_array() : NULL;
        STRV_FOREACH(name, names) {
                _cleanup_(answer_done) Answer a = {};

                if (r == 0)
                        r = find_answer(&s, name, &a);
                if (r == 0 && q->json)
                        r = json_array_append_new(list, answer_to_json(&s, &a)) < 0 ? out_of_memory() : 0;
                else if (r == 0)
                        r = print_row(&s, &a);
        }
        return list ? print_json(list, r) : r == 0 ? finish_output(0) : r;
}
