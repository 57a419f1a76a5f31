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
#include "tree-walk.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define TREE "tree"
#define IMAGE "image"

/* What stands beside an image: its name's end, there as here. */
static const char *const companions[] = { SIGNATURE_SUFFIX, IMAGE_VERITY_SUFFIX };

static void rootfs_done(Rootfs *r) {
        root_tree_done(&r->tree);
        image_done(&r->image);
        attest_report_done(&r->report);
        close_fd(r->parent_fd);
        close_fd(r->fd);
        close_fd(r->tree.fd);
        free(r->output);
        free(r->name);
        free(r->temporary);
        signing_key_done(&r->key);
}

/* ---- the output's name ---- */

/* `suffix` goes behind the output's name. */
static int is_free(const Rootfs *r, const char *suffix) {
        _cleanup_free_ char *name = NULL;
        struct stat st;

        if (asprintf(&name, "%s%s", r->name, suffix) < 0)
                return out_of_memory();
        if (fstatat(r->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                print_error("%s%s: is there already, and is never replaced", r->output, suffix);
        else if (errno != ENOENT)
                print_error("%s%s: %s", r->output, suffix, strerror(errno));
        else
                return 0;
        return STATUS_FAILED;
}

/* The output's absolute path, which is to be pasted, and the directory that it goes into. This is opened
 * once: whoever can rename what leads to it must not choose where all else goes. */
static int name_output(Rootfs *r) {
        _cleanup_free_ char *copy = strdup(r->o->output), *copy2 = strdup(r->o->output), *shown = NULL;
        char directory[PATH_MAX];

        if (!copy || !copy2)
                return out_of_memory();
        const char *name = basename(copy);
        if (realpath(dirname(copy2), directory))
                r->parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->parent_fd < 0) {
                print_error("%s: cannot find its directory: %s", r->o->output, strerror(errno));
                return STATUS_FAILED;
        }
        if (streq(name, "/") || streq(name, ".") || streq(name, "..")) {
                print_error("%s: is no name for something new", r->o->output);
                return STATUS_FAILED;
        }
        r->name = strdup(name);
        if (!r->name || asprintf(&r->output, "%s/%s", streq(directory, "/") ? "" : directory, name) < 0 ||
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
        int k = is_free(r, "");

        for (size_t i = 0; k == 0 && r->o->format != ROOTFS_DIRECTORY && i < ELEMENTSOF(companions); i++)
                k = is_free(r, companions[i]);
        return k;
}

/* ---- the directory in which it is made ---- */

static int not_empty(int dir_fd _unused_, const char *name _unused_, void *userdata _unused_) {
        return -ENOTEMPTY;
}

/* Is it the one just made? Where others may rename in its parent, it could be any other by now, and all that
 * is in it will be removed. */
static int check_temporary(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
                return -EPERM;
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return copy < 0 ? -errno : directory_for_each(copy, not_empty, NULL);
}

/* What a directory hands down to all that is made in it would get into the tree: a default ACL, which can
 * open its files to others, and a group. */
static int inherit_nothing(int fd) {
        static const char *const names[] = { "system.posix_acl_default", "system.posix_acl_access" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (fremovexattr(fd, names[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                        return -errno;
        if (fchown(fd, (uid_t)-1, getegid()) < 0 || fchmod(fd, 0700) < 0)
                return -errno;
        return 0;
}

/* 0 or -errno. It is there, to be removed, where r->temporary is set. */
static int make_temporary(Rootfs *r) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "/proc/self/fd/%d/.nucleus-rootfs.XXXXXX", r->parent_fd) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (!mkdtemp(path))
                return -errno;
        r->temporary = strdup(strrchr(path, '/') + 1);
        if (!r->temporary)
                return rmdir(path) < 0 ? -errno : -ENOMEM;
        _cleanup_close_ int fd =
                openat(r->parent_fd, r->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int k = fd < 0 ? -errno : check_temporary(fd);
        if (k >= 0)
                k = inherit_nothing(fd);
        if (k >= 0)
                r->fd = TAKE_FD(fd);
        return k;
}

/* ---- the process that makes it ---- */

/* First of all: what is wrong with a key is said before the work is done. */
static int read_key(Rootfs *r) {
        _cleanup_free_ char *error = NULL;

        if (!r->o->key)
                return 0;
        int k = signing_key_read(r->o->key, &r->key, &error);
        if (k < 0)
                print_error("%s", error ?: strerror(-k));
        return k < 0 ? STATUS_FAILED : 0;
}

static int make_tree(Rootfs *r, RootfsFill fill) {
        if (mkdirat(r->fd, TREE, 0755) == 0)
                r->tree.fd = openat(r->fd, TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r->tree.fd < 0 || fchmod(r->tree.fd, 0755) < 0) {
                print_error("cannot make a directory for %s: %s", r->output, strerror(errno));
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
        int k = read_key(r);
        if (k != 0)
                return k;
        k = fill(r);
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
        /* Its group is not the terminal's: where `stty tostop` holds, a warning would stop it. */
        (void)signal(SIGTTOU, SIG_IGN);
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(STATUS_FAILED);
        int status = finish_output(make_tree(r, fill));
        rootfs_done(r);
        exit(status);
}

/* ---- the process that waits ---- */

/* Moves what has been made to its name, which must be free. 0 or -errno. */
static int move(const Rootfs *r, const char *from, const char *to, bool directory) {
        if (renameat2(r->fd, from, r->parent_fd, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL)
                return -errno;
        /* Not every file system can do that; making the name can do it everywhere. */
        if (!directory)
                return linkat(r->fd, from, r->parent_fd, to, 0) < 0 ? -errno : 0;
        if (mkdirat(r->parent_fd, to, 0700) < 0)
                return -errno;
        int k = renameat(r->fd, from, r->parent_fd, to) < 0 ? -errno : 0;
        if (k < 0)
                (void)unlinkat(r->parent_fd, to, AT_REMOVEDIR);
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
                if (asprintf(&moved[i], "%s%s", r->name, companions[i]) < 0)
                        moved[i] = NULL;
                k = moved[i] ? move(r, from, moved[i], false) : -ENOMEM;
                if (k < 0)
                        free(TAKE_PTR(moved[i]));
        }
        if (k >= 0)
                k = move(r, directory ? TREE : IMAGE, r->name, directory);
        for (size_t i = 0; i < ELEMENTSOF(companions); i++) {
                if (k < 0 && moved[i])
                        (void)unlinkat(r->parent_fd, moved[i], 0);
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
        int k = r->fd >= 0 ? root_empty(r->fd, NULL) : 0;

        if (k >= 0 && unlinkat(r->parent_fd, r->temporary, AT_REMOVEDIR) < 0)
                k = -errno;
        if (k < 0)
                print_warning("cannot remove %s, beside %s: %s", r->temporary, r->output, strerror(-k));
}

static void watch(sigset_t *signals, sigset_t *ret_before) {
        (void)sigemptyset(signals);
        (void)sigaddset(signals, SIGCHLD);
        for (const int *sig = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0 }; *sig; sig++) {
                struct sigaction old;
                /* Ignored, by nohup(1) say, it is to be ignored: blocked, it would be kept for us. */
                if (sigaction(*sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
                        (void)sigaddset(signals, *sig);
        }
        (void)sigprocmask(SIG_BLOCK, signals, ret_before);
        /* Ignored, it would never come. */
        (void)signal(SIGCHLD, SIG_DFL);
        /* Whoever was to read what we say is gone, and nothing may stay behind for that. */
        (void)signal(SIGPIPE, SIG_IGN);
}

/* The temporary directory is there. */
static int run(
        Rootfs *r, RootfsFill fill, const sigset_t *signals, const sigset_t *before, int *ret_signal) {
        _cleanup_close_ int out = memfd_create("result", MFD_CLOEXEC);
        pid_t parent = getpid();

        (void)fflush(stdout);
        pid_t pid = out < 0 ? -1 : fork();
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
        _cleanup_(rootfs_done) Rootfs r = { .o = o, .parent_fd = -EBADF, .fd = -EBADF, .tree.fd = -EBADF };
        sigset_t signals, before;
        int sig = 0;

        int status = name_output(&r);
        if (status == 0)
                status = check_output(&r);
        if (status != 0)
                return status;
        watch(&signals, &before);
        int k = make_temporary(&r);
        if (k < 0) {
                print_error("cannot make a directory beside %s: %s", r.output, strerror(-k));
                status = STATUS_FAILED;
        } else
                status = run(&r, fill, &signals, &before, &sig);
        if (r.temporary)
                clean_up(&r);
        /* As if it had not been caught. */
        if (sig)
                (void)raise(sig);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return status;
}
