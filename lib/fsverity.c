/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs-verity by its two ioctls. Must never judge a digest: which one a file shall have is known to the
 * callers.
 */

#include "fsverity.h"

#include <linux/fsverity.h>
#include <sys/ioctl.h>

/* A file system without fs-verity does not know the ioctl; a kernel or ext4 without the feature says so. */
static int ioctl_error(void) {
        return errno == ENOTTY ? -EOPNOTSUPP : -errno;
}

int fsverity_measure(int fd, uint8_t ret_digest[SHA256_SIZE]) {
        /* The digest follows its header: a flexible array, so there is no struct of the whole. */
        union {
                struct fsverity_digest header;
                uint8_t bytes[sizeof(struct fsverity_digest) + SHA256_SIZE];
        } m = { .header = { .digest_size = SHA256_SIZE } };

        if (ioctl(fd, FS_IOC_MEASURE_VERITY, &m) < 0)
                return errno == EOVERFLOW ? -EBADMSG : ioctl_error();
        if (m.header.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 || m.header.digest_size != SHA256_SIZE)
                return -EBADMSG;
        memcpy(ret_digest, m.bytes + sizeof(struct fsverity_digest), SHA256_SIZE);
        return 0;
}

int fsverity_enable(int fd) {
        struct fsverity_enable_arg arg = {
                .version = 1,
                .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
                .block_size = FSVERITY_BLOCK_SIZE,
        };

        return ioctl(fd, FS_IOC_ENABLE_VERITY, &arg) < 0 ? ioctl_error() : 0;
}
