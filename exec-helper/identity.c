/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the workload is. Names are looked up in the service's own /etc/passwd and /etc/group, read as plain
 * files: the host's name service knows nothing of a service's users, and a module of it would run in a
 * privileged program.
 */

#include "steps.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sys.h"
#include "user-db.h"

#define DATABASE_MAX (4LL * 1024 * 1024)

/* The text of a file. */
typedef struct Database {
        char *text;
        size_t n;
} Database;

static void database_done(Database *d) {
        free(d->text);
}

/* Opens a database of the service: of its root tree, or the host's where it has none. */
static int open_database(const Context *c, const char *path) {
        int fd = c->root_fd >= 0 ? sys_openat2(c->root_fd, path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                           RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
                                 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* Reads one whole. A tree may hold anything under that name, so only a regular file is read. */
static int read_database(Context *c, const char *path, Database *ret_) {
        struct stat st;
        size_t n = 0;

        _cleanup_close_ int fd = open_database(c, path);
        if (fd < 0)
                return step_fail(
                        c, fd, "cannot open %s of the %s", path, c->root_fd >= 0 ? "rootfs" : "host");
        if (fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at %s", path);
        if (!S_ISREG(st.st_mode) || st.st_size > DATABASE_MAX)
                return step_fail(c, -EINVAL, "%s of the rootfs is no regular file, or too large", path);

        _cleanup_free_ char *text = malloc((size_t)st.st_size + 1);
        if (!text)
                return step_fail(c, -ENOMEM, "cannot read %s", path);
        for (ssize_t k = 1; k > 0 && n <= (size_t)st.st_size; n += (size_t)k) {
                k = read(fd, text + n, (size_t)st.st_size + 1 - n);
                if (k < 0)
                        return step_fail(c, -errno, "cannot read %s", path);
        }
        if (n != (size_t)st.st_size)
                return step_fail(c, -EBUSY, "%s changes while it is read", path);
        *ret_ = (Database){ TAKE_PTR(text), n };
        return 0;
}

static bool parse_id(const char *s, uint32_t *ret_) {
        return user_id_parse(s, strlen(s), ret_);
}

/* With a range of its own, a service has the ids of that range and no others. */
static int check_id(Context *c, const char *what, uint32_t id) {
        if (id == UINT32_MAX) /* to setresuid(2): leave it as it is, which is root */
                return step_fail(c, -ERANGE, "%s %u is no id", what, id);
        if (c->spec->id_base > 0 && id >= SPEC_ID_COUNT)
                return step_fail(c, -ERANGE, "%s %u is outside of the service's ids (0 to %u)", what, id,
                        SPEC_ID_COUNT - 1);
        return 0;
}

/* Says why an account was not found: `r` is what the reader of the database returned. */
static int not_found(
        Context *c, int r, const char *what, const char *name, const char *path, unsigned line) {
        if (r == -EINVAL)
                return step_fail(c, r,
                        "line %u of the service's %s, for %s %s, is not what it should be: %s fields, and "
                        "ids "
                        "from 0 to 4294967294",
                        line, path, what, name, streq(what, "user") ? "seven" : "four");
        return step_fail(c, r, "%s %s is not in the service's %s", what, name, path);
}

static int find_user(Context *c, const char *name) {
        _cleanup_(database_done) Database d = {};
        unsigned line = 0;

        int r = read_database(c, "/etc/passwd", &d);
        if (r < 0)
                return r;
        r = passwd_find_name(d.text, d.n, name, &c->uid, &c->gid, &line);
        return r < 0 ? not_found(c, r, "user", name, "/etc/passwd", line) : 0;
}

static int find_group(Context *c, const char *name, gid_t *ret_) {
        _cleanup_(database_done) Database d = {};
        unsigned line = 0;

        if (parse_id(name, ret_))
                return 0;
        int r = read_database(c, "/etc/group", &d);
        if (r < 0)
                return r;
        r = group_find_name(d.text, d.n, name, ret_, &line);
        return r < 0 ? not_found(c, r, "group", name, "/etc/group", line) : 0;
}

/* The group of a user given by number: what the database says, else the same number. */
static int group_of_number(Context *c) {
        _cleanup_(database_done) Database d = {};
        unsigned line = 0;

        c->gid = c->uid;
        if (read_database(c, "/etc/passwd", &d) < 0)
                return 0;
        int r = passwd_find_uid(d.text, d.n, c->uid, &c->gid, &line);
        return r == -EINVAL ? not_found(c, r, "user", c->spec->user, "/etc/passwd", line) : 0;
}

int step_user(Context *c) {
        const char *user = c->spec->user;
        int r = 0;

        if (!parse_id(user, &c->uid))
                r = find_user(c, user);
        else if (!c->spec->group && c->uid != 0)
                r = group_of_number(c);
        return r < 0 ? r : check_id(c, "user", c->uid);
}

int step_groups(Context *c) {
        int r = 0;

        if (c->spec->group)
                r = find_group(c, c->spec->group, &c->gid);
        if (r >= 0)
                r = check_id(c, "group", c->gid);
        STRV_FOREACH(name, c->spec->supplementary_groups) {
                if (r < 0)
                        return r;
                if (c->n_groups == GROUPS_MAX)
                        return step_fail(c, -E2BIG, "more than %u supplementary groups", GROUPS_MAX);
                r = find_group(c, name, &c->groups[c->n_groups]);
                if (r >= 0)
                        r = check_id(c, "group", c->groups[c->n_groups++]);
        }
        return r;
}

/* These three by the raw system calls: the C library's would look for other threads of its process, and
 * between vfork(2) and exec this one borrows another's memory. */
int step_take_groups(Context *c) {
        /* One mapped id: setgroups(2) is denied for good, and the caller's groups are nobody's inside. */
        if (c->spec->id_base == 0 && (c->spec->namespaces & NAMESPACE_USER)) {
                if (c->n_groups > 0)
                        return step_fail(c, -EPERM, "supplementary groups need ids of the system manager");
                return 0;
        }
        if (syscall(SYS_setgroups, c->n_groups, c->groups) < 0)
                return step_fail(c, -errno, "cannot set supplementary groups");
        return 0;
}

int step_take_gid(Context *c) {
        if (syscall(SYS_setresgid, c->gid, c->gid, c->gid) < 0)
                return step_fail(c, -errno, "cannot become group %u", c->gid);
        return 0;
}

int step_take_uid(Context *c) {
        if (syscall(SYS_setresuid, c->uid, c->uid, c->uid) < 0)
                return step_fail(c, -errno, "cannot become user %u", c->uid);
        return 0;
}
