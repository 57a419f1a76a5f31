/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus seccomp generate`: a profile of one or several traces. */

#include "nucleus-output.h"
#include "nucleus-seccomp.h"

#include "seccomp-learn.h"

#include <getopt.h>

typedef struct Arguments {
        const char *output; /* NULL: standard output */
        const char *base;
        bool arguments, runc, force, help;
        char **allowed; /* owned */
        char **traces;
} Arguments;

static void arguments_done(Arguments *a) {
        strv_free(a->allowed);
}

/* A system call of this build. 0 or a status, reported. */
static int add_allowed(const Verb *verb, Arguments *a, const SeccompArch *arch, const char *name) {
        int r = check_syscall(arch, name);

        if (r == 0)
                return strv_append(&a->allowed, name) < 0 ? out_of_memory() : 0;
        return r == STATUS_FAILED ? usage_error(verb) : r;
}

static int parse_arguments(const Verb *verb, int argc, char **argv, const SeccompArch *arch, Arguments *a) {
        enum { OPTION_BASE = 256, OPTION_ARGUMENTS, OPTION_ALLOW, OPTION_RUNC, OPTION_FORCE };
        static const struct option options[] = {
                { "output", required_argument, NULL, 'o' },
                { "base", required_argument, NULL, OPTION_BASE },
                { "arguments", no_argument, NULL, OPTION_ARGUMENTS },
                { "allow", required_argument, NULL, OPTION_ALLOW },
                { "runc", no_argument, NULL, OPTION_RUNC },
                { "force", no_argument, NULL, OPTION_FORCE },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c, r;

        while ((c = getopt_long(argc, argv, "o:h", options, NULL)) >= 0)
                switch (c) {
                case 'o':
                        a->output = streq(optarg, "-") ? NULL : optarg;
                        break;
                case OPTION_BASE:
                        a->base = optarg;
                        break;
                case OPTION_ARGUMENTS:
                        a->arguments = true;
                        break;
                case OPTION_ALLOW:
                        r = add_allowed(verb, a, arch, optarg);
                        if (r != 0)
                                return r;
                        break;
                case OPTION_RUNC:
                        a->runc = true;
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
        a->traces = argv + optind;
        if (optind == argc)
                print_error("the trace is missing: `nucleus seccomp trace` makes one");
        else if (a->force && !a->output)
                print_error("--force has no meaning without --output");
        else if (!streq(a->base, "none") && mode_from_string(a->base) < 0)
                print_error("--base takes agent, strict-agent, production or none, not \"%s\"", a->base);
        else
                return 0;
        return usage_error(verb);
}

/* All traces as one. */
static int merge_traces(char *const *paths, const SeccompArch *arch, SeccompTrace *ret_) {
        int r = load_trace(paths[0], ret_);

        if (r == 0 && !streq(ret_->architecture, arch->name)) {
                print_error("%s: is a trace of %s, and this machine is %s", paths[0], ret_->architecture,
                        arch->name);
                return STATUS_FAILED;
        }
        for (size_t i = 1; r == 0 && paths[i]; i++) {
                _cleanup_seccomp_trace_ SeccompTrace more = {};

                r = load_trace(paths[i], &more);
                if (r == 0 && !streq(more.architecture, ret_->architecture)) {
                        print_error("%s: is a trace of %s, and %s one of %s", paths[i], more.architecture,
                                paths[0], ret_->architecture);
                        return STATUS_FAILED;
                }
                if (r == 0 && seccomp_trace_merge(ret_, &more) < 0)
                        return out_of_memory();
        }
        return r;
}

static int write_profile(const Arguments *a, const char *text) {
        _cleanup_output_ OutputFile output = OUTPUT_FILE_NULL;

        if (!a->output) {
                (void)fputs(text, stdout);
                return finish_output(0);
        }
        int r = output_check(a->output, a->force, "--force replaces it");
        if (r == 0)
                r = output_open(&output, a->output);
        if (r == 0)
                r = output_finish(&output, text, a->force);
        if (r == 0)
                fprintf(stderr,
                        "nucleus: profile written to %s; next: nucleus seccomp diff %s %s, nucleus policy "
                        "pin %s\n",
                        a->output, streq(a->base, "none") ? "production" : a->base, a->output, a->output);
        return r;
}

static int generate(const Arguments *a, const SeccompTarget *target) {
        _cleanup_seccomp_trace_ SeccompTrace trace = {};
        _cleanup_named_profile_ NamedProfile base = {};
        _cleanup_strv_ char **notes = NULL;
        _cleanup_free_ char *text = NULL;

        int r = streq(a->base, "none") ? 0 : load_profile(a->base, &base);
        if (r == 0)
                r = merge_traces(a->traces, target->arch, &trace);
        if (r != 0)
                return r;
        SeccompLearnOptions options = {
                .base = base.profile,
                .base_name = a->base,
                .target = target,
                .arguments = a->arguments,
                .runc = a->runc,
                .allowed = a->allowed,
        };
        if (seccomp_learn(&trace, &options, &text, &notes) < 0)
                return out_of_memory();
        STRV_FOREACH(note, notes)
        print_warning("%s", note);
        return write_profile(a, text);
}

int verb_seccomp_generate(const Verb *verb, int argc, char **argv) {
        _cleanup_(arguments_done) Arguments a = { .base = "production" };
        SeccompTarget target;

        int r = target_of_this_machine(&target);
        if (r == 0)
                r = parse_arguments(verb, argc, argv, target.arch, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        return r == 0 ? generate(&a, &target) : r;
}
