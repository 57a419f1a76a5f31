/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planner of mounts promises to those who walk the plan: a mount stands behind the one that holds
 * its target, nothing is made outside of a tmpfs of ours, and what is read-only stays so.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mount-plan.h"

static Spec *new_spec(const char *rootfs) {
        Spec *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->namespaces = NAMESPACE_PID | NAMESPACE_MOUNT;
        if (rootfs) {
                s->rootfs = strdup(rootfs);
                assert_non_null(s->rootfs);
        }
        return s;
}

static void volume(Spec *s, const char *source, const char *target, bool read_only) {
        assert_int_equal(spec_add_volume(s, source, target, read_only), 0);
}

static void tmpfs(Spec *s, const char *target) {
        assert_int_equal(spec_add_tmpfs(s, target, 4096), 0);
}

/* The last mount on the target is the one that is seen there. SIZE_MAX: there is none. */
static size_t position(const MountPlan *p, const char *target) {
        for (size_t i = p->n; i-- > 0;)
                if (streq(p->mounts[i].target, target))
                        return i;
        return SIZE_MAX;
}

static const Mount *find(const MountPlan *p, const char *target) {
        size_t i = position(p, target);

        if (i == SIZE_MAX)
                fail_msg("nothing is planned on %s", target);
        return &p->mounts[i];
}

static void plan(const Spec *s, MountPlan *ret_) {
        assert_int_equal(mount_plan_make(s, ret_), 0);
}

static void test_mount_plan_is_empty_without_mount_namespace(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        s->namespaces &= ~(unsigned)NAMESPACE_MOUNT;
        volume(s, "/var/lib/web", "/data", false);
        plan(s, &p);
        assert_int_equal(p.n, 0);
}

static void test_mount_plan_begins_with_read_only_root(void **state _unused_) {
        static const char *const roots[] = { "/srv/web", NULL };

        for (size_t i = 0; i < ELEMENTSOF(roots); i++) {
                _cleanup_(mount_plan_done) MountPlan p = {};
                _cleanup_spec_ Spec *s = new_spec(roots[i]);

                plan(s, &p);
                assert_string_equal(p.mounts[0].target, "/");
                assert_int_equal(p.mounts[0].kind, roots[i] ? MOUNT_ROOT_TREE : MOUNT_ROOT_TMPFS);
                assert_true(p.mounts[0].read_only);
                /* The ids of a tree are the service's own; those of the host's files are nobody's. */
                assert_int_equal(p.mounts[0].idmapped, roots[i] != NULL);
        }
}

static void test_mount_plan_shows_host_read_only_without_rootfs(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec(NULL);

        plan(s, &p);
        for (size_t i = 0; i < p.n; i++) {
                const Mount *m = &p.mounts[i];
                if (m->kind != MOUNT_BIND)
                        continue;
                assert_true(m->read_only);
                assert_true(m->optional);
                assert_false(m->idmapped);
                assert_string_equal(m->source, m->target);
        }
        assert_int_equal(find(&p, "/usr")->kind, MOUNT_BIND);
        /* Never more of the host than that. */
        assert_int_equal(position(&p, "/etc"), SIZE_MAX);
        assert_int_equal(position(&p, "/home"), SIZE_MAX);
        assert_int_equal(position(&p, "/sys"), SIZE_MAX);
        assert_int_equal(position(&p, "/etc/shadow"), SIZE_MAX);
}

static void test_mount_plan_shows_nothing_of_host_with_rootfs(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        plan(s, &p);
        for (size_t i = 0; i < p.n; i++)
                assert_int_not_equal(p.mounts[i].kind, MOUNT_BIND);
}

/* The walker looks backwards from a node for its /dev, and covers parts of /proc with /dev/null. */
static void test_mount_plan_orders_dev_before_nodes_before_proc(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        plan(s, &p);
        size_t dev = position(&p, "/dev"), null = position(&p, "/dev/null"), proc = position(&p, "/proc");
        assert_true(dev < null);
        assert_true(null < proc && proc != SIZE_MAX);
        for (size_t i = 0; i < p.n; i++) {
                const Mount *m = &p.mounts[i];
                if (m->kind == MOUNT_DEV_NODE)
                        assert_true(i > dev && i < proc);
                if (m->kind == MOUNT_PROC_MASK || m->kind == MOUNT_PROC_READ_ONLY) {
                        assert_true(i > proc);
                        assert_true(m->read_only);
                        assert_non_null(startswith(m->target, "/proc/"));
                }
        }
}

static void test_mount_plan_covers_what_oci_covers_in_proc(void **state _unused_) {
        static const struct {
                const char *path;
                MountKind kind;
        } rows[] = {
                { "/proc/kcore", MOUNT_PROC_MASK },
                { "/proc/keys", MOUNT_PROC_MASK },
                { "/proc/acpi", MOUNT_PROC_MASK },
                { "/proc/sys", MOUNT_PROC_READ_ONLY },
                { "/proc/sysrq-trigger", MOUNT_PROC_READ_ONLY },
                { "/proc/irq", MOUNT_PROC_READ_ONLY },
                { "/proc/bus", MOUNT_PROC_READ_ONLY },
                { "/proc/fs", MOUNT_PROC_READ_ONLY },
        };
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        plan(s, &p);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(find(&p, rows[i].path)->kind, rows[i].kind);
}

static void test_mount_plan_has_only_harmless_devices(void **state _unused_) {
        static const struct {
                const char *path;
                unsigned major, minor;
        } rows[] = {
                { "/dev/null", 1, 3 },
                { "/dev/zero", 1, 5 },
                { "/dev/full", 1, 7 },
                { "/dev/random", 1, 8 },
                { "/dev/urandom", 1, 9 },
                { "/dev/tty", 5, 0 },
        };
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");
        size_t n = 0;

        plan(s, &p);
        for (size_t i = 0; i < p.n; i++)
                n += p.mounts[i].kind == MOUNT_DEV_NODE;
        assert_int_equal(n, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Mount *m = find(&p, rows[i].path);
                assert_int_equal(m->device_major, rows[i].major);
                assert_int_equal(m->device, rows[i].minor);
                assert_false(m->executable);
        }
}

/* '-' sorts before '/': a neighbour may stand between a parent and its child, never the child first. */
static void test_mount_plan_orders_parents_before_children(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        volume(s, "/a", "/data/in/deep", false);
        tmpfs(s, "/data/in");
        volume(s, "/b", "/data-b", false);
        volume(s, "/c", "/data", false);
        plan(s, &p);

        for (size_t i = 0; i < p.n; i++)
                for (size_t k = i + 1; k < p.n; k++)
                        if (path_startswith(p.mounts[i].target, p.mounts[k].target))
                                fail_msg("%s is planned before %s", p.mounts[i].target, p.mounts[k].target);
        assert_true(position(&p, "/data") < position(&p, "/data/in"));
        assert_true(position(&p, "/data/in") < position(&p, "/data/in/deep"));
}

/* The rule that nothing is made on a file system of the host, case by case. */
static void test_mount_plan_makes_targets_only_in_tmpfs_of_ours(void **state _unused_) {
        static const struct {
                const char *rootfs, *target;
                bool create;
        } rows[] = {
                { "/srv/web", "/own", false },        /* in the given tree */
                { "/srv/web", "/tmp", false },        /* a tmpfs, but on the tree */
                { "/srv/web", "/tmp/in", true },      /* in that tmpfs */
                { "/srv/web", "/tmp/vol/in", false }, /* in a volume that lies in it */
                { "/srv/web", "/vol/in", false },     /* in a volume */
                { "/srv/web", "/vol/tmp/in", true },  /* in a tmpfs that lies in a volume */
                { "/srv/web", "/tmpfoo", false },     /* only the name begins alike */
                { NULL, "/own", true },               /* in our root */
                { NULL, "/vol/in", false },           /* in a volume all the same */
                { NULL, "/tmp/in", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(mount_plan_done) MountPlan p = {};
                _cleanup_spec_ Spec *s = new_spec(rows[i].rootfs);

                volume(s, "/host/vol", "/vol", false);
                volume(s, "/host/tmp", "/tmp/vol", false);
                tmpfs(s, "/tmp");
                tmpfs(s, "/vol/tmp");
                if (!streq(rows[i].target, "/tmp"))
                        volume(s, "/host/x", rows[i].target, false);
                plan(s, &p);
                if (find(&p, rows[i].target)->create != rows[i].create)
                        fail_msg("%s %s a rootfs: create is %d", rows[i].target,
                                rows[i].rootfs ? "with" : "without", !rows[i].create);
        }
}

static void test_mount_plan_keeps_volumes_as_asked(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        volume(s, "/host/ro", "/ro", true);
        volume(s, "/host/rw", "/rw", false);
        tmpfs(s, "/tmp");
        plan(s, &p);

        const Mount *ro = find(&p, "/ro"), *rw = find(&p, "/rw"), *tmp = find(&p, "/tmp");
        assert_true(ro->read_only);
        assert_false(rw->read_only);
        assert_string_equal(ro->source, "/host/ro");
        assert_true(ro->idmapped && rw->idmapped);
        assert_false(ro->optional || rw->optional); /* a volume that is missing is an error */
        assert_int_equal(tmp->kind, MOUNT_TMPFS);
        assert_int_equal(tmp->size, 4096);
        assert_int_equal(tmp->mode, 01777);
}

/* To the kernel a tmpfs without a size may take half of the memory. */
static void test_mount_plan_bounds_every_tmpfs(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec(NULL);

        tmpfs(s, "/tmp");
        plan(s, &p);
        for (size_t i = 0; i < p.n; i++)
                if (p.mounts[i].kind == MOUNT_TMPFS || p.mounts[i].kind == MOUNT_DEV ||
                        p.mounts[i].kind == MOUNT_ROOT_TMPFS)
                        assert_true(p.mounts[i].size > 0);
}

static void test_mount_plan_starts_without_descriptors(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        plan(s, &p);
        for (size_t i = 0; i < p.n; i++) {
                assert_true(p.mounts[i].fd < 0);
                assert_int_equal(p.mounts[i].id, 0);
        }
}

static void test_mount_plan_prints_one_line_for_each_mount(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");
        _cleanup_strbuf_ StrBuf b = {};
        size_t lines = 0;

        volume(s, "/host/ro", "/ro", true);
        plan(s, &p);
        mount_plan_format(&p, &b);
        assert_non_null(b.data);
        for (const char *c = b.data; *c; c++)
                lines += *c == '\n';
        assert_int_equal(lines, p.n);
        assert_non_null(strstr(b.data, "bind      read-only from /host/ro\n"));
        assert_non_null(strstr(b.data, "root tree read-only from /srv/web\n"));
}

static void add_store(const Spec *s, MountPlan *ret_) {
        static const char text[] = "/nix/store/11111111111111111111111111111111-b\n"
                                   "/nix/store/00000000000000000000000000000000-a\n";
        _cleanup_store_paths_ StorePaths *store = NULL;
        _cleanup_free_ char *error = NULL;

        plan(s, ret_);
        assert_int_equal(store_paths_parse(text, strlen(text), &store, &error), 0);
        assert_int_equal(mount_plan_add_store(ret_, store), 0);
}

/* Behind the root, in the list's order, and all else as it was. */
static void test_mount_plan_has_store_paths_behind_root(void **state _unused_) {
        _cleanup_(mount_plan_done) MountPlan p = {}, without = {};
        _cleanup_spec_ Spec *s = new_spec("/srv/web");

        volume(s, "/host/ro", "/ro", true);
        plan(s, &without);
        add_store(s, &p);
        assert_int_equal(p.n, without.n + 3);
        assert_int_equal(p.mounts[0].kind, MOUNT_ROOT_TREE);
        assert_int_equal(p.mounts[1].kind, MOUNT_STORE);
        assert_string_equal(p.mounts[1].target, "/nix/store");
        assert_true(p.mounts[1].size > 0);
        assert_string_equal(p.mounts[2].target, "/nix/store/00000000000000000000000000000000-a");
        assert_string_equal(p.mounts[3].target, "/nix/store/11111111111111111111111111111111-b");
        for (size_t i = 1; i < 4; i++)
                assert_true(p.mounts[i].read_only && p.mounts[i].fd < 0);
        for (size_t i = 2; i < 4; i++) {
                assert_int_equal(p.mounts[i].kind, MOUNT_STORE_PATH);
                assert_true(p.mounts[i].idmapped);
                assert_string_equal(p.mounts[i].source, p.mounts[i].target);
        }
        for (size_t i = 1; i < without.n; i++)
                assert_string_equal(p.mounts[i + 3].target, without.mounts[i].target);
}

static void test_mount_plan_finds_what_collides_with_store(void **state _unused_) {
        static const struct {
                const char *target;
                bool collides;
        } rows[] = {
                { "/nix", true },
                { "/nix/store", true },
                { "/nix/store/a", true },
                { "/nix/store-not", false },
                { "/nix/var", false },
                { "/ni", false },
        };

        for (size_t i = 0; i < 2 * ELEMENTSOF(rows); i++) {
                const char *target = rows[i / 2].target;
                _cleanup_spec_ Spec *s = new_spec("/srv/web");

                volume(s, "/host/ro", "/ro", true);
                tmpfs(s, "/tmp");
                if (i % 2)
                        tmpfs(s, target);
                else
                        volume(s, "/host/x", target, true);
                const char *found = mount_plan_store_conflict(s);
                if (rows[i / 2].collides)
                        assert_string_equal(found, target);
                else
                        assert_null(found);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mount_plan_is_empty_without_mount_namespace),
                cmocka_unit_test(test_mount_plan_begins_with_read_only_root),
                cmocka_unit_test(test_mount_plan_shows_host_read_only_without_rootfs),
                cmocka_unit_test(test_mount_plan_shows_nothing_of_host_with_rootfs),
                cmocka_unit_test(test_mount_plan_orders_dev_before_nodes_before_proc),
                cmocka_unit_test(test_mount_plan_covers_what_oci_covers_in_proc),
                cmocka_unit_test(test_mount_plan_has_only_harmless_devices),
                cmocka_unit_test(test_mount_plan_orders_parents_before_children),
                cmocka_unit_test(test_mount_plan_makes_targets_only_in_tmpfs_of_ours),
                cmocka_unit_test(test_mount_plan_keeps_volumes_as_asked),
                cmocka_unit_test(test_mount_plan_bounds_every_tmpfs),
                cmocka_unit_test(test_mount_plan_starts_without_descriptors),
                cmocka_unit_test(test_mount_plan_prints_one_line_for_each_mount),
                cmocka_unit_test(test_mount_plan_has_store_paths_behind_root),
                cmocka_unit_test(test_mount_plan_finds_what_collides_with_store),
        };

        return cmocka_run_group_tests_name("mount-plan", tests, NULL, NULL);
}
