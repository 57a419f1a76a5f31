/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy files are read with the same suspicion as configuration. Must never use a byte that was not hashed,
 * where there is a pin.
 */

#include "service-policy.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base64.h"
#include "build-config.h"
#include "hash.h"
#include "policy.h"
#include "safe-read.h"
#include "schema.h"
#include "seccomp-builtin.h"
#include "seccomp-lines.h"

#define POLICY_FILE_MAX (1024U * 1024)

typedef enum PolicyKind {
        POLICY_SECCOMP,
        POLICY_CAPABILITIES,
        POLICY_LANDLOCK,
} PolicyKind;

/* A file, read and parsed once, or the built-in profile of a tier (its path is NULL). */
typedef struct PolicyFile {
        PolicyKind kind;
        char *path;
        Mode mode;  /* of a built-in */
        char *text; /* what was read: parsed, and hashed where a pin asks */
        size_t n;
        char sha256[SHA256_HEX_SIZE]; /* "": nobody has asked */
        char *unreadable;             /* why it was not read; NULL: it was */
        int error;                    /* of the parser; 0: fine */
        PolicyError what;
        SeccompProfile *seccomp;
        CapabilityPolicy capabilities;
        LandlockPolicy *landlock;
} PolicyFile;

/* A profile compiled for services that keep the same capabilities. */
typedef struct Compiled {
        const PolicyFile *file;
        uint64_t capabilities;
        const SeccompFirst *first;
        char *program, *lines;
        bool starts; /* execve may be allowed */
} Compiled;

struct PolicyStore {
        const Floor *floor;
        Hasher *hasher; /* made for the first pin */
        unsigned kernel_major, kernel_minor;
        PolicyFile **files;
        size_t n_files;
        SeccompProfile *mandatory[_SECCOMP_MANDATORY_MAX]; /* parsed when first asked for */
        SeccompFirst first[1U << _SECCOMP_MANDATORY_MAX][_SECCOMP_MANDATORY_MAX]; /* by set of them */
        Compiled *compiled;
        size_t n_compiled;
};

/* ---- memory ---- */

static PolicyFile *policy_file_free(PolicyFile *f) {
        if (!f)
                return NULL;
        free(f->path);
        free(f->text);
        free(f->unreadable);
        policy_error_done(&f->what);
        seccomp_profile_free(f->seccomp);
        landlock_policy_free(f->landlock);
        free(f);
        return NULL;
}
DEFINE_CLEANUP(PolicyFile *, policy_file_free)

int policy_store_new(const Floor *floor, PolicyStore **ret_) {
        PolicyStore *p = calloc(1, sizeof(*p));
        struct utsname u;

        if (!p)
                return -ENOMEM;
        p->floor = floor;
        if (uname(&u) == 0)
                (void)seccomp_kernel_parse(u.release, &p->kernel_major, &p->kernel_minor);
        *ret_ = p;
        return 0;
}

PolicyStore *policy_store_free(PolicyStore *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_files; i++)
                policy_file_free(p->files[i]);
        for (size_t i = 0; i < p->n_compiled; i++) {
                free(p->compiled[i].program);
                free(p->compiled[i].lines);
        }
        for (size_t i = 0; i < _SECCOMP_MANDATORY_MAX; i++)
                seccomp_profile_free(p->mandatory[i]);
        free(p->files);
        free(p->compiled);
        hasher_free(p->hasher);
        free(p);
        return NULL;
}

/* ---- files ---- */

static int parse(PolicyFile *f, const char *text, size_t n) {
        switch (f->kind) {
        case POLICY_SECCOMP:
                return seccomp_profile_parse(text, n, &f->seccomp, &f->what);
        case POLICY_CAPABILITIES:
                return capability_policy_parse(text, n, &f->capabilities, &f->what);
        case POLICY_LANDLOCK:
                return landlock_policy_parse(text, n, &f->landlock, &f->what);
        }
        return -EINVAL;
}

/*
 * Whoever may write to the directory could put another file there. The Nix store is written to by those who
 * build, each path by one. 0; -EINVAL, with f->unreadable; -ENOMEM.
 */
static int check_directory(PolicyFile *f) {
        _cleanup_free_ char *dir = strndup(f->path, (size_t)(strrchr(f->path, '/') - f->path) ?: 1);
        struct stat st;

        if (!dir)
                return -ENOMEM;
        _cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || streq(dir, "/nix/store"))
                return 0; /* the file tells why */
        const char *why = distrust_reason(fd, &st);
        if (!why)
                return 0;
        return asprintf(&f->unreadable, "its directory %s", why) < 0 ? -ENOMEM : -EINVAL;
}

static int read_policy(PolicyFile *f) {
        SafeFile safe = {};

        int r = check_directory(f);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        r = safe_read_new(f->path, 0, POLICY_FILE_MAX, &f->text, &safe);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || safe.masked) {
                f->unreadable = strdup(r < 0 ? safe.why : "it is /dev/null");
                return f->unreadable ? 0 : -ENOMEM;
        }
        f->n = safe.n;
        f->error = parse(f, f->text, f->n);
        return f->error == -ENOMEM ? -ENOMEM : 0;
}

/* Of the very bytes that were parsed. libcrypto is loaded for the first pin. */
static int hash_policy(PolicyStore *p, PolicyFile *f) {
        uint8_t digest[SHA256_SIZE];

        if (f->sha256[0])
                return 0;
        int r = p->hasher ? 0 : hasher_new(&p->hasher);
        if (r >= 0)
                r = hasher_buffer(p->hasher, f->text, f->n, digest);
        if (r >= 0)
                sha256_to_hex(digest, f->sha256);
        return r;
}

/* The file of that path, or the built-in of a tier; read when it is first asked for. */
static int get_file(PolicyStore *p, PolicyKind kind, const char *path, Mode mode, PolicyFile **ret_) {
        for (size_t i = 0; i < p->n_files; i++) {
                PolicyFile *f = p->files[i];
                if (f->kind == kind &&
                        (path ? f->path && streq(f->path, path) : !f->path && f->mode == mode)) {
                        *ret_ = f;
                        return 0;
                }
        }

        _cleanup_(policy_file_freep) PolicyFile *f = calloc(1, sizeof(*f));
        PolicyFile **files = reallocarray(p->files, p->n_files + 1, sizeof(*files));
        if (files)
                p->files = files;
        if (!f || !files)
                return -ENOMEM;
        f->kind = kind;
        f->mode = mode;
        int r = 0;
        if (path) {
                f->path = strdup(path);
                r = f->path ? read_policy(f) : -ENOMEM;
        } else {
                size_t n;
                const char *text = seccomp_builtin_profile(mode, &n);
                r = f->error = parse(f, text, n);
        }
        if (r == -ENOMEM)
                return r;
        *ret_ = files[p->n_files++] = TAKE_PTR(f);
        return 0;
}

/* ---- errors ---- */

static int refuse(ServiceConfig *s, Diagnostics *diag, Position where, const char *format, ...)
        _printf_(4, 5);

static int refuse(ServiceConfig *s, Diagnostics *diag, Position where, const char *format, ...) {
        va_list ap;

        s->failed = true;
        va_start(ap, format);
        int r = diagnostics_addv(diag, SEVERITY_ERROR, where, s->name, format, ap);
        va_end(ap);
        return r < 0 ? r : -EBADMSG; /* told already */
}

/* ---- one key ---- */

/* The file that a key names, checked against its pin. 0 and *ret_; -EBADMSG where it was refused. */
static int take_file(PolicyStore *p, ServiceConfig *s, Diagnostics *diag, PolicyKind kind, const char *key,
        const char *path, const char *pin, PolicyFile **ret_) {
        char pin_key[64];
        PolicyFile *f;

        (void)snprintf(pin_key, sizeof(pin_key), "%s_sha256", key);
        if (!path)
                return pin ? refuse(s, diag, schema_origin(s, "policy", pin_key)->where,
                                     "%s pins nothing: there is no policy.%s; take the pin away, too",
                                     pin_key, key)
                           : 0;

        int r = get_file(p, kind, path, s->mode, &f);
        if (r < 0)
                return r;
        if (f->unreadable)
                return refuse(s, diag, schema_origin(s, "policy", key)->where,
                        "the policy file %s is not used: %s", path, f->unreadable);
        r = pin ? hash_policy(p, f) : 0;
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(s, diag, schema_origin(s, "policy", pin_key)->where,
                        "the digest of %s cannot be computed: %s", path,
                        r == -ENOPKG ? "libcrypto.so.3 cannot be loaded" : strerror(-r));
        if (pin && !streq(pin, f->sha256))
                return refuse(s, diag, schema_origin(s, "policy", pin_key)->where,
                        "%s has the SHA-256 %s, not the pinned %s; review it, and see `nucleus policy pin "
                        "%s`",
                        path, f->sha256, pin, path);
        if (f->error < 0)
                return refuse(s, diag,
                        (Position){ .file = f->path, .line = f->what.line, .column = f->what.column }, "%s",
                        f->what.message ?: strerror(-f->error));
        *ret_ = f;
        return 0;
}

static int resolve_capabilities(PolicyStore *p, ServiceConfig *s, Diagnostics *diag) {
        PolicyFile *f = NULL;

        int r = take_file(p, s, diag, POLICY_CAPABILITIES, "capabilities", s->capabilities,
                s->capabilities_sha256, &f);
        if (r < 0 || !f)
                return r;

        uint64_t denied = f->capabilities.bounding & p->floor->capabilities;
        s->policy.capabilities_bounding = f->capabilities.bounding & ~denied;
        s->policy.capabilities_ambient = f->capabilities.ambient & ~denied;
        if (s->policy.capabilities_bounding != 0 && !(s->namespaces & NAMESPACE_USER))
                return refuse(s, diag, schema_origin(s, "policy", "capabilities")->where,
                        "%s keeps capabilities, which without a user namespace would be the host's",
                        f->path);
        for (unsigned cap = 0; cap < CAPABILITY_COUNT; cap++)
                if (denied & UINT64_C(1) << cap) {
                        const Position *where = &p->floor->capability_where[cap];
                        r = diagnostics_add(diag, SEVERITY_WARNING,
                                schema_origin(s, "policy", "capabilities")->where, s->name,
                                "%s is not kept: %s:%u denies it", capability_name(cap), where->file,
                                where->line);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int resolve_landlock(PolicyStore *p, ServiceConfig *s, Diagnostics *diag) {
        PolicyFile *f = NULL;

        int r = take_file(p, s, diag, POLICY_LANDLOCK, "landlock", s->landlock, s->landlock_sha256, &f);
        s->policy.landlock = f ? f->landlock : NULL;
        return r;
}

/* ---- seccomp ---- */

/* What has to stand before the rules of a profile: a set of SeccompMandatory, as bits. */
static unsigned mandatory_of(const ServiceConfig *s, bool built_in) {
        unsigned set = s->policy.landlock ? 1U << SECCOMP_MANDATORY_PORTS : 0;

        if (built_in)
                return set; /* it has the others itself */
        set |= 1U << SECCOMP_MANDATORY_MOUNTS;
        for (size_t i = 0; i < s->n_volumes; i++)
                set |= s->volumes[i].read_only ? 0 : 1U << SECCOMP_MANDATORY_VOLUMES;
        return set;
}

static int get_mandatory(PolicyStore *p, SeccompMandatory which, SeccompFirst *ret_) {
        static const char *const paths[] = {
                [SECCOMP_MANDATORY_MOUNTS] = NUCLEUS_POLICY_DIR "/mounts.seccomp.json",
                [SECCOMP_MANDATORY_VOLUMES] = NUCLEUS_POLICY_DIR "/volumes.seccomp.json",
                [SECCOMP_MANDATORY_PORTS] = NUCLEUS_POLICY_DIR "/ports.seccomp.json",
        };
        _cleanup_policy_error_ PolicyError what = {};
        int r = 0;

        if (!p->mandatory[which]) {
                size_t n;
                const char *text = seccomp_mandatory_profile(which, &n);
                r = seccomp_profile_parse(text, n, &p->mandatory[which], &what);
        }
        *ret_ = (SeccompFirst){ p->mandatory[which], paths[which] };
        return r;
}

static int target_of(PolicyStore *p, const ServiceConfig *s, bool built_in, SeccompTarget *ret_) {
        unsigned set = mandatory_of(s, built_in);
        SeccompFirst *first = p->first[set];
        size_t n = 0;

        for (size_t i = 0; i < _SECCOMP_MANDATORY_MAX; i++)
                if (set & 1U << i) {
                        int r = get_mandatory(p, (SeccompMandatory)i, &first[n++]);
                        if (r < 0)
                                return r;
                }
        *ret_ = (SeccompTarget){
                .arch = seccomp_arch_this(),
                .capabilities = s->policy.capabilities_bounding,
                .kernel_major = p->kernel_major,
                .kernel_minor = p->kernel_minor,
                .first = first,
                .n_first = n,
                .denied = p->floor->syscall_names,
        };
        return 0;
}

static int may_exec(const SeccompProfile *profile, const SeccompTarget *target, bool *ret_) {
        _cleanup_free_ SeccompVerdict *verdicts = NULL;
        size_t n = 0;

        int r = seccomp_explain(profile, target, "execve", &verdicts, &n);
        *ret_ = false;
        for (size_t i = 0; i < n; i++)
                *ret_ = *ret_ || seccomp_action_permits(verdicts[i].action);
        return r;
}

static int compile(PolicyStore *p, const PolicyFile *f, const SeccompTarget *target, Compiled *ret_) {
        _cleanup_free_ char *program = NULL;
        SeccompProgram bytes = {};
        bool starts = false;

        int r = seccomp_compile(f->seccomp, target, &bytes);
        if (r >= 0)
                r = base64_encode(bytes.filter, bytes.n * sizeof(*bytes.filter), &program);
        free(bytes.filter);
        if (r >= 0)
                r = may_exec(f->seccomp, target, &starts);
        if (r < 0)
                return r;
        *ret_ = (Compiled){
                .file = f,
                .capabilities = target->capabilities,
                .first = target->first,
                .program = TAKE_PTR(program),
                .starts = starts,
        };
        return 0;
}

static int get_compiled(PolicyStore *p, const PolicyFile *f, const SeccompTarget *target, Compiled **ret_) {
        for (size_t i = 0; i < p->n_compiled; i++)
                if (p->compiled[i].file == f && p->compiled[i].capabilities == target->capabilities &&
                        p->compiled[i].first == target->first) {
                        *ret_ = &p->compiled[i];
                        return 0;
                }

        Compiled *list = reallocarray(p->compiled, p->n_compiled + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        p->compiled = list;
        int r = compile(p, f, target, &list[p->n_compiled]);
        if (r < 0)
                return r;
        *ret_ = &list[p->n_compiled++];
        return 0;
}

/* Without execve there is no program to confine: said here, rather than by a start that fails. */
static int refuse_unstartable(
        const PolicyStore *p, const PolicyFile *f, ServiceConfig *s, Diagnostics *diag) {
        for (size_t i = 0; i < p->floor->n_syscalls; i++)
                if (streq(p->floor->syscalls[i].word, "execve"))
                        return refuse(s, diag, p->floor->syscalls[i].where,
                                "no service can start where the floor denies execve");
        return refuse(s, diag, (Position){ .file = f->path, .line = f->seccomp->default_line },
                "the profile does not allow execve, so that nothing can start");
}

static int resolve_seccomp(PolicyStore *p, ServiceConfig *s, Diagnostics *diag) {
        PolicyFile *f = NULL;
        Compiled *c;

        int r = take_file(p, s, diag, POLICY_SECCOMP, "seccomp", s->seccomp, s->seccomp_sha256, &f);
        if (r < 0)
                return r;
        /* nucleus-exec has it, as it is. */
        bool own = f, built_in = !own && p->floor->n_syscalls == 0 && !s->policy.landlock;
        if (built_in && !s->log_denials)
                return 0;
        if (!f)
                r = get_file(p, POLICY_SECCOMP, NULL, s->mode, &f);
        if (r < 0)
                return r;
        if (f->error < 0) /* of a build with a broken profile; every other error was refused above */
                return refuse(s, diag, s->where, "the built-in system call policy cannot be read");
        if (mode_rules(s->mode)->deny_by_default && seccomp_action_permits(f->seccomp->default_action))
                return refuse(s, diag, (Position){ .file = f->path, .line = f->seccomp->default_line },
                        "mode \"%s\" requires a policy that denies by default; list what is allowed",
                        mode_rules(s->mode)->name);

        SeccompTarget target;
        _cleanup_policy_error_ PolicyError what = {};
        r = target_of(p, s, !own, &target);
        if (r < 0)
                return r;
        r = seccomp_profile_check(f->seccomp, &target, &what);
        if (r == -EINVAL)
                return refuse(s, diag, (Position){ .file = f->path, .line = what.line }, "%s", what.message);
        bool log = s->log_denials || f->seccomp->log; /* SECCOMP_FILTER_FLAG_LOG */
        if (r >= 0)
                r = get_compiled(p, f, &target, &c);
        /* Reports of denials alone name lines: no other start has to read them. */
        if (r >= 0 && log && !c->lines)
                r = seccomp_lines_make(f->seccomp, &target, &c->lines);
        if (r == -E2BIG)
                return refuse(s, diag, (Position){ .file = f->path },
                        "the filter would be longer than the kernel takes: use fewer conditions");
        if (r < 0)
                return r == -ENOMEM ? r : refuse(s, diag, (Position){ .file = f->path }, "%s", strerror(-r));
        if (log && !s->log_denials) {
                s->log_denials = true;
                s->origins[schema_index(schema_find("policy", "log_denials"))] =
                        (Origin){ .kind = ORIGIN_DEFAULT, .reason = "flags of the seccomp profile" };
        }
        if (!c->starts)
                return refuse_unstartable(p, f, s, diag);
        s->policy.seccomp_program = built_in ? NULL : c->program;
        s->policy.seccomp_lines = log ? c->lines : NULL;
        return 0;
}

int policy_store_resolve(PolicyStore *p, ServiceConfig *s, Diagnostics *diag) {
        static int (*const steps[])(PolicyStore *, ServiceConfig *, Diagnostics *) = {
                resolve_capabilities, /* first: profiles may ask for what is kept */
                resolve_landlock,
                resolve_seccomp,
        };

        for (size_t i = 0; i < ELEMENTSOF(steps) && !(i == 2 && s->failed); i++) {
                int r = steps[i](p, s, diag);
                if (r < 0 && r != -EBADMSG)
                        return r;
        }
        return 0;
}

int policy_store_seccomp(PolicyStore *p, const ServiceConfig *s, const SeccompProfile **ret_profile,
        SeccompTarget *ret_target, const char **ret_path) {
        PolicyFile *f;

        int r = get_file(p, POLICY_SECCOMP, s->seccomp, s->mode, &f);
        if (r < 0)
                return r;
        if (!f->seccomp)
                return -ENOENT;
        *ret_profile = f->seccomp;
        r = target_of(p, s, !s->seccomp, ret_target);
        if (r < 0)
                return r;
        *ret_path = f->path;
        return 0;
}
