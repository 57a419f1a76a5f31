/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1, for trees that mkRootfs made: regular files alone, under each name that leads to one. A walk
 * through links has no order of its own, so the list of names is held in memory and sorted; one thread does
 * it all. Must never call a tree fine of which it has not seen every name.
 */

#include "attest-internal.h"

#include "manifest-reader.h"
#include "tree-follow.h"

#include <fcntl.h>

#define V1_MAX (256U * 1024 * 1024) /* bytes of manifest */

typedef struct Name {
        char *path;
        uint8_t digest[SHA256_SIZE];
        bool seen;
} Name;

typedef struct Listing {
        Attest *a;
        Name *names;
        size_t n, size;
} Listing;

static void listing_done(Listing *l) {
        for (size_t i = 0; i < l->n; i++)
                free(l->names[i].path);
        free(l->names);
}

static int add_name(Listing *l, const char *path, const uint8_t digest[SHA256_SIZE]) {
        if (l->n == l->size) {
                size_t size = l->size ? l->size * 2 : 256;
                Name *p = reallocarray(l->names, size, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                l->names = p;
                l->size = size;
        }
        Name *name = &l->names[l->n];
        *name = (Name){ .path = strdup(path) };
        if (!name->path)
                return -ENOMEM;
        memcpy(name->digest, digest, SHA256_SIZE);
        l->n++;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const Name *)a)->path, ((const Name *)b)->path);
}

static void count_entry(Attest *a) {
        a->report->done.entries++;
        atomic_fetch_add_explicit(&a->entries, 1, memory_order_relaxed);
        attest_tick(a);
}

static int walk(Listing *l, WalkFunc func) {
        _cleanup_close_ int store = -EBADF;
        Attest *a = l->a;

        /* Where there is no Nix store, its links lead nowhere. */
        if (a->options.nix_store)
                store = open("/nix/store", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = tree_follow(a->root_fd, store, func, l, &a->path);
        if (r >= 0 || r == -ENOMEM || a->report->message)
                return r;
        return attest_fail_path(a->report, r, a->path);
}

static int hash(Listing *l, const WalkEntry *e, uint8_t ret_digest[SHA256_SIZE]) {
        Attest *a = l->a;
        const Opened o = { .fd = e->fd, .path_only = true, .st = e->st };

        return attest_hash(&a->workers[0], &o, e->followed || e->st.st_nlink > 1, ret_digest, NULL,
                &a->report->done.bytes);
}

/* Does version 1 say nothing of it? Of directories, nor of links that lead nowhere. */
static bool is_silent(const WalkEntry *e) {
        return attest_is_own(e->path, (unsigned char)IFTODT(e->st.st_mode)) ||
               ((S_ISDIR(e->st.st_mode) || S_ISLNK(e->st.st_mode)) && !e->problem);
}

static int check_options(Attest *a) {
        if (a->options.store)
                return attest_fail(
                        a->report, -EINVAL, "version 1 cannot cover store paths; write version 2");
        if (a->options.fsverity)
                return attest_fail(
                        a->report, -EINVAL, "version 1 cannot cover fs-verity digests; write version 2");
        return 0;
}

/* ---- verification ---- */

static int add_line(const ManifestEntry *m, void *userdata) {
        return add_name(userdata, m->path, m->digest);
}

/* The same text that was hashed before, or none. */
static int read_names(Listing *l, int fd, uint64_t size) {
        _cleanup_manifest_reader_ ManifestReader reader = {};
        ManifestParser parser = {};
        const char *line, *reason;
        char hex[SHA256_HEX_SIZE];
        ManifestEntry m;
        size_t n;

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        int r = manifest_reader_begin(&reader, fd, size);
        while (r >= 0 && (r = manifest_reader_next(&reader, &line, &n, &reason)) > 0) {
                r = manifest_parse_line(&parser, line, n, &m);
                if (r < 0)
                        reason = parser.reason;
                else
                        r = add_line(&m, l);
        }
        if (r < 0)
                return attest_fail_manifest(
                        l->a, r, reason == parser.reason ? parser.line : parser.line + 1, reason);
        sha256_to_hex(reader.digest, hex);
        return streq(hex, l->a->report->digest) ? 0 : attest_fail_manifest(l->a, -ESTALE, 0, NULL);
}

static int note(Listing *l, AttestList *list, const WalkEntry *e, const char *what) {
        return attest_list_add(l->a->report, list, l->a->options.list_max, e->path, strdup(what));
}

static int compare(Listing *l, const WalkEntry *e, const Name *name) {
        AttestList *changed = &l->a->report->changed;
        uint8_t digest[SHA256_SIZE];

        if (e->problem)
                return note(l, changed, e, e->problem);
        if (!S_ISREG(e->st.st_mode)) {
                _cleanup_free_ char *what =
                        attest_text("is a %s, not a file", attest_type_name(e->st.st_mode));
                return what ? note(l, changed, e, what) : -ENOMEM;
        }
        if (attest_is_sparse_giant(&e->st))
                return note(l, changed, e, "a huge sparse file, not hashed");
        int r = hash(l, e, digest);
        if (r < 0 || memcmp(digest, name->digest, SHA256_SIZE) == 0)
                return r;
        char is[SHA256_HEX_SIZE], should[SHA256_HEX_SIZE];
        sha256_to_hex(digest, is);
        sha256_to_hex(name->digest, should);
        return attest_list_add(l->a->report, changed, l->a->options.list_max, e->path,
                attest_text("content is sha256 %.16s..., not %.16s...", is, should));
}

static int verify_entry(const WalkEntry *e, void *userdata) {
        Listing *l = userdata;

        if (attest_is_own(e->path, (unsigned char)IFTODT(e->st.st_mode)))
                return 0;
        count_entry(l->a);
        Name key = { .path = (char *)e->path };
        Name *name = l->n == 0 ? NULL : bsearch(&key, l->names, l->n, sizeof(*l->names), compare_names);
        if (name) {
                name->seen = true;
                return compare(l, e, name);
        }
        if (is_silent(e))
                return 0;
        return note(l, &l->a->report->extra, e, e->problem ?: attest_type_name(e->st.st_mode));
}

static int list_missing(Listing *l) {
        AttestReport *report = l->a->report;

        for (size_t i = 0; i < l->n; i++) {
                if (l->names[i].seen)
                        continue;
                int r = attest_list_add(
                        report, &report->missing, l->a->options.list_max, l->names[i].path, strdup("file"));
                if (r < 0)
                        return r;
        }
        return 0;
}

int attest_verify_v1(Attest *a, int fd, uint64_t size) {
        _cleanup_(listing_done) Listing l = { .a = a };
        AttestReport *report = a->report;

        int r = check_options(a);
        if (r >= 0 && size > V1_MAX)
                r = attest_fail(report, -EINVAL, "a manifest of version 1 has at most %u bytes", V1_MAX);
        if (r >= 0)
                r = read_names(&l, fd, size);
        if (r < 0)
                return r;
        report->done.entries_total = l.n;
        r = walk(&l, verify_entry);
        if (r >= 0)
                r = list_missing(&l);
        if (r < 0)
                return r;
        attest_report_sort(report, a->options.list_max);
        if (report->missing.count + report->changed.count + report->extra.count > 0)
                return attest_fail_mismatch(report);
        return 0;
}

/* ---- writing ---- */

/* Why the entry cannot stand in the manifest: static text, or NULL. */
static const char *check_entry(const WalkEntry *e) {
        if (e->problem)
                return e->problem;
        if (!S_ISREG(e->st.st_mode))
                return attest_type_name(e->st.st_mode);
        if (attest_is_sparse_giant(&e->st))
                return "a huge file that is mostly holes";
        return manifest_check_path(1, e->path);
}

static int write_entry(const WalkEntry *e, void *userdata) {
        uint8_t digest[SHA256_SIZE];
        Listing *l = userdata;

        if (attest_is_own(e->path, (unsigned char)IFTODT(e->st.st_mode)))
                return 0;
        count_entry(l->a);
        if (is_silent(e))
                return 0;
        const char *why = check_entry(e);
        if (why)
                return note(l, &l->a->report->extra, e, why);
        int r = hash(l, e, digest);
        if (r >= 0)
                r = add_name(l, e->path, digest);
        const char *privileges = attest_privileges(e->st.st_mode, NULL);
        return r < 0 || !privileges ? r : note(l, &l->a->report->privileged, e, privileges);
}

static int write_names(const Listing *l, Output *o) {
        for (size_t i = 0; i < l->n; i++) {
                ManifestEntry m = { .path = l->names[i].path, .type = ENTRY_FILE };
                memcpy(m.digest, l->names[i].digest, SHA256_SIZE);
                int r = attest_output_entry(l->a, o, &m);
                if (r < 0)
                        return r;
        }
        return attest_output_finish(l->a, o);
}

int attest_write_v1(Attest *a) {
        _cleanup_(attest_output_done) Output output = { .root = -EBADF, .fd = -EBADF };
        _cleanup_(listing_done) Listing l = { .a = a };

        int r = check_options(a);
        if (r >= 0)
                r = walk(&l, write_entry);
        if (r < 0)
                return r;
        attest_report_sort(a->report, a->options.list_max);
        if (a->report->extra.count > 0)
                return attest_fail_unattestable(a->report);
        if (l.n > 1)
                qsort(l.names, l.n, sizeof(*l.names), compare_names);
        r = attest_output_begin(a, &output);
        return r < 0 ? r : write_names(&l, &output);
}
