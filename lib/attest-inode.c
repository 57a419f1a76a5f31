/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attestation reads of one entry: content, link target, extended attributes, each through the O_PATH
 * descriptor whose type was looked at, by way of /proc/self/fd. So what is read is the inode that was
 * judged, and a device or a FIFO is never opened, whatever a rename puts in its place meanwhile.
 */

#include "attest-internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#define SPARSE_SIZE_MIN (256LL * 1024 * 1024)
#define SPARSE_FACTOR 8
#define XATTR_MAX 65536U /* the kernel's limit for a list and for a value */

/* A direct-mapped cache: bounded, and a collision only costs a second hashing. */
#define KNOWN_DIGESTS 1024U

struct KnownDigest {
        bool set;
        dev_t dev;
        ino_t ino;
        off_t size;
        uint8_t digest[SHA256_SIZE];
};

const char *attest_type_name(mode_t mode) {
        switch (mode & S_IFMT) {
        case S_IFREG:
                return "file";
        case S_IFDIR:
                return "directory";
        case S_IFLNK:
                return "symbolic link";
        case S_IFIFO:
                return "FIFO";
        case S_IFSOCK:
                return "socket";
        case S_IFCHR:
                return "character device";
        case S_IFBLK:
                return "block device";
        default:
                return "unknown type";
        }
}

bool attest_is_sparse_giant(const struct stat *st) {
        return st->st_size >= SPARSE_SIZE_MIN && st->st_blocks < st->st_size / 512 / SPARSE_FACTOR;
}

static void report_progress(Attest *a, uint64_t bytes) {
        a->report->done.bytes += bytes;
        if (a->options.progress)
                a->options.progress(&a->report->done, a->options.userdata);
}

static int hash_file(Attest *a, int path_fd, const struct stat *st, uint8_t ret_digest[SHA256_SIZE]) {
        uint64_t size = (uint64_t)st->st_size, total = 0;
        _cleanup_close_ int fd = reopen_for_reading(path_fd, 0);
        if (fd < 0)
                return fd;

        if (size > ATTEST_BUFFER_SIZE)
                (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);

        int r = hasher_begin(a->hasher);
        if (r < 0)
                return r;
        for (;;) {
                ssize_t n = read(fd, a->buffer, ATTEST_BUFFER_SIZE);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                total += (uint64_t)n;
                if (total > size)
                        return -ESTALE;
                r = hasher_update(a->hasher, a->buffer, (size_t)n);
                if (r < 0)
                        return r;
                report_progress(a, (uint64_t)n);
        }
        return total == size ? hasher_end(a->hasher, ret_digest) : -ESTALE;
}

static KnownDigest *known_digest(Attest *a, const WalkEntry *e) {
        /* A busybox has 400 names. Nothing is lost but time where there is no memory for this. */
        if (!a->known)
                a->known = calloc(KNOWN_DIGESTS, sizeof(*a->known));
        return a->known ? &a->known[(e->st.st_ino * 0x9e3779b97f4a7c15U >> 32) % KNOWN_DIGESTS] : NULL;
}

int attest_hash(Attest *a, const WalkEntry *e, uint8_t ret_digest[SHA256_SIZE]) {
        if (e->st.st_nlink < 2 && !e->followed)
                return hash_file(a, e->fd, &e->st, ret_digest);

        KnownDigest *k = known_digest(a, e);
        if (k && k->set && k->dev == e->st.st_dev && k->ino == e->st.st_ino && k->size == e->st.st_size) {
                memcpy(ret_digest, k->digest, SHA256_SIZE);
                report_progress(a, (uint64_t)e->st.st_size);
                return 0;
        }
        int r = hash_file(a, e->fd, &e->st, ret_digest);
        if (r < 0 || !k)
                return r;
        *k = (KnownDigest){ true, e->st.st_dev, e->st.st_ino, e->st.st_size, {} };
        memcpy(k->digest, ret_digest, SHA256_SIZE);
        return 0;
}

int attest_read_link(int fd, char **ret_) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(fd, "", target, sizeof(target));

        if (n < 0)
                return -errno;
        if ((size_t)n >= sizeof(target))
                return -ENAMETOOLONG;
        char *s = strndup(target, (size_t)n);
        if (!s)
                return -ENOMEM;
        *ret_ = s;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The covered names of a list as the kernel gives it, sorted. The strings are borrowed. */
static int covered_names(const char *list, size_t n, const char ***ret_names, size_t *ret_n) {
        size_t count = 0;

        for (const char *p = list; p < list + n; p += strlen(p) + 1)
                count += manifest_covers_xattr(p);
        if (count == 0) {
                *ret_n = 0;
                return 0;
        }

        const char **names = calloc(count, sizeof(*names));
        if (!names)
                return -ENOMEM;
        count = 0;
        for (const char *p = list; p < list + n; p += strlen(p) + 1)
                if (manifest_covers_xattr(p))
                        names[count++] = p;
        qsort(names, count, sizeof(*names), compare_names);
        *ret_names = names;
        *ret_n = count;
        return 0;
}

int attest_read_xattrs(Attest *a, int fd, char **ret_) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        char *list = a->buffer, *value = list + XATTR_MAX;
        size_t n_names;

        /* The link in /proc leads to the inode itself, also where that is a symbolic link. */
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

        ssize_t n = listxattr(path, list, XATTR_MAX);
        *ret_ = NULL;
        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;

        _cleanup_free_ const char **names = NULL;
        int r = covered_names(list, (size_t)n, &names, &n_names);
        if (r < 0 || n_names == 0)
                return r;

        _cleanup_strbuf_ StrBuf b = {};
        for (size_t i = 0; i < n_names; i++) {
                n = getxattr(path, names[i], value, XATTR_MAX);
                if (n < 0)
                        return errno == ENODATA ? -ESTALE : -errno;
                manifest_format_xattr(&b, names[i], value, (size_t)n);
        }
        return strbuf_finish(&b, ret_);
}
