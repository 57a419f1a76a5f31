/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus policy explain` of capabilities and of paths. Reads policy files as the generator does; what a
 * service has is what the generator found. */

#include "nucleus-policy.h"
#include "nucleus-seccomp.h"

#include "floor.h"
#include "landlock-rights.h"
#include "path.h"
#include "policy.h"

#include <linux/landlock.h>
#include <strings.h>
#include <sys/syscall.h>

#define POLICY_SIZE_MAX (1U << 20)

/* The policy's file: the service's, or the one that was named. NULL: there is none. */
static int read_policy(const Question *q, const char *of_service, const char **ret_path, char **ret_text) {
        size_t n = 0;

        *ret_path = q->config ? of_service : q->profile;
        return *ret_path ? read_whole_file(*ret_path, POLICY_SIZE_MAX, ret_text, &n) : 0;
}

/* "FILE:LINE", or as much of it as there is. Borrowed by the printers, so static in size. */
typedef struct Place {
        const char *file; /* NULL: no file says so */
        unsigned line;
} Place;

static json_t *place_to_json(json_t *o, Place p) {
        if (o && (json_object_set_new(o, "file", json_text(p.file)) < 0 ||
                         json_object_set_new(o, "line", p.line ? json_integer(p.line) : json_null()) < 0)) {
                json_decref(o);
                return NULL;
        }
        return o;
}

static void print_place(Place p) {
        if (!p.file)
                return;
        printf("    ");
        print_text(p.file, strlen(p.file));
        if (p.line)
                printf(":%u", p.line);
        (void)putchar('\n');
}

/* ---- capabilities ---- */

typedef struct CapabilityAnswer {
        unsigned capability;
        const char *result; /* "held", "bounding" or "dropped" */
        const char *reason;
        Place place;
} CapabilityAnswer;

static int find_capability(const char *word, unsigned *ret_) {
        char name[64] = "CAP_";
        size_t n = strncasecmp(word, "cap_", 4) == 0 ? 0 : 4;

        for (; *word && n + 1 < sizeof(name); n++)
                name[n] = *word >= 'a' && *word <= 'z' ? (char)(*word++ - 'a' + 'A') : *word++;
        name[n] = '\0';
        if (capability_from_name(name, ret_) >= 0)
                return 0;
        const char *near = capability_nearest(name);
        if (near)
                print_error("there is no capability \"%s\"; did you mean \"%s\"?", name, near);
        else
                print_error("there is no capability \"%s\"", name);
        return STATUS_FAILED;
}

static int own_capabilities(const char *path, const char *text, CapabilityPolicy *ret_) {
        _cleanup_policy_error_ PolicyError error = {};

        int r = text ? capability_policy_parse(text, strlen(text), ret_, &error) : 0;
        return r < 0 ? report_policy_error(path, &error, r) : 0;
}

static void judge_capability(const Question *q, const CapabilityPolicy *p, const char *path,
        const char *text, CapabilityAnswer *a) {
        uint64_t bit = UINT64_C(1) << a->capability;
        const Floor *floor = q->services ? q->services->set->floor : NULL;

        a->place = (Place){ path, text ? line_of_word(text, capability_name(a->capability)) : 0 };
        if (floor && (floor->capabilities & bit)) {
                const Position *where = &floor->capability_where[a->capability];
                *a = (CapabilityAnswer){ a->capability, "dropped",
                        "The floor: no service and no drop-in may keep it.", { where->file, where->line } };
        } else if (p->ambient & bit) {
                a->result = "held";
                a->reason =
                        "In [ambient]: the workload holds it, within its user namespace where it has one.";
        } else if (p->bounding & bit) {
                a->result = "bounding";
                a->reason = "In [bounding] alone: the workload does not hold it, but is not kept from it "
                            "for good.";
        } else {
                a->result = "dropped";
                a->reason = path ? "The policy does not keep it."
                                 : "There is no capability policy: none is kept.";
        }
}

int explain_capability(const Question *q) {
        _cleanup_free_ char *text = NULL;
        CapabilityAnswer a = {};
        CapabilityPolicy p = {};
        const char *path;

        int r = find_capability(q->capability, &a.capability);
        if (r == 0)
                r = read_policy(q, q->config ? q->config->capabilities : NULL, &path, &text);
        if (r == 0)
                r = own_capabilities(path, text, &p);
        if (r != 0)
                return r;
        if (q->config)
                p = (CapabilityPolicy){ q->config->policy.capabilities_bounding,
                        q->config->policy.capabilities_ambient };
        judge_capability(q, &p, path, text, &a);
        if (q->json)
                return print_json(
                        place_to_json(
                                json_pack("{ss si ss ss}", "capability", capability_name(a.capability),
                                        "number", (int)a.capability, "result", a.result, "reason", a.reason),
                                a.place),
                        0);
        printf("%s%s%s (%u): %s\n", colour(stdout, COLOUR_BOLD), capability_name(a.capability),
                colour(stdout, COLOUR_RESET), a.capability,
                streq(a.result, "bounding") ? "kept, not held" : a.result);
        print_place(a.place);
        printf("      %s\n", a.reason);
        return finish_output(0);
}

/* ---- Landlock ---- */

typedef struct PathAnswer {
        const char *path; /* asked for */
        uint64_t wanted;  /* rights */
        uint64_t granted; /* by all rules above the path */
        unsigned abi;     /* of the running kernel */
        const LandlockPolicy *policy;
        const char *file, *text; /* the policy's */
} PathAnswer;

static unsigned running_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

        return abi > 0 ? (unsigned)abi : 0;
}

static int find_access(const Question *q, uint64_t *ret_) {
        if (!q->access) {
                *ret_ = landlock_access_of_word(LANDLOCK_KIND_FS, "read");
                return 0;
        }
        STRV_FOREACH(word, q->access) {
                uint64_t access = landlock_access_of_word(LANDLOCK_KIND_FS, word);
                const char *near = access ? NULL : landlock_word_nearest(LANDLOCK_KIND_FS, word);

                if (!access) {
                        if (near)
                                print_error("there is no right \"%s\"; did you mean \"%s\"?", word, near);
                        else
                                print_error("there is no right \"%s\"; nucleus-policy(5) lists them", word);
                        return STATUS_FAILED;
                }
                *ret_ |= access;
        }
        return 0;
}

static bool rule_covers(const LandlockPathRule *rule, const char *path) {
        return path_startswith(path, rule->path);
}

static int format_access(uint64_t access, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        landlock_access_format(LANDLOCK_KIND_FS, access, ", ", &b);
        return strbuf_finish(&b, ret_) < 0 ? out_of_memory() : 0;
}

static int print_rights(const char *title, uint64_t access) {
        _cleanup_free_ char *text = NULL;

        if (access == 0)
                return 0;
        int r = format_access(access, &text);
        if (r == 0)
                printf("  %s: %s\n", title, text);
        return r;
}

static int print_path_answer(const PathAnswer *a) {
        uint64_t missing = a->wanted & ~a->granted;
        uint64_t handled = landlock_handled(LANDLOCK_KIND_FS, a->abi);
        int r = 0;

        printf("%s%s%s: %s\n", colour(stdout, COLOUR_BOLD), a->path, colour(stdout, COLOUR_RESET),
                missing == 0 ? "allowed" : "denied");
        for (size_t i = 0; r == 0 && i < a->policy->n_rules; i++) {
                const LandlockPathRule *rule = &a->policy->rules[i];
                _cleanup_free_ char *text = NULL;

                if (!rule_covers(rule, a->path))
                        continue;
                r = format_access(rule->access, &text);
                if (r == 0) {
                        printf("  granted beneath ");
                        print_text(rule->path, strlen(rule->path));
                        printf(": %s\n", text);
                        print_place((Place){ a->file, line_of_word(a->text, rule->path) });
                }
        }
        if (r == 0)
                r = print_rights("granted by no rule", missing);
        if (r == 0)
                r = print_rights("not enforced by this kernel", missing & ~handled);
        if (a->policy->min_abi > a->abi)
                printf("  no service starts with it: it needs ABI %u of Landlock, and this kernel has %u\n",
                        a->policy->min_abi, a->abi);
        return r;
}

static json_t *path_answer_to_json(const PathAnswer *a) {
        uint64_t missing = a->wanted & ~a->granted;
        _cleanup_free_ char *missing_text = NULL;
        json_t *rules = json_array();

        for (size_t i = 0; rules && i < a->policy->n_rules; i++) {
                const LandlockPathRule *rule = &a->policy->rules[i];
                _cleanup_free_ char *text = NULL;

                if (!rule_covers(rule, a->path) || format_access(rule->access, &text) != 0)
                        continue;
                (void)json_array_append_new(rules,
                        place_to_json(json_pack("{so ss}", "path", json_text(rule->path), "access", text),
                                (Place){ a->file, line_of_word(a->text, rule->path) }));
        }
        if (format_access(missing, &missing_text) != 0)
                return NULL;
        return json_pack("{so ss so ss si}", "path", json_text(a->path), "result",
                missing == 0 ? "allowed" : "denied", "rules", rules, "missing", missing_text, "abi",
                (int)a->abi);
}

/* Without a policy the rules are those of the mounts, which only nucleus-exec lays out. */
static int explain_default(const Question *q) {
        static const char reason[] = "There is no Landlock policy. The built-in rules follow the mounts: "
                                     "all may be read and executed, "
                                     "and written where the mount is writable.";

        if (q->json)
                return print_json(json_pack("{so ss ss}", "path", json_text(q->path), "result", "by-mounts",
                                          "reason", reason),
                        0);
        printf("%s%s%s: by its mount\n      %s\n", colour(stdout, COLOUR_BOLD), q->path,
                colour(stdout, COLOUR_RESET), reason);
        return finish_output(0);
}

/* A service's is what the generator made of the file. Otherwise it is read into *ret_own. */
static int find_policy(const Question *q, PathAnswer *a, LandlockPolicy **ret_own) {
        _cleanup_policy_error_ PolicyError error = {};

        if (q->config) {
                a->policy = q->config->policy.landlock;
                return 0;
        }
        int r = landlock_policy_parse(a->text, strlen(a->text), ret_own, &error);
        a->policy = *ret_own;
        return r < 0 ? report_policy_error(a->file, &error, r) : 0;
}

int explain_path(const Question *q) {
        _cleanup_landlock_policy_ LandlockPolicy *own = NULL;
        _cleanup_free_ char *text = NULL;
        PathAnswer a = { .path = q->path, .abi = running_abi() };

        if (path_problem(q->path)) {
                print_error("%s: %s", q->path, path_problem(q->path));
                return STATUS_FAILED;
        }
        int r = find_access(q, &a.wanted);
        if (r == 0)
                r = read_policy(q, q->config ? q->config->landlock : NULL, &a.file, &text);
        if (r != 0)
                return r;
        if (!a.file)
                return explain_default(q);
        a.text = text;
        r = find_policy(q, &a, &own);
        if (r != 0)
                return r;
        for (size_t i = 0; i < a.policy->n_rules; i++)
                if (rule_covers(&a.policy->rules[i], a.path))
                        a.granted |= a.policy->rules[i].access;
        if (q->json)
                return print_json(path_answer_to_json(&a), 0);
        return finish_output(print_path_answer(&a));
}
