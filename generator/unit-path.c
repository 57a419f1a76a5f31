/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's unit search path, as a table in its order. Must never look at what is there. */

#include "unit-path.h"

typedef struct Row {
        Scope scope;
        bool control;         /* not the operator's, but of systemctl set-property and systemd-run */
        const char *variable; /* a list of directories in the environment, that stands before `directory` */
        const char *home;     /* where it is not set: this in $HOME */
        const char *fallback; /* or this */
        const char *directory;
} Row;

static const Row rows[] = {
        { SCOPE_SYSTEM, true, .fallback = "/etc", .directory = "systemd/system.control" },
        { SCOPE_SYSTEM, true, .fallback = "/run", .directory = "systemd/system.control" },
        { SCOPE_SYSTEM, true, .fallback = "/run", .directory = "systemd/transient" },
        { SCOPE_SYSTEM, .fallback = "/etc", .directory = "systemd/system" },
        { SCOPE_SYSTEM, .fallback = "/etc", .directory = "systemd/system.attached" },
        { SCOPE_SYSTEM, .fallback = "/run", .directory = "systemd/system" },
        { SCOPE_SYSTEM, .fallback = "/run", .directory = "systemd/system.attached" },
        { SCOPE_SYSTEM, .fallback = "/usr/local/lib", .directory = "systemd/system" },
        { SCOPE_SYSTEM, .fallback = "/usr/lib", .directory = "systemd/system" },
        { SCOPE_SYSTEM, .fallback = "/lib", .directory = "systemd/system" },

        { SCOPE_USER, true, "XDG_CONFIG_HOME", ".config", .directory = "systemd/user.control" },
        { SCOPE_USER, true, "XDG_RUNTIME_DIR", .directory = "systemd/user.control" },
        { SCOPE_USER, true, "XDG_RUNTIME_DIR", .directory = "systemd/transient" },
        { SCOPE_USER, false, "XDG_CONFIG_HOME", ".config", .directory = "systemd/user" },
        { SCOPE_USER, false, "XDG_CONFIG_DIRS", .fallback = "/etc/xdg", .directory = "systemd/user" },
        { SCOPE_USER, .fallback = "/etc", .directory = "systemd/user" },
        { SCOPE_USER, false, "XDG_RUNTIME_DIR", .directory = "systemd/user" },
        { SCOPE_USER, .fallback = "/run", .directory = "systemd/user" },
        { SCOPE_USER, false, "XDG_DATA_HOME", ".local/share", .directory = "systemd/user" },
        { SCOPE_USER, false, "XDG_DATA_DIRS", .fallback = "/usr/local/share:/usr/share",
                .directory = "systemd/user" },
        { SCOPE_USER, .fallback = "/usr/local/lib:/usr/local/share", .directory = "systemd/user" },
        { SCOPE_USER, .fallback = "/usr/lib:/usr/share", .directory = "systemd/user" },
};

int append_directories(char ***v, const char *list, const char *suffix) {
        while (*list) {
                int n = (int)strcspn(list, ":");

                if (list[0] == '/') {
                        _cleanup_free_ char *dir = NULL;
                        if (asprintf(&dir, "%.*s%s%s", n, list, suffix ? "/" : "", suffix ?: "") < 0) {
                                dir = NULL;
                                return -ENOMEM;
                        }
                        if (!strv_contains(*v, dir) && strv_append(v, dir) < 0)
                                return -ENOMEM;
                }
                list += n + (list[n] == ':');
        }
        return 0;
}

static int append_row(char ***v, const Row *row) {
        const char *value = row->variable ? getenv(row->variable) : NULL, *home = getenv("HOME");
        _cleanup_free_ char *in_home = NULL;

        if (!isempty(value))
                return append_directories(v, value, row->directory);
        if (row->fallback)
                return append_directories(v, row->fallback, row->directory);
        if (!row->home || isempty(home))
                return 0;
        if (asprintf(&in_home, "%s/%s", home, row->home) < 0) {
                in_home = NULL;
                return -ENOMEM;
        }
        return append_directories(v, in_home, row->directory);
}

int unit_directories(Scope scope, bool control, char ***ret_) {
        _cleanup_strv_ char **v = NULL;
        const char *replaced = getenv("SYSTEMD_UNIT_PATH");
        int k = replaced ? append_directories(&v, replaced, NULL) : 0;

        /* A colon at the end keeps systemd's own directories too. */
        bool whole = !replaced || endswith(replaced, ":");
        for (size_t i = 0; whole && k >= 0 && i < ELEMENTSOF(rows); i++)
                if (rows[i].scope == scope && (control || !rows[i].control))
                        k = append_row(&v, &rows[i]);
        if (k < 0)
                return k;
        *ret_ = TAKE_PTR(v);
        return 0;
}
