/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which units named "nucleus-…" others have put into systemd's search path (systemd.unit(5), "Unit File Load
 * Path"). Names are looked at, never contents.
 */

#include "load.h"

#include <fcntl.h>

#include "safe-read.h"
#include "unit-path.h"

void unit_names_done(UnitNames *u) {
        name_map_done(&u->names);
        for (size_t i = 0; i < u->n; i++)
                free(u->paths[i]);
        free(u->paths);
        *u = (UnitNames){};
}

static bool is_ours_to_care(const char *name) {
        return startswith(name, "nucleus-") &&
               (endswith(name, ".service") || endswith(name, ".socket") || endswith(name, ".target"));
}

/* An empty file or a link to /dev/null masks a unit; a dangling link is no unit either. */
static bool is_mask(int dir_fd, const char *name) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, 0) < 0)
                return true;
        return stat_is_null_device(&st) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static int add(UnitNames *u, const char *dir, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (name_map_get(&u->names, name) != NAME_MAP_NONE)
                return 0;

        /* Grown when the number is a power of two. */
        if ((u->n & (u->n - 1)) == 0) {
                char **p = reallocarray(u->paths, u->n ? 2 * u->n : 1, sizeof(char *));
                if (!p)
                        return -ENOMEM;
                u->paths = p;
        }
        if (asprintf(&path, "%s/%s", dir, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        int k = name_map_put(&u->names, strrchr(path, '/') + 1, u->n);
        if (k < 0)
                return k;
        u->paths[u->n++] = TAKE_PTR(path);
        return 0;
}

static int add_directory(UnitNames *u, const char *dir) {
        const struct dirent *e;

        _cleanup_(closedirp) DIR *d = opendir(dir);
        if (!d)
                return errno == ENOMEM ? -ENOMEM : 0;

        while ((e = readdir(d))) {
                if (!is_ours_to_care(e->d_name) || is_mask(dirfd(d), e->d_name))
                        continue;
                int k = add(u, dir, e->d_name);
                if (k < 0)
                        return k;
        }
        return 0;
}

int unit_names_load(Scope scope, UnitNames *ret_) {
        _cleanup_unit_names_ UnitNames u = {};
        _cleanup_strv_ char **dirs = NULL;

        int k = unit_directories(scope, false, &dirs);
        STRV_FOREACH(dir, dirs) {
                if (k >= 0)
                        k = add_directory(&u, dir);
        }
        if (k < 0)
                return k;

        *ret_ = u;
        u = (UnitNames){};
        return 0;
}
