/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolution of a policy's paths. The kernel resolves; what is done here is to look at each link before it
 * is followed. The path so far never holds a link, so that ".." in a link's text is the name before it.
 */

#include "rule-path.h"

#include <limits.h>
#include <sys/stat.h>

#include "sys.h"

#define LINKS_MAX 40U /* as many as the kernel follows, path_resolution(7) */

typedef struct Walk {
        int root;
        const uint64_t *mounts; /* whose links are followed */
        size_t n_mounts;
        char done[PATH_MAX]; /* resolved, without links; "" is the root */
        char left[PATH_MAX]; /* what is not resolved yet */
        unsigned n_links;
} Walk;

static int open_plain(int root, const char *path) {
        while (*path == '/')
                path++;
        int fd = sys_openat2(root, *path ? path : ".", O_PATH | O_NOFOLLOW,
                RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
        return fd < 0 ? -errno : fd;
}

/* 0, or -EPERM. */
static int check_mount(const Walk *w, int link) {
        uint64_t id;

        if (sys_mount_id(link, &id) < 0)
                return -errno;
        for (size_t i = 0; i < w->n_mounts; i++)
                if (id != 0 && w->mounts[i] == id)
                        return 0;
        return -EPERM;
}

/* Takes the text of a link in place of the name that it had. */
static int follow(Walk *w, int link) {
        char target[PATH_MAX], rest[PATH_MAX];

        if (++w->n_links > LINKS_MAX)
                return -ELOOP;
        int r = check_mount(w, link);
        if (r < 0)
                return r;
        ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';

        memcpy(rest, w->left, sizeof(rest));
        if (target[0] == '/')
                w->done[0] = '\0';
        int k = snprintf(w->left, sizeof(w->left), "%s/%s", target, rest);
        return k < 0 || (size_t)k >= sizeof(w->left) ? -ENAMETOOLONG : 0;
}

/* Cuts the first name off what is left. */
static void next_name(Walk *w, char *ret_name) {
        size_t skip = strspn(w->left, "/"), n = strcspn(w->left + skip, "/");

        memcpy(ret_name, w->left + skip, n);
        ret_name[n] = '\0';
        memmove(w->left, w->left + skip + n, strlen(w->left + skip + n) + 1);
}

/* One name further. */
static int step(Walk *w, const char *name) {
        size_t n = strlen(w->done);
        struct stat st;

        if (streq(name, "") || streq(name, "."))
                return 0;
        if (streq(name, "..")) {
                char *slash = strrchr(w->done, '/');
                if (slash)
                        *slash = '\0';
                return 0;
        }
        if (n + 1 + strlen(name) >= sizeof(w->done))
                return -ENAMETOOLONG;
        w->done[n] = '/';
        memcpy(w->done + n + 1, name, strlen(name) + 1);

        _cleanup_close_ int fd = open_plain(w->root, w->done);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISLNK(st.st_mode))
                return 0;
        w->done[n] = '\0';
        return follow(w, fd);
}

int rule_path_open(int root, const char *path, const uint64_t *mounts, size_t n_mounts) {
        struct stat st;
        int fd = open_plain(root, path);

        /* Of a link at the end, O_NOFOLLOW gives the link itself. */
        if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
                return fd;
        if (fd < 0 && fd != -ELOOP)
                return fd;
        close_fd(fd);

        _cleanup_free_ Walk *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->root = root;
        w->mounts = mounts;
        w->n_mounts = n_mounts;
        if ((size_t)snprintf(w->left, sizeof(w->left), "%s", path) >= sizeof(w->left))
                return -ENAMETOOLONG;
        while (w->left[strspn(w->left, "/")]) {
                char name[PATH_MAX];
                next_name(w, name);
                int r = step(w, name);
                if (r < 0)
                        return r;
        }
        return open_plain(root, w->done);
}
