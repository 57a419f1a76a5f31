/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus seccomp`: from what a program does to a profile. The table of its verbs, and how they read files.
 */

#include "nucleus-seccomp.h"

#include "safe-read.h"
#include "seccomp-builtin.h"

#include <sys/utsname.h>

#define PROFILE_SIZE_MAX (1U << 20)

static const Verb seccomp_verbs[] = {
        { "seccomp trace", "[-o FILE] [--append | --force] -- COMMAND [ARGUMENT...]",
                "record the system calls of a command",
                "Runs COMMAND, counts the system calls of all its processes, and writes them down. No\n"
                "privilege is needed. Its exit status is the command's.\n\n"
                "  -o, --output FILE   where to write (./nucleus.trace); standard output is COMMAND's\n"
                "  --append            add to the counts of FILE\n"
                "  --force             replace FILE\n",
                verb_seccomp_trace },
        { "seccomp generate",
                "[-o FILE] [--base PROFILE] [--allow NAME] [--arguments] [--runc] [--force] TRACE...",
                "make a profile of traces",
                "Prints a minimal profile: what the TRACEs hold, as far as a built-in profile allows it.\n"
                "What that refuses is told.\n\n"
                "  -o, --output FILE   write it there (-: to standard output, the default)\n"
                "  --base PROFILE      agent, strict-agent, production (the default) or none\n"
                "  --allow NAME        allow this system call whatever the base says (more than once)\n"
                "  --arguments         allow no other values of arguments that were traced\n"
                "  --runc              add the calls that runc(8) itself makes behind the filter\n"
                "  --force             replace FILE\n",
                verb_seccomp_generate },
        { "seccomp diff", "[--all] [--json] A B", "say what profile B gains and loses against A",
                "A and B are files, or agent, strict-agent and production for the built-in profiles.\n"
                "The exit status is 0 where both answer alike, 1 where not, and 2 in trouble.\n\n"
                "  --all    say what stays the same too\n"
                "  --json   print one JSON document\n",
                verb_seccomp_diff },
        {},
};

int verb_seccomp(const Verb *verb, int argc, char **argv) {
        return run_subverb(verb, seccomp_verbs, argc, argv);
}

int read_whole_file(const char *path, size_t max, char **ret_text, size_t *ret_n) {
        SafeFile file = {};

        int r = safe_read_new(path, SAFE_READ_ANYBODYS, max, ret_text, &file);
        if (r == -ENOMEM)
                return out_of_memory();
        if (r < 0)
                print_error("%s: %s", path, file.why);
        else if (file.masked)
                print_error("%s: is empty", path);
        else {
                *ret_n = file.n;
                return 0;
        }
        return STATUS_FAILED;
}

int report_policy_error(const char *path, const PolicyError *e, int r) {
        if (r == -ENOMEM)
                return out_of_memory();
        const char *message = e->message ?: strerror(-r);
        if (e->line && e->column)
                print_error("%s:%u:%u: %s", path, e->line, e->column, message);
        else if (e->line)
                print_error("%s:%u: %s", path, e->line, message);
        else
                print_error("%s: %s", path, message);
        return STATUS_FAILED;
}

void named_profile_done(NamedProfile *p) {
        seccomp_profile_free(p->profile);
        free(p->path);
        *p = (NamedProfile){};
}

static int parse_profile(const char *text, size_t n, NamedProfile *p) {
        _cleanup_policy_error_ PolicyError error = {};

        int r = seccomp_profile_parse(text, n, &p->profile, &error);
        return r < 0 ? report_policy_error(p->path, &error, r) : 0;
}

int load_profile(const char *name, NamedProfile *ret_) {
        _cleanup_named_profile_ NamedProfile p = { .path = strdup(name) };
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r;

        if (!p.path)
                return out_of_memory();
        int mode = mode_from_string(name);
        p.builtin = mode >= 0;
        if (p.builtin) {
                const char *builtin = seccomp_builtin_profile((Mode)mode, &n);
                r = parse_profile(builtin, n, &p);
        } else {
                r = read_whole_file(name, PROFILE_SIZE_MAX, &text, &n);
                if (r == 0)
                        r = parse_profile(text, n, &p);
        }
        if (r != 0)
                return r;
        *ret_ = p;
        p = (NamedProfile){};
        return 0;
}

int load_trace(const char *path, SeccompTrace *ret_) {
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_free_ char *text = NULL;
        size_t n = 0;

        int r = read_whole_file(path, SECCOMP_TRACE_SIZE_MAX, &text, &n);
        if (r != 0)
                return r;
        if (strspn(text, " \t\r\n") == n) {
                print_error("%s: is empty; the trace of a service is written when the service stops", path);
                return STATUS_FAILED;
        }
        r = seccomp_trace_parse(text, n, ret_, &error);
        return r < 0 ? report_policy_error(path, &error, r) : 0;
}

int check_syscall(const SeccompArch *arch, const char *name) {
        char buffer[SECCOMP_NAME_SIZE];
        uint32_t nr;

        int r = seccomp_syscall_number(arch, name, &nr);
        if (r == 0)
                return 0;
        const char *near = seccomp_syscall_nearest(name, buffer);
        const char *here = seccomp_syscall_here(arch, name);
        if (here)
                print_error("%s has no system call \"%s\"; here it is \"%s\"", arch->name, name, here);
        else if (r == -EOPNOTSUPP)
                print_error("%s has no system call \"%s\"", arch->name, name);
        else if (near)
                print_error("there is no system call \"%s\"; did you mean \"%s\"?", name, near);
        else
                print_error("there is no system call \"%s\"", name);
        return STATUS_FAILED;
}

int target_of_this_machine(SeccompTarget *ret_) {
        SeccompTarget target = { .arch = seccomp_arch_this() };
        struct utsname u;

        if (!target.arch || uname(&u) < 0 ||
                seccomp_kernel_parse(u.release, &target.kernel_major, &target.kernel_minor) < 0) {
                print_error("there is no seccomp for this machine");
                return STATUS_FAILED;
        }
        *ret_ = target;
        return 0;
}
