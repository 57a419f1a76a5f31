/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attestation reads of one entry: content, link target, extended attributes, each through one
 * descriptor, whose inode is the one that was judged. A regular file is looked at by name, opened for
 * reading, and looked at again: where a rename came in between, it is another inode, and an error. Opening
 * cannot block then (O_NONBLOCK: a FIFO), nor follow a link; a device could only be opened where somebody
 * makes one in the tree meanwhile, which takes root, and nucleus-exec attests a mount on which devices do
 * not open (nodev).
 */

#include "attest-internal.h"

#include "tree-walk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#define SPARSE_SIZE_MIN (256LL * 1024 * 1024)
#define SPARSE_FACTOR 8
#define XATTR_MAX 65536U /* the kernel's limit for a list and for a value */

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

const char *attest_privileges(mode_t mode, const char *xattrs) {
        if (!S_ISREG(mode))
                return NULL;
        if (mode & S_ISUID)
                return "setuid";
        if (mode & S_ISGID)
                return "setgid";
        return xattrs && strstr(xattrs, " security.capability ") ? "file capabilities" : NULL;
}

void opened_done(Opened *o) {
        o->fd = close_fd(o->fd);
}

static int open_by_path(const Item *item, Opened *o) {
        if (item->name[0] == '\0')
                o->fd = fcntl(item->directory->fd, F_DUPFD_CLOEXEC, 3);
        else
                o->fd = open_beneath(item->directory->fd, item->name, O_PATH | O_NOFOLLOW);
        if (o->fd < 0)
                return item->name[0] == '\0' ? -errno : o->fd;
        o->path_only = true;
        return fstat(o->fd, &o->st) < 0 ? -errno : 0;
}

int attest_open(const Item *item, bool (*wanted)(const Item *item, const struct stat *st), Opened *ret_) {
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
        struct stat st;

        if (item->type != DT_REG || item->name[0] == '\0')
                return open_by_path(item, ret_);
        if (fstatat(item->directory->fd, item->name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || !wanted(item, &st))
                return open_by_path(item, ret_);

        ret_->fd = open_beneath(item->directory->fd, item->name, flags);
        if (ret_->fd < 0)
                return open_by_path(item, ret_); /* it shows what is there, or has a better error */
        if (fstat(ret_->fd, &ret_->st) < 0)
                return -errno;
        return ret_->st.st_ino == st.st_ino && ret_->st.st_dev == st.st_dev ? 0 : -ESTALE;
}

bool attest_is_listed_wrong(const Item *item, const Opened *o) {
        return IFTODT(o->st.st_mode) != item->type;
}

/* One read(2). The number of bytes, at least; 0 at the end; or -errno. */
static ssize_t read_some(int fd, void *p, size_t n) {
        for (;;) {
                ssize_t k = read(fd, p, n);
                if (k >= 0)
                        return k;
                if (errno != EINTR)
                        return -errno;
        }
}

static int update(Worker *w, const void *p, size_t n, bool fsverity) {
        atomic_fetch_add_explicit(&w->a->bytes, n, memory_order_relaxed);
        int r = hasher_update(w->hasher, p, n);
        if (r >= 0 && fsverity)
                r = fsverity_hasher_update(w->fsverity, p, n);
        if (w->scanner)
                nix_scanner_update(w->scanner, p, n);
        return r;
}

/* Reads and hashes all of the file, which must be `size` bytes long. */
static int read_file(Worker *w, int fd, uint64_t size, bool fsverity) {
        uint64_t total = 0;

        for (;;) {
                ssize_t n = read_some(fd, w->buffer, ATTEST_BUFFER_SIZE);
                if (n < 0)
                        return (int)n;
                total += (uint64_t)n;
                if (total > size)
                        return -ESTALE;
                int r = update(w, w->buffer, (size_t)n, fsverity);
                if (r < 0)
                        return r;
                /* Where there was room for more, this was the end of the file. */
                if (n == 0 || (total == size && (size_t)n < ATTEST_BUFFER_SIZE))
                        return total == size ? 0 : -ESTALE;
                if (w->a->pool && pool_is_stopped(w->a->pool))
                        return -ECANCELED;
        }
}

static int hash_file(Worker *w, const Opened *o, uint8_t ret_digest[SHA256_SIZE], uint8_t *ret_fsverity) {
        uint64_t size = (uint64_t)o->st.st_size;
        _cleanup_close_ int again = -EBADF;
        int fd = o->fd;

        if (o->path_only) {
                again = reopen_for_reading(o->fd, 0);
                if (again < 0)
                        return again;
                fd = again;
        }
        if (size > ATTEST_BUFFER_SIZE)
                (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);

        int r = hasher_begin(w->hasher);
        if (r >= 0 && ret_fsverity)
                r = fsverity_hasher_begin(w->fsverity);
        if (r >= 0)
                r = read_file(w, fd, size, ret_fsverity);
        if (r >= 0 && ret_fsverity)
                r = fsverity_hasher_end(w->fsverity, ret_fsverity);
        return r < 0 ? r : hasher_end(w->hasher, ret_digest);
}

int attest_hash(Worker *w, const Opened *o, bool several, uint8_t ret_digest[SHA256_SIZE],
        uint8_t *ret_fsverity, uint64_t *bytes) {
        *bytes += (uint64_t)o->st.st_size;
        if (!several || ret_fsverity)
                return hash_file(w, o, ret_digest, ret_fsverity);

        if (known_digests_get(w->a->known, &o->st, ret_digest)) {
                atomic_fetch_add_explicit(&w->a->bytes, (uint64_t)o->st.st_size, memory_order_relaxed);
                return 0;
        }
        int r = hash_file(w, o, ret_digest, NULL);
        if (r >= 0)
                known_digests_put(w->a->known, &o->st, ret_digest);
        return r;
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
        *ret_n = count;
        if (count == 0)
                return 0;

        const char **names = calloc(count, sizeof(*names));
        if (!names)
                return -ENOMEM;
        count = 0;
        for (const char *p = list; p < list + n; p += strlen(p) + 1)
                if (manifest_covers_xattr(p))
                        names[count++] = p;
        qsort(names, count, sizeof(*names), compare_names);
        *ret_names = names;
        return 0;
}

int attest_read_xattrs(Worker *w, const Opened *o, char **ret_, size_t *ret_n) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        char *list = w->buffer, *value = list + XATTR_MAX;
        size_t n_names;

        /* The link in /proc leads to the inode itself, also where that is a symbolic link. */
        if (o->path_only)
                (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
        ssize_t n = o->path_only ? listxattr(path, list, XATTR_MAX) : flistxattr(o->fd, list, XATTR_MAX);
        *ret_ = NULL;
        *ret_n = 0;
        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;

        _cleanup_free_ const char **names = NULL;
        int r = n == 0 ? 0 : covered_names(list, (size_t)n, &names, &n_names);
        if (r < 0 || n == 0 || n_names == 0)
                return r;

        _cleanup_strbuf_ StrBuf b = {};
        for (size_t i = 0; i < n_names; i++) {
                n = o->path_only ? getxattr(path, names[i], value, XATTR_MAX)
                                 : fgetxattr(o->fd, names[i], value, XATTR_MAX);
                if (n < 0)
                        return errno == ENODATA ? -ESTALE : -errno;
                manifest_format_xattr(&b, names[i], value, (size_t)n);
        }
        *ret_n = b.len;
        return strbuf_finish(&b, ret_);
}
