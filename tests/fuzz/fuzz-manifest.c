/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is accepted is canonical, byte for byte, and its paths stay below the root. */

#include "fuzz.h"
#include "manifest.h"

bool fuzz_one(const char *text, size_t n) {
        _cleanup_manifest_ Manifest *m = NULL;
        _cleanup_free_ char *again = NULL;
        ManifestError error = {};
        size_t n_again = 0;

        int k = manifest_parse(text, n, &m, &error);
        CHECK(k == 0 || (k == -EINVAL && error.reason && error.line > 0));
        if (k < 0)
                return false;
        for (size_t i = 0; i < m->n; i++) {
                const char *path = m->entries[i].path;
                CHECK(path[0] != '/' && !streq(path, "..") && !startswith(path, "../"));
                CHECK(!strstr(path, "/../") && !endswith(path, "/.."));
                CHECK(manifest_find(m, path) == &m->entries[i]);
        }
        CHECK(manifest_format(m, &again, &n_again) == 0);
        CHECK(n_again == n && memcmp(again, text, n) == 0);
        return true;
}
