/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the walk to the threads, and back in the same order. Where a batch ends depends on the tree alone,
 * never on time: without options.all a verification ends with the batch in which the first difference is,
 * and must name the same differences each time.
 */

#include "attest-internal.h"

#include <time.h>

#define TEXT_SIZE (32U * 1024) /* enough for most batches */
#define DIRECTORIES_MAX 48U    /* open at once: with a limit of 1024 there is room for the caller's */
#define TICK_MSEC 100

/* A thread that waits for a disk leaves its processor to another: decision 0019 has the figures. */
#define THREADS_PER_PROCESSOR 4U
/* Which take as long as a thread does to begin and to end. */
#define ENTRIES_PER_THREAD 16U
#define BYTES_PER_THREAD (4U * 1024 * 1024)

static void batch_clear(Batch *b) {
        for (size_t i = 0; i < b->n; i++) {
                free(b->items[i].what);
                free(b->items[i].target);
                free(b->items[i].xattrs);
        }
        for (size_t i = 0; i < b->n_directories; i++)
                tree_directory_unref(b->directories[i]);
        b->n = b->n_directories = b->text_n = 0;
}

static void batch_free(Batch *b) {
        if (!b)
                return;
        batch_clear(b);
        free(b->text);
        free(b);
}

void attest_stop(Attest *a) {
        a->pool = pool_free(a->pool);
        while (a->n_batches > 0)
                batch_free(a->batches[--a->n_batches]);
        a->current = NULL;
}

char *attest_item_path(const Item *item) {
        const TreeDirectory *d = item->directory;

        if (!d)
                return strdup(item->name);
        return item->name[0] == '\0' || d->path_n == 0 ? attest_text("%s%s", d->path, item->name)
                                                       : attest_text("%s/%s", d->path, item->name);
}

/* ---- on the threads ---- */

static void work(void *userdata, unsigned worker, void *data, size_t i) {
        Attest *a = userdata;
        Item *item = &((Batch *)data)->items[i];

        if (item->kind == ITEM_COMPARE)
                item->error = attest_compare(&a->workers[worker], item);
        else if (item->kind == ITEM_DESCRIBE)
                item->error = attest_describe(&a->workers[worker], item);
        if (item->kind != ITEM_MISSING)
                atomic_fetch_add_explicit(&a->entries, 1, memory_order_relaxed);
}

/* ---- on the thread that attests ---- */

static int64_t now_msec(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void attest_tick(Attest *a) {
        AttestProgress p = a->report->done;

        if (!a->options.progress)
                return;
        int64_t now = now_msec();
        if (now - a->last_tick < TICK_MSEC)
                return;
        p.entries = atomic_load_explicit(&a->entries, memory_order_relaxed);
        p.bytes = atomic_load_explicit(&a->bytes, memory_order_relaxed);
        if (p.entries == a->last_progress.entries && p.bytes == a->last_progress.bytes)
                return;
        a->last_tick = now;
        a->last_progress = p;
        a->options.progress(&p, a->options.userdata);
}

static void tick(void *userdata) {
        attest_tick(userdata);
}

static int collect_item(Attest *a, Item *item) {
        if (item->kind != ITEM_MISSING)
                a->report->done.entries++;
        a->report->done.bytes += item->bytes;
        if (item->error == -ENOMEM)
                return -ENOMEM;
        if (item->error < 0) {
                _cleanup_free_ char *path = attest_item_path(item);
                return path ? attest_fail_path(a->report, item->error, path) : -ENOMEM;
        }
        return a->collect(a, item);
}

static int collect(void *userdata, void *data) {
        Attest *a = userdata;
        Batch *b = data;
        int r = 0;

        for (size_t i = 0; i < b->n && r >= 0; i++)
                r = collect_item(a, &b->items[i]);
        if (r >= 0 && a->collected)
                r = a->collected(a);
        batch_clear(b);
        attest_tick(a);
        return r;
}

static unsigned least(unsigned a, uint64_t b) {
        return b < a ? (unsigned)b : a;
}

/* How many threads the tree is worth, where the manifest says how large it is, and how many of them to begin
 * with. 0: this thread does it alone. */
static unsigned count_threads(const Attest *a, unsigned *ret_at_first) {
        const AttestProgress *p = &a->report->done;
        unsigned n = POOL_THREADS_MAX;

        if (a->options.threads > 0)
                return *ret_at_first = least(n, a->options.threads);
        if (p->entries_total > 0)
                n = least(n, p->entries_total / ENTRIES_PER_THREAD + p->bytes_total / BYTES_PER_THREAD);
        unsigned processors = n > 0 ? pool_processors() : 0;
        *ret_at_first = least(processors, n);
        return least(n, THREADS_PER_PROCESSOR * processors);
}

int attest_start(Attest *a) {
        unsigned at_first, threads = count_threads(a, &at_first);
        PoolOptions options = {
                .threads = threads,
                .at_first = at_first,
                .batches = 2 * (size_t)threads + 8,
                .data = (void **)a->batches,
                .work = work,
                .collect = collect,
                .tick = tick,
                .userdata = a,
        };

        int r = attest_make_workers(a, threads);
        if (r < 0)
                return r;
        while (a->n_batches < options.batches) {
                Batch *b = calloc(1, sizeof(*b));
                if (!b)
                        return -ENOMEM;
                a->batches[a->n_batches++] = b;
                b->text_size = TEXT_SIZE;
                b->text = malloc(b->text_size);
                if (!b->text)
                        return -ENOMEM;
        }
        a->last_tick = now_msec();
        return pool_new(&options, &a->pool);
}

static void submit(Attest *a) {
        PoolBatch *p = TAKE_PTR(a->current);

        p->n = ((Batch *)p->data)->n;
        pool_submit(a->pool, p);
}

static bool has_directory(const Batch *b, const TreeDirectory *d) {
        for (size_t i = b->n_directories; i > 0; i--)
                if (b->directories[i - 1] == d)
                        return true;
        return false;
}

static bool has_room(const Batch *b, const TreeDirectory *d, size_t text) {
        return b->n < BATCH_ITEMS && b->text_size - b->text_n >= text &&
               (!d || b->n_directories < BATCH_DIRECTORIES || has_directory(b, d));
}

/* A batch with room for one more item. */
static int make_room(Attest *a, const TreeDirectory *d, size_t text, Batch **ret_) {
        if (a->current && !has_room(a->current->data, d, text))
                submit(a);
        if (!a->current) {
                int r = pool_take(a->pool, &a->current);
                if (r < 0)
                        return r;
        }
        Batch *b = a->current->data;
        if (b->text_size - b->text_n < text) { /* of an empty batch: nothing points into it yet */
                char *p = realloc(b->text, text);
                if (!p)
                        return -ENOMEM;
                b->text = p;
                b->text_size = text;
        }
        *ret_ = b;
        return 0;
}

static const char *keep(Batch *b, const char *s, size_t n) {
        char *p = b->text + b->text_n;

        memcpy(p, s, n);
        p[n] = '\0';
        b->text_n += n + 1;
        return p;
}

int attest_add(Attest *a, ItemKind kind, const TreeEntry *e, const ManifestEntry *m, const char *what) {
        TreeDirectory *d = e ? e->directory : NULL;
        /* The note of the walk that nix/store is not there has no directory. */
        const char *name = d ? e->name : e ? e->path : m->path;
        Batch *b;

        size_t text = strlen(name) + 1 + (m ? m->target_n + m->xattrs_n + 2 : 0);
        int r = make_room(a, d, text, &b);
        if (r < 0)
                return r;

        Item *item = &b->items[b->n++];
        *item = (Item){ .kind = kind, .directory = d, .name = keep(b, name, strlen(name)) };
        if (d && !has_directory(b, d))
                b->directories[b->n_directories++] = tree_directory_ref(d);
        if (e) {
                item->type = e->type;
                item->has_stat = e->has_stat;
                item->plain = e->plain;
                if (e->has_stat)
                        item->st = e->st;
        }
        if (m) {
                item->m = *m;
                item->m.path = NULL;
                item->m.target = keep(b, m->target ?: "", m->target_n);
                item->m.xattrs = keep(b, m->xattrs ?: "", m->xattrs_n);
        }
        if (what && !(item->what = strdup(what)))
                return -ENOMEM;
        return 0;
}

int attest_make_way(Attest *a, const TreeSorted *w) {
        int r = 1;

        while (tree_sorted_open(w) > DIRECTORIES_MAX && r > 0)
                r = pool_collect(a->pool);
        return r;
}

int attest_fail_walk(Attest *a, int error, const TreeSorted *w) {
        return error == -ENOMEM ? error : attest_fail_path(a->report, error, tree_sorted_path(w));
}

int attest_finish(Attest *a) {
        int r;

        if (a->current && ((Batch *)a->current->data)->n > 0)
                submit(a);
        while ((r = pool_collect(a->pool)) > 0)
                ;
        return r;
}
