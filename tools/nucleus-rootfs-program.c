/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images are written by the programs that file systems come with. Each runs by its absolute path with an
 * environment of ours, so that nothing but the tree, the options here and its version makes a difference.
 */

#include "nucleus-rootfs.h"

#include "diag.h"
#include "io.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OUTPUT_MAX 65536U

/* Arbitrary, and always the same. */
#define EROFS_UUID "6e75636c-6575-4f53-a072-6f6f74667300"
#define VERITY_UUID "6e75636c-6575-4f53-a076-657269747900"

/* Where root's programs are, on Debian and on NixOS. */
static const char *const directories[] = {
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/run/current-system/sw/bin",
};

typedef struct Program {
        const char *name, *package;
} Program;

static const Program mkfs_erofs = { "mkfs.erofs", "erofs-utils" };
static const Program mksquashfs = { "mksquashfs", "squashfs-tools" };
static const Program veritysetup = { "veritysetup", "cryptsetup-bin" };

/* Its path, to be freed, or NULL after an error was reported. */
static char *find_program(const Program *p) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                struct stat st;
                char *path;

                if (asprintf(&path, "%s/%s", directories[i], p->name) < 0) {
                        (void)out_of_memory();
                        return NULL;
                }
                if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
                        return path;
                free(path);
        }
        print_error("%s is not there: install %s", p->name, p->package);
        return NULL;
}

/* What it printed, to be freed; NULL: no memory. */
static char *read_output(int fd) {
        char *text = calloc(1, OUTPUT_MAX + 1);
        ssize_t n = text ? pread(fd, text, OUTPUT_MAX, 0) : 0;

        if (n < 0)
                text[0] = '\0';
        return text;
}

/* In the directory `dir_fd`, where it finds its files whatever is renamed above. */
static int start(const char *path, char *const *arguments, int dir_fd, int out, pid_t *ret_) {
        char *const environment[] = {
                (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
                (char[]){ "LC_ALL=C" },
                (char[]){ "TZ=UTC" },
                NULL,
        };
        posix_spawn_file_actions_t actions;

        int error = posix_spawn_file_actions_init(&actions);
        if (error != 0)
                return -error;
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (error == 0)
                error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (error == 0)
                error = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
        if (error == 0)
                error = posix_spawn_file_actions_addfchdir_np(&actions, dir_fd);
        if (error == 0)
                error = posix_spawn(ret_, path, &actions, NULL, arguments, environment);
        (void)posix_spawn_file_actions_destroy(&actions);
        return -error;
}

/* They name files of the tree. */
static void print_lines(char *text) {
        for (char *line; (line = strsep(&text, "\n"));) {
                _cleanup_free_ char *shown = NULL;
                if (*line && text_sanitise(line, &shown) >= 0)
                        print_error("  %s", shown);
        }
}

/* Runs it and waits. 0 with *ret_output (to be freed), or a status after its own messages were printed. */
static int run(const Rootfs *r, const Program *p, const char *const *arguments, char **ret_output) {
        _cleanup_close_ int out = memfd_create(p->name, MFD_CLOEXEC);
        _cleanup_free_ char *path = find_program(p), *output = NULL;
        int status = 0;
        pid_t pid;

        if (!path)
                return STATUS_FAILED;
        int k = out < 0 ? -errno : start(path, (char *const *)(uintptr_t)arguments, r->fd, out, &pid);
        if (k >= 0 && waitpid(pid, &status, 0) < 0)
                k = -errno;
        if (k < 0) {
                print_error("cannot run %s: %s", path, strerror(-k));
                return STATUS_FAILED;
        }
        output = read_output(out);
        if (!output)
                return out_of_memory();
        if (status != 0) {
                print_error("%s failed (%s %d):", path, WIFEXITED(status) ? "status" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
                print_lines(output);
                return STATUS_FAILED;
        }
        *ret_output = TAKE_PTR(output);
        return 0;
}

static int write_erofs(const Rootfs *r) {
        _cleanup_free_ char *output = NULL;
        char time[32];

        (void)snprintf(time, sizeof(time), "-T%lld", (long long)r->o->time);
        /* As somebody else than root, files belong to the caller: in an image they need not. */
        const char *arguments[] = { mkfs_erofs.name, time, "-U", EROFS_UUID, "--quiet",
                r->tree.owners ? "image" : "--all-root", r->tree.owners ? "tree" : "image",
                r->tree.owners ? NULL : "tree", NULL };
        int k = run(r, &mkfs_erofs, arguments, &output);
        if (k != 0 && r->tree.long_name)
                print_error("  mkfs.erofs before 1.6 fails on a name of 255 bytes, and there is one; "
                            "--format squashfs");
        return k;
}

static int write_squashfs(const Rootfs *r) {
        _cleanup_free_ char *output = NULL;
        char time[32];

        (void)snprintf(time, sizeof(time), "%lld", (long long)r->o->time);
        const char *arguments[] = { mksquashfs.name, "tree", "image", "-noappend", "-no-progress", "-quiet",
                "-no-exports", "-no-recovery", "-mkfs-time", time, "-all-time", time,
                r->tree.owners ? NULL : "-all-root", NULL };
        return run(r, &mksquashfs, arguments, &output);
}

int rootfs_write_image(Rootfs *r) {
        int k = r->o->format == ROOTFS_EROFS ? write_erofs(r) : write_squashfs(r);
        if (k == 0 && fchmodat(r->fd, "image", 0444, 0) < 0) {
                print_error("cannot set the mode of the image: %s", strerror(errno));
                return STATUS_FAILED;
        }
        return k;
}

/* The hexadecimal digits of its line "Root hash:". */
static int read_root_hash(const char *output, char ret_hex[SHA256_HEX_SIZE]) {
        const char *line = strstr(output, "Root hash:");
        uint8_t digest[SHA256_SIZE];

        if (line)
                line += strlen("Root hash:");
        const char *hex = line ? line + strspn(line, " \t") : "";
        if (sha256_from_hex(hex, strcspn(hex, "\n"), digest) < 0)
                return -EINVAL;
        sha256_to_hex(digest, ret_hex);
        return 0;
}

int rootfs_write_verity(Rootfs *r) {
        _cleanup_free_ char *output = NULL;
        const char *arguments[] = { veritysetup.name, "format", "image", "image.verity", "--hash=sha256",
                "--data-block-size=4096", "--hash-block-size=4096", "--salt=-", "--uuid=" VERITY_UUID,
                NULL };

        int k = run(r, &veritysetup, arguments, &output);
        if (k != 0)
                return k;
        if (read_root_hash(output, r->root_hash) < 0 || fchmodat(r->fd, "image.verity", 0444, 0) < 0) {
                print_error("veritysetup printed no root hash");
                return STATUS_FAILED;
        }
        return 0;
}
