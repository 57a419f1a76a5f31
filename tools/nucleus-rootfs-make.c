/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root tree or image is made in a process of its own, in a directory that is ours alone, beside the
 * output. This process does nothing but wait for that one, give what it made its name, and clean up: so
 * neither a signal nor a crash over a hostile archive leaves anything behind.
 */

#include "nucleus-rootfs.h"

#include "attest-image.h"
#include "diag.h"
#include "io.h"
#include "signature.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TREE "tree"
#define IMAGE "image"

/* What stands beside an image: its name's end, there as here. */
static const char *const companions[] = { SIGNATURE_SUFFIX, IMAGE_VERITY_SUFFIX };

static void rootfs_done(Rootfs *r) {
        root_tree_done(&r->tree);
        image_done(&r->image);
        attest_report_done(&r->report);
        close_fd(r->fd);
        close_fd(r->tree.fd);
        free(r->output);
        free(r->temporary);
        free(r->public_key);
}

/* ---- the output's name ---- */

static int is_free(const char *path) {
        struct stat st;

        if (lstat(path, &st) == 0)
                print_error("%s: is there already, and is never replaced", path);
        else if (errno != ENOENT)
                print_error("%s: %s", path, strerror(errno));
        else
                return 0;
        return STATUS_FAILED;
}

/* The output's absolute path, which is to be pasted, and the directory in which it is made. */
static int name_output(Rootfs *r) {
        _cleanup_free_ char *copy = strdup(r->o->output), *copy2 = strdup(r->o->output), *shown = NULL;
        char directory[PATH_MAX];

        if (!copy || !copy2)
                return out_of_memory();
        const char *name = basename(copy);
        if (!realpath(dirname(copy2), directory)) {
                print_error("%s: cannot find its directory: %s", r->o->output, strerror(errno));
                return STATUS_FAILED;
        }
        if (streq(name, "/") || streq(name, ".") || streq(name, "..")) {
                print_error("%s: is no name for something new", r->o->output);
                return STATUS_FAILED;
        }
        const char *base = streq(directory, "/") ? "" : directory;
        if (asprintf(&r->output, "%s/%s", base, name) < 0 ||
                asprintf(&r->temporary, "%s/.nucleus-rootfs.XXXXXX", base) < 0 ||
                text_sanitise(r->output, &shown) < 0)
                return out_of_memory();
        if (!streq(shown, r->output)) {
                print_error(
                        "%s: a configuration cannot name this path: use letters that can be read", shown);
                return STATUS_FAILED;
        }
        return 0;
}

static int check_output(const Rootfs *r) {
        int k = is_free(r->output);

        for (size_t i = 0; k == 0 && r->o->format != ROOTFS_DIRECTORY && i < ELEMENTSOF(companions); i++) {
                _cleanup_free_ char *path = NULL;
                if (asprintf(&path, "%s%s", r->output, companions[i]) < 0)
                        return out_of_memory();
                k = is_free(path);
        }
        return k;
}

/* ---- the process that makes it ---- */

static int make_tree(Rootfs *r, RootfsFill fill) {
        if (mkdirat(r->fd, TREE, 0755) == 0)
                r->tree.fd = openat(r->fd, TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r->tree.fd < 0 || fchmod(r->tree.fd, 0755) < 0) {
                print_error("cannot make a directory in %s: %s", r->temporary, strerror(errno));
                return STATUS_FAILED;
        }
        r->tree.owners = geteuid() == 0;
        r->tree.keep_privileges = r->o->keep_privileges;
        r->tree.bytes_max = r->o->bytes_max;
        r->tree.time = r->o->time;
        r->tree.refuse_acls = r->o->format == ROOTFS_SQUASHFS;
        r->tree.userdata = &r->progress;
        if (isatty(STDERR_FILENO) && !r->o->json)
                r->tree.progress = rootfs_show_progress;
        int k = fill(r);
        if (r->progress.shown)
                fprintf(stderr, "\r\x1b[K");
        return k == 0 ? rootfs_finish(r) : k;
}

_noreturn_ static void child(Rootfs *r, RootfsFill fill, int out, pid_t parent, const sigset_t *mask) {
        /* A group of its own, so that the parent ends what it started as well; and it does not outlive it.
         */
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(STATUS_FAILED);
        (void)sigprocmask(SIG_SETMASK, mask, NULL);
        (void)umask(0077);
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(STATUS_FAILED);
        int status = finish_output(make_tree(r, fill));
        rootfs_done(r);
        exit(status);
}

/* ---- the process that waits ---- */

/* Moves what has been made to its name, which must be free. 0 or -errno. */
static int move(const Rootfs *r, const char *from, const char *to, bool directory) {
        if (renameat2(r->fd, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL)
                return -errno;
        /* Not every file system can do that; making the name can do it everywhere. */
        if (!directory)
                return linkat(r->fd, from, AT_FDCWD, to, 0) < 0 ? -errno : 0;
        if (mkdir(to, 0700) < 0)
                return -errno;
        int k = renameat(r->fd, from, AT_FDCWD, to) < 0 ? -errno : 0;
        if (k < 0)
                (void)rmdir(to);
        return k;
}

/* The image last: whoever sees it sees what belongs to it. */
static int publish(const Rootfs *r) {
        bool directory = r->o->format == ROOTFS_DIRECTORY;
        char *moved[ELEMENTSOF(companions)] = {};
        int k = 0;

        for (size_t i = 0; k >= 0 && !directory && i < ELEMENTSOF(companions); i++) {
                char from[32];

                (void)snprintf(from, sizeof(from), IMAGE "%s", companions[i]);
                if (faccessat(r->fd, from, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (asprintf(&moved[i], "%s%s", r->output, companions[i]) < 0)
                        moved[i] = NULL;
                k = moved[i] ? move(r, from, moved[i], false) : -ENOMEM;
                if (k < 0)
                        free(TAKE_PTR(moved[i]));
        }
        if (k >= 0)
                k = move(r, directory ? TREE : IMAGE, r->output, directory);
        for (size_t i = 0; i < ELEMENTSOF(companions); i++) {
                if (k < 0 && moved[i])
                        (void)unlink(moved[i]);
                free(moved[i]);
        }
        if (k < 0)
                print_error("%s: cannot put it there: %s", r->output, strerror(-k));
        return k < 0 ? STATUS_FAILED : 0;
}

/* The child's status; a signal that came instead is *ret_signal, and the child is gone. */
static int wait_for(pid_t pid, const sigset_t *signals, int *ret_signal) {
        int status = 0;

        *ret_signal = 0;
        for (;;) {
                int sig = sigwaitinfo(signals, NULL);
                if (sig < 0)
                        continue;
                if (sig != SIGCHLD) {
                        *ret_signal = sig;
                        (void)kill(-pid, SIGKILL);
                        (void)kill(pid, SIGKILL); /* where it has no group yet */
                        (void)waitpid(pid, &status, 0);
                        return STATUS_FAILED;
                }
                if (waitpid(pid, &status, WNOHANG) != pid)
                        continue;
                if (WIFEXITED(status))
                        return WEXITSTATUS(status);
                (void)kill(-pid, SIGKILL);
                print_error("the process that made it was ended by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
                return STATUS_FAILED;
        }
}

static int copy_out(int from) {
        char buffer[65536];
        off_t at = 0;
        ssize_t n;

        while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
                int k = write_all(STDOUT_FILENO, buffer, (size_t)n);
                if (k < 0) {
                        print_error("cannot write to standard output: %s", strerror(-k));
                        return STATUS_FAILED;
                }
                at += n;
        }
        return 0;
}

static void clean_up(const Rootfs *r) {
        int k = root_empty(r->fd, NULL);

        if (k < 0 || rmdir(r->temporary) < 0)
                print_warning("cannot remove %s: %s", r->temporary, strerror(k < 0 ? -k : errno));
}

static void watch(sigset_t *signals, sigset_t *ret_before) {
        (void)sigemptyset(signals);
        for (const int *sig = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, 0 }; *sig; sig++)
                (void)sigaddset(signals, *sig);
        (void)sigprocmask(SIG_BLOCK, signals, ret_before);
        /* Ignored, it would never come. */
        (void)signal(SIGCHLD, SIG_DFL);
}

/* The temporary directory is there. */
static int run(
        Rootfs *r, RootfsFill fill, const sigset_t *signals, const sigset_t *before, int *ret_signal) {
        _cleanup_close_ int out = memfd_create("result", MFD_CLOEXEC);
        pid_t parent = getpid();

        r->fd = open(r->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)fflush(stdout);
        pid_t pid = out < 0 || r->fd < 0 ? -1 : fork();
        if (pid < 0) {
                print_error("cannot begin: %s", strerror(errno));
                return STATUS_FAILED;
        }
        if (pid == 0)
                child(r, fill, out, parent, before);
        int status = wait_for(pid, signals, ret_signal);
        if (status == 0)
                status = publish(r);
        /* What it printed is true now. */
        return status == 0 ? copy_out(out) : status;
}

int rootfs_make(const RootfsOptions *o, RootfsFill fill) {
        _cleanup_(rootfs_done) Rootfs r = { .o = o, .fd = -EBADF, .tree.fd = -EBADF };
        sigset_t signals, before;
        int sig = 0;

        int status = name_output(&r);
        if (status == 0)
                status = check_output(&r);
        if (status != 0)
                return status;
        watch(&signals, &before);
        if (!mkdtemp(r.temporary)) {
                print_error("cannot make a directory beside %s: %s", r.output, strerror(errno));
                status = STATUS_FAILED;
        } else {
                status = run(&r, fill, &signals, &before, &sig);
                if (r.fd >= 0)
                        clean_up(&r);
        }
        /* As if it had not been caught. */
        if (sig)
                (void)raise(sig);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return status;
}
