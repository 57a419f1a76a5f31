/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attestation: is a root tree what its manifest says? And writing that manifest. The formats are in
 * manifest.h and nucleus-manifest(5).
 *
 * The tree is given as a directory descriptor (O_PATH will do; the root of a detached mount too) and is
 * walked beneath it: no symbolic link is followed out of it, no other mount is entered, and nothing is
 * opened for reading but what was a regular file or a directory a moment before; what a rename has put there
 * since is refused, and cannot make us wait. /proc must be mounted.
 *
 * Owners and file capabilities are compared as the caller sees them: attest a mount that maps no ids, from
 * the user namespace in which the manifest was written. Memory is bounded, whatever the tree (see
 * attest_verify()), and the work is shared by threads that are gone when the call returns.
 */

#include "hash.h"
#include "store-paths.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATTEST_MANIFEST_NAME ".nucleus-rootfs-sha256"
#define ATTEST_MANIFEST_MAX (1024U * 1024 * 1024) /* bytes */
#define ATTEST_LIST_DEFAULT 5U

/* The files at a tree's root that are attestation's own, and no part of the tree; ends with NULL. */
extern const char *const attest_own_files[];

typedef struct AttestProgress {
        uint64_t entries, bytes;             /* done so far */
        uint64_t entries_total, bytes_total; /* what the manifest promises; 0: unknown */
} AttestProgress;

/* Called by the thread that attests, now and then, and only where something was done since. Must be quick.
 */
typedef void (*AttestProgressFunc)(const AttestProgress *progress, void *userdata);

typedef struct AttestOptions {
        const char *pin; /* 64 lower-case hex digits the manifest's own digest must equal, or NULL */
        char *const *public_keys; /* one of which must have signed the manifest (signature.h), or NULL */
        const StorePaths *store;  /* opened: the entries of nix/store in the tree; NULL: it has none */
        bool nix_store; /* version 1: links into /nix/store that the tree lacks lead to the host's */
        bool fsverity;  /* verify: fs-verity digests instead of content; write: record them beside SHA-256 */
        bool all;       /* verify: list every difference; else stop at the first */
        unsigned threads; /* at most 16; 0: what is best for the tree and the processors that we may use */
        size_t list_max;  /* how many paths to keep in each list; 0: ATTEST_LIST_DEFAULT */
        AttestProgressFunc progress; /* or NULL */
        void *userdata;
} AttestOptions;

typedef struct AttestItem {
        char *path; /* as on disk, relative to the root; "." is the root itself. Any bytes: escape it */
        char *what; /* one line of plain ASCII: what it is, or what changed */
} AttestItem;

typedef struct AttestList {
        AttestItem *items; /* the first by path, sorted by bytes */
        size_t n;
        size_t size;    /* allocated */
        uint64_t count; /* all there are: may be more than n */
} AttestList;

typedef struct AttestReport {
        int version;                  /* of the manifest: 1 or 2; 0: not known */
        char digest[SHA256_HEX_SIZE]; /* of the manifest; "" where it was not read */
        AttestProgress done;
        AttestList missing, changed, extra;
        AttestList privileged; /* attest_write() only: files with setuid, setgid or file capabilities */
        char *warning; /* attest_write() only: NULL, or why no service may start on it; as `message` */
        char *message; /* on failure: one line of printable ASCII, complete, for log and STATUS= */
} AttestReport;

void attest_report_done(AttestReport *r);
#define _cleanup_attest_report_ _cleanup_(attest_report_done)

/* Sets report->message, unless it is set. Returns `error`, or -ENOMEM. */
int attest_fail(AttestReport *r, int error, const char *format, ...) _printf_(3, 4);

/*
 * Compares the tree with its manifest. *report must be zeroed before, and be done after, also on failure.
 * `options` may be NULL.
 *
 *  0             the tree is what the manifest says, and the manifest is what the pin says
 *  -EBADMSG      it is not: see the lists
 *  -ENOENT       there is no manifest
 *  -EINVAL       the manifest is malformed, too large or no regular file
 *  -EKEYREJECTED the manifest is not the pinned one; the tree was not looked at
 *  -EOPNOTSUPP   built without attestation
 *  other -errno  the tree cannot be read (message names the path), or libcrypto cannot be used
 */
int attest_verify(int root_fd, const AttestOptions *options, AttestReport *report);

/*
 * Has one of `public_keys` (NULL-terminated) signed the manifest? Nothing else of the tree is looked at.
 * report->digest is the manifest's. As attest_verify().
 */
int attest_verify_signature(int root_fd, char *const *public_keys, AttestReport *report);

/*
 * Writes the manifest of the tree, version 1 or 2, into its root: a temporary file, synced and renamed, mode
 * 0444. An existing manifest is no part of the tree and is replaced. report->digest is the new manifest's.
 * What cannot be attested stands in report->extra. `options->pin` is not used.
 *
 *  0             written
 *  -EBADMSG      the tree holds what cannot be attested (a FIFO, socket or device; a huge sparse file; with
 *                version 1 also a name with a control character, a link that loops or leaves the root)
 *  other         as attest_verify()
 */
int attest_write(int root_fd, int version, const AttestOptions *options, AttestReport *report);

#ifdef __cplusplus
}
#endif
