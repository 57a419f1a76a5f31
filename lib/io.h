/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Output by descriptor. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes all `n` bytes, however often write(2) takes a part. 0 or -errno. */
int write_all(int fd, const void *data, size_t n);

#ifdef __cplusplus
}
#endif
