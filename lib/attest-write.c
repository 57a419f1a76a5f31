/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a manifest of version 2: walk in its order, describe each entry on the threads, write the lines as
 * they come. What cannot be described is refused, never left out: a manifest is the whole tree or none. Must
 * never change anything of the tree but the manifest itself.
 */

#include "attest-internal.h"

#include "escape.h"

typedef struct Write {
        Attest a; /* first: collect() gets no more */
        Output output;
        bool has_store;   /* entries of nix/store, the tree's own or listed */
        char *store_link; /* the first link into the store */
} Write;

/* ---- on the threads ---- */

static int refuse(Item *item, const char *why) {
        item->what = strdup(why);
        return item->what ? 0 : -ENOMEM;
}

static bool is_wanted(const Item *item, const struct stat *st) {
        return !attest_is_sparse_giant(st);
}

/* Content or a link's target has been read: does it need a store path that would not be there? */
static int check_references(Worker *w, Item *item) {
        const char *name = w->scanner ? nix_scanner_end(w->scanner) : NULL;

        if (!name)
                return 0;
        item->what = attest_text(
                "refers to " STORE_DIRECTORY "/%s, which " STORE_PATHS_NAME " does not list", name);
        return item->what ? 0 : -ENOMEM;
}

static int describe_link(Worker *w, Item *item, int fd) {
        _cleanup_free_ char *target = NULL;

        int r = attest_read_link(fd, &target);
        if (r < 0)
                return r;
        item->target = attest_show_path(target);
        if (!item->target)
                return -ENOMEM;
        item->m.target = item->target;
        item->m.target_n = strlen(item->target);
        if (!w->scanner)
                return 0;
        nix_scanner_begin(w->scanner);
        nix_scanner_update(w->scanner, target, strlen(target));
        return check_references(w, item);
}

static int describe_file(Worker *w, Item *item, const Opened *o) {
        ManifestEntry *m = &item->m;

        m->size = (uint64_t)o->st.st_size;
        m->has_fsverity = w->a->options.fsverity;
        if (w->scanner)
                nix_scanner_begin(w->scanner);
        int r = attest_hash(
                w, o, o->st.st_nlink > 1, m->digest, m->has_fsverity ? m->fsverity : NULL, &item->bytes);
        return r < 0 ? r : check_references(w, item);
}

static int describe_opened(Worker *w, Item *item, const Opened *o) {
        ManifestEntry *m = &item->m;

        m->mode = o->st.st_mode & 07777;
        m->uid = o->st.st_uid;
        m->gid = o->st.st_gid;
        int r = attest_read_xattrs(w, o, &item->xattrs, &m->xattrs_n);
        m->xattrs = item->xattrs;
        item->privileged = attest_privileges(o->st.st_mode, item->xattrs);
        if (r >= 0 && m->type == ENTRY_SYMLINK)
                r = describe_link(w, item, o->fd);
        if (r >= 0 && m->type == ENTRY_FILE)
                r = describe_file(w, item, o);
        return r;
}

int attest_describe(Worker *w, Item *item) {
        _cleanup_opened_ Opened o = { .fd = -EBADF };

        if (item->has_stat && item->plain) {
                item->m.type = ENTRY_DIRECTORY;
                item->m.mode = item->st.st_mode & 07777;
                item->m.uid = item->st.st_uid;
                item->m.gid = item->st.st_gid;
                return 0;
        }
        int r = attest_open(item, is_wanted, &o);
        if (r < 0)
                return r;
        if (attest_is_listed_wrong(item, &o))
                return refuse(item, "its directory lists it as what it is not");
        if (!S_ISREG(o.st.st_mode) && !S_ISDIR(o.st.st_mode) && !S_ISLNK(o.st.st_mode))
                return refuse(item, attest_type_name(o.st.st_mode));
        if (S_ISREG(o.st.st_mode) && attest_is_sparse_giant(&o.st))
                return refuse(item, "a huge file that is mostly holes");
        item->m.type = S_ISDIR(o.st.st_mode)   ? ENTRY_DIRECTORY
                       : S_ISLNK(o.st.st_mode) ? ENTRY_SYMLINK
                                               : ENTRY_FILE;
        return describe_opened(w, item, &o);
}

/* ---- on the thread that attests ---- */

static int note_store(Write *w, const ManifestEntry *m) {
        w->has_store = w->has_store || startswith(m->path, "nix/store/");
        if (m->type != ENTRY_SYMLINK || w->store_link || !path_startswith(m->target, STORE_DIRECTORY))
                return 0;
        w->store_link = strdup(m->path);
        return w->store_link ? 0 : -ENOMEM;
}

/* Not an error: the service may have the store as a volume. */
static int warn_of_store(const Write *w) {
        if (w->has_store || !w->store_link)
                return 0;
        w->a.report->warning = attest_text("%s leads into " STORE_DIRECTORY
                                           ", where a service sees only what " STORE_PATHS_NAME
                                           " lists, and the tree has no such file: see nucleus-manifest(5)",
                w->store_link);
        return w->a.report->warning ? 0 : -ENOMEM;
}

/* What was refused is listed to the end of the tree, but nothing is written any more. */
static int collect(Attest *a, Item *item) {
        AttestReport *r = a->report;
        Write *w = (Write *)a;

        _cleanup_free_ char *path = attest_item_path(item);
        if (!path)
                return -ENOMEM;
        if (item->what)
                return attest_list_add(r, &r->extra, a->options.list_max, path, TAKE_PTR(item->what));
        if (item->privileged) {
                int k = attest_list_add(
                        r, &r->privileged, a->options.list_max, path, strdup(item->privileged));
                if (k < 0)
                        return k;
        }
        item->m.path = path;
        int k = note_store(w, &item->m);
        if (k < 0)
                return k;
        return r->extra.count > 0 ? 0 : attest_output_entry(a, &w->output, &item->m);
}

static int add_entry(Attest *a, const TreeEntry *e) {
        switch (e->note) {
        case TREE_NOTE_HIDDEN:
                return attest_add(a, ITEM_EXTRA, e, NULL, "it would be hidden by store paths");
        case TREE_NOTE_NO_STORE:
                return attest_add(a, ITEM_EXTRA, e, NULL, "no directory to mount store paths in");
        case TREE_NOTE_NONE:
                break;
        }
        return attest_add(a, ITEM_DESCRIBE, e, NULL, NULL);
}

static int walk(Attest *a, TreeSorted *w) {
        int r;

        for (;;) {
                TreeEntry e;

                int k = attest_make_way(a, w);
                if (k < 0)
                        return k;
                r = tree_sorted_next(w, &e);
                if (r <= 0)
                        break;
                k = attest_is_own(e.path, e.type) ? 0 : add_entry(a, &e);
                if (k < 0)
                        return k;
        }
        int k = attest_finish(a);
        return k < 0 || r == 0 ? k : attest_fail_walk(a, r, w);
}

/* What only writing needs of a thread. */
static int equip_workers(Attest *a) {
        int r = 0;

        for (unsigned i = 0; i < a->n_workers && r >= 0; i++) {
                Worker *w = &a->workers[i];
                if (a->options.fsverity)
                        r = fsverity_hasher_new(&w->fsverity);
                if (r >= 0 && a->options.store)
                        r = nix_scanner_new(a->options.store, &w->scanner);
        }
        return r;
}

static int write_v2(Write *w) {
        _cleanup_tree_sorted_ TreeSorted *tree = NULL;
        Attest *a = &w->a;

        a->collect = collect;
        int r = attest_output_begin(a, &w->output);
        if (r >= 0)
                r = tree_sorted_new(a->root_fd, a->options.store, &tree);
        if (r >= 0)
                r = attest_start(a);
        if (r >= 0)
                r = equip_workers(a);
        if (r >= 0)
                r = walk(a, tree);
        attest_stop(a);
        if (r < 0)
                return r;
        attest_report_sort(a->report, a->options.list_max);
        if (a->report->extra.count > 0)
                return attest_fail_unattestable(a->report);
        r = a->options.store ? 0 : warn_of_store(w);
        return r < 0 ? r : attest_output_finish(a, &w->output);
}

int attest_write(int root_fd, int version, const AttestOptions *options, AttestReport *report) {
        Write *w = calloc(1, sizeof(*w));

        report->version = version;
        if (w)
                w->output.fd = w->output.root = -EBADF;
        int r = !w ? -ENOMEM : attest_begin(&w->a, root_fd, options, report);
        if (r >= 0)
                r = version == 1 ? attest_write_v1(&w->a) : write_v2(w);
        if (w) {
                attest_end(&w->a);
                attest_output_done(&w->output);
                free(w->store_link);
        }
        free(w);
        if (r < 0)
                (void)attest_fail(report, r, "cannot attest the root tree: %s", strerror(-r));
        return r;
}
