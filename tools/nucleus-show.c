/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nucleus show`: one service as it would run: its values with where each comes from, its units, or the
 * recipe, which nucleus-exec itself prints. Must never start anything else.
 */

#include "nucleus-show.h"

#include "build-config.h"
#include "io.h"
#include "unit.h"

#include <getopt.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

typedef struct Show {
        const Services *services;
        const Node *node;
} Show;

static int show_values(const Show *s) {
        const Node *n = s->node;

        printf("%s%s%s%s%s\n", colour(stdout, COLOUR_BOLD), n->name, colour(stdout, COLOUR_RESET),
                n->service->description ? ": " : "", n->service->description ?: "");
        if (n->error)
                printf("%sfailed:%s %s\n", colour(stdout, COLOUR_RED), colour(stdout, COLOUR_RESET),
                        n->error);
        print_values(stdout, n->service, s->services->set->floor);
        return finish_output(n->error ? STATUS_FAILED : 0);
}

static int show_json(const Show *s) {
        const Node *n = s->node;
        json_t *o = json_pack("{ss so so}", "name", n->name, "error", json_text(n->error), "values",
                values_to_json(n->service, s->services->set->floor));

        return print_json(o, n->error ? STATUS_FAILED : 0);
}

/* The nucleus-exec that would run: tests and builds that are not installed name theirs. */
static const char *exec_path(void) {
        const char *s = getenv("NUCLEUS_EXEC");

        return isempty(s) ? NUCLEUS_EXEC_PATH : s;
}

static int show_units(const Show *s) {
        _cleanup_unit_set_ UnitSet units = {};

        if (unit_add_node(&units, s->services->graph, s->node, unit_exec_path(s->node)) < 0)
                return out_of_memory();
        if (units.n_files == 0) {
                print_error("no unit is made for %s: %s", s->node->name, s->node->error ?: "");
                return STATUS_FAILED;
        }
        for (size_t i = 0; i < units.n_files; i++) {
                printf("%s%s# %s%s\n", i == 0 ? "" : "\n", colour(stdout, COLOUR_DIM), units.files[i].name,
                        colour(stdout, COLOUR_RESET));
                (void)fwrite(units.files[i].text, 1, units.files[i].length, stdout);
        }
        return finish_output(s->node->error ? STATUS_FAILED : 0);
}

/* The spec as nucleus-exec gets it from systemd: a file that holds it, at its beginning. */
static int spec_to_fd(const Node *n) {
        _cleanup_spec_ Spec *spec = NULL;
        _cleanup_free_ char *text = NULL;

        int r = node_to_spec(n, &spec);
        if (r >= 0)
                r = spec_format(spec, &text);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = memfd_create("nucleus-spec", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text, strlen(text));
        if (r < 0)
                return r;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

/* Runs nucleus-exec on the spec and returns its exit status, or -errno. */
static int spawn_recipe(int spec_fd) {
        char *const argv[] = { (char *)"nucleus-exec", (char *)"--print-recipe", NULL };
        posix_spawn_file_actions_t actions;
        int status;
        pid_t pid;

        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_adddup2(&actions, spec_fd, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn(&pid, exec_path(), &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        if (r != 0)
                return -r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -ECANCELED;
}

static int show_recipe(const Show *s) {
        _cleanup_close_ int fd = spec_to_fd(s->node);
        if (fd < 0) {
                print_error("cannot make the spec of %s: %s", s->node->name, strerror(-fd));
                return STATUS_FAILED;
        }
        int r = spawn_recipe(fd);
        if (r < 0) {
                print_error("cannot run %s: %s", exec_path(), strerror(-r));
                return STATUS_FAILED;
        }
        return r;
}

static int unknown_service(const Graph *g, const char *name, Scope scope) {
        const char *near = graph_nearest(g, name);

        if (near)
                print_error("there is no service \"%s\"; did you mean \"%s\"?", name, near);
        else
                print_error("there is no service \"%s\"; `nucleus graph%s` lists them", name,
                        scope == SCOPE_USER ? " --user" : "");
        return STATUS_FAILED;
}

int verb_show(const Verb *verb, int argc, char **argv) {
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "unit", no_argument, NULL, 't' },
                { "recipe", no_argument, NULL, 'r' },
                { "user", no_argument, NULL, 'u' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        _cleanup_services_ Services s = {};
        int (*show)(const Show *) = NULL;
        Scope scope = SCOPE_SYSTEM;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                int (*wanted)(const Show *) = c == 'j'   ? show_json
                                              : c == 't' ? show_units
                                              : c == 'r' ? show_recipe
                                                         : NULL;
                if (c == 'h')
                        return print_verb_help(verb);
                if (c == 'u')
                        scope = SCOPE_USER;
                else if (!wanted || (show && show != wanted))
                        return usage_error(verb);
                else
                        show = wanted;
        }
        if (optind + 1 != argc) {
                print_error(optind == argc ? "the name of a service is missing" : "one service at a time");
                return usage_error(verb);
        }

        int r = services_load(scope, NULL, &s);
        if (r != 0)
                return r;
        const Node *n = graph_find(s.graph, argv[optind]);
        return n ? (show ?: show_values)(&(Show){ &s, n }) : unknown_service(s.graph, argv[optind], scope);
}
