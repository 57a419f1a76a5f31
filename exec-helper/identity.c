/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the workload is. Names are looked up in the service's own /etc/passwd and /etc/group, read as plain
 * files: the host's name service knows nothing of a service's users, and a module of it would run in a
 * privileged program.
 */

#include "steps.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "sys.h"

#define DATABASE_MAX (4LL * 1024 * 1024)

/* Opens a database of the service: of its root tree, or the host's where it has none. A tree may hold
 * anything under that name, so only a regular file is read. */
static int open_database(Context *c, const char *path, FILE **ret_) {
        struct stat st;
        _cleanup_close_ int fd =
                c->root_fd >= 0 ? sys_openat2(c->root_fd, path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                          RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
                                : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0)
                return step_fail(
                        c, -errno, "cannot open %s of the %s", path, c->root_fd >= 0 ? "rootfs" : "host");
        if (fstat(fd, &st) < 0)
                return step_fail(c, -errno, "cannot look at %s", path);
        if (!S_ISREG(st.st_mode) || st.st_size > DATABASE_MAX)
                return step_fail(c, -EINVAL, "%s of the rootfs is no regular file, or too large", path);

        FILE *f = fdopen(fd, "re");
        if (!f)
                return -errno;
        (void)TAKE_FD(fd);
        *ret_ = f;
        return 0;
}

static bool parse_id(const char *s, uint32_t *ret_) {
        unsigned long v;
        char *end;

        if (isempty(s) || strspn(s, "0123456789") != strlen(s))
                return false;
        errno = 0;
        v = strtoul(s, &end, 10);
        if (errno != 0 || v >= UINT32_MAX)
                return false;
        *ret_ = (uint32_t)v;
        return true;
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

static int find_user(Context *c, const char *name, uid_t *ret_uid, gid_t *ret_gid) {
        _cleanup_fclose_ FILE *f = NULL;
        const struct passwd *pw;

        int r = open_database(c, "/etc/passwd", &f);
        if (r < 0)
                return r;
        while ((pw = fgetpwent(f)))
                if (streq(pw->pw_name, name)) {
                        *ret_uid = pw->pw_uid;
                        *ret_gid = pw->pw_gid;
                        return 0;
                }
        return step_fail(c, -ESRCH, "user %s is not in the service's /etc/passwd", name);
}

static int find_group(Context *c, const char *name, gid_t *ret_) {
        _cleanup_fclose_ FILE *f = NULL;
        const struct group *gr;

        if (parse_id(name, ret_))
                return 0;
        int r = open_database(c, "/etc/group", &f);
        if (r < 0)
                return r;
        while ((gr = fgetgrent(f)))
                if (streq(gr->gr_name, name)) {
                        *ret_ = gr->gr_gid;
                        return 0;
                }
        return step_fail(c, -ESRCH, "group %s is not in the service's /etc/group", name);
}

/* The group of a user given by number: what the database says, else the same number. */
static void group_of_number(Context *c) {
        _cleanup_fclose_ FILE *f = NULL;
        const struct passwd *pw;

        c->gid = c->uid;
        if (open_database(c, "/etc/passwd", &f) < 0)
                return;
        while ((pw = fgetpwent(f)))
                if (pw->pw_uid == c->uid) {
                        c->gid = pw->pw_gid;
                        return;
                }
}

int step_user(Context *c) {
        const char *user = c->spec->user;

        if (parse_id(user, &c->uid)) {
                if (!c->spec->group && c->uid != 0)
                        group_of_number(c);
                return check_id(c, "user", c->uid);
        }
        int r = find_user(c, user, &c->uid, &c->gid);
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
