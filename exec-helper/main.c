/* SPDX-License-Identifier: Apache-2.0 */
/* nucleus-exec: reads one spec from standard input and runs it. Must read nothing else of the configuration.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>

#include "build-config.h"
#include "capabilities.h"
#include "message-id.h"
#include "notify.h"
#include "recipe.h"
#include "report.h"
#include "supervisor.h"
#include "sys.h"

static const char help[] =
        "Usage: nucleus-exec < SPEC\n"
        "       nucleus-exec --print-recipe < SPEC\n\n"
        "Confines and runs one service as its spec says. Units made by nucleus-generator(8) call it.\n\n"
        "  --print-recipe  print the steps and mounts that the spec leads to, and do nothing\n"
        "  --help          show this help\n"
        "  --version       show the version\n\n"
        "See nucleus-exec(8).\n";

/* Nothing of ours may ever land on 0, 1 or 2. */
static bool open_standard_streams(Context *c) {
        int fd;

        for (;;) {
                fd = open("/dev/null", O_RDWR);
                if (fd < 0 || fd > STDERR_FILENO)
                        break;
                c->filled[fd] = true;
        }
        close_fd(fd);
        return fd > STDERR_FILENO;
}

/* What the service manager says in the environment; nothing else of it counts, and the workload gets none.
 */
static int read_environment(Context *c) {
        const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID"),
                   *names = getenv("LISTEN_FDNAMES");
        const char *notify = getenv("NOTIFY_SOCKET"), *journal = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (fds && pid && atoi(pid) == getpid()) {
                int n = atoi(fds);
                c->n_listen = n > 0 && (unsigned)n <= LISTEN_FDS_MAX ? (unsigned)n : 0;
        }
        if (names && !(c->listen_names = strdup(names)))
                return -ENOMEM;
        if (notify && !(c->notify_socket = strdup(notify)))
                return -ENOMEM;
        if (journal && sscanf(journal, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0)
                c->stderr_is_journal = st.st_dev == device && st.st_ino == inode;
        return clearenv() == 0 ? 0 : -ENOMEM;
}

static int close_others(const Context *c) {
        unsigned first = LISTEN_FD_FIRST + c->n_listen;

        for (unsigned i = 0; i < c->n_listen; i++)
                (void)fcntl(LISTEN_FD_FIRST + (int)i, F_SETFD, FD_CLOEXEC);
        return syscall(SYS_close_range, first, ~0U, 0) < 0 ? -errno : 0;
}

/* Whoever started us may have left signals blocked or ignored. */
static void reset_signals(void) {
        sigset_t none;

        for (int s = 1; s < SIGRTMIN; s++)
                if (s != SIGKILL && s != SIGSTOP)
                        (void)signal(s, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int read_spec(char **ret_, size_t *ret_n) {
        size_t size = 16384, n = 0;
        _cleanup_free_ char *text = malloc(size);

        for (;;) {
                if (!text)
                        return -ENOMEM;
                ssize_t k = read(STDIN_FILENO, text + n, size - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
                if (n > SPEC_TEXT_MAX)
                        return -EFBIG;
                if (n == size) {
                        char *p = realloc(text, size *= 2);
                        if (!p)
                                return -ENOMEM;
                        text = p;
                        (void)p;
                }
        }
        *ret_ = TAKE_PTR(text);
        *ret_n = n;
        return 0;
}

/* Standard input is the spec no longer: /dev/null takes its place. */
static int forget_stdin(void) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = dup2(fd, STDIN_FILENO) < 0 ? -errno : 0;
        close_fd(fd);
        return r;
}

/* What fails before there is a recipe. */
static int fail_early(Context *c, int error, const char *what) {
        static const Step step = { .name = "start", .exit_code = EXIT_CODE_STDIN };

        report_failure(c, &step, step_fail(c, error, "%s", what));
        return EXIT_CODE_STDIN;
}

static int refuse(const Context *c, const char *message) {
        char text[FAILURE_TEXT_MAX], state[FAILURE_TEXT_MAX + 64];

        (void)snprintf(text, sizeof(text), "%s", message);
        report_one_line(text);
        report_message(c, LOG_ERR, MESSAGE_ID_CONFIGURATION, text);
        (void)snprintf(state, sizeof(state), "STATUS=%s", text);
        (void)notify_send(c->notify_socket, state);
        return EXIT_CODE_CONFIG;
}

/* For printing alone: which rows apply. What is not there is taken for a directory. */
static void look_at_rootfs(Context *c) {
        struct stat st;

        c->root_is_directory = !c->spec->rootfs || stat(c->spec->rootfs, &st) < 0 || !S_ISREG(st.st_mode);
}

static int run(Context *c, bool print) {
        _cleanup_free_ char *text = NULL, *error = NULL, *recipe_text = NULL;
        _cleanup_spec_ Spec *spec = NULL;
        size_t n = 0;

        int r = read_spec(&text, &n);
        if (r < 0)
                return refuse(c, "cannot read a spec from standard input");
        if (n == 0)
                return refuse(c, "no spec on standard input: units made by nucleus-generator(8) pass it");
        r = spec_parse(text, n, &spec, &error);
        if (r < 0)
                return refuse(c, error ?: "out of memory");
        c->spec = spec;
        c->rules = mode_rules(spec->mode);
        if (spec->error)
                return refuse(c, spec->error);
        if (mount_plan_make(spec, &c->plan) < 0)
                return refuse(c, "out of memory");
        if (print) {
                look_at_rootfs(c);
                if (recipe_format(c, &recipe_text) < 0 || fputs(recipe_text, stdout) < 0 ||
                        fflush(stdout) != 0)
                        return EXIT_FAILURE;
                return EXIT_SUCCESS;
        }
        r = forget_stdin();
        if (r < 0)
                return fail_early(c, r, "cannot open /dev/null as standard input");
        /* What is held until here goes with the process: to give it back by hand takes longer. */
        exit(supervise(c));
}

int main(int argc, char **argv) {
        Context c = { .root_fd = -EBADF, .image_fd = -EBADF, .channel = -EBADF };
        static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' }, { "print-recipe", no_argument, NULL, 'p' }, {} };
        bool print = false;

        if (!open_standard_streams(&c))
                return EXIT_CODE_STDIN;
        for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
                switch (o) {
                case 'h':
                        return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                case 'v':
                        return puts("nucleus-exec " NUCLEUS_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                case 'p':
                        print = true;
                        break;
                default:
                        return 2;
                }
        if (optind < argc) {
                (void)fprintf(
                        stderr, "nucleus-exec: unexpected argument; the spec is read from standard input\n");
                return 2;
        }

        /* The spec is the caller's: with more than the caller's rights anybody could mount anything. */
        if (getuid() != geteuid() || getgid() != getegid())
                return refuse(&c, "must not be installed setuid or setgid");
        c.caller_uid = geteuid();
        c.caller_gid = getegid();
        c.privileged = c.caller_uid == 0;
        reset_signals();
        (void)prctl(PR_SET_DUMPABLE, 0);

        int r = read_environment(&c);
        if (r >= 0)
                r = close_others(&c);
        if (r < 0)
                return fail_early(&c, r, "cannot close inherited descriptors");

        r = run(&c, print);
        mount_plan_done(&c.plan);
        free(c.notify_socket);
        free(c.listen_names);
        return r;
}
