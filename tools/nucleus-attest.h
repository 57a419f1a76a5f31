/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of `nucleus attest` share. */

#include "nucleus-sign.h"

#include "attest.h"

#include <time.h>

typedef struct AttestArguments {
        bool verify, verify_signature, fsverity, enable_verity, json, all, help;
        int format; /* 0: not given */
        unsigned threads;
        const char *pin, *image_sha256, *image_fsverity;
        const char *key;                        /* PEM file to sign with */
        char *public_keys[PUBLIC_KEYS_MAX + 1]; /* NULL-terminated */
        unsigned n_public_keys;
        const char *path; /* directory or image */
} AttestArguments;

/* What comes of it beside the engine's report. */
typedef struct AttestResult {
        AttestReport report;
        bool image, verity_done;
        bool verifies;      /* what is there is compared, not written: by --verify, or to be signed */
        bool lost_fsverity; /* the manifest that was replaced had fs-verity digests; this one has none */
        SigningKey key;
        const char *signed_by;                /* the public key; NULL: not signed */
        char image_fsverity[SHA256_HEX_SIZE]; /* computed; "" */
        uint64_t enabled, already;            /* files with fs-verity: new, and before */
        AttestList failed;                    /* files that did not get it */
} AttestResult;

/* Shown on a terminal once the work has taken a while: short work must not flicker. */
typedef struct Progress {
        struct timespec start, last;
        bool shown, wanted;
} Progress;

/* nucleus-attest-options.c: 0, or STATUS_USAGE with the message printed. */
int attest_parse_arguments(const Verb *verb, int argc, char **argv, AttestArguments *a);
int attest_check_arguments(const Verb *verb, const AttestArguments *a, bool image);

/* nucleus-attest-print.c */
void attest_progress_begin(Progress *p, const AttestArguments *a);
void attest_progress_show(const AttestProgress *p, void *userdata);
void attest_progress_end(Progress *p);
json_t *attest_result_to_json(const AttestArguments *a, const AttestResult *result, int r);
void attest_print_result(const AttestArguments *a, const AttestResult *result, int r);

/* nucleus-attest-sign.c: 0 or -errno with report->message. Without --sign, the first two do nothing. `name`
 * is beneath `dir_fd`. */
int attest_read_key(const AttestArguments *a, AttestResult *result);
int attest_sign(const AttestArguments *a, int dir_fd, const char *name, SignatureSubject subject,
        AttestResult *result);

/* nucleus-attest-verity.c: 0; -EBADMSG where a file did not get it, see result->failed; or -errno. */
int attest_enable_tree(const AttestArguments *a, int root_fd, const StorePaths *store, AttestResult *result);
int attest_enable_file(int fd, AttestResult *result);

/* Has the manifest, such as it is, fs-verity digests? */
bool attest_has_fsverity(int root_fd);

/* nucleus-attest-image.c */
int attest_one_image(const AttestArguments *a, AttestResult *result);
