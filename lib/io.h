/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whole files by descriptor. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes all `n` bytes, however often write(2) takes a part. 0 or -errno. */
int write_all(int fd, const void *data, size_t n);

/*
 * Reads up to the end of the file, `max` bytes at the most; `buffer` has room for one more. 0 with *ret_n,
 * -EFBIG where there is more, or another -errno.
 */
int read_to_end(int fd, void *buffer, size_t max, size_t *ret_n);

/*
 * A file that takes its name when it is whole. replace_begin() makes `temporary` in the directory, in place
 * of what one that was killed has left there; a descriptor to write to, or -errno. replace_finish() makes it
 * readable by all and gives it the name `name`, file and directory synced; 0 or -errno. Who does not come
 * that far unlinks it.
 */
int replace_begin(int dir_fd, const char *temporary);
int replace_finish(int fd, int dir_fd, const char *temporary, const char *name);

#ifdef __cplusplus
}
#endif
