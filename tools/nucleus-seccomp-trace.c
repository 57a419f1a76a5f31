/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus seccomp trace`: runs a command, and writes down which system calls it and its children made. */

#include "nucleus-output.h"
#include "nucleus-seccomp-supervisor.h"
#include "nucleus-seccomp.h"

#include <getopt.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define TRACE_DEFAULT "nucleus.trace"

/* As shells and env(1) have it. */
#define STATUS_CANNOT_TRACE 125
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128

typedef struct Arguments {
        const char *output;
        bool append, force, help;
        char **command;
} Arguments;

static int parse_arguments(const Verb *verb, int argc, char **argv, Arguments *a) {
        enum { OPTION_APPEND = 256, OPTION_FORCE };
        static const struct option options[] = {
                { "output", required_argument, NULL, 'o' },
                { "append", no_argument, NULL, OPTION_APPEND },
                { "force", no_argument, NULL, OPTION_FORCE },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        /* +: what stands behind the command is the command's. */
        while ((c = getopt_long(argc, argv, "+o:h", options, NULL)) >= 0)
                switch (c) {
                case 'o':
                        a->output = optarg;
                        break;
                case OPTION_APPEND:
                        a->append = true;
                        break;
                case OPTION_FORCE:
                        a->force = true;
                        break;
                case 'h':
                        a->help = true;
                        return 0;
                default:
                        return usage_error(verb);
                }
        a->command = argv + optind;
        if (optind == argc)
                print_error("the command is missing");
        else if (a->append && a->force)
                print_error("--append and --force exclude each other");
        else if (isempty(a->output) || streq(a->output, "-"))
                print_error("--output takes the name of a file: standard output is the command's");
        else
                return 0;
        return usage_error(verb);
}

/* ---- the command ---- */

static bool is_file(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* As execvp(3) looks for it, but before the first call is traced. 0 or a status, reported. */
static int find_command(const char *name, char **ret_) {
        _cleanup_free_ char *copy = strdup(getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin"), *first = NULL;
        char *rest = copy, *directory;

        if (!copy)
                return out_of_memory();
        if (strchr(name, '/')) {
                *ret_ = strdup(name);
                return *ret_ ? 0 : out_of_memory();
        }
        while (*name && (directory = strsep(&rest, ":"))) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", *directory ? directory : ".", name) < 0)
                        return out_of_memory();
                if (!is_file(path))
                        continue;
                if (access(path, X_OK) == 0) {
                        *ret_ = TAKE_PTR(path);
                        return 0;
                }
                if (!first)
                        first = TAKE_PTR(path);
        }
        if (first) {
                print_error("cannot run %s: %s", first, strerror(EACCES));
                return STATUS_CANNOT_RUN;
        }
        print_error("cannot find the command \"%s\"", name);
        return STATUS_NOT_FOUND;
}

static int exec_failed(const Arguments *a, const char *path, int error) {
        print_error("cannot run %s: %s%s", path, strerror(error),
                error == ENOEXEC                   ? " (a script must begin with #!)"
                : error == ENOENT && is_file(path) ? " (its interpreter is missing)"
                                                   : "");
        return error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

/* ---- the file ---- */

/* What is there already is read with --append, and refused without --force. */
static int check_output(const Arguments *a, SeccompTrace *trace) {
        int r = output_check(a->output, a->append || a->force, "--append adds to it, --force replaces it");

        return r == 0 && a->append && access(a->output, F_OK) == 0 ? load_trace(a->output, trace) : r;
}

static int start_trace(const Arguments *a, const SeccompArch *arch, SeccompTrace *trace) {
        struct utsname u;

        if (trace->architecture && !streq(trace->architecture, arch->name)) {
                print_error("%s: is a trace of %s, and this machine is %s", a->output, trace->architecture,
                        arch->name);
                return STATUS_FAILED;
        }
        if (trace->architecture)
                return 0;
        if (uname(&u) < 0)
                return STATUS_FAILED;
        trace->architecture = strdup(arch->name);
        trace->kernel = strdup(u.release);
        if (!trace->architecture || !trace->kernel)
                return out_of_memory();
        for (char **s = a->command; *s; s++)
                if (strv_append(&trace->command, *s) < 0)
                        return out_of_memory();
        return 0;
}

static void say_written(const Arguments *a, const SeccompTrace *trace) {
        uint64_t calls = 0, foreign = 0;
        size_t kinds = 0;

        for (size_t i = 0; i < trace->n_calls; i++)
                if (trace->calls[i].audit_arch)
                        foreign += trace->calls[i].count;
                else {
                        calls += trace->calls[i].count;
                        kinds++;
                }
        if (foreign > 0)
                print_warning(
                        "%llu calls of another ABI (32-bit or x32) were made: no profile can allow them",
                        (unsigned long long)foreign);
        fprintf(stderr,
                "nucleus: %llu calls of %zu kinds written to %s; next: nucleus seccomp generate %s -o "
                "profile.json\n",
                (unsigned long long)calls, kinds, a->output, a->output);
}

/* ---- all together ---- */

static int supervise(const Arguments *a, Supervisor *s, const char *path) {
        int r = supervisor_start(s, path, a->command);

        if (r < 0) {
                print_error("cannot trace: %s%s", strerror(-r),
                        r == -EBUSY ? " (another tracer listens to this process)" : "");
                return STATUS_FAILED;
        }
        r = supervisor_run(s);
        if (s->shared->exec_error)
                return exec_failed(a, path, s->shared->exec_error);
        if (r < 0) {
                print_error("the trace is not whole: %s", strerror(-r));
                return STATUS_FAILED;
        }
        return 0;
}

/* Everything but the arguments. `s` gets the command's status where 0 is returned. */
static int trace(const Arguments *a, Supervisor *s) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_output_ OutputFile output = OUTPUT_FILE_NULL;
        SeccompTarget target;

        int r = target_of_this_machine(&target);
        if (r == 0)
                r = check_output(a, s->trace);
        if (r == 0)
                r = start_trace(a, target.arch, s->trace);
        if (r == 0)
                r = find_command(a->command[0], &path);
        if (r == 0)
                r = output_open(&output, a->output);
        if (r != 0)
                return r;

        s->arch = target.arch;
        r = supervise(a, s, path);
        if (r != 0)
                return r;
        if (seccomp_trace_format(s->trace, &text) < 0)
                return out_of_memory();
        r = output_finish(&output, text, a->append || a->force);
        if (r == 0)
                say_written(a, s->trace);
        return r;
}

int verb_seccomp_trace(const Verb *verb, int argc, char **argv) {
        _cleanup_seccomp_trace_ SeccompTrace counts = {};
        _cleanup_supervisor_ Supervisor s = SUPERVISOR_NULL;
        Arguments a = { .output = TRACE_DEFAULT };

        int r = parse_arguments(verb, argc, argv, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        if (r != 0)
                return r;
        s.trace = &counts;
        r = trace(&a, &s);
        if (r != 0)
                return r == STATUS_FAILED ? STATUS_CANNOT_TRACE : r;
        return WIFEXITED(s.status) ? WEXITSTATUS(s.status) : STATUS_SIGNAL + WTERMSIG(s.status);
}
