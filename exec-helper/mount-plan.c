/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner of mounts. The order is part of the plan: a mount stands behind the one that holds its target,
 * and /dev before /proc, parts of which /dev/null covers. Must never look at the file system.
 */

#include "mount-plan.h"

#include <limits.h>

#define PLAN_STEP 32U /* a plan grows by so many at once */
#define SHM_SIZE (64U * 1024 * 1024)
#define DEV_SIZE (64U * 1024)
#define ROOT_TMPFS_SIZE (1024U * 1024)
#define STORE_SIZE_EACH 4096U /* a link that is long takes a page */

void mount_plan_done(MountPlan *p) {
        for (size_t i = 0; i < p->n; i++) {
                free(p->mounts[i].source);
                free(p->mounts[i].target);
                free(p->mounts[i].link);
                close_fd(p->mounts[i].fd);
        }
        free(p->mounts);
        *p = (MountPlan){};
}

static int add(MountPlan *p, Mount m, const char *source, const char *target) {
        if (p->n % PLAN_STEP == 0) {
                Mount *q = reallocarray(p->mounts, p->n + PLAN_STEP, sizeof(Mount));
                if (!q)
                        return -ENOMEM;
                p->mounts = q;
        }

        m.fd = -EBADF;
        m.source = source ? strdup(source) : NULL;
        m.target = strdup(target);
        if (!m.target || (source && !m.source)) {
                free(m.source);
                free(m.target);
                return -ENOMEM;
        }
        p->mounts[p->n++] = m;
        return 0;
}

/* What a service without a root tree of its own sees of the host: programs and libraries, and what of /etc
 * these cannot do without. */
static const char *const host_tree[] = {
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/nix/store",
        "/etc/alternatives",
        "/etc/group",
        "/etc/hosts",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/resolv.conf",
        "/etc/ssl",
};

static int plan_root(const Spec *s, MountPlan *p) {
        if (s->rootfs)
                return add(p,
                        (Mount){ .kind = MOUNT_ROOT_TREE,
                                .read_only = true,
                                .executable = true,
                                .idmapped = true },
                        s->rootfs, "/");

        int r = add(p,
                (Mount){ .kind = MOUNT_ROOT_TMPFS,
                        .read_only = true,
                        .executable = true,
                        .size = ROOT_TMPFS_SIZE,
                        .mode = 0755 },
                NULL, "/");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(host_tree); i++)
                r = add(p,
                        (Mount){ .kind = MOUNT_BIND,
                                .read_only = true,
                                .executable = true,
                                .create = true,
                                .optional = true },
                        host_tree[i], host_tree[i]);
        return r;
}

/* The OCI runtime's defaults (config.md, "maskedPaths", "readonlyPaths"); /sys is not there at all. */
static const char *const proc_masked[] = {
        "/proc/acpi",
        "/proc/asound",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/proc/timer_list",
        "/proc/timer_stats",
};
static const char *const proc_read_only[] = {
        "/proc/bus",
        "/proc/fs",
        "/proc/irq",
        "/proc/sys",
        "/proc/sysrq-trigger",
};

static int plan_proc(const Spec *s, MountPlan *p) {
        bool create = !s->rootfs;

        /* Another PID namespace's procfs cannot be mounted from here: without one of our own, the host's. */
        if (!(s->namespaces & NAMESPACE_PID))
                return add(p, (Mount){ .kind = MOUNT_BIND, .create = create }, "/proc", "/proc");

        int r = add(p, (Mount){ .kind = MOUNT_PROC, .create = create }, NULL, "/proc");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(proc_masked); i++)
                r = add(p, (Mount){ .kind = MOUNT_PROC_MASK, .read_only = true, .optional = true }, NULL,
                        proc_masked[i]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(proc_read_only); i++)
                r = add(p, (Mount){ .kind = MOUNT_PROC_READ_ONLY, .read_only = true, .optional = true },
                        NULL, proc_read_only[i]);
        return r;
}

/* The nodes that the kernel's own documentation (admin-guide/devices.rst) calls compulsory, less the rest.
 */
static const struct {
        const char *path;
        unsigned major, minor;
} nodes[] = {
        { "/dev/null", 1, 3 },
        { "/dev/zero", 1, 5 },
        { "/dev/full", 1, 7 },
        { "/dev/random", 1, 8 },
        { "/dev/urandom", 1, 9 },
        { "/dev/tty", 5, 0 },
};

static int plan_dev(const Spec *s, MountPlan *p) {
        int r = add(p,
                (Mount){ .kind = MOUNT_DEV,
                        .read_only = true,
                        .create = !s->rootfs,
                        .size = DEV_SIZE,
                        .mode = 0755 },
                NULL, "/dev");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(nodes); i++)
                r = add(p,
                        (Mount){ .kind = MOUNT_DEV_NODE,
                                .create = true,
                                .device_major = nodes[i].major,
                                .device = nodes[i].minor },
                        nodes[i].path, nodes[i].path);
        if (r >= 0)
                r = add(p, (Mount){ .kind = MOUNT_DEVPTS, .create = true }, NULL, "/dev/pts");
        if (r >= 0)
                r = add(p, (Mount){ .kind = MOUNT_TMPFS, .create = true, .size = SHM_SIZE, .mode = 01777 },
                        NULL, "/dev/shm");
        return r;
}

static int target_compare(const void *a, const void *b) {
        return strcmp(((const Mount *)a)->target, ((const Mount *)b)->target);
}

static int plan_volumes(const Spec *s, MountPlan *p) {
        size_t first = p->n;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_volumes; i++)
                r = add(p,
                        (Mount){ .kind = MOUNT_BIND,
                                .read_only = s->volumes[i].read_only,
                                .executable = true,
                                .idmapped = true },
                        s->volumes[i].source, s->volumes[i].target);
        for (size_t i = 0; r >= 0 && i < s->n_tmpfs; i++)
                r = add(p,
                        (Mount){ .kind = MOUNT_TMPFS,
                                .executable = true,
                                .size = s->tmpfs[i].size,
                                .mode = 01777 },
                        NULL, s->tmpfs[i].target);
        if (r < 0 || p->n == first)
                return r;

        /* By target, so that a parent comes before what is mounted in it. */
        qsort(p->mounts + first, p->n - first, sizeof(Mount), target_compare);
        for (size_t i = first; i < p->n; i++) {
                Mount *m = &p->mounts[i];
                m->create = !s->rootfs;
                for (size_t k = first; k < i; k++)
                        if (path_startswith(m->target, p->mounts[k].target))
                                m->create = p->mounts[k].kind == MOUNT_TMPFS;
        }
        return 0;
}

int mount_plan_make(const Spec *s, MountPlan *ret_) {
        MountPlan p = {};
        int r = 0;

        if (s->namespaces & NAMESPACE_MOUNT) {
                r = plan_root(s, &p);
                if (r >= 0)
                        r = plan_dev(s, &p);
                if (r >= 0)
                        r = plan_proc(s, &p);
                if (r >= 0)
                        r = plan_volumes(s, &p);
        }
        if (r < 0) {
                mount_plan_done(&p);
                return r;
        }
        *ret_ = p;
        return 0;
}

/* Appends what belongs to the store. */
static int add_store(MountPlan *p, const StorePaths *s) {
        int r = add(p,
                (Mount){ .kind = MOUNT_STORE,
                        .read_only = true,
                        .executable = true,
                        .size = (s->n + 1) * STORE_SIZE_EACH,
                        .mode = 0755 },
                NULL, STORE_DIRECTORY);

        for (size_t i = 0; r >= 0 && i < s->n; i++) {
                char path[sizeof(STORE_DIRECTORY) + NAME_MAX + 1];

                (void)snprintf(path, sizeof(path), STORE_DIRECTORY "/%s", s->paths[i].name);
                r = add(p,
                        (Mount){ .kind = MOUNT_STORE_PATH,
                                .read_only = true,
                                .executable = true,
                                .create = true,
                                .idmapped = true },
                        path, path);
        }
        return r;
}

int mount_plan_add_store(MountPlan *p, const StorePaths *s) {
        size_t old = p->n, rest = old - 1;
        _cleanup_free_ Mount *others = calloc(rest + 1, sizeof(Mount));

        int r = others ? add_store(p, s) : -ENOMEM;
        if (r < 0)
                return r;
        memcpy(others, p->mounts + 1, rest * sizeof(Mount));
        memmove(p->mounts + 1, p->mounts + old, (p->n - old) * sizeof(Mount));
        memcpy(p->mounts + p->n - rest, others, rest * sizeof(Mount));
        return 0;
}

const char *mount_plan_store_conflict(const Spec *s) {
        const char *target = NULL;

        for (size_t i = 0; !target && i < s->n_volumes + s->n_tmpfs; i++) {
                target = i < s->n_volumes ? s->volumes[i].target : s->tmpfs[i - s->n_volumes].target;
                if (!path_startswith(target, STORE_DIRECTORY) && !path_startswith(STORE_DIRECTORY, target))
                        target = NULL;
        }
        return target;
}

bool mount_has_links_of_the_operator(const Mount *m) {
        return m->kind == MOUNT_ROOT_TREE || m->kind == MOUNT_ROOT_TMPFS || m->kind == MOUNT_STORE ||
               (m->kind == MOUNT_STORE_PATH && !m->link) || m->kind == MOUNT_DEV ||
               (m->kind == MOUNT_BIND && m->optional);
}

static const char *mount_kind_name(MountKind kind) {
        static const char *const names[] = {
                [MOUNT_ROOT_TREE] = "root tree",
                [MOUNT_ROOT_TMPFS] = "tmpfs",
                [MOUNT_STORE] = "tmpfs",
                [MOUNT_STORE_PATH] = "bind",
                [MOUNT_BIND] = "bind",
                [MOUNT_PROC] = "proc",
                [MOUNT_PROC_MASK] = "mask",
                [MOUNT_PROC_READ_ONLY] = "remount",
                [MOUNT_DEV] = "tmpfs",
                [MOUNT_DEV_NODE] = "device",
                [MOUNT_DEVPTS] = "devpts",
                [MOUNT_TMPFS] = "tmpfs",
        };
        return names[kind];
}

void mount_plan_format(const MountPlan *p, StrBuf *b) {
        for (size_t i = 0; i < p->n; i++) {
                const Mount *m = &p->mounts[i];
                strbuf_printf(b, "%-24s %-9s %s%s", m->target, mount_kind_name(m->kind),
                        m->read_only ? "read-only" : "writable", m->executable ? "" : " noexec");
                if (m->source && !streq(m->source, m->target))
                        strbuf_printf(b, " from %s", m->source);
                if (m->size > 0)
                        strbuf_printf(b, " size=%llu", (unsigned long long)m->size);
                strbuf_puts(b, m->optional ? " (where there is one)\n" : "\n");
        }
}
