/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus attest`: writes or verifies the manifest of a root tree, by the code that nucleus-exec uses. */

#include "nucleus.h"

#include "attest.h"
#include "escape.h"
#include "exit-code.h"
#include "strbuf.h"

#include <fcntl.h>
#include <getopt.h>
#include <time.h>

typedef struct Arguments {
        bool verify, json, all, help;
        int format; /* 0: not given */
        const char *pin;
        const char *dir;
} Arguments;

/* Shown on a terminal once the work has taken a while: short work must not flicker. */
typedef struct Progress {
        struct timespec start, last;
        bool shown;
} Progress;

static int64_t milliseconds_since(const struct timespec *then, const struct timespec *now) {
        return (now->tv_sec - then->tv_sec) * INT64_C(1000) + (now->tv_nsec - then->tv_nsec) / 1000000;
}

static void show_progress(const AttestProgress *p, void *userdata) {
        Progress *progress = userdata;
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (milliseconds_since(&progress->start, &now) < 1000 ||
                milliseconds_since(&progress->last, &now) < 100)
                return;
        progress->last = now;
        progress->shown = true;
        if (p->bytes_total > 0)
                fprintf(stderr, "\r\x1b[K%3d%%  %llu of %llu entries",
                        (int)(100.0 * (double)p->bytes / (double)p->bytes_total),
                        (unsigned long long)p->entries, (unsigned long long)p->entries_total);
        else
                fprintf(stderr, "\r\x1b[K%llu entries, %llu MB", (unsigned long long)p->entries,
                        (unsigned long long)(p->bytes / 1000000));
}

static int parse_arguments(const Verb *verb, int argc, char **argv, Arguments *a) {
        enum { OPTION_VERIFY = 256, OPTION_FORMAT, OPTION_PIN, OPTION_ALL, OPTION_JSON };
        static const struct option options[] = {
                { "verify", no_argument, NULL, OPTION_VERIFY },
                { "format", required_argument, NULL, OPTION_FORMAT },
                { "manifest-sha256", required_argument, NULL, OPTION_PIN },
                { "all", no_argument, NULL, OPTION_ALL },
                { "json", no_argument, NULL, OPTION_JSON },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_VERIFY:
                        a->verify = true;
                        break;
                case OPTION_FORMAT:
                        if (!streq(optarg, "1") && !streq(optarg, "2")) {
                                print_error("--format takes 1 or 2, not \"%s\"", optarg);
                                return usage_error(verb);
                        }
                        a->format = optarg[0] - '0';
                        break;
                case OPTION_PIN:
                        a->pin = optarg;
                        break;
                case OPTION_ALL:
                        a->all = true;
                        break;
                case OPTION_JSON:
                        a->json = true;
                        break;
                case 'h':
                        a->help = true;
                        return 0;
                default:
                        return usage_error(verb);
                }
        if (optind + 1 != argc) {
                print_error(optind == argc ? "the directory is missing" : "one directory at a time");
                return usage_error(verb);
        }
        a->dir = argv[optind];
        return 0;
}

/* Options that only mean something together. */
static int check_arguments(const Verb *verb, const Arguments *a) {
        uint8_t digest[SHA256_SIZE];

        if (a->verify && a->format)
                print_error("--format has no meaning with --verify: the manifest says its version");
        else if (!a->verify && a->pin)
                print_error("--manifest-sha256 has no meaning without --verify");
        else if (a->pin && sha256_from_hex(a->pin, strlen(a->pin), digest) < 0)
                print_error("--manifest-sha256 takes 64 lower-case hexadecimal digits");
        else
                return 0;
        return usage_error(verb);
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

static json_t *report_to_json(const Arguments *a, const AttestReport *report, int r) {
        return json_pack("{so ss si so sI sI so so so so so}", "directory", json_text(a->dir), "result",
                result_name(r), "version", report->version, "manifest_sha256",
                report->digest[0] ? json_string(report->digest) : json_null(), "entries",
                (json_int_t)report->done.entries, "bytes", (json_int_t)report->done.bytes, "message",
                json_text(report->message), "missing", list_to_json(&report->missing), "changed",
                list_to_json(&report->changed), "extra", list_to_json(&report->extra), "privileged",
                list_to_json(&report->privileged));
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

static void print_failure(const Arguments *a, const AttestReport *report, int r) {
        if (r != -EBADMSG) {
                print_error("%s: %s", a->dir, report->message);
                return;
        }
        print_error(a->verify ? "%s: the root tree is not what its manifest says"
                              : "%s: the root tree holds what cannot be attested",
                a->dir);
        print_list(&report->missing, "missing", COLOUR_RED);
        print_list(&report->changed, "changed", COLOUR_RED);
        print_list(&report->extra, a->verify ? "extra" : "refused", COLOUR_RED);
}

/* The line to paste goes to standard output alone, for scripts. */
static void print_success(const Arguments *a, const AttestReport *report) {
        fprintf(stderr, "%s: %s%s%s, version %d, %llu entries, %llu bytes\n", a->dir,
                colour(stderr, COLOUR_GREEN), a->verify ? "as its manifest says" : "manifest written",
                colour(stderr, COLOUR_RESET), report->version, (unsigned long long)report->done.entries,
                (unsigned long long)report->done.bytes);
        printf("manifest_sha256 = \"%s\"\n", report->digest);
}

/* The store paths that the tree lists, if it lists any. On failure the report has the message. */
static int open_store(int root_fd, StorePaths **ret_, AttestReport *report) {
        int r = store_paths_read(root_fd, ret_, &report->message);

        return r >= 0 && *ret_ ? store_paths_open(*ret_, &report->message) : r;
}

static int attest(const Arguments *a, int root_fd, AttestReport *report) {
        _cleanup_store_paths_ StorePaths *store = NULL;
        Progress progress = {};
        AttestOptions options = {
                .pin = a->pin,
                .nix_store = true,
                .list_max = a->all ? SIZE_MAX : ATTEST_LIST_DEFAULT,
                .userdata = &progress,
        };

        int r = open_store(root_fd, &store, report);
        if (r < 0)
                return r;
        options.store = store;
        (void)clock_gettime(CLOCK_MONOTONIC, &progress.start);
        if (isatty(STDERR_FILENO) && !a->json)
                options.progress = show_progress;
        r = a->verify ? attest_verify(root_fd, &options, report)
                      : attest_write(root_fd, a->format ?: 2, &options, report);
        if (progress.shown)
                fprintf(stderr, "\r\x1b[K");
        return r;
}

/* The tree or its manifest is at fault: the status that nucleus-exec has for it too. */
static int exit_status(const Arguments *a, int r) {
        if (r == 0)
                return 0;
        bool data = r == -EBADMSG || (a->verify && (r == -EKEYREJECTED || r == -EINVAL || r == -ENOENT));
        return data ? EXIT_CODE_DATAERR : STATUS_FAILED;
}

int verb_attest(const Verb *verb, int argc, char **argv) {
        _cleanup_attest_report_ AttestReport report = {};
        Arguments a = {};

        int r = parse_arguments(verb, argc, argv, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        if (r == 0)
                r = check_arguments(verb, &a);
        if (r != 0)
                return r;

        _cleanup_close_ int fd = open(a.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                print_error("cannot open %s: %s", a.dir, strerror(errno));
                return STATUS_FAILED;
        }
        r = attest(&a, fd, &report);
        if (r == -ENOMEM)
                return out_of_memory();
        if (a.json)
                return print_json(report_to_json(&a, &report, r), exit_status(&a, r));
        if (report.privileged.count > 0) {
                print_warning(
                        "%s: files that give privileges; nucleus-exec(8) lets none take effect", a.dir);
                print_list(&report.privileged, "privileged", COLOUR_YELLOW);
        }
        if (r < 0)
                print_failure(&a, &report, r);
        else
                print_success(&a, &report);
        return finish_output(exit_status(&a, r));
}
