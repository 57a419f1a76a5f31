/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text. Must never look at a file system. */

#include "path.h"

const char *path_problem(const char *path) {
        size_t n = strlen(path);

        if (path[0] != '/')
                return "must be an absolute path";
        if (n >= 4096)
                return "is longer than 4095 bytes";
        if (n > 1 && path[n - 1] == '/')
                return "must not end in a slash";
        for (const char *p = path; p; p = strchr(p + 1, '/')) {
                size_t k = strcspn(p + 1, "/");
                if (k == 0 && n > 1)
                        return "must not hold a doubled slash";
                if ((k == 1 && p[1] == '.') || (k == 2 && p[1] == '.' && p[2] == '.'))
                        return "must not hold \".\" or \"..\"";
                if (k > 255)
                        return "has a component of more than 255 bytes";
        }
        return NULL;
}

bool path_is_mount_target(const char *path) {
        return !streq(path, "/") && !path_startswith(path, "/dev") && !path_startswith(path, "/proc") &&
               !path_startswith(path, "/sys");
}

bool path_is_volume_source(const char *path) {
        return !path_startswith(path, "/proc") && !path_startswith(path, "/sys");
}

bool path_is_dropin_of(const char *path, const char *service) {
        for (const char *at = path; (at = strstr(at, "/nucleus-")); at++) {
                const char *name = at + strlen("/nucleus-"), *rest = startswith(name, service);
                if (rest && startswith(rest, ".service.d/"))
                        return true;
        }
        return false;
}
