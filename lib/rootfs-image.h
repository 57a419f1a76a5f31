/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Archives of container images, as `docker save`, podman, skopeo and buildah write them: an OCI image layout
 * (oci-layout, index.json, blobs) or Docker's own (manifest.json, layers). The archive is unpacked into
 * files that are numbered, so that no name of it ever reaches the file system. Every blob is compared with
 * the digest that names it.
 *
 * Functions return 0 or -errno and then leave one line in `message` of the archive, of any bytes.
 */

#include "util.h"

#define IMAGE_JSON_MAX (4U * 1024 * 1024)
#define IMAGE_FILES_MAX 100000U

typedef struct ArchiveFile {
        char *path; /* normalised */
        char *link; /* of a symbolic link: as it stands there; NULL: a file */
} ArchiveFile;

typedef struct ImageArchive {
        int dir_fd;         /* an empty directory, the caller's alone: file N of `files` is N in it */
        uint64_t bytes_max; /* of all files */
        ArchiveFile *files;
        size_t n;
        uint64_t bytes;
        char *message;
} ImageArchive;

void image_archive_done(ImageArchive *a);
#define _cleanup_image_archive_ _cleanup_(image_archive_done)

/* Unpacks the tar archive `fd`, from its offset. 1; 0 where it is no archive of images, but any other. */
int image_archive_unpack(ImageArchive *a, int fd);

typedef struct ImageLayer {
        char *path;        /* in the archive */
        char *digest;      /* 64 lower-case hex digits, or NULL: none is known */
        bool uncompressed; /* the digest is that of what it decompresses to */
} ImageLayer;

typedef struct Image {
        char *name, *os, *architecture; /* NULL: not known */
        char **entrypoint, **command, **environment, **volumes, **ports;
        char *user, *workdir; /* NULL: not given */
        ImageLayer *layers;   /* the lowest first */
        size_t n_layers;
} Image;

void image_done(Image *i);
#define _cleanup_image_ _cleanup_(image_done)

/*
 * Finds the image of that name (NULL: the only one) for that platform, OS/ARCHITECTURE[/VARIANT] (NULL: this
 * machine's).
 */
int image_find(ImageArchive *a, const char *name, const char *platform, Image *ret_);

/* Opens a layer that is what its digest says. A descriptor or -errno. */
int image_open_layer(ImageArchive *a, const ImageLayer *layer);

/* ---- what the files of this part share ---- */

struct json_t;

int archive_fail(ImageArchive *a, int error, const char *format, ...) _printf_(3, 4);
bool archive_has(const ImageArchive *a, const char *path);

/* Opens a file of the archive by its name there, through its links. A descriptor or -errno. */
int archive_open(ImageArchive *a, const char *path);

/* Is the content, decompressed or not, what the digest says? */
int archive_check(ImageArchive *a, const char *path, const char *digest, bool uncompressed);

/* Reads a JSON document; with `digest`, checks it. To be dropped by json_decref(). */
int archive_json(ImageArchive *a, const char *path, const char *digest, struct json_t **ret_);

typedef struct Platform {
        char os[32], architecture[32], variant[32]; /* variant: "" is any */
} Platform;

/* "sha256:HEX" to the name of its blob and HEX (both to be freed). 0, -EINVAL with a message, -ENOMEM. */
int oci_blob(ImageArchive *a, const char *digest, char **ret_path, char **ret_hex);

/* Finds the manifest of the image in an OCI image layout. *ret_name (may be NULL) is to be freed. */
int oci_find_manifest(
        ImageArchive *a, const char *name, const Platform *platform, struct json_t **ret_, char **ret_name);

/* Is `wanted`, as somebody types it, the image of that name? */
bool image_name_matches(const char *name, const char *wanted);
