/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus rootfs from-tar`: an archive of a root tree, or the layers of an image. Must never use a network.
 */

#include "nucleus-rootfs.h"

#include "io.h"
#include "path.h"

#include <fcntl.h>
#include <sys/stat.h>

#define BUFFER_SIZE (256U * 1024)
#define FILES "files" /* of an image archive, in the temporary directory */

/* What is read twice, from a pipe: a file without a name. */
static int spool(const Rootfs *r, int from) {
        _cleanup_close_ int fd = openat(r->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        _cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
        uint64_t total = 0;

        if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
                fd = openat(r->fd, "spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (fd >= 0)
                        (void)unlinkat(r->fd, "spool", 0);
        }
        if (fd < 0 || !buffer)
                return fd < 0 ? -errno : -ENOMEM;
        for (;;) {
                ssize_t n = read(from, buffer, BUFFER_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
                total += (uint64_t)n;
                if (total > r->o->bytes_max)
                        return -EFBIG;
                int k = write_all(fd, buffer, (size_t)n);
                if (k < 0)
                        return k;
        }
}

static int open_archive(const Rootfs *r) {
        bool input = streq(r->o->source, "-");
        _cleanup_close_ int fd =
                input ? dup(STDIN_FILENO) : open(r->o->source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        int error = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
        if (error == 0 && input && isatty(fd)) {
                print_error("no archive is read from a terminal: name a file, or pipe one in");
                return -EINVAL;
        }
        if (error == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0)
                return TAKE_FD(fd);
        int copy = error < 0 ? error : spool(r, fd);
        if (copy < 0)
                print_error("cannot read %s: %s", input ? "the archive" : r->o->source,
                        copy == -EFBIG ? "it is larger than --max-size"
                        : copy == -EISDIR
                                ? "it is a directory; a root tree is for `nucleus rootfs pack`, an "
                                  "image layout must be in a tar archive"
                                : strerror(-copy));
        return copy;
}

static int apply(Rootfs *r, int fd, const char *what) {
        _cleanup_tar_reader_ TarReader *reader = NULL;
        _cleanup_free_ char *error = NULL;

        int k = tar_reader_new(fd, false, &reader, &error);
        if (k < 0)
                return rootfs_print_error(what, error ?: strerror(-k));
        return root_apply_tar(&r->tree, reader) < 0 ? rootfs_print_error(what, r->tree.message) : 0;
}

/* An image's directories to be written to are volumes; the one it starts in may be in no layer. */
static int make_directories(Rootfs *r) {
        const Image *i = &r->image;
        int k = 0;

        if (i->workdir && !path_problem(i->workdir))
                k = root_make_mount_point(&r->tree, i->workdir, 0755);
        STRV_FOREACH(volume, i->volumes)
        if (k >= 0 && !path_problem(volume))
                k = root_make_mount_point(&r->tree, volume, 0755);
        return k < 0 ? rootfs_print_error(r->o->source, r->tree.message) : 0;
}

static int fill_from_image(Rootfs *r, ImageArchive *a) {
        if (image_find(a, r->o->image, r->o->platform, &r->image) < 0)
                return rootfs_print_error(r->o->source, a->message);
        r->tree.layered = true;
        for (size_t i = 0; i < r->image.n_layers; i++) {
                _cleanup_close_ int fd = image_open_layer(a, &r->image.layers[i]);
                int k = fd < 0 ? rootfs_print_error(r->o->source, a->message)
                               : apply(r, fd, r->image.layers[i].path);
                if (k != 0)
                        return k;
        }
        return make_directories(r);
}

/* Before an image of the same size is written: what was unpacked of the archive is not needed any more. */
static int remove_files(const Rootfs *r) {
        int k = root_remove(r->fd, FILES, NULL);

        if (k < 0)
                print_error("cannot remove what was unpacked of the archive: %s", strerror(-k));
        return k < 0 ? STATUS_FAILED : 0;
}

static int fill(Rootfs *r) {
        _cleanup_image_archive_ ImageArchive a = { .dir_fd = -EBADF, .bytes_max = r->o->bytes_max };
        _cleanup_close_ int fd = open_archive(r), files = -EBADF;

        if (fd < 0)
                return STATUS_FAILED;
        if (mkdirat(r->fd, FILES, 0700) == 0)
                files = openat(r->fd, FILES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (files < 0) {
                print_error("cannot make a directory for %s: %s", r->output, strerror(errno));
                return STATUS_FAILED;
        }
        a.dir_fd = files;
        int k = image_archive_unpack(&a, fd);
        if (k < 0)
                return rootfs_print_error(r->o->source, a.message ?: strerror(-k));
        if (k > 0)
                k = fill_from_image(r, &a);
        else if (r->o->image || r->o->platform)
                k = rootfs_print_error(r->o->source,
                        "is the archive of a root tree, not of images: --image and --platform mean nothing");
        else if (lseek(fd, 0, SEEK_SET) < 0)
                k = rootfs_print_error(r->o->source, strerror(errno));
        else
                k = apply(r, fd, r->o->source);
        return k == 0 ? remove_files(r) : k;
}

int verb_rootfs_from_tar(const Verb *verb, int argc, char **argv) {
        _cleanup_(rootfs_options_done) RootfsOptions o = {};

        int r = rootfs_options_read(verb, argc, argv, true, &o);
        if (r == 0 && o.help)
                return print_verb_help(verb);
        return r == 0 ? rootfs_make(&o, fill) : r;
}
