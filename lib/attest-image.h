/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images: a root tree as one file, EROFS or squashfs, that is attested by one digest. What is looked at here
 * is the open file, and nothing of it is believed before its digest holds. /proc must be mounted.
 */

#include "attest.h"
#include "signature.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_VERITY_SUFFIX ".verity" /* the hash tree for dm-verity, beside an image */

typedef enum ImageType {
        IMAGE_OTHER, /* nothing that we would mount */
        IMAGE_EROFS,
        IMAGE_SQUASHFS,
        _IMAGE_TYPE_MAX,
} ImageType;

/* As the kernel calls the file system: "erofs", "squashfs"; NULL for IMAGE_OTHER. */
extern const char *const image_type_names[_IMAGE_TYPE_MAX];

/*
 * Opens `path` for reading where it is a regular file, or a link to one; `dir` as for openat(2). No FIFO and
 * no device is ever opened. A descriptor, -EISDIR, -ENOTSUP where it is something else, or another -errno.
 */
int image_open(int dir, const char *path);

/*
 * What the open file (or block device) is, by its magic. 0, or -errno of a read. Set *ret_ to IMAGE_OTHER is
 * no error; -EXDEV is an EROFS image that takes data from other files, which no digest of it covers.
 */
int image_type(int fd, ImageType *ret_);

/* Reads the whole of a signature file, which must be regular, to be freed: *ret_ is NULL where there is
 * none. 0, -EFBIG, -EISDIR, -ENOTSUP or another -errno. */
int image_read_signature(const char *path, char **ret_, size_t *ret_n);

typedef struct AttestImageOptions {
        SignatureSubject subject; /* which digest: SIGNATURE_IMAGE_… */
        const char *pin;          /* 64 lower-case hex digits it must be, or NULL */
        char *const *public_keys; /* one of which must have signed it, or NULL */
        const char *signature;    /* the text of the signature file; NULL: there is none */
        size_t signature_n;
        char *fsverity; /* SHA256_HEX_SIZE bytes, for the fs-verity digest that the image would have, of the
                           same reading as its SHA-256; or NULL */
        AttestProgressFunc progress; /* or NULL */
        void *userdata;
} AttestImageOptions;

/*
 * Takes the digest of an image, which is open for reading, and compares it with the pin, or else with the
 * signatures; with both where both are given. With neither, it is only taken. Of
 * SIGNATURE_IMAGE_ROOT_HASH nothing is read: the digest is the pin, the kernel compares it with the data.
 * *report must be zeroed before, and be done after, also on failure; report->digest is the digest.
 *
 *  0             it is the image
 *  -EKEYREJECTED it is not: another digest, or no signature by one of the keys
 *  -EINVAL       it is no EROFS and no squashfs image; the signatures are malformed
 *  -ESTALE       it changed while it was read
 *  -EFBIG        it is a huge sparse file
 *  -ENODATA, -EOPNOTSUPP  it has no fs-verity; its file system has none
 *  other -errno  it cannot be read, or libcrypto cannot be used; report->message says what
 */
int attest_image(int fd, const AttestImageOptions *options, AttestReport *report);

#ifdef __cplusplus
}
#endif
