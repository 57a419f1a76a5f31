/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which units named "nucleus-…" others have put into systemd's search path (systemd.unit(5), "Unit File Load
 * Path"). Names are looked at, never contents.
 */

#include "load.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Without the directories of generators, and those of `systemctl set-property` and of transient units. */
static const char system_path[] = "/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:"
                                  "/usr/lib/systemd/system:/lib/systemd/system";
static const char user_path[] = "/etc/systemd/user:/run/systemd/user:/usr/local/share/systemd/user:"
                                "/usr/share/systemd/user:/usr/local/lib/systemd/user:/usr/lib/systemd/user";

/* The user's own; where neither variable is set there is none. */
static const struct {
        const char *variable, *directory;
} user_homes[] = {
        { "XDG_CONFIG_HOME", "systemd/user" },
        { "HOME", ".config/systemd/user" },
        { "XDG_RUNTIME_DIR", "systemd/user" },
        { "XDG_DATA_HOME", "systemd/user" },
        { "HOME", ".local/share/systemd/user" },
};

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
        return (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) ||
               (S_ISREG(st.st_mode) && st.st_size == 0);
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

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
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

static int add_directories(UnitNames *u, const char *list) {
        while (*list) {
                size_t n = strcspn(list, ":");

                if (list[0] == '/') {
                        _cleanup_free_ char *dir = strndup(list, n);
                        int k = dir ? add_directory(u, dir) : -ENOMEM;
                        if (k < 0)
                                return k;
                }
                list += n + (list[n] == ':');
        }
        return 0;
}

static int add_homes(UnitNames *u) {
        for (size_t i = 0; i < ELEMENTSOF(user_homes); i++) {
                const char *base = getenv(user_homes[i].variable);
                _cleanup_free_ char *dir = NULL;

                if (!base || base[0] != '/')
                        continue;
                if (asprintf(&dir, "%s/%s", base, user_homes[i].directory) < 0) {
                        dir = NULL;
                        return -ENOMEM;
                }
                int k = add_directory(u, dir);
                if (k < 0)
                        return k;
        }
        return 0;
}

int unit_names_load(Scope scope, UnitNames *ret_) {
        _cleanup_unit_names_ UnitNames u = {};
        const char *replaced = getenv("SYSTEMD_UNIT_PATH");
        int k = 0;

        if (replaced)
                k = add_directories(&u, replaced);
        /* A colon at the end keeps systemd's own directories too. */
        if (k >= 0 && (!replaced || endswith(replaced, ":"))) {
                if (scope == SCOPE_USER)
                        k = add_homes(&u);
                if (k >= 0)
                        k = add_directories(&u, scope == SCOPE_USER ? user_path : system_path);
        }
        if (k < 0)
                return k;

        *ret_ = u;
        u = (UnitNames){};
        return 0;
}
