/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest as it is written: a temporary file beside the old one, hashed as it grows, synced, and
 * renamed when it is whole. Must never leave half a manifest under the manifest's name.
 */

#include "attest-internal.h"

#include "io.h"
#include "tree-walk.h"

#include <fcntl.h>

#define TEMPORARY_NAME ATTEST_MANIFEST_NAME ".new"
#define WRITE_SIZE (128U * 1024)

static int fail(Attest *a, int error) {
        return attest_fail(a->report, error, "cannot write %s into the root tree: %s", ATTEST_MANIFEST_NAME,
                strerror(-error));
}

static int flush(Attest *a, Output *o) {
        int r = hasher_update(o->hasher, o->text.data, o->text.len);

        if (r >= 0 && o->text.len > 0)
                r = write_all(o->fd, o->text.data, o->text.len);
        o->size += o->text.len;
        o->text.len = 0;
        if (o->size > ATTEST_MANIFEST_MAX)
                return attest_fail(
                        a->report, -EFBIG, "the manifest has more than %u bytes", ATTEST_MANIFEST_MAX);
        return r < 0 ? fail(a, r) : 0;
}

int attest_output_begin(Attest *a, Output *o) {
        *o = (Output){ .root = -EBADF, .fd = -EBADF };

        o->root = open_beneath(a->root_fd, ".", O_RDONLY | O_DIRECTORY);
        if (o->root < 0)
                return attest_fail_path(a->report, o->root, NULL);
        o->fd = replace_begin(o->root, TEMPORARY_NAME);
        if (o->fd < 0)
                return fail(a, o->fd);
        int r = hasher_new(&o->hasher);
        if (r >= 0)
                r = hasher_begin(o->hasher);
        if (r >= 0 && a->report->version == 2)
                strbuf_puts(&o->text, MANIFEST_HEADER_V2 "\n");
        return r;
}

int attest_output_entry(Attest *a, Output *o, const ManifestEntry *m) {
        size_t before = o->text.len;

        manifest_format_entry(&o->text, a->report->version, m);
        if (o->text.failed)
                return -ENOMEM;
        if (o->text.len - before > MANIFEST_LINE_MAX)
                return attest_fail(a->report, -EFBIG, "the attributes of a file take more than %u bytes",
                        MANIFEST_LINE_MAX);
        return o->text.len < WRITE_SIZE ? 0 : flush(a, o);
}

/* On disk and readable by all before it takes the manifest's name. */
int attest_output_finish(Attest *a, Output *o) {
        uint8_t digest[SHA256_SIZE];

        int r = flush(a, o);
        if (r >= 0)
                r = hasher_end(o->hasher, digest);
        if (r < 0)
                return r;
        r = replace_finish(o->fd, o->root, TEMPORARY_NAME, ATTEST_MANIFEST_NAME);
        if (r < 0)
                return fail(a, r);
        o->fd = close_fd(o->fd);
        sha256_to_hex(digest, a->report->digest);
        return 0;
}

void attest_output_done(Output *o) {
        if (o->fd >= 0) /* begun, and not in place */
                (void)unlinkat(o->root, TEMPORARY_NAME, 0);
        o->fd = close_fd(o->fd);
        o->root = close_fd(o->root);
        o->hasher = hasher_free(o->hasher);
        strbuf_done(&o->text);
}
