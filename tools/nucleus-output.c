/* SPDX-License-Identifier: Apache-2.0 */
/* Files that verbs write: under a temporary name first, so that nobody reads half of one and a failure
 * leaves the old one. Must never replace what is no regular file: root may have named a device. */

#include "nucleus-output.h"

#include "io.h"

#include <fcntl.h>
#include <sys/stat.h>

static int failed(const OutputFile *o) {
        print_error("cannot write %s: %s", o->path, strerror(errno));
        return STATUS_FAILED;
}

int output_check(const char *path, bool replace, const char *hint) {
        struct stat st;

        if (lstat(path, &st) < 0) {
                if (errno == ENOENT)
                        return 0;
                print_error("%s: %s", path, strerror(errno));
        } else if (!S_ISREG(st.st_mode))
                print_error("%s: is there already, and is no regular file", path);
        else if (!replace)
                print_error("%s: is there already; %s", path, hint);
        else
                return 0;
        return STATUS_FAILED;
}

int output_open(OutputFile *o, const char *path) {
        mode_t mask = umask(0);

        (void)umask(mask);
        mask |= S_IWGRP | S_IWOTH; /* what others may write is not trusted, whatever the umask */
        o->path = path;
        if (asprintf(&o->temporary, "%s.XXXXXX", path) < 0) {
                o->temporary = NULL;
                return out_of_memory();
        }
        o->fd = mkostemp(o->temporary, O_CLOEXEC);
        if (o->fd < 0) {
                int r = failed(o);
                free(TAKE_PTR(o->temporary));
                return r;
        }
        return fchmod(o->fd, 0666 & ~mask) < 0 ? failed(o) : 0;
}

static int give_name(const OutputFile *o, bool replace) {
        if (replace)
                return rename(o->temporary, o->path);
        int r = renameat2(AT_FDCWD, o->temporary, AT_FDCWD, o->path, RENAME_NOREPLACE);
        if (r == 0 || errno != EINVAL)
                return r;
        /* Not every file system can do that. */
        return link(o->temporary, o->path) < 0 ? -1 : unlink(o->temporary);
}

int output_finish(OutputFile *o, const char *text, bool replace) {
        int r = write_all(o->fd, text, strlen(text));
        if (r < 0) {
                errno = -r;
                return failed(o);
        }
        if (give_name(o, replace) < 0)
                return failed(o);
        free(TAKE_PTR(o->temporary));
        return 0;
}

void output_done(OutputFile *o) {
        if (o->temporary)
                (void)unlink(o->temporary);
        free(o->temporary);
        o->temporary = NULL;
        o->fd = close_fd(o->fd);
}
