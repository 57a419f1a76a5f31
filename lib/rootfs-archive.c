/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an image archive, unpacked under numbers. Must never use a name of the archive as a name of
 * the file system.
 */

#include "rootfs-image.h"

#include "hash.h"
#include "rootfs-path.h"
#include "tar-reader.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <sys/stat.h>

#define LINKS_MAX 8U
#define LINK_LENGTH_MAX 1024U /* "../HEX/layer.tar" is what there is */
#define BUFFER_SIZE (256U * 1024)

void image_archive_done(ImageArchive *a) {
        for (size_t i = 0; i < a->n; i++) {
                free(a->files[i].path);
                free(a->files[i].link);
        }
        free(TAKE_PTR(a->files));
        free(TAKE_PTR(a->message));
        a->n = 0;
}

int archive_fail(ImageArchive *a, int error, const char *format, ...) {
        va_list ap;

        if (a->message)
                return error;
        va_start(ap, format);
        if (vasprintf(&a->message, format, ap) < 0)
                a->message = NULL;
        va_end(ap);
        return error;
}

static bool is_hex(const char *s, size_t n) {
        return n == 64 && strspn(s, "0123456789abcdef") >= n;
}

/* Could an archive of images have an entry of that name? A root tree has others, nearly always at once. */
static bool belongs(const char *path, const TarEntry *e) {
        static const char *const files[] = { "oci-layout", "index.json", "manifest.json", "repositories" };
        const char *slash = strchr(path, '/');
        size_t n = slash ? (size_t)(slash - path) : strlen(path);

        if (e->type == TAR_DIRECTORY)
                return !path[0] || streq(path, "blobs") || is_hex(path, n) ||
                       (startswith(path, "blobs/") && !strchr(path + 6, '/'));
        if (e->type != TAR_FILE && e->type != TAR_SYMLINK && e->type != TAR_HARD_LINK)
                return false;
        if (e->link && strlen(e->link) > LINK_LENGTH_MAX)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (streq(path, files[i]))
                        return true;
        if (startswith(path, "blobs/")) {
                const char *name = strchr(path + 6, '/');
                return name && !strchr(name + 1, '/');
        }
        if (slash)
                return is_hex(path, n) &&
                       (streq(slash, "/layer.tar") || streq(slash, "/json") || streq(slash, "/VERSION"));
        return is_hex(path, 64) && (streq(path + 64, ".json") || streq(path + 64, ".tar"));
}

static int write_file(ImageArchive *a, TarReader *reader, int64_t size, int fd) {
        const void *data;
        int64_t offset;
        size_t n;
        int r;

        /* With its holes, which are read as well when its digest is taken. */
        if (size < 0 || (uint64_t)size > a->bytes_max - a->bytes)
                return archive_fail(a, -EFBIG, "the image has more than %llu bytes; --max-size allows more",
                        (unsigned long long)a->bytes_max);
        a->bytes += (uint64_t)size;
        while ((r = tar_reader_data(reader, &data, &n, &offset)) > 0) {
                if (offset < 0 || offset > size || n > (uint64_t)(size - offset))
                        return archive_fail(
                                a, -EBADMSG, "a file of the image has more than its header says");
                for (const char *p = data; n > 0;) {
                        ssize_t k = pwrite(fd, p, n, offset);
                        if (k < 0 && errno == EINTR)
                                continue;
                        if (k < 0)
                                return archive_fail(
                                        a, -errno, "cannot unpack the image: %s", strerror(errno));
                        p += k;
                        offset += k;
                        n -= (size_t)k;
                }
        }
        return r < 0 ? archive_fail(a, r, "%s", tar_reader_error(reader)) : 0;
}

/* Takes `path` over. */
static int add_file(ImageArchive *a, TarReader *reader, const TarEntry *e, char *path) {
        _cleanup_free_ char *owned = path;
        char number[24];

        if (a->n == IMAGE_FILES_MAX)
                return archive_fail(a, -E2BIG, "an image of more than %u files", IMAGE_FILES_MAX);
        ArchiveFile *p = grown(a->files, a->n, sizeof(*p));
        if (!p)
                return -ENOMEM;
        a->files = p;
        p[a->n] = (ArchiveFile){};
        if (e->type != TAR_FILE) {
                /* A hard link's name begins at the root of the archive. */
                if (asprintf(&p[a->n].link, "%s%s", e->type == TAR_HARD_LINK ? "/" : "", e->link) < 0)
                        return -ENOMEM;
                p[a->n++].path = TAKE_PTR(owned);
                return 0;
        }
        (void)snprintf(number, sizeof(number), "%zu", a->n);
        _cleanup_close_ int fd =
                openat(a->dir_fd, number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return archive_fail(a, -errno, "cannot unpack the image: %s", strerror(errno));
        p[a->n++].path = TAKE_PTR(owned);
        return write_file(a, reader, e->size, fd);
}

int image_archive_unpack(ImageArchive *a, int fd) {
        _cleanup_tar_reader_ TarReader *reader = NULL;
        _cleanup_free_ char *error = NULL;
        TarEntry e;

        int r = tar_reader_new(fd, false, &reader, &error);
        if (r < 0)
                return archive_fail(a, r, "%s",
                        error              ? error
                        : r == -ENOPKG     ? "libarchive.so.13 is not installed (Debian: libarchive13)"
                        : r == -EOPNOTSUPP ? "this build reads no archives"
                                           : strerror(-r));
        while ((r = tar_reader_next(reader, &e)) > 0) {
                const char *problem;
                char *path;

                r = root_normalise_path(e.path, &path, &problem);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return 0; /* whoever unpacks it as a root tree says what is wrong */
                if (!belongs(path, &e)) {
                        free(path);
                        return 0;
                }
                if (e.type == TAR_DIRECTORY)
                        free(path);
                else {
                        r = add_file(a, reader, &e, path);
                        if (r < 0)
                                return r;
                }
        }
        if (r < 0)
                return archive_fail(a, r, "%s", tar_reader_error(reader));
        return (archive_has(a, "oci-layout") && archive_has(a, "index.json")) ||
               archive_has(a, "manifest.json");
}

/* The last of that name, as later entries replace earlier ones. */
static const ArchiveFile *find(const ImageArchive *a, const char *path) {
        for (size_t i = a->n; i > 0; i--)
                if (streq(a->files[i - 1].path, path))
                        return &a->files[i - 1];
        return NULL;
}

bool archive_has(const ImageArchive *a, const char *path) {
        return find(a, path);
}

/* "../HEX/layer.tar" of "HEX/layer.tar": by the text alone. NULL: no memory, or nothing that could be meant.
 */
static char *follow(const char *path, const char *link) {
        _cleanup_free_ char *joined = NULL;
        const char *slash = strrchr(path, '/'), *problem;
        char *to;

        if (slash && startswith(link, "../"))
                joined = strdup(link + 3);
        else if (slash && link[0] != '/')
                (void)(asprintf(&joined, "%.*s/%s", (int)(slash - path), path, link) < 0);
        else
                joined = strdup(link);
        return joined && root_normalise_path(joined, &to, &problem) == 0 ? to : NULL;
}

int archive_open(ImageArchive *a, const char *path) {
        _cleanup_free_ char *at = strdup(path);
        const ArchiveFile *f = at ? find(a, at) : NULL;
        char number[24];

        for (unsigned hops = 0; f && f->link; hops++) {
                char *to = hops < LINKS_MAX ? follow(f->path, f->link) : NULL;
                free(at);
                at = to;
                f = at ? find(a, at) : NULL;
        }
        if (!f)
                return archive_fail(a, -ENOENT, "the image lacks its %s", path);
        (void)snprintf(number, sizeof(number), "%zu", (size_t)(f - a->files));
        int fd = openat(a->dir_fd, number, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? archive_fail(a, -errno, "cannot open %s of the image: %s", path, strerror(errno))
                      : fd;
}

static int hash_file(Hasher *h, int fd, uint8_t digest[SHA256_SIZE]) {
        _cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
        if (!buffer)
                return -ENOMEM;

        int r = hasher_begin(h);
        while (r >= 0) {
                ssize_t n = read(fd, buffer, BUFFER_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return hasher_end(h, digest);
                r = hasher_update(h, buffer, (size_t)n);
        }
        return r;
}

static int hash_decompressed(ImageArchive *a, Hasher *h, int fd, uint8_t digest[SHA256_SIZE]) {
        _cleanup_tar_reader_ TarReader *reader = NULL;
        _cleanup_free_ char *error = NULL;
        const void *data;
        int64_t offset;
        TarEntry e;
        size_t n;

        int r = tar_reader_new(fd, true, &reader, &error);
        if (r >= 0)
                r = tar_reader_next(reader, &e);
        if (r < 0)
                return archive_fail(a, r, "%s", reader ? tar_reader_error(reader) : error ?: strerror(-r));
        int k = hasher_begin(h);
        uint64_t total = 0;
        while (k >= 0 && r > 0 && (r = tar_reader_data(reader, &data, &n, &offset)) > 0) {
                total += n;
                if (total > a->bytes_max)
                        return archive_fail(a, -EFBIG,
                                "a layer has more than %llu bytes; --max-size allows more",
                                (unsigned long long)a->bytes_max);
                k = hasher_update(h, data, n);
        }
        if (r < 0)
                return archive_fail(a, r, "%s", tar_reader_error(reader));
        return k < 0 ? k : hasher_end(h, digest);
}

int archive_check(ImageArchive *a, const char *path, const char *digest, bool uncompressed) {
        uint8_t wanted[SHA256_SIZE], got[SHA256_SIZE];
        _cleanup_hasher_ Hasher *h = NULL;
        _cleanup_close_ int fd = archive_open(a, path);

        if (fd < 0)
                return fd;
        int r = sha256_from_hex(digest, strlen(digest), wanted);
        if (r < 0)
                return archive_fail(a, r, "%s of the image: \"%s\" is no SHA-256", path, digest);
        r = hasher_new(&h);
        if (r >= 0)
                r = hash_file(h, fd, got);
        if (r >= 0 && uncompressed && memcmp(wanted, got, sizeof(got)) != 0) {
                if (lseek(fd, 0, SEEK_SET) < 0)
                        return -errno;
                r = hash_decompressed(a, h, fd, got);
        }
        if (r < 0)
                return archive_fail(a, r, "cannot check %s of the image: %s", path, strerror(-r));
        if (memcmp(wanted, got, sizeof(got)) != 0)
                return archive_fail(a, -EBADMSG,
                        "%s of the image is not what its digest says: the archive is damaged, or was "
                        "changed",
                        path);
        return 0;
}

int archive_json(ImageArchive *a, const char *path, const char *digest, json_t **ret_) {
        _cleanup_free_ char *text = NULL;
        json_error_t error;
        struct stat st;

        int r = digest ? archive_check(a, path, digest, false) : 0;
        if (r < 0)
                return r;
        _cleanup_close_ int fd = archive_open(a, path);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size > (off_t)IMAGE_JSON_MAX)
                return archive_fail(
                        a, -EFBIG, "%s of the image has more than %u bytes", path, IMAGE_JSON_MAX);
        text = malloc((size_t)st.st_size + 1);
        if (!text)
                return -ENOMEM;
        if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
                return archive_fail(a, -EIO, "cannot read %s of the image", path);
        *ret_ = json_loadb(text, (size_t)st.st_size, JSON_REJECT_DUPLICATES, &error);
        if (!*ret_)
                return archive_fail(
                        a, -EBADMSG, "%s of the image, line %d: %s", path, error.line, error.text);
        return 0;
}
