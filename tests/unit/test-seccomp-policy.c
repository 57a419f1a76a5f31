/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in profile. Its program is compared with a model that reads the JSON itself and goes from
 * numbers to names, the other way round than the compiler; and what it is for is written down here once
 * more, by hand.
 */

#include <jansson.h>
#include <seccomp.h>

#include "test-bpf.h"

#include "agent.seccomp.h"
#include "production.seccomp.h"
#include "seccomp-builtin.h"
#include "strict-agent.seccomp.h"

#define NUMBERS 601 /* 0-600: all there are, and some to come */

/* What nucleus-exec is built with. */
static const struct {
        const struct sock_filter *filter;
        size_t n;
} built[] = {
        [MODE_AGENT] = { seccomp_agent, ELEMENTSOF(seccomp_agent) },
        [MODE_STRICT_AGENT] = { seccomp_strict_agent, ELEMENTSOF(seccomp_strict_agent) },
        [MODE_PRODUCTION] = { seccomp_production, ELEMENTSOF(seccomp_production) },
};

typedef struct Fixture {
        Mode mode;
        json_t *root;
        SeccompProfile *profile;
} Fixture;

static int setup(void **state, Mode mode) {
        Fixture *f = calloc(1, sizeof(*f));
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *path = NULL;
        size_t n = 0;
        json_error_t at;

        assert_non_null(f);
        f->mode = mode;
        assert_true(asprintf(&path, "%s/%s.seccomp.json", POLICIES, mode_rules(mode)->name) > 0);
        f->root = json_load_file(path, 0, &at);
        assert_non_null(f->root);
        const char *text = seccomp_builtin_profile(mode, &n);
        if (seccomp_profile_parse(text, n, &f->profile, &error) < 0)
                fail_msg("%u: %s", error.line, error.message ?: "no memory");
        *state = f;
        return 0;
}

static int setup_agent(void **state) {
        return setup(state, MODE_AGENT);
}

static int setup_strict_agent(void **state) {
        return setup(state, MODE_STRICT_AGENT);
}

static int setup_production(void **state) {
        return setup(state, MODE_PRODUCTION);
}

static int teardown(void **state) {
        Fixture *f = *state;

        seccomp_profile_free(f->profile);
        json_decref(f->root);
        free(f);
        return 0;
}

static SeccompProgram compile(const Fixture *f, const SeccompArch *arch) {
        SeccompProgram p = {};

        assert_int_equal(seccomp_compile(f->profile, &(SeccompTarget){ .arch = arch }, &p), 0);
        bpf_assert_loadable(&p);
        return p;
}

/* ---- the model ---- */

/* Newer than the libseccomp of a stable distribution may be. */
static const struct {
        unsigned nr;
        const char *name;
} recent[] = {
        { 451, "cachestat" },
        { 452, "fchmodat2" },
        { 453, "map_shadow_stack" },
        { 454, "futex_wake" },
        { 455, "futex_wait" },
        { 456, "futex_requeue" },
        { 457, "statmount" },
        { 458, "listmount" },
        { 459, "lsm_get_self_attr" },
        { 460, "lsm_set_self_attr" },
        { 461, "lsm_list_modules" },
        { 462, "mseal" },
        { 463, "setxattrat" },
        { 464, "getxattrat" },
        { 465, "listxattrat" },
        { 466, "removexattrat" },
        { 467, "open_tree_attr" },
        { 468, "file_getattr" },
        { 469, "file_setattr" },
};
#define LAST 469U /* the highest number that the profiles name */

static const char *model_name(const SeccompArch *arch, unsigned nr, char **ret_free) {
        *ret_free = seccomp_syscall_resolve_num_arch(arch->library, (int)nr);
        for (size_t i = 0; i < ELEMENTSOF(recent) && !*ret_free; i++)
                if (recent[i].nr == nr)
                        return recent[i].name;
        return *ret_free;
}

static bool model_holds(json_t *condition, const uint64_t *args) {
        const char *op = json_string_value(json_object_get(condition, "op"));
        uint64_t value = (uint64_t)json_integer_value(json_object_get(condition, "value"));
        uint64_t two = (uint64_t)json_integer_value(json_object_get(condition, "valueTwo"));
        /* Every argument that the profile looks at is an int of the kernel (clone's flags are cut to one).
         */
        uint64_t a = (uint32_t)args[json_integer_value(json_object_get(condition, "index"))];

        if (streq(op, "SCMP_CMP_EQ"))
                return a == value;
        if (streq(op, "SCMP_CMP_LE"))
                return a <= value;
        if (streq(op, "SCMP_CMP_MASKED_EQ"))
                return (a & value) == two;
        fail_msg("the profile has a new operator: teach it to the model");
        return false;
}

static uint32_t model_action(json_t *object, const char *key, const char *errno_key) {
        const char *action = json_string_value(json_object_get(object, key));

        if (streq(action, "SCMP_ACT_ALLOW"))
                return ALLOW;
        assert_string_equal(action, "SCMP_ACT_ERRNO");
        return ERRNO(json_integer_value(json_object_get(object, errno_key)));
}

static bool rule_names(json_t *rule, const char *name) {
        size_t i;
        json_t *entry;

        json_array_foreach(json_object_get(rule, "names"), i,
                entry) if (streq(json_string_value(entry), name)) return true;
        return false;
}

static uint32_t model(json_t *root, const char *name, unsigned nr, const uint64_t *args) {
        size_t i, k;
        json_t *rule, *condition;

        json_array_foreach(json_object_get(root, "syscalls"), i, rule) {
                bool holds = name && rule_names(rule, name);

                json_array_foreach(json_object_get(rule, "args"), k, condition) holds =
                        holds && model_holds(condition, args);
                if (holds)
                        return model_action(rule, "action", "errnoRet");
        }
        return nr > LAST ? ERRNO(ENOSYS) : model_action(root, "defaultAction", "defaultErrnoRet");
}

/* ---- cases: every number, with every value that a rule of its call compares, and those beside it ---- */

typedef struct Case {
        struct seccomp_data data;
        uint32_t action;
} Case;

typedef struct Cases {
        Case *cases;
        size_t n;
} Cases;

static void cases_done(Cases *c) {
        free(c->cases);
}

static void cases_add(Cases *c, json_t *root, const SeccompArch *arch, const char *name, unsigned nr,
        const uint64_t *args) {
        Case *q = reallocarray(c->cases, c->n + 1, sizeof(Case));

        assert_non_null(q);
        c->cases = q;
        q[c->n] = (Case){ .data = { .nr = (int)nr, .arch = arch->audit_arch } };
        memcpy(q[c->n].data.args, args, sizeof(q->data.args));
        q[c->n++].action = model(root, name, nr, args);
}

static uint64_t number(json_t *condition, const char *key) {
        return (uint64_t)json_integer_value(json_object_get(condition, key));
}

/* A value with which the condition holds. */
static uint64_t holding(json_t *condition) {
        return number(condition,
                streq(json_string_value(json_object_get(condition, "op")), "SCMP_CMP_MASKED_EQ") ? "valueTwo"
                                                                                                 : "value");
}

/* The argument of one condition takes each value in turn: those it names, what lies one bit or one number
 * beside them, and each bit alone. The others of the rule are such that it may hold; those that it does not
 * look at are `fill`, so that an earlier rule of the call may hold or not. */
static void cases_of_condition(Cases *c, json_t *root, const SeccompArch *arch, const char *name,
        unsigned nr, json_t *rule, json_t *condition, uint64_t fill) {
        static const uint64_t tops[] = { 0, HIGH, UINT64_MAX << 32 };
        const uint64_t bases[] = { number(condition, "value"), number(condition, "valueTwo"), 0 };
        uint64_t args[6] = { fill, fill, fill, fill, fill, fill };
        json_t *other;
        size_t k;

        json_array_foreach(json_object_get(rule, "args"), k, other) args[number(other, "index")] =
                holding(other);
        for (size_t i = 0; i < ELEMENTSOF(bases); i++)
                for (unsigned step = 0; step < 35; step++)
                        for (size_t top = 0; top < ELEMENTSOF(tops); top++) {
                                uint64_t v = step < 32 ? bases[i] ^ 1ULL << step : bases[i] + step - 33;

                                args[number(condition, "index")] = (uint32_t)v | tops[top];
                                cases_add(c, root, arch, name, nr, args);
                        }
}

static void cases_of_rule(
        Cases *c, json_t *root, const SeccompArch *arch, const char *name, unsigned nr, json_t *rule) {
        json_t *condition;
        size_t i;

        json_array_foreach(json_object_get(rule, "args"), i, condition) {
                cases_of_condition(c, root, arch, name, nr, rule, condition, 0);
                cases_of_condition(c, root, arch, name, nr, rule, condition, UINT64_MAX);
        }
}

static Cases make_cases(const Fixture *f, const SeccompArch *arch) {
        static const uint64_t none[6],
                all[6] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
        Cases c = {};

        for (unsigned nr = 0; nr < NUMBERS; nr++) {
                _cleanup_free_ char *owned = NULL;
                const char *name = model_name(arch, nr, &owned);
                json_t *rule;
                size_t i;

                cases_add(&c, f->root, arch, name, nr, none);
                cases_add(&c, f->root, arch, name, nr, all);
                json_array_foreach(
                        json_object_get(f->root, "syscalls"), i, rule) if (name && rule_names(rule, name))
                        cases_of_rule(&c, f->root, arch, name, nr, rule);
        }
        return c;
}

/* The first case in which program and model differ, or NULL. */
static const Case *difference(const SeccompProgram *p, const Cases *c) {
        for (size_t i = 0; i < c->n; i++)
                if (bpf_run(p, &c->cases[i].data, NULL) != c->cases[i].action)
                        return &c->cases[i];
        return NULL;
}

static void test_policy_is_what_its_text_says(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_program_ SeccompProgram p = compile(*state, arch);
                _cleanup_(cases_done) Cases cases = make_cases(*state, arch);
                const Case *d = difference(&p, &cases);

                assert_true(cases.n > 4000);
                if (d)
                        fail_msg(
                                "%s: call %d (0x%llx, 0x%llx, 0x%llx): the program says 0x%x, the text 0x%x",
                                arch->name, d->data.nr, d->data.args[0], d->data.args[1], d->data.args[2],
                                bpf_run(&p, &d->data, NULL), d->action);
        }
}

/* The control of the test above: it sees each return value that is changed, and each bit that is compared.
 */
static void test_policy_comparison_sees_every_change(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_program_ SeccompProgram p = compile(*state, arch);
                _cleanup_(cases_done) Cases cases = make_cases(*state, arch);

                /* Behind the prologue, which the cases do not reach: other tests do. */
                for (size_t i = arch->foreign_bit ? 6 : 4; i < p.n; i++) {
                        struct sock_filter *f = &p.filter[i];

                        if (f->code != (BPF_RET | BPF_K) && f->code != (BPF_JMP | BPF_JEQ | BPF_K) &&
                                f->code != (BPF_JMP | BPF_JGT | BPF_K) &&
                                f->code != (BPF_ALU | BPF_AND | BPF_K))
                                continue;
                        f->k ^= 1;
                        if (!difference(&p, &cases))
                                fail_msg("%s: nobody sees instruction %zu changed", arch->name, i);
                        f->k ^= 1;
                }
        }
}

/* ---- what it is for ---- */

#define NEWUSER 0x10000000

typedef struct Promise {
        const char *call;
        uint64_t args[6];
        int error; /* 0: allowed */
} Promise;

/* In every tier. */
static const Promise promises[] = {
        { "read", {}, 0 },
        { "execve", {}, 0 },
        { "memfd_create", {}, 0 },
        { "ioctl", { 0, 0x5401 }, 0 },     /* TCGETS */
        { "ioctl", { 0, 0x5412 }, EPERM }, /* TIOCSTI, CVE-2019-10063 */
        { "ioctl", { 0, HIGH | 0x5412 }, EPERM },
        { "ioctl", { 0, UINT64_MAX << 32 | 0x5412 }, EPERM },
        { "ioctl", { 0, 0x541c }, EPERM }, /* TIOCLINUX */
        { "ioctl", { 0, HIGH | 0x541c }, EPERM },
        { "ioctl", { 0, 0x5423 }, EPERM }, /* TIOCSETD */
        { "ioctl", { 0, HIGH | 0x5423 }, EPERM },
        { "openat", { 0, 0, 0x40, 0644 }, 0 },
        { "openat", { 0, 0, 0, 06777 }, 0 }, /* no O_CREAT: what is no argument may be anything */
        { "openat", { 0, 0, 0x40, 04755 }, EPERM },
        { "openat", { 0, 0, HIGH | 0x40, HIGH | 02755 }, EPERM },
        { "openat", { 0, 0, 0x410000, 04755 }, EPERM }, /* O_TMPFILE */
        { "open", { 0, 0, 06777 }, 0 },
        { "open", { 0, 0x40, 0600 }, 0 },
        { "open", { 0, 0x40, 02600 }, EPERM },
        { "open", { 0, 0x400000, 04600 }, EPERM },
        { "creat", { 0, 0644 }, 0 },
        { "creat", { 0, 04644 }, EPERM },
        { "openat2", {}, ENOSYS },
        { "chmod", { 0, 0755 }, 0 },
        { "chmod", { 0, HIGH | 06755 }, EPERM },
        { "fchmod", { 3, 01777 }, 0 },
        { "fchmod", { 3, 04000 }, EPERM },
        { "fchmodat", { 0, 0, 0755 }, 0 },
        { "fchmodat", { 0, 0, HIGH | 04755 }, EPERM },
        { "fchmodat", { 0, 0, 0x10000 | 02755 }, EPERM }, /* of a mode the kernel reads 16 bits */
        { "fchmodat2", { 0, 0, 06755, 0 }, EPERM },
        { "mknod", { 0, 010644 }, 0 }, /* a FIFO */
        { "mknodat", { 0, 0, 010644 }, 0 },
        { "mknodat", { 0, 0, 014644 }, EPERM },
        { "mknodat", { 0, 0, 0104755 }, EPERM },
        { "socket", { 1, 1 }, 0 },
        { "socket", { 2, 1 }, 0 },
        { "socket", { 10, 2 }, 0 },
        { "socket", { 16, 3, 0 }, 0 },     /* NETLINK_ROUTE */
        { "socket", { 16, 3, 9 }, EPERM }, /* NETLINK_AUDIT */
        { "socket", { 16, 3, 12 }, EPERM },
        { "socket", { 0, 1 }, EPERM },
        { "socket", { 17, 3 }, EPERM }, /* AF_PACKET */
        { "socket", { 30, 1 }, EPERM }, /* AF_TIPC */
        { "socket", { 33, 1 }, EPERM }, /* AF_RXRPC */
        { "socket", { 38, 5 }, EPERM }, /* AF_ALG */
        { "socket", { 40, 1 }, EPERM }, /* AF_VSOCK */
        { "socket", { HIGH | 17, 3 }, EPERM },
        { "socket", { HIGH | 33, 1 }, EPERM },
        { "socket", { HIGH | 38, 5 }, EPERM },
        { "socket", { HIGH | 40, 1 }, EPERM },
        { "socket", { 1, 5 }, 0 },          /* SOCK_SEQPACKET is fine within the machine */
        { "socket", { 2, 0x80801, 6 }, 0 }, /* with SOCK_CLOEXEC and SOCK_NONBLOCK */
        { "socket", { 10, 0x80802, 17 }, 0 },
        { "socket", { 2, 2, 1 }, 0 },                /* ICMP */
        { "socket", { 2, 10, 3 }, EPROTONOSUPPORT }, /* SOCK_PACKET */
        { "socket", { HIGH | 2, HIGH | 10 }, EPROTONOSUPPORT },
        { "socket", { 2, 5 }, EPROTONOSUPPORT },       /* SCTP, by its type */
        { "socket", { 10, 1, 132 }, EPROTONOSUPPORT }, /* and by its number */
        { "socket", { 2, 6, 33 }, EPROTONOSUPPORT },   /* DCCP */
        { "socket", { 2, 2, 115 }, EPROTONOSUPPORT },  /* L2TP */
        { "socket", { 2, 1, 256 }, EPROTONOSUPPORT },  /* SMC */
        { "socket", { 10, 1, 262 }, EPROTONOSUPPORT }, /* MPTCP */
        { "socketpair", { 1, 1 }, 0 },
        { "socketpair", { 30, 1 }, EPERM },
        { "clone", { 17 }, 0 },
        { "clone", { 0x3d0f00 }, 0 }, /* a thread */
        { "clone", { NEWUSER | 17 }, EPERM },
        { "clone", { HIGH | NEWUSER | 17 }, EPERM },
        { "clone", { 0x00020000 | 17 }, EPERM }, /* NEWNS */
        { "clone", { 0x02000000 | 17 }, EPERM }, /* NEWCGROUP */
        { "clone", { 0x04000000 | 17 }, EPERM }, /* NEWUTS */
        { "clone", { 0x08000000 | 17 }, EPERM }, /* NEWIPC */
        { "clone", { 0x20000000 | 17 }, EPERM }, /* NEWPID */
        { "clone", { 0x40000000 | 17 }, EPERM }, /* NEWNET */
        { "clone3", {}, ENOSYS },
        { "execveat", { 3, 0, 0, 0, 0 }, 0 },
        { "execveat", { 3, 0, 0, 0, 0x1000 }, EPERM }, /* AT_EMPTY_PATH */
        { "execveat", { 3, 0, 0, 0, HIGH | 0x1100 }, EPERM },
        { "personality", { 0 }, 0 },
        { "personality", { 0xffffffff }, 0 },
        { "personality", { 0x0040000 }, EPERM },        /* ADDR_NO_RANDOMIZE */
        { "personality", { HIGH | 0x0400000 }, EPERM }, /* READ_IMPLIES_EXEC */
        { "io_uring_setup", {}, ENOSYS },
        { "io_uring_enter", {}, ENOSYS },
        { "io_uring_register", {}, ENOSYS },
        { "unshare", { NEWUSER }, EPERM },
        { "setns", {}, EPERM },
        { "mount", {}, EPERM },
        { "umount2", {}, EPERM },
        { "fsopen", {}, EPERM },
        { "fsconfig", {}, EPERM },
        { "fsmount", {}, EPERM },
        { "open_tree", {}, EPERM },
        { "move_mount", {}, EPERM },
        { "mount_setattr", {}, EPERM },
        { "pivot_root", {}, EPERM },
        { "chroot", {}, EPERM },
        { "bpf", {}, EPERM },
        { "userfaultfd", {}, EPERM },
        { "ptrace", {}, EPERM },
        { "process_vm_readv", {}, EPERM },
        { "process_vm_writev", {}, EPERM },
        { "pidfd_getfd", {}, EPERM },
        { "kcmp", {}, EPERM },
        { "perf_event_open", {}, EPERM },
        { "keyctl", {}, EPERM },
        { "add_key", {}, EPERM },
        { "request_key", {}, EPERM },
        { "kexec_load", {}, EPERM },
        { "init_module", {}, EPERM },
        { "finit_module", {}, EPERM },
        { "delete_module", {}, EPERM },
        { "open_by_handle_at", {}, EPERM },
        { "fanotify_init", {}, EPERM },
        { "quotactl", {}, EPERM },
        { "reboot", {}, EPERM },
        { "swapon", {}, EPERM },
        { "syslog", {}, EPERM },
        { "acct", {}, EPERM },
        { "settimeofday", {}, EPERM },
        { "clock_settime", {}, EPERM },
        { "vhangup", {}, EPERM },
        { "adjtimex", {}, EPERM },
        { "mbind", {}, EPERM },
        { "fanotify_mark", {}, EPERM },
        { "get_robust_list", {}, EPERM },
        { "memfd_secret", {}, ENOSYS },
        { "io_setup", {}, ENOSYS },
        { "process_madvise", {}, ENOSYS },
        { "lsm_list_modules", {}, ENOSYS },
        { "file_setattr", {}, ENOSYS },
        { "statmount", {}, EPERM },
        { "listmount", {}, EPERM },
};

/* Where the tiers differ: what each says. */
static const struct {
        const char *call;
        uint64_t args[6];
        int errors[_MODE_MAX];
} differences[] = {
        { "tee", {}, { 0, ENOSYS, ENOSYS } },
        { "vmsplice", {}, { 0, ENOSYS, ENOSYS } },
        { "mincore", {}, { 0, ENOSYS, ENOSYS } },
        { "cachestat", {}, { 0, ENOSYS, ENOSYS } },
        { "mknod", { 0, 0140644 }, { 0, EPERM, EPERM } },      /* a socket */
        { "mknodat", { 0, 0, 020000 }, { 0, EPERM, EPERM } },  /* a whiteout */
        { "mknodat", { 0, 0, 0100644 }, { 0, EPERM, EPERM } }, /* a file */
        { "mknodat", { 0, 0, 0644 }, { 0, EPERM, EPERM } },
        { "name_to_handle_at", {}, { 0, EOPNOTSUPP, EOPNOTSUPP } },
        { "setxattr", {}, { 0, EOPNOTSUPP, EOPNOTSUPP } },
        { "fremovexattr", {}, { 0, EOPNOTSUPP, EOPNOTSUPP } },
        { "setxattrat", {}, { 0, EOPNOTSUPP, EOPNOTSUPP } },
        { "get_mempolicy", {}, { 0, ENOSYS, ENOSYS } },
        { "futex_waitv", {}, { 0, ENOSYS, ENOSYS } },
        { "futex_requeue", {}, { 0, ENOSYS, ENOSYS } },
        { "personality", { 8 }, { 0, EPERM, EPERM } },
        { "personality", { 0x20008 }, { 0, EPERM, EPERM } },
        { "msgsnd", {}, { 0, ENOSYS, ENOSYS } },
        { "mq_open", {}, { 0, ENOSYS, ENOSYS } },
        { "socket", { 10, 2, 58 }, { 0, EPROTONOSUPPORT, EPROTONOSUPPORT } }, /* ICMPv6 */
        { "setsockopt", { 3, 6, 31 }, { 0, ENOENT, ENOENT } },                /* TCP_ULP */
        { "setsockopt", { 3, HIGH | 6, HIGH | 31 }, { 0, ENOENT, ENOENT } },
        { "setsockopt", { 3, 6, 1 }, { 0, 0, 0 } },  /* TCP_NODELAY */
        { "setsockopt", { 3, 1, 31 }, { 0, 0, 0 } }, /* of SOL_SOCKET */
        { "ioprio_set", {}, { 0, 0, ENOSYS } },
        { "sched_setattr", {}, { 0, 0, ENOSYS } },
};

static void check(const SeccompProgram *p, const SeccompArch *arch, const char *call, const uint64_t *args,
        int error) {
        struct seccomp_data data = { .arch = arch->audit_arch };
        uint32_t nr = 0;

        int r = seccomp_syscall_number(arch, call, &nr);
        if (r == -EOPNOTSUPP && !streq(arch->name, "x86_64"))
                return; /* one of the old calls: only its successor is there */
        assert_int_equal(r, 0);
        data.nr = (int)nr;
        memcpy(data.args, args, sizeof(data.args));
        uint32_t action = bpf_run(p, &data, NULL);
        if (action != (error ? ERRNO(error) : ALLOW))
                fail_msg("%s: %s(0x%llx, 0x%llx, 0x%llx): 0x%x", arch->name, call, data.args[0],
                        data.args[1], data.args[2], action);
}

static void test_policy_keeps_its_promises(void **state) {
        const Fixture *f = *state;

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_program_ SeccompProgram p = compile(f, arch);

                for (size_t i = 0; i < ELEMENTSOF(promises); i++)
                        check(&p, arch, promises[i].call, promises[i].args, promises[i].error);
                for (size_t i = 0; i < ELEMENTSOF(differences); i++)
                        check(&p, arch, differences[i].call, differences[i].args,
                                differences[i].errors[f->mode]);
        }
}

/* Other ABIs (attack 39), and calls of years to come. */
static void test_policy_ends_at_its_list(void **state) {
        const SeccompArch *x86 = bpf_arch("x86_64");

        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_program_ SeccompProgram p = compile(*state, arch);
                struct seccomp_data data = { .arch = AUDIT_ARCH_I386 };

                for (unsigned nr = 0; nr < NUMBERS; nr++) {
                        data.nr = (int)nr;
                        assert_int_equal(bpf_run(&p, &data, NULL), SECCOMP_RET_KILL_PROCESS);
                }
                data.arch = arch->audit_arch;
                for (unsigned nr = LAST + 1; nr < 5000; nr++) {
                        data.nr = (int)nr;
                        assert_int_equal(bpf_run(&p, &data, NULL), ERRNO(ENOSYS));
                        data.nr = (int)(0x40000000U | (nr - LAST - 1));
                        if (arch == x86)
                                assert_int_equal(bpf_run(&p, &data, NULL), ERRNO(ENOSYS));
                }
        }
}

/* The kernel runs the program at every system call: it must stay a search, and no list. */
static void test_policy_is_short_to_run(void **state) {
        for (const SeccompArch *arch = seccomp_archs; arch->name; arch++) {
                _cleanup_program_ SeccompProgram p = compile(*state, arch);

                for (unsigned nr = 0; nr < NUMBERS; nr++) {
                        size_t steps = 0;

                        bpf_run(&p, &(struct seccomp_data){ .nr = (int)nr, .arch = arch->audit_arch },
                                &steps);
                        assert_in_range(steps, 1, 45);
                }
        }
}

/* What nucleus-exec holds, and what front ends show, is what this test looked at. */
static void test_policy_in_the_programs_is_this_one(void **state) {
        const SeccompArch *arch = seccomp_arch_this();
        const Fixture *f = *state;
        json_error_t at;
        size_t n = 0;

        assert_non_null(arch);
        _cleanup_program_ SeccompProgram p = compile(f, arch);
        assert_int_equal(p.n, built[f->mode].n);
        assert_memory_equal(p.filter, built[f->mode].filter, p.n * sizeof(*p.filter));

        const char *text = seccomp_builtin_profile(f->mode, &n);
        assert_int_equal(strlen(text), n);
        json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
        assert_true(json_equal(root, f->root));
        json_decref(root);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_policy_is_what_its_text_says),
                cmocka_unit_test(test_policy_comparison_sees_every_change),
                cmocka_unit_test(test_policy_keeps_its_promises),
                cmocka_unit_test(test_policy_ends_at_its_list),
                cmocka_unit_test(test_policy_is_short_to_run),
                cmocka_unit_test(test_policy_in_the_programs_is_this_one),
        };

        int failed = cmocka_run_group_tests_name("agent", tests, setup_agent, teardown);
        failed += cmocka_run_group_tests_name("strict-agent", tests, setup_strict_agent, teardown);
        failed += cmocka_run_group_tests_name("production", tests, setup_production, teardown);
        return failed;
}
