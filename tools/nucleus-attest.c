/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nucleus attest`: writes or verifies the manifest of a root tree, or takes the digest of an image, by the
 * code that nucleus-exec uses.
 */

#include "nucleus-attest.h"

#include "exit-code.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The store paths that the tree lists, if it lists any. On failure the report has the message. */
static int open_store(int root_fd, StorePaths **ret_, AttestReport *report) {
        int r = store_paths_read(root_fd, ret_, &report->message);

        return r >= 0 && *ret_ ? store_paths_open(*ret_, &report->message) : r;
}

static int run_engine(const AttestArguments *a, int root_fd, const StorePaths *store, AttestResult *result) {
        AttestReport *report = &result->report;
        Progress progress = {};
        AttestOptions options = {
                .pin = a->pin,
                .public_keys = a->n_public_keys > 0 ? a->public_keys : NULL,
                .store = store,
                .nix_store = true,
                .fsverity = a->fsverity,
                .all = a->all,
                .threads = a->threads,
                .list_max = a->all ? SIZE_MAX : ATTEST_LIST_DEFAULT,
                .userdata = &progress,
        };

        attest_progress_begin(&progress, a);
        if (progress.wanted)
                options.progress = attest_progress_show;
        int r = result->verifies ? attest_verify(root_fd, &options, report)
                                 : attest_write(root_fd, a->format ?: 2, &options, report);
        attest_progress_end(&progress);
        return r;
}

/* --enable-verity alone writes nothing: the manifest may be signed elsewhere. */
static bool writes(const AttestArguments *a) {
        return !a->enable_verity || a->fsverity || a->key || a->format;
}

/* A manifest that is there is signed as it is, once the tree is seen to be what it says: it may hold more
 * than a new one would, and others may have signed it. */
static bool signs_what_is_there(const AttestArguments *a, int root_fd) {
        return a->key && !a->format && !a->fsverity &&
               faccessat(root_fd, ATTEST_MANIFEST_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The key comes first, so that no manifest is replaced and then left without its signature; and fs-verity
 * comes last: nothing can be written to a file that has it. */
static int attest_tree(const AttestArguments *a, int root_fd, AttestResult *result) {
        _cleanup_store_paths_ StorePaths *store = NULL;

        if (a->verify_signature && !a->verify)
                return attest_verify_signature(root_fd, a->public_keys, &result->report);
        int r = attest_read_key(a, result);
        if (r >= 0)
                r = open_store(root_fd, &store, &result->report);
        if (r >= 0 && writes(a)) {
                result->verifies = a->verify || signs_what_is_there(a, root_fd);
                bool loses = !result->verifies && !a->fsverity && attest_has_fsverity(root_fd);
                r = run_engine(a, root_fd, store, result);
                result->lost_fsverity = r >= 0 && loses;
        }
        if (r >= 0)
                r = attest_sign(a, root_fd, SIGNATURE_NAME, SIGNATURE_MANIFEST_SHA256, result);
        return r >= 0 && a->enable_verity ? attest_enable_tree(a, root_fd, store, result) : r;
}

/* The tree, image or manifest is at fault: the status that nucleus-exec has for it too. */
static int exit_status(const AttestArguments *a, const AttestResult *result, int r) {
        bool verifies = result->verifies || a->verify_signature;

        if (r == 0)
                return 0;
        if (result->failed.count > 0)
                return STATUS_FAILED;
        bool data = r == -EBADMSG || (verifies && (r == -EKEYREJECTED || r == -EINVAL || r == -ENOENT));
        return data ? EXIT_CODE_DATAERR : STATUS_FAILED;
}

static void list_done(AttestList *l) {
        for (size_t i = 0; i < l->n; i++) {
                free(l->items[i].path);
                free(l->items[i].what);
        }
        free(l->items);
}

static void result_done(AttestResult *result) {
        attest_report_done(&result->report);
        list_done(&result->failed);
        signing_key_done(&result->key);
}

int verb_attest(const Verb *verb, int argc, char **argv) {
        _cleanup_(result_done) AttestResult result = {};
        AttestArguments a = {};
        struct stat st;

        int r = attest_parse_arguments(verb, argc, argv, &a);
        if (r == 0 && a.help)
                return print_verb_help(verb);
        if (r != 0)
                return r;
        result.verifies = a.verify;
        _cleanup_close_ int fd = open(a.path, O_PATH | O_CLOEXEC);
        bool image = fd >= 0 && fstat(fd, &st) >= 0 && !S_ISDIR(st.st_mode);
        int error = errno;
        r = attest_check_arguments(verb, &a, image);
        if (r != 0)
                return r;
        if (fd < 0) {
                print_error("cannot open %s: %s", a.path, strerror(error));
                return STATUS_FAILED;
        }
        r = image ? attest_one_image(&a, &result) : attest_tree(&a, fd, &result);
        if (r == -ENOMEM)
                return out_of_memory();
        if (result.lost_fsverity)
                print_warning("%s: the manifest that was replaced had fs-verity digests; this one has none: "
                              "--fsverity records them",
                        a.path);
        if (result.report.warning)
                print_warning("%s: %s", a.path, result.report.warning);
        if (a.json)
                return print_json(attest_result_to_json(&a, &result, r), exit_status(&a, &result, r));
        attest_print_result(&a, &result, r);
        return finish_output(exit_status(&a, &result, r));
}
