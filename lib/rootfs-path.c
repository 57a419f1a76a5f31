/* SPDX-License-Identifier: Apache-2.0 */
/* Names of archives, as text. Must never look at a file system. */

#include "rootfs-path.h"

#include "strbuf.h"

#define NAME_BYTES 255U
#define PATH_BYTES 4095U

static const char *component_problem(const char *s, size_t n) {
        if (n == 2 && s[0] == '.' && s[1] == '.')
                return "has a component \"..\"";
        return n > NAME_BYTES ? "has a component of more than 255 bytes" : NULL;
}

int root_normalise_path(const char *path, char **ret_, const char **ret_problem) {
        _cleanup_strbuf_ StrBuf b = {};

        for (const char *p = path; *p;) {
                size_t n = strcspn(p, "/");

                *ret_problem = component_problem(p, n);
                if (*ret_problem)
                        return -EINVAL;
                if (n > 0 && !(n == 1 && p[0] == '.')) {
                        if (b.len > 0)
                                strbuf_putc(&b, '/');
                        strbuf_add(&b, p, n);
                }
                p += n + (p[n] == '/');
        }
        if (b.len > PATH_BYTES) {
                *ret_problem = "has more than 4095 bytes";
                return -EINVAL;
        }
        return strbuf_finish(&b, ret_);
}
