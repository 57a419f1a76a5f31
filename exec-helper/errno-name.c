/* SPDX-License-Identifier: Apache-2.0 */
/* Names of errors, from a C library that has them. */

#include "errno-name.h"

#include <string.h>

const char *errno_name(int error) {
        return strerrorname_np(error);
}
