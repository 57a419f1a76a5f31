/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus policy explain`: which question is asked, and about whose policy. The answers are in
 * nucleus-policy-syscall.c and nucleus-policy-rights.c. */

#include "nucleus-policy.h"

#include <getopt.h>

typedef struct Arguments {
        Question q;
        const char *access, *mode;
        bool user, help;
} Arguments;

static int parse_options(const Verb *verb, int argc, char **argv, Arguments *a) {
        enum {
                OPTION_SYSCALL = 256,
                OPTION_CAPABILITY,
                OPTION_PATH,
                OPTION_ACCESS,
                OPTION_ALL,
                OPTION_SERVICE,
                OPTION_PROFILE,
                OPTION_MODE,
                OPTION_USER,
                OPTION_JSON
        };
        static const struct option options[] = {
                { "syscall", required_argument, NULL, OPTION_SYSCALL },
                { "capability", required_argument, NULL, OPTION_CAPABILITY },
                { "path", required_argument, NULL, OPTION_PATH },
                { "access", required_argument, NULL, OPTION_ACCESS },
                { "all", no_argument, NULL, OPTION_ALL },
                { "service", required_argument, NULL, OPTION_SERVICE },
                { "profile", required_argument, NULL, OPTION_PROFILE },
                { "mode", required_argument, NULL, OPTION_MODE },
                { "user", no_argument, NULL, OPTION_USER },
                { "json", no_argument, NULL, OPTION_JSON },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_SYSCALL:
                        a->q.syscall = optarg;
                        break;
                case OPTION_CAPABILITY:
                        a->q.capability = optarg;
                        break;
                case OPTION_PATH:
                        a->q.path = optarg;
                        break;
                case OPTION_ACCESS:
                        a->access = optarg;
                        break;
                case OPTION_ALL:
                        a->q.all = true;
                        break;
                case OPTION_SERVICE:
                        a->q.service = optarg;
                        break;
                case OPTION_PROFILE:
                        a->q.profile = optarg;
                        break;
                case OPTION_MODE:
                        a->mode = optarg;
                        break;
                case OPTION_USER:
                        a->user = true;
                        break;
                case OPTION_JSON:
                        a->q.json = true;
                        break;
                case 'h':
                        a->help = true;
                        return 0;
                default:
                        return usage_error(verb);
                }
        return 0;
}

/* One question, one policy. */
static int check_options(const Verb *verb, int argc, char **argv, Arguments *a) {
        Question *q = &a->q;
        int questions = !!q->syscall + !!q->capability + !!q->path + q->all;
        int mode = a->mode ? mode_from_string(a->mode) : MODE_PRODUCTION;

        if (optind < argc)
                print_error("\"%s\" is no option; did you mean --syscall %s?", argv[optind], argv[optind]);
        else if (questions != 1)
                print_error("ask one thing: --syscall, --capability, --path or --all");
        else if (a->access && !q->path)
                print_error("--access has no meaning without --path");
        else if (!!q->service + !!q->profile + !!a->mode > 1)
                print_error("--service, --profile and --mode exclude each other");
        else if (a->user && !q->service)
                print_error("--user has no meaning without --service");
        else if (mode < 0)
                print_error("--mode takes agent, strict-agent or production, not \"%s\"", a->mode);
        else {
                q->mode = (Mode)mode;
                return 0;
        }
        return usage_error(verb);
}

static int split_access(const char *words, char ***ret_) {
        _cleanup_free_ char *copy = strdup(words);
        char *rest = copy, *word;

        if (!copy)
                return out_of_memory();
        while ((word = strsep(&rest, ",")))
                if (*word && strv_append(ret_, word) < 0)
                        return out_of_memory();
        return 0;
}

/* The service as the generator resolves it. One that has failed has no policy to explain. */
static int load_service(Question *q, Scope scope, Services *services) {
        int r = services_load(scope, NULL, services);
        if (r != 0)
                return r;

        const Node *n = graph_find(services->graph, q->service);
        const char *near = n ? NULL : graph_nearest(services->graph, q->service);
        if (!n && near)
                print_error("there is no service \"%s\"; did you mean \"%s\"?", q->service, near);
        else if (!n)
                print_error("there is no service \"%s\"; `nucleus graph%s` lists them", q->service,
                        scope == SCOPE_USER ? " --user" : "");
        else if (n->error)
                print_error("%s", n->error);
        else {
                q->services = services;
                q->config = n->service;
                q->mode = n->service->mode;
                return 0;
        }
        return STATUS_FAILED;
}

static int explain(Arguments *a) {
        _cleanup_services_ Services services = {};
        Question *q = &a->q;

        int r = a->access ? split_access(a->access, &q->access) : 0;
        if (r == 0 && q->service)
                r = load_service(q, a->user ? SCOPE_USER : SCOPE_SYSTEM, &services);
        if (r != 0)
                return r;
        return q->syscall ? explain_syscall(q)
               : q->all   ? explain_all(q)
               : q->path  ? explain_path(q)
                          : explain_capability(q);
}

int verb_policy_explain(const Verb *verb, int argc, char **argv) {
        Arguments a = {};

        int r = parse_options(verb, argc, argv, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        if (r == 0)
                r = check_options(verb, argc, argv, &a);
        if (r == 0)
                r = explain(&a);
        strv_free(a.q.access);
        return r;
}
