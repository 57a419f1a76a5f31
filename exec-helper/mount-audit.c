/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table, read back and compared with the plan: every mount that is there is planned, every planned
 * one is there, with the flags it should have. libmount reads the table; it is loaded on the host's side,
 * where its path means the host's library. Must never repair what it finds.
 */

#include "steps.h"

#include <dlfcn.h>
#include <libmount/libmount.h>
#include <sys/mount.h>

#define LIBMOUNT "libmount.so.1"

#define FUNCTIONS(f)                                                                                        \
        f(mnt_new_table);                                                                                   \
        f(mnt_unref_table);                                                                                 \
        f(mnt_new_iter);                                                                                    \
        f(mnt_free_iter);                                                                                   \
        f(mnt_table_parse_file);                                                                            \
        f(mnt_table_next_fs);                                                                               \
        f(mnt_fs_get_id);                                                                                   \
        f(mnt_fs_get_target);                                                                               \
        f(mnt_fs_get_optional_fields);                                                                      \
        f(mnt_fs_get_vfs_options)

static struct {
#define DECLARE(name) __typeof__(name) *name
        FUNCTIONS(DECLARE);
#undef DECLARE
} mnt;

int step_load_libmount(Context *c) {
        void *lib = dlopen(LIBMOUNT, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!lib)
                return step_fail(c, -ENOPKG, "cannot load " LIBMOUNT " for the mount audit");
#define LOAD(name)                                                                                          \
        do {                                                                                                \
                mnt.name = (__typeof__(mnt.name))dlsym(lib, #name);                                         \
                if (!mnt.name)                                                                              \
                        return step_fail(c, -ELIBBAD, LIBMOUNT " has no %s", #name);                        \
        } while (0)
        FUNCTIONS(LOAD);
#undef LOAD
        return 0;
}

static bool has_option(const char *options, const char *name) {
        size_t n = strlen(name);

        for (const char *p = options; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
                if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
                        return true;
        return false;
}

static const Mount *find(const Context *c, uint64_t id) {
        for (size_t i = 0; i < c->plan.n; i++)
                if (c->plan.mounts[i].id == id)
                        return &c->plan.mounts[i];
        return NULL;
}

static int check(Context *c, struct libmnt_fs *fs) {
        const char *target = mnt.mnt_fs_get_target(fs), *options = mnt.mnt_fs_get_vfs_options(fs);
        const char *fields = mnt.mnt_fs_get_optional_fields(fs);
        const Mount *m = find(c, (uint64_t)mnt.mnt_fs_get_id(fs));
        const char *missing = NULL;

        if (!m)
                return step_fail(c, -EUCLEAN, "%s is mounted and not planned", target);
        if (m->kind != MOUNT_DEV_NODE) {
                if (m->read_only && !has_option(options, "ro"))
                        missing = "ro";
                else if (!has_option(options, "nosuid") && m->kind != MOUNT_PROC_MASK)
                        missing = "nosuid";
                else if (!m->executable && m->kind != MOUNT_PROC_MASK && !has_option(options, "noexec"))
                        missing = "noexec";
        }
        if (missing)
                return step_fail(c, -EUCLEAN, "the mount on %s is not %s (%s)", target, missing, options);
        if (fields && strstr(fields, "shared:"))
                return step_fail(c, -EUCLEAN, "the mount on %s is shared with the host", target);
        return 0;
}

int step_mount_audit(Context *c) {
        size_t planned = 0, found = 0;
        struct libmnt_fs *fs;
        int r = 0;

        struct libmnt_table *table = mnt.mnt_new_table();
        struct libmnt_iter *iter = mnt.mnt_new_iter(MNT_ITER_FORWARD);
        if (!table || !iter)
                r = -ENOMEM;
        else if (mnt.mnt_table_parse_file(table, "/proc/self/mountinfo") != 0)
                r = step_fail(c, -EIO, "cannot read the mount table");
        while (r >= 0 && mnt.mnt_table_next_fs(table, iter, &fs) == 0) {
                r = check(c, fs);
                found++;
        }
        for (size_t i = 0; i < c->plan.n; i++)
                planned += c->plan.mounts[i].id != 0;
        if (r >= 0 && found != planned)
                r = step_fail(c, -EUCLEAN, "%zu mounts are planned and %zu there", planned, found);
        mnt.mnt_free_iter(iter);
        mnt.mnt_unref_table(table);
        return r;
}
