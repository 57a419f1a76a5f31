/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens, checks and reads one file. Must never open what is no regular file, and must never believe what
 * others may write. What the bytes mean is nothing to it.
 */

#include "safe-read.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

/* Files of the Nix store belong to whoever built it and cannot be changed. */
static bool is_in_nix_store(int fd) {
        char link[64], path[64];

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return false;
        path[n] = '\0';
        return startswith(path, "/nix/store/");
}

const char *distrust_reason(int fd, const struct stat *st) {
        if (st->st_uid != 0 && st->st_uid != geteuid() && !is_in_nix_store(fd))
                return geteuid() == 0 ? "belongs to a user other than root: change its owner to root"
                                      : "belongs to a user other than root and you: change its owner";
        if (st->st_mode & 022)
                return "may be written by its group or by others: run chmod go-w on it";
        return NULL;
}

bool stat_is_null_device(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static const char *type_name(mode_t mode) {
        return S_ISDIR(mode)    ? "a directory"
               : S_ISFIFO(mode) ? "a FIFO"
               : S_ISSOCK(mode) ? "a socket"
               : S_ISLNK(mode)  ? "a symbolic link"
                                : "a device";
}

static int refuse(SafeFile *file, const char *before, const char *what, const char *behind) {
        (void)snprintf(file->why, sizeof(file->why), "%s%s%s", before, what, behind);
        return -EINVAL;
}

static int refuse_errno(SafeFile *file, int error) {
        return error == ENOMEM ? -ENOMEM : refuse(file, "", strerror(error), "");
}

static int refuse_size(SafeFile *file, size_t max) {
        if (max % (1024 * 1024) == 0)
                (void)snprintf(
                        file->why, sizeof(file->why), "it is larger than %zu MiB", max / (1024 * 1024));
        else
                (void)snprintf(file->why, sizeof(file->why), "it is larger than %zu bytes", max);
        return -EINVAL;
}

/* The file behind a link, or of unknown kind, before it is opened: opening some devices acts. */
static int check_kind(const char *path, SafeFile *file) {
        struct stat st;

        if (stat(path, &st) < 0)
                return refuse_errno(file, errno);
        if (stat_is_null_device(&st)) {
                file->masked = true;
                return 0;
        }
        return S_ISREG(st.st_mode) ? 0
                                   : refuse(file, "it is ", type_name(st.st_mode), ", not a regular file");
}

/* Opens what is a regular file that may be believed. The descriptor or an error. */
static int open_checked(
        const char *path, SafeReadFlags flags, size_t max, SafeFile *file, size_t *ret_size) {
        bool plain = flags & SAFE_READ_PLAIN;
        struct stat st;

        _cleanup_close_ int fd =
                open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (plain ? O_NOFOLLOW : 0));
        if (fd < 0 || fstat(fd, &st) < 0)
                return refuse_errno(file, errno);
        if (!S_ISREG(st.st_mode))
                return refuse(file, "it is no longer a regular file", "", "");

        const char *why = distrust_reason(fd, &st);
        if (why && !(flags & SAFE_READ_ANYBODYS))
                return refuse(file, "the file ", why, "");
        if ((uintmax_t)st.st_size > max)
                return refuse_size(file, max);
        file->distrust = why;
        *ret_size = (size_t)st.st_size;
        return TAKE_FD(fd);
}

/* Up to one byte more than `max`, which tells that there is more. */
static int read_all(int fd, char *buffer, size_t max, size_t expected, SafeFile *file) {
        size_t n = 0;

        while (n <= max) {
                ssize_t k = read(fd, buffer + n, max + 1 - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return refuse_errno(file, errno);
                n += (size_t)k;
                if (k == 0 || n == expected)
                        break;
        }
        if (n > max)
                return refuse_size(file, max);
        file->n = n;
        return 0;
}

int safe_read(const char *path, SafeReadFlags flags, char *buffer, size_t max, SafeFile *ret_) {
        size_t size = 0;
        int k;

        *ret_ = (SafeFile){};
        if (!(flags & SAFE_READ_PLAIN)) {
                k = check_kind(path, ret_);
                if (k < 0 || ret_->masked)
                        return k;
        }
        _cleanup_close_ int fd = open_checked(path, flags, max, ret_, &size);
        return fd < 0 ? fd : read_all(fd, buffer, max, size, ret_);
}

int safe_read_new(const char *path, SafeReadFlags flags, size_t max, char **ret_text, SafeFile *ret_) {
        _cleanup_free_ char *buffer = malloc(max + 1);

        *ret_ = (SafeFile){};
        if (!buffer)
                return -ENOMEM;

        int k = safe_read(path, flags, buffer, max, ret_);
        if (k < 0 || ret_->masked) {
                *ret_text = NULL;
                return k;
        }
        char *text = realloc(buffer, ret_->n + 1);
        if (!text)
                return -ENOMEM;
        (void)TAKE_PTR(buffer);
        text[ret_->n] = '\0';
        *ret_text = text;
        return 0;
}
