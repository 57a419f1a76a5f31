/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table, read back and compared with the plan: every mount that is there is planned, every planned
 * one is there, with the flags it should have. Mounts are known by their ids, so nothing depends on the
 * names that a root tree chose. Must never repair what it finds.
 */

#include "steps.h"

#include "sys.h"

#define TABLE_MAX (1024U * 1024)
#define LINE_MAX_EACH 8192U /* more for each planned mount: two paths, and options of a page */

static bool has_option(const char *options, const char *name) {
        size_t n = strlen(name);

        for (const char *p = options; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
                if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
                        return true;
        return false;
}

/* Searches from behind the one found last, *at: the table has about the order of the plan, and a plan with
 * store paths is long. */
static const Mount *find(const Context *c, uint64_t id, size_t *at) {
        for (size_t i = 0; i < c->plan.n; i++) {
                size_t k = (*at + i) % c->plan.n;

                if (c->plan.mounts[k].id == 0 || c->plan.mounts[k].id != id)
                        continue;
                *at = k + 1;
                return &c->plan.mounts[k];
        }
        return NULL;
}

/* The flag that a mount should have and has not, or NULL. */
static const char *missing_flag(const Mount *m, const char *options) {
        bool covers = m->kind == MOUNT_PROC_MASK; /* a clone of /dev/null, or an empty directory */

        if (m->read_only && !has_option(options, "ro"))
                return "ro";
        if (!has_option(options, "nosuid"))
                return "nosuid";
        if (!m->executable && !has_option(options, "noexec"))
                return "noexec";
        if (!covers && m->kind != MOUNT_DEV && m->kind != MOUNT_DEV_NODE && m->kind != MOUNT_DEVPTS &&
                !has_option(options, "nodev"))
                return "nodev";
        return NULL;
}

/* One line of proc_pid_mountinfo(5): id parent major:minor root target options [field...] - ... */
static int check_line(Context *c, char *line, size_t *at) {
        char *save = NULL, *fields[6];

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                fields[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
                if (!fields[i])
                        return step_fail(c, -EIO, "cannot make sense of the mount table");
        }

        const char *target = fields[4], *options = fields[5];
        const Mount *m = find(c, strtoull(fields[0], NULL, 10), at);
        if (!m)
                return step_fail(c, -EUCLEAN, "%s is mounted and not planned", target);
        const char *missing = missing_flag(m, options);
        if (missing)
                return step_fail(c, -EUCLEAN, "the mount on %s is not %s (%s)", target, missing, options);
        for (const char *field; (field = strtok_r(NULL, " ", &save)) && !streq(field, "-");)
                if (startswith(field, "shared:") || startswith(field, "master:"))
                        return step_fail(c, -EUCLEAN, "the mount on %s exchanges mounts with others (%s)",
                                target, field);
        return 0;
}

/* The whole file; it may change between two reads, but nobody mounts here any more. */
static int read_table(Context *c, char **ret_) {
        size_t max = TABLE_MAX + c->plan.n * LINE_MAX_EACH, size = 65536;
        _cleanup_free_ char *text = malloc(size + 1);
        _cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        size_t n = 0;

        if (!text)
                return -ENOMEM;
        if (fd < 0)
                return step_fail(c, -errno, "cannot open the mount table");
        for (;;) {
                if (n == size && size < max) {
                        char *p = realloc(text, 2 * size + 1);
                        if (!p)
                                return -ENOMEM;
                        text = p;
                        size *= 2;
                }
                ssize_t k = read(fd, text + n, size - n);
                if (k < 0)
                        return step_fail(c, -errno, "cannot read the mount table");
                if (k == 0)
                        break;
                n += (size_t)k;
        }
        if (n == size)
                return step_fail(c, -EFBIG, "the mount table is too large");
        text[n] = '\0';
        *ret_ = TAKE_PTR(text);
        return 0;
}

int step_mount_audit(Context *c) {
        _cleanup_free_ char *text = NULL;
        size_t planned = 0, found = 0, at = 0;
        char *save = NULL;

        int r = read_table(c, &text);
        for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); line;
                line = strtok_r(NULL, "\n", &save)) {
                r = check_line(c, line, &at);
                if (r < 0)
                        return r;
                found++;
        }
        for (size_t i = 0; i < c->plan.n; i++)
                planned += c->plan.mounts[i].id != 0;
        if (r >= 0 && found != planned)
                return step_fail(c, -EUCLEAN, "%zu mounts are planned and %zu there", planned, found);
        return r;
}
