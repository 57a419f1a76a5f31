/* SPDX-License-Identifier: Apache-2.0 */
/* For a build without libarchive: no archive can be opened, and so none of the rest is ever called. */

#include "tar-reader.h"

int tar_reader_new(int fd, bool raw, TarReader **ret_, char **reterr_) {
        return -EOPNOTSUPP;
}

TarReader *tar_reader_free(TarReader *r) {
        return NULL;
}

int tar_reader_next(TarReader *r, TarEntry *ret_) {
        return -EOPNOTSUPP;
}

int tar_reader_data(TarReader *r, const void **ret_data, size_t *ret_n, int64_t *ret_offset) {
        return -EOPNOTSUPP;
}

bool tar_reader_xattr(TarReader *r, const char **ret_name, const void **ret_value, size_t *ret_n) {
        return false;
}

const char *tar_reader_error(const TarReader *r) {
        return "built without libarchive";
}
