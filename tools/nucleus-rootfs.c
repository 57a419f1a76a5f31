/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus rootfs`: root trees and images, attested, of what people have: a directory, or an archive. */

#include "nucleus-rootfs.h"

#include <fcntl.h>

#define COMMON_ARGUMENTS                                                                                    \
        "[--mount-point PATH]... [--keep-privileges]\n"                                                     \
        "       [--format directory|erofs|squashfs] [--fsverity | --verity] [--sign KEY.pem] [--json]"

#define COMMON_DETAILS                                                                                      \
        "  -o, --output OUT      where; a name in .erofs or .squashfs is an image\n"                        \
        "  --format FORMAT       directory, erofs or squashfs, whatever the name\n"                         \
        "  --mount-point PATH    make this directory in it, for a volume\n"                                 \
        "  --keep-privileges     keep setuid, setgid and file capabilities\n"                               \
        "  --fsverity            attest by fs-verity digests\n"                                             \
        "  --verity              an image: also write OUT.verity, for dm-verity\n"                          \
        "  --sign KEY.pem        sign what is printed, by an Ed25519 key\n"                                 \
        "  --json                print one JSON document\n"

static const Verb rootfs_verbs[] = {
        { "rootfs pack", COMMON_ARGUMENTS " -o OUT DIR", "make an attested root tree of a directory",
                "Copies DIR to OUT, which must not exist: times equal, what is no file, directory or link\n"
                "left out, the mount points there that nucleus-exec(8) needs. Prints the lines to "
                "paste.\n\n" COMMON_DETAILS,
                verb_rootfs_pack },
        { "rootfs from-tar",
                COMMON_ARGUMENTS
                "\n       [--image NAME] [--platform OS/ARCH] [--max-size BYTES] -o OUT ARCHIVE",
                "make one of a tar archive or a container image",
                "Reads a root tree's tar archive, what `docker save` writes, or an OCI image layout, plain "
                "or\n"
                "compressed; \"-\" is standard input. Nothing is fetched. Prints the lines to "
                "paste.\n\n" COMMON_DETAILS "  --image NAME          which image, where there are several\n"
                "  --platform OS/ARCH    for another machine than this, such as linux/arm64\n"
                "  --max-size BYTES      how much content, at most; K, M, G, T (16G)\n",
                verb_rootfs_from_tar },
        {},
};

int verb_rootfs(const Verb *verb, int argc, char **argv) {
        return run_subverb(verb, rootfs_verbs, argc, argv);
}

static int open_source(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                print_error("cannot open %s: %s%s", path, strerror(errno),
                        errno == ENOTDIR ? "; an archive is for `nucleus rootfs from-tar`" : "");
        return fd;
}

/* A copy into itself would have no end. Is the directory at `fd` in the other, or that itself? */
static bool is_beneath(int fd, const struct stat *other) {
        _cleanup_close_ int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st, last = {};

        while (at >= 0 && fstat(at, &st) == 0) {
                if (st.st_dev == other->st_dev && st.st_ino == other->st_ino)
                        return true;
                if (st.st_dev == last.st_dev && st.st_ino == last.st_ino)
                        return false; /* the root */
                last = st;
                int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                close_fd(at);
                at = up;
        }
        return false;
}

static int fill_from_directory(Rootfs *r) {
        _cleanup_close_ int fd = open_source(r->o->source);
        struct stat st;

        if (fd < 0)
                return STATUS_FAILED;
        if (fstat(fd, &st) < 0 || is_beneath(r->fd, &st)) {
                print_error("%s lies in %s: choose another place", r->output, r->o->source);
                return STATUS_FAILED;
        }
        return root_copy(&r->tree, fd) < 0 ? rootfs_print_error(r->o->source, r->tree.message) : 0;
}

int verb_rootfs_pack(const Verb *verb, int argc, char **argv) {
        _cleanup_(rootfs_options_done) RootfsOptions o = {};

        int r = rootfs_options_read(verb, argc, argv, false, &o);
        if (r == 0 && o.help)
                return print_verb_help(verb);
        return r == 0 ? rootfs_make(&o, fill_from_directory) : r;
}
