/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What of the Nix store a file's content refers to. A root tree must list each store path that it needs, and
 * this finds those that it forgot: text of the form /nix/store/HASH-NAME, by which alone a path is reached.
 * (Nix itself looks for the 32 digits of the hash wherever they stand: what is split, encoded or compressed
 * neither of the two finds.)
 */

#include "store-paths.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NixScanner NixScanner;

/* A scanner for one thread. The list, which may be NULL for an empty one, must outlive it. Where the host
 * has no store, nothing is ever found. 0 or -errno. */
int nix_scanner_new(const StorePaths *list, NixScanner **ret_);

NixScanner *nix_scanner_free(NixScanner *s);
DEFINE_CLEANUP(NixScanner *, nix_scanner_free)
#define _cleanup_nix_scanner_ _cleanup_(nix_scanner_freep)

/* A file begins. */
void nix_scanner_begin(NixScanner *s);

/* Its next `n` bytes: a reference may be split anywhere between two calls. */
void nix_scanner_update(NixScanner *s, const void *data, size_t n);

/*
 * The file ends. HASH-NAME of the first store path that it refers to which the list lacks although the
 * host's store has it; NULL: there is none. Good until the next begin.
 */
const char *nix_scanner_end(NixScanner *s);

#ifdef __cplusplus
}
#endif
