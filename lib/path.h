/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a path must look like before anyone acts on it. */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is `path` absolute and normalised (no "." or "..", no doubled or trailing slash, at most 4095 bytes)?
 * NULL, or what is wrong with it, to stand behind the path in a message. */
const char *path_problem(const char *path);

/* May a service have a mount of its own at the normalised path? Not on / and not in /dev, /proc and /sys,
 * which are set up whole. */
bool path_is_mount_target(const char *path) _pure_;

/* May a service be shown the host's path? Not /proc and /sys and what is in them: the kernel's controls. */
bool path_is_volume_source(const char *path) _pure_;

/* Is the file a drop-in of the unit of this service alone: in a directory nucleus-SERVICE.service.d? */
bool path_is_dropin_of(const char *path, const char *service) _pure_;

#ifdef __cplusplus
}
#endif
