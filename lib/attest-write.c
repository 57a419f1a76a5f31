/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a manifest: walk, describe each entry, sort, format, put in place. What cannot be described is
 * refused, never left out: a manifest is the whole tree or none. Must never change anything of the tree but
 * the manifest itself.
 */

#include "attest-internal.h"

#include "io.h"

#include <fcntl.h>
#include <limits.h>

#define TEMPORARY_NAME ATTEST_MANIFEST_NAME ".new"

typedef struct Write {
        Attest a;
        Manifest *manifest;
} Write;

static void write_done(Write *w) {
        attest_end(&w->a);
        manifest_free(w->manifest);
}

static int refuse(Write *w, const WalkEntry *e, const char *why) {
        AttestReport *r = w->a.report;

        return attest_list_add(r, &r->extra, w->a.options.list_max, e->path, strdup(why));
}

/* Why the entry cannot stand in the manifest: static text, or NULL. */
static const char *check_entry(const Write *w, const WalkEntry *e) {
        if (e->problem)
                return e->problem;
        if (!S_ISREG(e->st.st_mode) && !S_ISDIR(e->st.st_mode) && !S_ISLNK(e->st.st_mode))
                return attest_type_name(e->st.st_mode);
        if (S_ISREG(e->st.st_mode) && attest_is_sparse_giant(&e->st))
                return "a huge file that is mostly holes";
        return e->path[0] == '\0' ? NULL : manifest_check_path(w->manifest->version, e->path);
}

static int note_privileges(Write *w, const WalkEntry *e, const char *xattrs) {
        AttestReport *r = w->a.report;
        const char *what = NULL;

        if (!S_ISREG(e->st.st_mode))
                return 0;
        if (e->st.st_mode & S_ISUID)
                what = "setuid";
        else if (e->st.st_mode & S_ISGID)
                what = "setgid";
        else if (xattrs && strstr(xattrs, " security.capability "))
                what = "file capabilities";
        return what ? attest_list_add(r, &r->privileged, w->a.options.list_max, e->path, strdup(what)) : 0;
}

static int describe(Write *w, const WalkEntry *e, ManifestEntry *m) {
        *m = (ManifestEntry){
                .type = S_ISDIR(e->st.st_mode)   ? ENTRY_DIRECTORY
                        : S_ISLNK(e->st.st_mode) ? ENTRY_SYMLINK
                                                 : ENTRY_FILE,
                .mode = e->st.st_mode & 07777,
                .uid = e->st.st_uid,
                .gid = e->st.st_gid,
                .path = strdup(e->path),
        };
        if (!m->path)
                return -ENOMEM;

        int r = attest_read_xattrs(&w->a, e->fd, &m->xattrs);
        if (r >= 0 && m->type == ENTRY_SYMLINK)
                r = attest_read_link(e->fd, &m->target);
        if (r >= 0 && m->type == ENTRY_FILE) {
                m->size = (uint64_t)e->st.st_size;
                r = attest_hash(&w->a, e, m->digest);
        }
        return r < 0 ? r : note_privileges(w, e, m->xattrs);
}

static int visit(const WalkEntry *e, void *userdata) {
        Write *w = userdata;
        Attest *a = &w->a;
        ManifestEntry m;

        if (streq(e->path, ATTEST_MANIFEST_NAME))
                return 0;
        a->report->done.entries++;
        if (a->options.progress)
                a->options.progress(&a->report->done, a->options.userdata);

        if (w->manifest->version == 1 && !S_ISREG(e->st.st_mode) && !e->problem &&
                (S_ISDIR(e->st.st_mode) || S_ISLNK(e->st.st_mode)))
                return 0; /* a directory, or a link that leads nowhere */
        const char *why = check_entry(w, e);
        if (why)
                return refuse(w, e, why);

        int r = describe(w, e, &m);
        if (r >= 0)
                r = manifest_add(w->manifest, &m);
        manifest_entry_done(&m);
        return r;
}

/* The file itself, on disk and readable by all, before it takes the manifest's name. */
static int write_temporary(int root, const char *text, size_t n) {
        _cleanup_close_ int fd =
                openat(root, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, text, n);
        if (r < 0)
                return r;
        return fchmod(fd, 0444) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int put_in_place(Attest *a, const char *text, size_t n) {
        _cleanup_close_ int root = open_beneath(a->root_fd, ".", O_RDONLY | O_DIRECTORY);
        if (root < 0)
                return attest_fail_path(a->report, root, NULL);

        int r = write_temporary(root, text, n);
        if (r >= 0 && renameat(root, TEMPORARY_NAME, root, ATTEST_MANIFEST_NAME) < 0)
                r = -errno;
        if (r >= 0)
                return fsync(root) < 0 ? -errno : 0;
        if (r != -EEXIST)
                (void)unlinkat(root, TEMPORARY_NAME, 0);
        return attest_fail(
                a->report, r, "cannot write %s into the root tree: %s", ATTEST_MANIFEST_NAME, strerror(-r));
}

static int write_manifest(Write *w) {
        _cleanup_free_ char *text = NULL;
        uint8_t digest[SHA256_SIZE];
        Attest *a = &w->a;
        size_t n;

        int r = attest_walk(a, w->manifest->version, visit, w);
        if (r < 0)
                return r == -ENOMEM ? r : attest_fail_path(a->report, r, a->path);
        attest_report_sort(a->report, a->options.list_max);
        if (a->report->extra.count > 0)
                return attest_fail_unattestable(a->report);

        manifest_sort(w->manifest);
        r = manifest_format(w->manifest, &text, &n);
        if (r < 0)
                return r;
        if (n > ATTEST_MANIFEST_MAX)
                return attest_fail(a->report, -EFBIG, "the manifest has %zu bytes, more than %u", n,
                        ATTEST_MANIFEST_MAX);
        r = hasher_buffer(a->hasher, text, n, digest);
        if (r >= 0)
                r = put_in_place(a, text, n);
        if (r < 0)
                return r;
        sha256_to_hex(digest, a->report->digest);
        return 0;
}

int attest_write(int root_fd, int version, const AttestOptions *options, AttestReport *report) {
        _cleanup_(write_done) Write w = {};

        report->version = version;
        int r = attest_begin(&w.a, root_fd, options, report);
        if (r >= 0) {
                /* What a writer that was killed left behind is no part of the tree. */
                (void)unlinkat(root_fd, TEMPORARY_NAME, 0);
                w.manifest = manifest_new(version);
                r = w.manifest ? write_manifest(&w) : -ENOMEM;
        }
        if (r < 0)
                (void)attest_fail(report, r, "cannot attest the root tree: %s", strerror(-r));
        return r;
}
