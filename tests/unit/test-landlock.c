/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which right of Landlock stands behind which class of access, asked of the kernel itself: each row is tried
 * in a process of its own, in a directory that a rule covers with some classes. What the running ABI does
 * not know is left out.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "landlock.h"
#include "util.h"

#define R LANDLOCK_CLASS_READ
#define W LANDLOCK_CLASS_WRITE
#define X LANDLOCK_CLASS_EXECUTE
#define D LANDLOCK_CLASS_IOCTL_DEV

typedef int Probe(void);

static int outcome(int r) {
        return r < 0 ? errno : 0;
}

static int open_and_close(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                return errno;
        close(fd);
        return 0;
}

static int probe_read(void) {
        return open_and_close("file", O_RDONLY);
}

static int probe_list(void) {
        return open_and_close(".", O_RDONLY | O_DIRECTORY);
}

static int probe_write(void) {
        return open_and_close("file", O_WRONLY);
}

static int probe_create(void) {
        return open_and_close("new", O_WRONLY | O_CREAT | O_EXCL);
}

static int probe_truncate(void) {
        return outcome(truncate("file", 1));
}

static int probe_open_to_truncate(void) {
        return open_and_close("file", O_WRONLY | O_TRUNC);
}

static int probe_unlink(void) {
        return outcome(unlink("file"));
}

static int probe_mkdir(void) {
        return outcome(mkdir("new", 0700));
}

static int probe_rmdir(void) {
        return outcome(rmdir("a"));
}

static int probe_symlink(void) {
        return outcome(symlink("file", "new"));
}

static int probe_fifo(void) {
        return outcome(mkfifo("new", 0600));
}

static int probe_regular(void) {
        return outcome(mknod("new", S_IFREG | 0600, 0));
}

static int probe_socket(void) {
        return outcome(mknod("new", S_IFSOCK | 0600, 0));
}

static int probe_block(void) {
        return outcome(mknod("new", S_IFBLK | 0600, 0x0700)); /* Landlock comes before the capability */
}

static int probe_whiteout(void) {
        return outcome(mknod("new", S_IFCHR, 0)); /* the device that needs no capability */
}

static int probe_rename_across(void) {
        return outcome(rename("a/file", "b/file"));
}

static int probe_link_across(void) {
        return outcome(link("a/file", "b/file"));
}

static int probe_execute(void) {
        int status = -1;
        pid_t pid = vfork();

        if (pid == 0) {
                execl("./program", "program", NULL);
                _exit(errno);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                return -1;
        return WEXITSTATUS(status);
}

/* A terminal's request to a device that is none: the device's own answer is ENOTTY. */
static int probe_ioctl(void) {
        char settings[256];
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return errno;
        int r = outcome(ioctl(fd, 0x5401 /* TCGETS */, settings));
        close(fd);
        return r;
}

static const struct {
        const char *name;
        Probe *run;
        uint64_t classes;
        int error, error_two; /* 0: allowed. error_two: the other errno that the kernel may give, if any */
        int abi;
} rows[] = {
        { "read", probe_read, R, 0, 0, 1 },
        { "read", probe_read, W | X | D, EACCES, 0, 1 },
        { "list", probe_list, R, 0, 0, 1 },
        { "list", probe_list, W | X | D, EACCES, 0, 1 },
        { "write", probe_write, W, 0, 0, 1 },
        { "write", probe_write, R | X | D, EACCES, 0, 1 },
        { "create", probe_create, W, 0, 0, 1 },
        { "create", probe_create, R | X | D, EACCES, 0, 1 },
        { "truncate", probe_truncate, W, 0, 0, 3 },
        { "truncate", probe_truncate, R | X | D, EACCES, 0, 3 },
        { "open to truncate", probe_open_to_truncate, W, 0, 0, 1 },
        { "open to truncate", probe_open_to_truncate, R | X | D, EACCES, 0, 1 },
        { "unlink", probe_unlink, W, 0, 0, 1 },
        { "unlink", probe_unlink, R | X | D, EACCES, 0, 1 },
        { "mkdir", probe_mkdir, W, 0, 0, 1 },
        { "mkdir", probe_mkdir, R | X | D, EACCES, 0, 1 },
        { "rmdir", probe_rmdir, W, ENOTEMPTY, 0, 1 }, /* the file system's own answer */
        { "rmdir", probe_rmdir, R | X | D, EACCES, 0, 1 },
        { "symlink", probe_symlink, W, 0, 0, 1 },
        { "symlink", probe_symlink, R | X | D, EACCES, 0, 1 },
        { "fifo", probe_fifo, W, 0, 0, 1 },
        { "fifo", probe_fifo, R | X | D, EACCES, 0, 1 },
        { "regular file", probe_regular, W, 0, 0, 1 },
        { "regular file", probe_regular, R | X | D, EACCES, 0, 1 },
        { "socket", probe_socket, W, 0, 0, 1 },
        { "socket", probe_socket, R | X | D, EACCES, 0, 1 },
        { "block device", probe_block, R | W | X | D, EACCES, 0, 1 },
        { "device", probe_whiteout, R | W | X | D, EACCES, 0, 1 }, /* no class has it */
        { "rename across", probe_rename_across, R | W, 0, 0, 2 },
        { "rename across", probe_rename_across, R | X | D, EACCES, EXDEV, 1 },
        { "link across", probe_link_across, R | W, 0, 0, 2 },
        { "link across", probe_link_across, R | X | D, EACCES, EXDEV, 1 },
        { "execute", probe_execute, R | X, 0, 0, 1 },
        { "execute", probe_execute, R | W | D, EACCES, 0, 1 },
        { "device ioctl", probe_ioctl, R | W | D, ENOTTY, 0, 5 },
        { "device ioctl", probe_ioctl, R | W, EACCES, 0, 5 },
};

static void write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static const char *const files[] = { "file", "new", "program", "a/file", "b/file" };

static void clean(void) {
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (unlink(files[i]) < 0)
                        (void)rmdir(files[i]);
        (void)rmdir("a");
        (void)rmdir("b");
}

static void fill(void) {
        clean();
        assert_int_equal(mkdir("a", 0700), 0);
        assert_int_equal(mkdir("b", 0700), 0);
        write_file("file", "text");
        write_file("a/file", "text");
        write_file("program", "#!/bin/sh\n");
}

/* Where the interpreter of the program may be, with its libraries; not what is asked. */
static const char *const interpreter[] = { "/usr", "/bin", "/lib", "/lib64", "/nix/store" };

/* In the child: the rules, the probe, and what it says as the exit code. */
static _noreturn_ void confined(size_t row) {
        LandlockRule rules[2 + ELEMENTSOF(interpreter)] = {
                { .fd = open(".", O_PATH | O_CLOEXEC), .access = rows[row].classes },
                { .fd = open("/dev", O_PATH | O_CLOEXEC), .access = rows[row].classes },
        };
        size_t n = 2;

        for (size_t i = 0; i < ELEMENTSOF(interpreter); i++) {
                int fd = open(interpreter[i], O_PATH | O_CLOEXEC);
                if (fd >= 0)
                        rules[n++] = (LandlockRule){ .fd = fd, .access = R | X };
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                _exit(254);
        if (landlock_apply(
                    &(LandlockRequest){ .rules = rules, .n_rules = n, .min_abi = 1 }, landlock_abi()) < 0)
                _exit(253);
        _exit(rows[row].run());
}

static int exit_code(size_t row) {
        int status = -1;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                confined(row);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_landlock_rights(void **state) {
        int abi = landlock_abi();

        if (abi < 1)
                skip();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (abi < rows[i].abi)
                        continue;
                fill();
                int code = exit_code(i);
                if (code != rows[i].error && (rows[i].error_two == 0 || code != rows[i].error_two))
                        fail_msg("row %zu, %s: %s (%d), not %s", i, rows[i].name, strerror(code), code,
                                strerror(rows[i].error));
        }
}

/* The control: without a policy each probe gets what it asks for. */
static void test_landlock_control(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fill();
                int r = rows[i].run();
                if (r != 0 && r != ENOTEMPTY && r != ENOTTY && (r != EPERM || rows[i].run != probe_block))
                        fail_msg("row %zu, %s: %s", i, rows[i].name, strerror(r));
        }
}

/* ---- what each ABI denies, as far as the running one lets us go back ---- */

static int probe_bind(void) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 ? errno : outcome(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int probe_signal(void) {
        return outcome(kill(getppid(), 0));
}

/* With reading granted, and in /dev writing; nothing else. */
static const struct {
        const char *name;
        Probe *run;
        unsigned since; /* the ABI that denies it */
        int before, denied;
} by_abi[] = {
        { "write", probe_write, 1, 0, EACCES },
        { "rename across", probe_rename_across, 1, 0, EXDEV }, /* ABI 1 has no right that could allow it */
        { "truncate", probe_truncate, 3, 0, EACCES },
        { "bind", probe_bind, 4, 0, EACCES },
        { "device ioctl", probe_ioctl, 5, ENOTTY, EACCES },
        { "signal", probe_signal, 6, 0, EPERM },
};

static _noreturn_ void confined_by_abi(size_t row, unsigned abi) {
        /* Those that a rename needs besides the one that ABI 2 brought. */
        uint64_t rename_rights = by_abi[row].run == probe_rename_across ? W & ~UINT64_C(0x2000) : 0;
        const LandlockRule rules[] = {
                { .fd = open(".", O_PATH | O_CLOEXEC), .access = R | rename_rights },
                { .fd = open("/dev", O_PATH | O_CLOEXEC), .access = R | W },
        };
        const LandlockRequest request = {
                .rules = rules, .n_rules = 2, .net = true, .scoped = 3, .log_denials = true
        };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                _exit(254);
        if (landlock_apply(&request, (int)abi) < 0)
                _exit(253);
        _exit(by_abi[row].run());
}

static void test_landlock_denies_what_the_abi_knows(void **state) {
        unsigned running = (unsigned)landlock_abi();

        for (unsigned abi = 1; abi <= LANDLOCK_ABI_MAX && abi <= running; abi++)
                for (size_t i = 0; i < ELEMENTSOF(by_abi); i++) {
                        int status = -1,
                            expected = abi >= by_abi[i].since ? by_abi[i].denied : by_abi[i].before;

                        fill();
                        pid_t pid = fork();
                        assert_true(pid >= 0);
                        if (pid == 0)
                                confined_by_abi(i, abi);
                        assert_int_equal(waitpid(pid, &status, 0), pid);
                        if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
                                fail_msg("ABI %u, %s: %d, not %d", abi, by_abi[i].name, WEXITSTATUS(status),
                                        expected);
                }
}

/* More than the kernel has is refused, and nothing is applied. */
static void test_landlock_min_abi(void **state) {
        LandlockRule rule = { .fd = -EBADF, .access = R };

        if (landlock_abi() < 1)
                skip();
        LandlockRequest request = { .rules = &rule, .n_rules = 1, .min_abi = (unsigned)landlock_abi() + 1 };
        assert_int_equal(landlock_apply(&request, landlock_abi()), -EOPNOTSUPP);
        request.min_abi = 1;
        assert_int_equal(landlock_apply(&request, landlock_abi()), -EBADF);
        fill();
        assert_int_equal(probe_write(), 0);
}

static char directory[] = "/tmp/test-landlock-XXXXXX";

static int setup(void **state) {
        return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state) {
        clean();
        return rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_landlock_rights),
                cmocka_unit_test(test_landlock_control),
                cmocka_unit_test(test_landlock_denies_what_the_abi_knows),
                cmocka_unit_test(test_landlock_min_abi),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
