/* SPDX-License-Identifier: Apache-2.0 */
/* What `nucleus attest` says: progress on a terminal, lists, the lines to paste, and one JSON document. */

#include "nucleus-attest.h"

#include "escape.h"
#include "strbuf.h"

static int64_t milliseconds_since(const struct timespec *then, const struct timespec *now) {
        return (now->tv_sec - then->tv_sec) * INT64_C(1000) + (now->tv_nsec - then->tv_nsec) / 1000000;
}

void attest_progress_begin(Progress *p, const AttestArguments *a) {
        (void)clock_gettime(CLOCK_MONOTONIC, &p->start);
        p->wanted = isatty(STDERR_FILENO) && !a->json;
}

void attest_progress_end(Progress *p) {
        if (p->shown)
                fprintf(stderr, "\r\x1b[K");
        p->shown = false;
}

void attest_progress_show(const AttestProgress *p, void *userdata) {
        Progress *progress = userdata;
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t elapsed = milliseconds_since(&progress->start, &now);
        if (elapsed < 1000 || milliseconds_since(&progress->last, &now) < 100)
                return;
        progress->last = now;
        progress->shown = true;
        double rate = (double)p->bytes / (double)elapsed; /* bytes a millisecond */
        /* By fs-verity nothing is read, and entries are what there is to count. */
        double share = p->bytes > 0 && p->bytes_total > 0 ? (double)p->bytes / (double)p->bytes_total
                       : p->entries_total > 0             ? (double)p->entries / (double)p->entries_total
                                                          : 0;
        fprintf(stderr, "\r\x1b[K");
        if (p->entries_total > 0)
                fprintf(stderr, "%3d%%  %llu of %llu entries", (int)(100 * share),
                        (unsigned long long)p->entries, (unsigned long long)p->entries_total);
        else if (p->bytes_total > 0)
                fprintf(stderr, "%3d%%", (int)(100 * share));
        else
                fprintf(stderr, "%llu entries", (unsigned long long)p->entries);
        if (p->bytes > 0 && p->bytes_total == 0)
                fprintf(stderr, ", %llu MB", (unsigned long long)(p->bytes / 1000000));
        if (p->bytes > 0)
                fprintf(stderr, ", %.0f MB/s", rate / 1000);
        if (share > 0 && share < 1)
                fprintf(stderr, ", %.0f s left", (double)elapsed * (1 - share) / share / 1000);
}

static json_t *list_to_json(const AttestList *list) {
        json_t *items = json_array();

        for (size_t i = 0; items && i < list->n; i++) {
                const AttestItem *item = &list->items[i];
                json_t *o =
                        json_pack("{so so}", "path", json_text(item->path), "what", json_text(item->what));
                if (!o || json_array_append_new(items, o) < 0) {
                        json_decref(items);
                        return NULL;
                }
        }
        return json_pack("{sI so}", "count", (json_int_t)list->count, "items", items);
}

static const char *result_name(int r) {
        switch (r) {
        case 0:
                return "ok";
        case -EBADMSG:
                return "mismatch";
        case -EKEYREJECTED:
                return "not-pinned";
        case -EINVAL:
                return "malformed";
        case -ENOENT:
                return "no-manifest";
        default:
                return "error";
        }
}

static json_t *text_or_null(const char *s) {
        return isempty(s) ? json_null() : json_text(s);
}

static json_t *verity_to_json(const AttestResult *result) {
        return result->verity_done
                       ? json_pack("{sI sI so}", "enabled", (json_int_t)result->enabled, "already",
                                 (json_int_t)result->already, "failed", list_to_json(&result->failed))
                       : json_null();
}

/* Were all differences looked for? */
static bool is_complete(const AttestArguments *a, const AttestResult *result, int r) {
        return !result->verifies || a->all || r != -EBADMSG;
}

static json_t *image_to_json(const AttestArguments *a, const AttestResult *result, int r) {
        bool fsverity = a->verify && (a->fsverity || a->image_fsverity);

        return json_pack("{so ss so so sI so so so}", "image", json_text(a->path), "result", result_name(r),
                "image_sha256", text_or_null(fsverity ? NULL : result->report.digest), "image_fsverity",
                text_or_null(fsverity ? result->report.digest : result->image_fsverity), "bytes",
                (json_int_t)result->report.done.bytes, "message", json_text(result->report.message),
                "public_key", text_or_null(result->signed_by), "verity", verity_to_json(result));
}

json_t *attest_result_to_json(const AttestArguments *a, const AttestResult *result, int r) {
        const AttestReport *report = &result->report;

        if (result->image)
                return image_to_json(a, result, r);
        return json_pack("{so ss si so sI sI sb so so so so so so so}", "directory", json_text(a->path),
                "result", result_name(r), "version", report->version, "manifest_sha256",
                text_or_null(report->digest), "entries", (json_int_t)report->done.entries, "bytes",
                (json_int_t)report->done.bytes, "complete", is_complete(a, result, r), "message",
                json_text(report->message), "missing", list_to_json(&report->missing), "changed",
                list_to_json(&report->changed), "extra", list_to_json(&report->extra), "privileged",
                list_to_json(&report->privileged), "public_key", text_or_null(result->signed_by), "verity",
                verity_to_json(result));
}

static void print_list(const AttestList *list, const char *title, Colour c) {
        if (list->count == 0)
                return;
        fprintf(stderr, "%s%s%s (%llu):\n", colour(stderr, c), title, colour(stderr, COLOUR_RESET),
                (unsigned long long)list->count);
        for (size_t i = 0; i < list->n; i++) {
                _cleanup_strbuf_ StrBuf b = {};
                _cleanup_free_ char *path = NULL;

                escape_field(&b, list->items[i].path, strlen(list->items[i].path));
                if (strbuf_finish(&b, &path) < 0)
                        return;
                fprintf(stderr, "  %s: %s\n", path, list->items[i].what);
        }
        if (list->count > list->n)
                fprintf(stderr, "  ... and %llu more (--all lists them)\n",
                        (unsigned long long)(list->count - list->n));
}

static void print_failure(const AttestArguments *a, const AttestResult *result, int r) {
        const AttestReport *report = &result->report;

        if (r != -EBADMSG || result->failed.count > 0) {
                print_error("%s: %s", a->path, report->message ?: strerror(-r));
                print_list(&result->failed, "without fs-verity", COLOUR_RED);
                return;
        }
        print_error(result->verifies ? "%s: the root tree is not what its manifest says"
                                     : "%s: the root tree holds what cannot be attested",
                a->path);
        print_list(&report->missing, "missing", COLOUR_RED);
        print_list(&report->changed, "changed", COLOUR_RED);
        print_list(&report->extra, result->verifies ? "extra" : "refused", COLOUR_RED);
        if (!is_complete(a, result, r))
                fprintf(stderr, "stopped there: --all lists every difference\n");
        if (result->verifies && a->key)
                fprintf(stderr,
                        "nothing was signed: with --format 2 a new manifest is written, and signed\n");
}

static void print_done(const AttestArguments *a, const AttestResult *result) {
        const AttestReport *report = &result->report;
        const char *green = colour(stderr, COLOUR_GREEN), *reset = colour(stderr, COLOUR_RESET);

        if (result->image)
                fprintf(stderr, "%s: %s%s%s\n", a->path, green,
                        a->verify ? "it is the image" : "digest taken", reset);
        else if (a->verify_signature && !a->verify)
                fprintf(stderr, "%s: %sthe signature of its manifest holds%s\n", a->path, green, reset);
        else if (report->digest[0])
                fprintf(stderr, "%s: %s%s%s, version %d, %llu entries, %llu bytes\n", a->path, green,
                        result->verifies ? "as its manifest says" : "manifest written", reset,
                        report->version, (unsigned long long)report->done.entries,
                        (unsigned long long)report->done.bytes);
        if (result->signed_by)
                fprintf(stderr, "%s: %ssigned%s\n", a->path, green, reset);
        if (result->verity_done)
                fprintf(stderr, "%s: fs-verity enabled on %llu files, %llu had it\n", a->path,
                        (unsigned long long)result->enabled, (unsigned long long)result->already);
}

/* The lines to paste go to standard output alone, for scripts. */
static void print_lines(const AttestArguments *a, const AttestResult *result) {
        const char *name = !result->image                                    ? "manifest_sha256"
                           : a->verify && (a->fsverity || a->image_fsverity) ? "image_fsverity"
                                                                             : "image_sha256";

        if (result->report.digest[0])
                printf("%s = \"%s\"\n", name, result->report.digest);
        if (result->image_fsverity[0])
                printf("image_fsverity = \"%s\"\n", result->image_fsverity);
        if (result->signed_by)
                printf("public_key = \"%s\"\n", result->signed_by);
}

void attest_print_result(const AttestArguments *a, const AttestResult *result, int r) {
        if (result->report.privileged.count > 0) {
                print_warning(
                        "%s: files that give privileges; nucleus-exec(8) lets none take effect", a->path);
                print_list(&result->report.privileged, "privileged", COLOUR_YELLOW);
        }
        if (r < 0) {
                print_failure(a, result, r);
                return;
        }
        print_done(a, result);
        print_lines(a, result);
}
