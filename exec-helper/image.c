/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root tree as an image: mounted read-only, without setuid and devices, not attached anywhere, from the
 * descriptor that was attested. Must never open the image by its name a second time.
 */

#include "image.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "attest-image.h"
#include "loop.h"
#include "steps.h"
#include "sys.h"
#include "tree-walk.h"
#include "verity.h"

int image_take(Context *c, int fd) {
        if (!c->privileged)
                return step_fail(c, -EPERM,
                        "the rootfs %s is an image, which only services of the system manager can mount: "
                        "give "
                        "a directory",
                        c->spec->rootfs);
        c->image_fd = reopen_for_reading(fd, 0);
        if (c->image_fd < 0)
                return step_fail(c, c->image_fd, "cannot open the image %s", c->spec->rootfs);
        return 0;
}

/* ---- mounting ---- */

/* What the kernel says of a mount that failed, where it says something: fsopen(2). */
static void read_log(int fs, char *ret_text, size_t size) {
        ssize_t n = read(fs, ret_text, size - 1);

        ret_text[n < 0 ? 0 : n] = '\0';
        ret_text[strcspn(ret_text, "\n")] = '\0';
        /* "e TYPE: message" */
        if (startswith(ret_text, "e ") || startswith(ret_text, "w "))
                memmove(ret_text, ret_text + 2, strlen(ret_text + 2) + 1);
}

static int mount_failed(Context *c, int error, const char *type, int fs) {
        bool damaged = error == -EINVAL || error == -EUCLEAN || error == -EBADMSG || error == -EIO ||
                       error == -ENOTBLK;
        char text[256];

        read_log(fs, text, sizeof(text));
        return step_fail(c, error, "cannot mount the image %s as %s%s%s%s", c->spec->rootfs, type,
                text[0] ? ": " : "", text,
                damaged ? " (it is damaged, or uses what this kernel does not know)" : "");
}

/* A detached mount of a file or block device. A descriptor, or -errno with step_fail(). */
static int mount_source(Context *c, const char *type, const char *source) {
        _cleanup_close_ int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

        if (fs < 0)
                return step_fail(c, -errno, "cannot mount the image %s: does this kernel have %s?",
                        c->spec->rootfs, type);
        if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
                syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
                syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return mount_failed(c, -errno, type, fs);
        int fd = (int)syscall(
                SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        return fd < 0 ? mount_failed(c, -errno, type, fs) : fd;
}

static int mount_by_loop(Context *c, const char *type) {
        char path[LOOP_PATH_MAX];
        _cleanup_close_ int loop = -EBADF;

        int r = loop_attach(c, c->image_fd, &loop, path);
        return r < 0 ? r : mount_source(c, type, path);
}

/* EROFS reads from a file itself, from Linux 6.12 on, where the file system that this is on allows it. */
static int mount_image(Context *c, ImageType type) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        if (type == IMAGE_EROFS) {
                (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->image_fd);
                int fd = mount_source(c, image_type_names[type], path);
                if (fd != -ENOTBLK)
                        return fd;
        }
        return mount_by_loop(c, image_type_names[type]);
}

/* The type of what is mounted, once more: from where it is mounted. */
static int check_type(Context *c, int fd, ImageType *ret_) {
        int r = image_type(fd, ret_);

        if (r == -EXDEV)
                return step_fail(c, r,
                        "the EROFS image %s takes data from other files or devices: make it without "
                        "--blobdev",
                        c->spec->rootfs);
        if (r < 0)
                return step_fail(c, r, "cannot read the image %s", c->spec->rootfs);
        if (*ret_ == IMAGE_OTHER)
                return step_fail(c, -EMEDIUMTYPE,
                        "the rootfs %s is neither a directory nor an EROFS or squashfs image",
                        c->spec->rootfs);
        return 0;
}

/* From here on it is a root like any other. */
static int take_mount(Context *c, int fd) {
        Mount *m = &c->plan.mounts[0];

        if (fd < 0)
                return fd;
        m->fd = c->root_fd = fd;
        c->image_fd = close_fd(c->image_fd);
        return 0;
}

int step_root_image(Context *c) {
        ImageType type;

        int r = check_type(c, c->image_fd, &type);
        return r < 0 ? r : take_mount(c, mount_image(c, type));
}

/* ---- dm-verity ---- */

static int open_hash_tree(Context *c) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s" IMAGE_VERITY_SUFFIX, c->spec->rootfs) < 0)
                return step_fail(c, -ENOMEM, "out of memory");
        int fd = image_open(AT_FDCWD, path);
        if (fd < 0)
                return step_fail(c, fd,
                        "cannot open the hash tree %s, which `veritysetup format %s %s` makes%s", path,
                        c->spec->rootfs, path, fd == -ENOTSUP ? " as a regular file" : "");
        return fd;
}

/* The verified device, named for the service and for this process, which no other has. */
static int open_verified(Context *c, const char *name, const char *data, const char *hash) {
        _cleanup_free_ char *problem = NULL;
        uint8_t root_hash[SHA256_SIZE];

        if (sha256_from_hex(c->spec->root_hash, strlen(c->spec->root_hash), root_hash) < 0)
                return step_fail(c, -EINVAL, "the root hash is malformed");
        int fd = verity_open(name, data, hash, root_hash, &problem);
        if (fd == -ENOPKG)
                return step_fail(c, fd, "dm-verity needs libcryptsetup.so.12, which cannot be loaded");
        if (fd == -EOPNOTSUPP && !problem)
                return step_fail(c, fd, "built without dm-verity");
        return fd < 0 ? step_fail(c, fd, "cannot set up dm-verity for the image %s%s%s", c->spec->rootfs,
                                problem ? ": " : "", problem ?: "")
                      : fd;
}

/* What comes of blocks that are not what the root hash says. */
static int not_verified(Context *c, int error) {
        if (error != -EIO && error != -EUCLEAN && error != -EBADMSG)
                return error;
        (void)step_fail(c, -EBADMSG,
                "rootfs %s: the image and its hash tree %s" IMAGE_VERITY_SUFFIX
                " are not what the root hash says",
                c->spec->rootfs, c->spec->rootfs);
        return -EBADMSG;
}

int image_mount_verity(Context *c) {
        char data[LOOP_PATH_MAX], hash[LOOP_PATH_MAX], name[128], path[160];
        _cleanup_close_ int tree = open_hash_tree(c), data_fd = -EBADF, hash_fd = -EBADF;
        ImageType type;

        if (tree < 0)
                return tree;
        int r = loop_attach(c, c->image_fd, &data_fd, data);
        if (r >= 0)
                r = loop_attach(c, tree, &hash_fd, hash);
        if (r < 0)
                return r;
        (void)snprintf(name, sizeof(name), "nucleus-%s-%d", c->spec->name, getpid());
        (void)snprintf(path, sizeof(path), "/dev/mapper/%s", name);
        _cleanup_close_ int device = open_verified(c, name, data, hash);
        if (device < 0)
                return device;
        r = check_type(c, device, &type);
        if (r >= 0)
                r = take_mount(c, mount_source(c, image_type_names[type], path));
        return r < 0 ? not_verified(c, r) : 0;
}
