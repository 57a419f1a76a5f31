/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nucleus-generator(8): systemd runs it at boot and at each reload. What it was given is untrusted as far as
 * a boot must not depend on it: no configuration, environment or state of descriptors makes it fail, but a
 * directory that it cannot write does.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>

#include "build-config.h"
#include "report.h"
#include "resolve.h"
#include "write.h"

typedef struct Run {
        Report report;
        Writer writer;
        UnitSet units;
        size_t n_written, n_failed;
} Run;

static void run_done(Run *r) {
        report_done(&r->report);
        writer_done(&r->writer);
        unit_set_done(&r->units);
}

static int usage(FILE *f) {
        (void)fprintf(f,
                "Usage: nucleus-generator NORMAL-DIR [EARLY-DIR LATE-DIR]\n\n"
                "Makes units from Nucleus configuration; systemd runs it. See nucleus-generator(8).\n\n"
                "      --help     show this text\n"
                "      --version  show the version\n");
        return f == stderr ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Started with 0, 1 or 2 closed, a unit file would take that number and messages would go into it. */
static void open_standard_descriptors(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd < 3);
        if (fd >= 3)
                close(fd);
}

static void report_error(Run *r, int error, const char *what, const char *name) {
        char line[512];

        (void)snprintf(line, sizeof(line), "cannot %s %s: %s", what, name,
                error == -EEXIST ? "there is one from somebody else, which stays" : strerror(-error));
        report_line(&r->report, SEVERITY_ERROR, line);
        r->n_failed++;
}

static void write_files(Run *r) {
        for (size_t i = 0; i < r->units.n_files; i++) {
                int k = writer_put(&r->writer, &r->units.files[i]);
                if (k < 0)
                        report_error(r, k, "write unit", r->units.files[i].name);
                else
                        r->n_written++;
        }
        unit_set_drop_files(&r->units);
}

static void write_links(Run *r) {
        unit_set_sort_links(&r->units);
        for (size_t i = 0; i < r->units.n_links; i++) {
                int k = writer_link(&r->writer, &r->units.links[i]);
                if (k < 0)
                        report_error(r, k, "make the link for", r->units.links[i].unit);
        }
}

static int write_units(Run *r, const Graph *g) {
        for (size_t i = 0; i < g->n_nodes; i++) {
                int k = unit_add_node(&r->units, g, &g->nodes[i], unit_exec_path(&g->nodes[i]));
                if (k < 0)
                        return k;
                write_files(r);
        }
        for (size_t i = 0; i < g->n_stacks; i++) {
                int k = unit_add_stack(&r->units, g, &g->stacks[i]);
                if (k < 0)
                        return k;
                write_files(r);
        }
        write_links(r);
        return 0;
}

static int generate(Run *r, Scope scope) {
        _cleanup_config_set_ ConfigSet *set = NULL;
        _cleanup_graph_ Graph *g = NULL;
        _cleanup_diagnostics_ Diagnostics diag = {};
        _cleanup_unit_names_ UnitNames taken = {};
        _cleanup_strv_ char **dirs = NULL;

        int k = config_directories(scope, &dirs);
        if (k >= 0)
                k = config_set_load(dirs, NULL, &set, &diag);
        if (k >= 0)
                k = config_set_resolve(set, scope, &diag);
        if (k >= 0)
                k = unit_names_load(scope, &taken);
        if (k >= 0)
                k = graph_build(set, scope, &taken, &g, &diag);
        report_diagnostics(&r->report, &diag);
        if (k >= 0)
                k = write_units(r, g);
        return k;
}

static int run(const char *directory) {
        _cleanup_(run_done) Run r = { .writer = { .dir_fd = -EBADF, .link_fd = -EBADF } };
        const char *manager = getenv("SYSTEMD_SCOPE");

        /* Only the system manager drops standard error; by hand it is enough. */
        report_open(&r.report, manager && streq(manager, "system"));

        int k = writer_open(&r.writer, directory);
        if (k < 0) {
                report_error(&r, k, "open directory", directory);
                return EXIT_FAILURE;
        }
        k = generate(&r, scope_from_environment());
        if (k < 0) {
                report_line(&r.report, SEVERITY_ERROR, strerror(-k));
                return EXIT_FAILURE;
        }
        return r.n_written == 0 && r.n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                {},
        };

        open_standard_descriptors();
        (void)umask(0022);
        (void)signal(SIGPIPE, SIG_IGN);

        switch (getopt_long(argc, argv, "", options, NULL)) {
        case -1:
                break;
        case 'h':
                return usage(stdout);
        case 'V':
                (void)printf("nucleus-generator %s\n", NUCLEUS_VERSION);
                return EXIT_SUCCESS;
        default:
                return usage(stderr);
        }
        if (argc - optind != 1 && argc - optind != 3)
                return usage(stderr);
        return run(argv[optind]);
}
