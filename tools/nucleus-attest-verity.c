/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nucleus attest --enable-verity`: fs-verity for each regular file of a tree. It follows no link, enters no
 * other mount and opens nothing but regular files and directories. Must never change a file's content.
 */

#include "nucleus-attest.h"

#include "fsverity.h"
#include "manifest.h"
#include "strbuf.h"
#include "tree-walk.h"

#include <fcntl.h>
#include <sys/stat.h>

typedef struct Enabling {
        AttestResult *result;
        Progress progress;
        const char *prefix; /* of paths as they are shown */
        size_t list_max;
} Enabling;

static int add_failed(Enabling *e, const char *path, const char *what) {
        AttestList *l = &e->result->failed;

        l->count++;
        if (l->n >= e->list_max)
                return 0;
        AttestItem *items = grown(l->items, l->n, sizeof(*items));
        if (!items)
                return -ENOMEM;
        l->items = items;
        AttestItem item = { strdup(path), strdup(what) };
        if (!item.path || !item.what) {
                free(item.path);
                free(item.what);
                return -ENOMEM;
        }
        items[l->n++] = item;
        return 0;
}

static int no_verity(AttestReport *report) {
        return attest_fail(report, -EOPNOTSUPP,
                "its file system, or the kernel, has no fs-verity: ext4 has it after `tune2fs -O verity "
                "DEVICE`, btrfs and f2fs have it too");
}

static const char *explain(int r) {
        return r == -ETXTBSY ? "open for writing: stop what writes to it" : strerror(-r);
}

static int enable(Enabling *e, int path_fd, const char *path) {
        _cleanup_close_ int fd = reopen_for_reading(path_fd, 0);
        int r = fd < 0 ? fd : fsverity_enable(fd);

        e->result->enabled += r == 0;
        e->result->already += r == -EEXIST;
        if (r == -EOPNOTSUPP)
                return no_verity(&e->result->report);
        return r == 0 || r == -EEXIST ? 0 : add_failed(e, path, explain(r));
}

static int visit(const WalkEntry *entry, void *userdata) {
        Enabling *e = userdata;
        _cleanup_free_ char *path = NULL;
        AttestProgress done = { .entries = e->result->enabled + e->result->already };

        if (e->progress.wanted)
                attest_progress_show(&done, &e->progress);
        if (!S_ISREG(entry->st.st_mode))
                return 0;
        if (asprintf(&path, "%s%s%s", e->prefix, e->prefix[0] ? "/" : "", entry->path) < 0)
                return -ENOMEM;
        return enable(e, entry->fd, path);
}

/* All beneath one directory, whose files are shown below `prefix`. */
static int enable_beneath(Enabling *e, int dir_fd, const char *prefix) {
        _cleanup_free_ char *path = NULL;

        e->prefix = prefix;
        int r = tree_walk(dir_fd, visit, e, &path);
        if (r == -ENOMEM || r >= 0)
                return r;
        return attest_fail(&e->result->report, r, "cannot read %s%s%s: %s", prefix,
                prefix[0] && path && path[0] ? "/" : "",
                path && path[0] ? path
                : prefix[0]     ? ""
                                : ".",
                r == -EXDEV ? "another file system is mounted there" : strerror(-r));
}

/* Store paths are on the host's store, which may be another file system. */
static int enable_store(Enabling *e, const StorePaths *store) {
        for (size_t i = 0; store && i < store->n; i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                int fd = store->paths[i].fd, r;

                if (asprintf(&path, "nix/store/%s", store->paths[i].name) < 0)
                        return -ENOMEM;
                if (fstat(fd, &st) < 0)
                        return -errno;
                r = S_ISDIR(st.st_mode)   ? enable_beneath(e, fd, path)
                    : S_ISREG(st.st_mode) ? enable(e, fd, path)
                                          : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

int attest_enable_tree(
        const AttestArguments *a, int root_fd, const StorePaths *store, AttestResult *result) {
        Enabling e = { .result = result, .list_max = a->all ? SIZE_MAX : ATTEST_LIST_DEFAULT };

        result->verity_done = true;
        attest_progress_begin(&e.progress, a);
        int r = enable_beneath(&e, root_fd, "");
        if (r >= 0)
                r = enable_store(&e, store);
        attest_progress_end(&e.progress);
        if (r >= 0 && result->failed.count > 0)
                return attest_fail(
                        &result->report, -EBADMSG, "not every file of the tree could be given fs-verity");
        return r;
}

bool attest_has_fsverity(int root_fd) {
        /* Names and targets have no spaces: in version 2, nothing else can look so. */
        static const char mark[] = " " FSVERITY_ATTRIBUTE " ", header[] = MANIFEST_HEADER_V2 "\n";
        static char buffer[65536];
        size_t kept = 0;
        bool first = true;
        ssize_t n;

        _cleanup_close_ int fd =
                openat(root_fd, ATTEST_MANIFEST_NAME, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        while (fd >= 0 && (n = read(fd, buffer + kept, sizeof(buffer) - kept)) > 0) {
                size_t size = kept + (size_t)n;
                if (first && (size < strlen(header) || memcmp(buffer, header, strlen(header)) != 0))
                        return false;
                if (memmem(buffer, size, mark, strlen(mark)))
                        return true;
                first = false;
                kept = size < strlen(mark) ? size : strlen(mark) - 1;
                memmove(buffer, buffer + size - kept, kept);
        }
        return false;
}

int attest_enable_file(int fd, AttestResult *result) {
        int r = fsverity_enable(fd);

        result->verity_done = true;
        result->enabled += r == 0;
        result->already += r == -EEXIST;
        if (r == 0 || r == -EEXIST)
                return 0;
        if (r == -EOPNOTSUPP)
                return no_verity(&result->report);
        return attest_fail(&result->report, r, "cannot give it fs-verity: %s", explain(r));
}
