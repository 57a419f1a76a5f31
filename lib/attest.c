/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of version 2: the manifest is read once to see whether it is one and whether it is to be
 * believed, and then a second time beside a walk of the tree in the same order, so that neither is held in
 * memory. Must never look at the tree before the manifest is known to be the right one.
 */

#include "attest-internal.h"

#include "manifest-reader.h"
#include "signature.h"

#include <fcntl.h>

typedef struct Verify {
        Attest a;
        ManifestReader reader;
        ManifestParser parser;
        bool lists_store; /* does it have options.store's list as it was read? */
        bool have;        /* is there a line to compare with? */
        ManifestEntry m;
} Verify;

/* ---- what verifying and writing share ---- */

static int worker_new(Worker *w, Attest *a) {
        w->a = a;
        /* The kernel copies to the beginning of a page a third faster than to where malloc() points. */
        w->buffer = aligned_alloc(4096, ATTEST_BUFFER_SIZE);
        if (!w->buffer)
                return -ENOMEM;
        int r = hasher_new(&w->hasher);
        return r < 0 ? attest_fail_hasher(a->report, r) : 0;
}

int attest_make_workers(Attest *a, unsigned n) {
        int r = 0;

        while (a->n_workers < n && r >= 0)
                r = worker_new(&a->workers[a->n_workers++], a);
        return r;
}

/* The digest of the list of store paths: the tree's must be the one that was read. */
static int hash_store(Attest *a) {
        const StorePaths *s = a->options.store;

        return s ? hasher_buffer(a->workers[0].hasher, s->text, s->text_size, a->store) : 0;
}

int attest_begin(Attest *a, int root_fd, const AttestOptions *options, AttestReport *report) {
        a->root_fd = root_fd;
        a->report = report;
        if (options)
                a->options = *options;
        if (a->options.list_max == 0)
                a->options.list_max = ATTEST_LIST_DEFAULT;

        int r = known_digests_new(&a->known);
        if (r >= 0)
                r = attest_make_workers(a, 1);
        return r < 0 ? r : hash_store(a);
}

void attest_end(Attest *a) {
        attest_stop(a);
        for (unsigned i = 0; i < a->n_workers; i++) {
                hasher_free(a->workers[i].hasher);
                fsverity_hasher_free(a->workers[i].fsverity);
                nix_scanner_free(a->workers[i].scanner);
                free(a->workers[i].buffer);
        }
        known_digests_free(a->known);
        free(a->path);
}

const char *const attest_own_files[] = {
        ATTEST_MANIFEST_NAME,
        ATTEST_MANIFEST_NAME ".new",
        SIGNATURE_NAME,
        SIGNATURE_NAME ".new",
        NULL,
};

bool attest_is_own(const char *path, unsigned char type) {
        if (path[0] != '.' || type != DT_REG) /* a directory of that name would hide what is in it */
                return false;
        for (const char *const *name = attest_own_files; *name; name++)
                if (streq(path, *name))
                        return true;
        return false;
}

/* ---- the first reading ---- */

/* What of an entry does not fit what is asked for: static text, or NULL. */
static const char *check_entry(const Attest *a, const ManifestEntry *m) {
        if (a->options.fsverity && m->type == ENTRY_FILE && !m->has_fsverity)
                return "a file without " FSVERITY_ATTRIBUTE ": the manifest was written without --fsverity";
        return NULL;
}

/* Reads all of the manifest. -EINVAL with *ret_reason where it is malformed. */
static int check_lines(Verify *v, const char **ret_reason) {
        const char *line;
        ManifestEntry m;
        size_t n;
        int r;

        while ((r = manifest_reader_next(&v->reader, &line, &n, ret_reason)) > 0) {
                r = manifest_parse_line(&v->parser, line, n, &m);
                if (r < 0) {
                        *ret_reason = v->parser.reason;
                        return r;
                }
                if (v->parser.version == 1)
                        return 0; /* another reader's business, but for its digest */
                if (r == 0)
                        continue;
                *ret_reason = check_entry(&v->a, &m);
                if (*ret_reason)
                        return -EINVAL;
                if (v->a.options.store && streq(m.path, STORE_PATHS_NAME))
                        v->lists_store =
                                m.type == ENTRY_FILE && memcmp(m.digest, v->a.store, SHA256_SIZE) == 0;
        }
        if (r < 0) {
                v->parser.line++;
                return r;
        }
        r = manifest_parse_end(&v->parser);
        *ret_reason = v->parser.reason;
        return r;
}

/* Is it a manifest, and the right one? A wrong one is called wrong, not malformed. */
static int check_manifest(Verify *v) {
        const char *reason;
        Attest *a = &v->a;

        int r = check_lines(v, &reason), k = 0;
        if (r == -EINVAL || v->parser.version == 1)
                k = manifest_reader_skip(&v->reader);
        if (r < 0 && r != -EINVAL)
                k = r;
        if (k < 0)
                return attest_fail_manifest(a, k, 0, NULL);

        k = attest_check_trust(a, v->reader.digest);
        if (k < 0)
                return k;
        if (r < 0)
                return attest_fail_manifest(a, r, v->parser.line, reason);
        a->report->version = v->parser.version;
        if (a->options.store && !v->lists_store)
                return attest_fail(a->report, -EBADMSG,
                        v->parser.version == 1
                                ? "a manifest of version 1 cannot cover store paths: write version 2"
                                : "%s is not what the manifest says",
                        STORE_PATHS_NAME);
        a->report->done.entries_total = v->parser.entries;
        a->report->done.bytes_total = v->parser.bytes;
        return 0;
}

/* ---- the second ---- */

static int next_line(Verify *v) {
        const char *line, *reason;
        size_t n;
        int r;

        do {
                r = manifest_reader_next(&v->reader, &line, &n, &reason);
                v->have = r > 0;
                if (r > 0)
                        r = manifest_parse_line(&v->parser, line, n, &v->m);
                /* It was fine when it was read first. */
                if (r < 0)
                        return attest_fail_manifest(&v->a, r == -EINVAL ? -ESTALE : r, 0, NULL);
        } while (v->have && r == 0); /* the header */
        return 0;
}

static int add_missing(Verify *v) {
        mode_t format = v->m.type == ENTRY_DIRECTORY ? S_IFDIR
                        : v->m.type == ENTRY_SYMLINK ? S_IFLNK
                                                     : S_IFREG;
        int r = attest_add(&v->a, ITEM_MISSING, NULL, &v->m, attest_type_name(format));

        return r < 0 ? r : next_line(v);
}

static int add_entry(Verify *v, const TreeEntry *e) {
        while (v->have && strcmp(v->m.path, e->path) < 0) {
                int r = add_missing(v);
                if (r < 0)
                        return r;
        }
        switch (e->note) {
        case TREE_NOTE_HIDDEN:
                return attest_add(&v->a, ITEM_EXTRA, e, NULL, "it would be hidden by store paths");
        case TREE_NOTE_NO_STORE:
                return attest_add(&v->a, ITEM_CHANGED, e, NULL, "no directory to mount store paths in");
        case TREE_NOTE_NONE:
                break;
        }
        if (!v->have || !streq(v->m.path, e->path))
                return attest_add(&v->a, ITEM_EXTRA, e, NULL, attest_type_name(DTTOIF(e->type)));
        int r = attest_add(&v->a, ITEM_COMPARE, e, &v->m, NULL);
        return r < 0 ? r : next_line(v);
}

/* The walk and the lines, side by side. An error of the walk comes after all that was found before it. */
static int merge(Verify *v, TreeSorted *w) {
        Attest *a = &v->a;
        int r, k = 0;

        for (;;) {
                TreeEntry e;

                k = attest_make_way(a, w);
                if (k < 0)
                        return k;
                r = tree_sorted_next(w, &e);
                if (r <= 0)
                        break;
                k = attest_is_own(e.path, e.type) ? 0 : add_entry(v, &e);
                if (k < 0)
                        return k;
        }
        while (r == 0 && v->have && k >= 0)
                k = add_missing(v);
        if (k >= 0)
                k = attest_finish(a);
        return k < 0 || r == 0 ? k : attest_fail_walk(a, r, w);
}

static bool is_different(const AttestReport *r) {
        return r->missing.count + r->changed.count + r->extra.count > 0;
}

static int collect(Attest *a, Item *item) {
        AttestReport *r = a->report;
        AttestList *lists[] = {
                [ITEM_COMPARE] = &r->changed,
                [ITEM_EXTRA] = &r->extra,
                [ITEM_MISSING] = &r->missing,
                [ITEM_CHANGED] = &r->changed,
        };

        if (!item->what)
                return 0;
        _cleanup_free_ char *path = attest_item_path(item);
        return path ? attest_list_add(r, lists[item->kind], a->options.list_max, path, TAKE_PTR(item->what))
                    : -ENOMEM;
}

/* Without options.all the batch with the first difference is the last. */
static int collected(Attest *a) {
        return is_different(a->report) && !a->options.all ? -EBADMSG : 0;
}

static int verify_v2(Verify *v) {
        _cleanup_tree_sorted_ TreeSorted *w = NULL;
        Attest *a = &v->a;

        int r = manifest_reader_rewind(&v->reader);
        if (r < 0)
                return r;
        v->parser = (ManifestParser){};
        a->collect = collect;
        a->collected = collected;
        r = next_line(v);
        if (r >= 0)
                r = tree_sorted_new(a->root_fd, a->options.store, &w);
        if (r >= 0)
                r = attest_start(a);
        if (r >= 0)
                r = merge(v, w);
        attest_stop(a);
        if (r < 0 && r != -EBADMSG)
                return r;
        attest_report_sort(a->report, a->options.list_max);
        return is_different(a->report) ? attest_fail_mismatch(a->report) : r;
}

static int verify(Verify *v) {
        Attest *a = &v->a;
        uint64_t size = 0;

        _cleanup_close_ int fd = attest_open_manifest(a, &size);
        if (fd < 0)
                return fd;
        int r = manifest_reader_begin(&v->reader, fd, size);
        if (r >= 0)
                r = check_manifest(v);
        if (r < 0)
                return r;
        return v->parser.version == 1 ? attest_verify_v1(a, fd, size) : verify_v2(v);
}

int attest_verify(int root_fd, const AttestOptions *options, AttestReport *report) {
        Verify *v = calloc(1, sizeof(*v));

        int r = !v ? -ENOMEM : attest_begin(&v->a, root_fd, options, report);
        if (r >= 0)
                r = verify(v);
        if (v) {
                attest_end(&v->a);
                manifest_reader_done(&v->reader);
        }
        free(v);
        if (r < 0)
                (void)attest_fail(report, r, "cannot attest the root tree: %s", strerror(-r));
        return r;
}
