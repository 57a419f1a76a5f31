/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System call policy: an OCI seccomp profile as data, and its compilation to a classic BPF program. Pure.
 *
 * The program checks the architecture, then the bit that marks another ABI's numbers, and then finds the
 * number by binary search over ranges of numbers with the same outcome: the kernel runs a filter once for
 * every system call number when it is loaded, so a long line of comparisons is paid for hundreds of times.
 *
 * Where several rules name a call, they are tried in the order of the profile and the first whose arguments
 * match decides. All conditions of one rule must hold; where a rule looks at one argument more than once,
 * any of its conditions is enough, as container engines read it. Numbers above all that the profile names
 * (calls newer than the profile) give ENOSYS where the default action is an errno, so that programs use
 * their fallback.
 */

#include <linux/filter.h>

#include "policy-error.h"
#include "seccomp-arch.h"
#include "strbuf.h"
#include "strv.h"

typedef enum SeccompOperator {
        SECCOMP_OPERATOR_NE,
        SECCOMP_OPERATOR_LT,
        SECCOMP_OPERATOR_LE,
        SECCOMP_OPERATOR_EQ,
        SECCOMP_OPERATOR_GE,
        SECCOMP_OPERATOR_GT,
        SECCOMP_OPERATOR_MASKED_EQ, /* (argument & value) == value_two */
} SeccompOperator;

typedef struct SeccompCondition {
        unsigned index; /* of the argument, 0-5 */
        SeccompOperator op;
        uint64_t value, value_two;
} SeccompCondition;

/* What a rule asks of the machine and the service. An empty one is all zero. */
typedef struct SeccompSelector {
        uint64_t capabilities; /* bit N: capability N */
        bool by_arch;
        uint32_t archs; /* bit N: row N of seccomp_archs; others never match */
        bool by_kernel;
        unsigned kernel_major, kernel_minor; /* the first that matches */
} SeccompSelector;

typedef struct SeccompRule {
        unsigned number; /* of the entry in "syscalls", from 1 */
        unsigned line;   /* where it begins */
        char **names;
        uint32_t action; /* SECCOMP_RET_… with its data */
        SeccompCondition *conditions;
        size_t n_conditions;
        bool any_condition; /* one condition is enough; else all must hold */
        /* The rule counts where every capability of `includes` is kept, the architecture is one of those and
         * the kernel is new enough; and where nothing of `excludes` is true, not even one capability. */
        SeccompSelector includes, excludes;
        char *comment; /* NULL: none */
        char *unknown; /* a call that this build does not know, where the rule is selective */
        unsigned unknown_line;
} SeccompRule;

typedef struct SeccompProfile {
        uint32_t default_action;
        unsigned default_line; /* of "defaultAction" */
        bool log;              /* SECCOMP_FILTER_FLAG_LOG */
        SeccompRule *rules;
        size_t n_rules;
} SeccompProfile;

/* Rules that stand before a profile's: only what they say, not their default. */
typedef struct SeccompFirst {
        const SeccompProfile *profile;
        const char *path; /* for people */
} SeccompFirst;

/* What a profile is compiled for. */
typedef struct SeccompTarget {
        const SeccompArch *arch;
        uint64_t capabilities;               /* those that the service keeps: bit N, capability N */
        unsigned kernel_major, kernel_minor; /* for minKernel */
        const SeccompFirst *first;           /* profiles whose rules stand before those of this one */
        size_t n_first;
        char *const *denied; /* calls that no rule may allow: EPERM, before every rule; NULL: none */
} SeccompTarget;

typedef struct SeccompProgram {
        struct sock_filter *filter;
        size_t n;
} SeccompProgram;

SeccompProfile *seccomp_profile_free(SeccompProfile *p);
DEFINE_CLEANUP(SeccompProfile *, seccomp_profile_free)
#define _cleanup_seccomp_profile_ _cleanup_(seccomp_profile_freep)

/*
 * Reads `n` bytes of JSON. On -EINVAL *reterr_ (to be done) says what is wrong, in which rule, and where.
 * Unknown and duplicate keys, unknown calls, actions, operators, capabilities and architectures are errors.
 * 0, -EINVAL or -ENOMEM.
 */
int seccomp_profile_parse(const char *text, size_t n, SeccompProfile **ret_, PolicyError *reterr_);

/*
 * Where a rule has includes or excludes, a call that nobody knows is no error to read, since the rule may be
 * for newer kernels or other machines. Here it is one, if the rule counts for the target; and so is an
 * unknown name in target->denied. 0, -EINVAL with *reterr_ (line 0 for the latter), or -ENOMEM.
 */
int seccomp_profile_check(const SeccompProfile *p, const SeccompTarget *target, PolicyError *reterr_);

/*
 * Compiles for one target. Calls that its architecture does not have are left out. The program is to be
 * freed. 0; -E2BIG where it would be longer than the kernel takes; -ENOENT where seccomp_profile_check()
 * would complain; or -ENOMEM.
 */
int seccomp_compile(const SeccompProfile *p, const SeccompTarget *target, SeccompProgram *ret_);

/* One thing that may decide a call. */
typedef struct SeccompVerdict {
        const SeccompRule *rule; /* its conditions say when; NULL: the default, or the floor */
        bool by_floor;           /* target->denied */
        const char *first; /* the path of the one of target->first that has the rule; NULL: the profile */
        unsigned line;     /* of the rule or the default; 0 for the floor */
        uint32_t action;
} SeccompVerdict;

/*
 * What decides the call `name`, in the order in which it is tried. The last one has no conditions. The
 * array is to be freed; it points into the profile. 0; -ENOENT where nobody knows the name; -EOPNOTSUPP
 * where the architecture does not have the call; or -ENOMEM.
 */
int seccomp_explain(const SeccompProfile *p, const SeccompTarget *target, const char *name,
        SeccompVerdict **ret_, size_t *ret_n);

/* The same for many calls, at the cost of one: by number, which the architecture need not have a name for.
 * It borrows the profile and what the target points to. seccomp_explainer_new() fails as seccomp_compile().
 */
typedef struct SeccompExplainer SeccompExplainer;

int seccomp_explainer_new(const SeccompProfile *p, const SeccompTarget *target, SeccompExplainer **ret_);
SeccompExplainer *seccomp_explainer_free(SeccompExplainer *e);
DEFINE_CLEANUP(SeccompExplainer *, seccomp_explainer_free)
#define _cleanup_seccomp_explainer_ _cleanup_(seccomp_explainer_freep)

int seccomp_explainer_ask(
        const SeccompExplainer *e, uint32_t nr, SeccompVerdict **ret_, size_t *ret_n); /* 0 or -ENOMEM */

/* The first number above all that the profile names: from there on, ENOSYS takes an errno's place. */
uint32_t seccomp_explainer_beyond(const SeccompExplainer *e) _pure_;

/* Does the rule count for the target, by its includes and excludes? */
bool seccomp_rule_applies(const SeccompRule *rule, const SeccompTarget *target) _pure_;

/* Does the action let a call through, for itself (ALLOW, LOG) or at a tracer's word (TRACE)? A default that
 * does makes a deny list of a profile. */
bool seccomp_action_permits(uint32_t action) _pure_;

/* Appends "SCMP_ACT_ERRNO (EPERM)" or "SCMP_ACT_ALLOW". */
void seccomp_action_format(uint32_t action, StrBuf *b);

/* Appends "arg1 == 21522" or "arg0 & 0x7e020000 == 0". */
void seccomp_condition_format(const SeccompCondition *c, StrBuf *b);

/* Appends a rule's conditions: "arg0 == 16 and arg2 == 9"; nothing where it has none. */
void seccomp_conditions_format(const SeccompRule *rule, StrBuf *b);

/* Major and minor number of "4.8", or of what uname says ("6.1.0-18-amd64"). 0 or -EINVAL. */
int seccomp_kernel_parse(const char *release, unsigned *ret_major, unsigned *ret_minor);
