/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: read the manifest once, check the pin and parse from that same buffer, walk the tree and
 * compare each entry with its line. Metadata is compared before content, so that a file of the wrong size is
 * never hashed. Must never trust anything of the tree before it has been compared, and never stop at the
 * first difference: the operator needs to know what happened to the tree.
 */

#include "attest-internal.h"

#include <fcntl.h>

typedef struct Verify {
        Attest a;
        Manifest *manifest;
        bool *seen; /* one for each entry of the manifest */
} Verify;

static void verify_done(Verify *v) {
        attest_end(&v->a);
        manifest_free(v->manifest);
        free(v->seen);
}

int attest_begin(Attest *a, int root_fd, const AttestOptions *options, AttestReport *report) {
        *a = (Attest){ .root_fd = root_fd, .report = report };
        if (options)
                a->options = *options;
        if (a->options.list_max == 0)
                a->options.list_max = ATTEST_LIST_DEFAULT;

        a->buffer = malloc(ATTEST_BUFFER_SIZE);
        if (!a->buffer)
                return -ENOMEM;
        int r = hasher_new(&a->hasher);
        if (r == -EOPNOTSUPP)
                return attest_fail(report, r, "this build has no attestation");
        return r < 0 ? attest_fail(report, r, "cannot load libcrypto.so.3") : 0;
}

void attest_end(Attest *a) {
        hasher_free(a->hasher);
        free(a->known);
        free(a->buffer);
        free(a->path);
}

int attest_walk(Attest *a, int version, WalkFunc func, void *userdata) {
        if (version != 1)
                return tree_walk(a->root_fd, func, userdata, &a->path);

        /* Where there is no Nix store, its links lead nowhere. */
        _cleanup_close_ int store = -EBADF;
        if (a->options.nix_store)
                store = open("/nix/store", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return tree_follow(a->root_fd, store, func, userdata, &a->path);
}

/* Opens the manifest and checks what it is before a byte is read. */
static int open_manifest(Attest *a, size_t *ret_size) {
        struct stat st;

        _cleanup_close_ int fd = open_beneath(a->root_fd, ATTEST_MANIFEST_NAME, O_PATH | O_NOFOLLOW);
        if (fd == -ENOENT)
                return attest_fail(
                        a->report, fd, "the root tree has no manifest (%s)", ATTEST_MANIFEST_NAME);
        if (fd < 0)
                return attest_fail_path(a->report, fd, ATTEST_MANIFEST_NAME);
        if (fstat(fd, &st) < 0)
                return attest_fail_path(a->report, -errno, ATTEST_MANIFEST_NAME);
        if (!S_ISREG(st.st_mode))
                return attest_fail(a->report, -EINVAL, "the manifest is a %s, not a regular file",
                        attest_type_name(st.st_mode));
        if (st.st_size > (off_t)ATTEST_MANIFEST_MAX)
                return attest_fail(a->report, -EINVAL, "the manifest has %lld bytes, more than %u",
                        (long long)st.st_size, ATTEST_MANIFEST_MAX);

        int r = reopen_for_reading(fd, 0);
        if (r < 0)
                return attest_fail_path(a->report, r, ATTEST_MANIFEST_NAME);
        *ret_size = (size_t)st.st_size;
        return r;
}

/* Reads exactly `size` bytes, up to the end of the file. */
static int read_all(int fd, char *p, size_t size) {
        size_t k = 0;

        for (;;) {
                char byte;
                ssize_t n = k < size ? read(fd, p + k, size - k) : read(fd, &byte, 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return k == size ? 0 : -ESTALE;
                if (k == size)
                        return -ESTALE;
                k += (size_t)n;
        }
}

static int check_pin(Attest *a) {
        const char *pin = a->options.pin;

        if (!pin || streq(pin, a->report->digest))
                return 0;
        return attest_fail(a->report, -EKEYREJECTED,
                "the manifest is not the pinned one: its sha256 is %s, manifest_sha256 is %s",
                a->report->digest, pin);
}

static int load_manifest(Verify *v) {
        uint8_t digest[SHA256_SIZE];
        ManifestError error;
        Attest *a = &v->a;
        size_t size = 0;

        _cleanup_close_ int fd = open_manifest(a, &size);
        if (fd < 0)
                return fd;
        _cleanup_free_ char *text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        int r = read_all(fd, text, size);
        if (r < 0)
                return attest_fail_path(a->report, r, ATTEST_MANIFEST_NAME);

        r = hasher_buffer(a->hasher, text, size, digest);
        if (r < 0)
                return r;
        sha256_to_hex(digest, a->report->digest);
        r = check_pin(a);
        if (r < 0)
                return r;

        r = manifest_parse(text, size, &v->manifest, &error);
        if (r == -EINVAL)
                return attest_fail(
                        a->report, r, "malformed manifest, line %zu: %s", error.line, error.reason);
        if (r < 0)
                return r;

        a->report->version = v->manifest->version;
        a->report->done.entries_total = v->manifest->n;
        for (size_t i = 0; i < v->manifest->n; i++)
                a->report->done.bytes_total += v->manifest->entries[i].size;
        v->seen = calloc(v->manifest->n + 1, sizeof(*v->seen));
        return v->seen ? 0 : -ENOMEM;
}

static mode_t entry_format(const ManifestEntry *m) {
        switch (m->type) {
        case ENTRY_DIRECTORY:
                return S_IFDIR;
        case ENTRY_SYMLINK:
                return S_IFLNK;
        case ENTRY_FILE:
                break;
        }
        return S_IFREG;
}

/* Appends one difference. */
#define differ(b, ...) (strbuf_puts((b), (b)->len > 0 ? ", " : ""), strbuf_printf((b), __VA_ARGS__))

/* Appends what of the inode differs from the manifest's line. */
static void compare_inode(const ManifestEntry *m, const struct stat *st, StrBuf *b) {
        unsigned mode = st->st_mode & 07777;

        if (mode != m->mode)
                differ(b, "mode is %04o, not %04o", mode, m->mode);
        if (st->st_uid != m->uid)
                differ(b, "uid is %u, not %llu", st->st_uid, (unsigned long long)m->uid);
        if (st->st_gid != m->gid)
                differ(b, "gid is %u, not %llu", st->st_gid, (unsigned long long)m->gid);
        if (m->type == ENTRY_FILE && (uint64_t)st->st_size != m->size)
                differ(b, "size is %lld, not %llu", (long long)st->st_size, (unsigned long long)m->size);
}

static int compare_link(const ManifestEntry *m, int fd, StrBuf *b) {
        _cleanup_free_ char *target = NULL;

        int r = attest_read_link(fd, &target);
        if (r < 0 || streq(target, m->target))
                return r;

        _cleanup_free_ char *is = attest_show_path(target), *should = attest_show_path(m->target);
        if (!is || !should)
                return -ENOMEM;
        differ(b, "target is %s, not %s", is, should);
        return 0;
}

static int compare_xattrs(Verify *v, const ManifestEntry *m, int fd, StrBuf *b) {
        _cleanup_free_ char *xattrs = NULL;

        int r = attest_read_xattrs(&v->a, fd, &xattrs);
        if (r < 0 || streq(xattrs ?: "", m->xattrs ?: ""))
                return r;
        /* A value has up to 128 KiB of digits: the line shows a beginning. */
        differ(b, "extended attributes are%.200s, not%.200s", xattrs ?: " none", m->xattrs ?: " none");
        return 0;
}

static int compare_content(Verify *v, const ManifestEntry *m, const WalkEntry *e, StrBuf *b) {
        uint8_t digest[SHA256_SIZE];

        if (attest_is_sparse_giant(&e->st)) {
                differ(b, "a sparse file of %lld bytes, not hashed", (long long)e->st.st_size);
                return 0;
        }
        int r = attest_hash(&v->a, e, digest);
        if (r < 0)
                return r;
        if (memcmp(digest, m->digest, sizeof(digest)) != 0) {
                char is[SHA256_HEX_SIZE], should[SHA256_HEX_SIZE];
                sha256_to_hex(digest, is);
                sha256_to_hex(m->digest, should);
                differ(b, "content is sha256 %.16s..., not %.16s...", is, should);
        }
        return 0;
}

/* Appends to *b all that differs; nothing where the entry is as it should be. */
static int compare_entry(Verify *v, const ManifestEntry *m, const WalkEntry *e, StrBuf *b) {
        if (e->problem) {
                differ(b, "%s", e->problem);
                return 0;
        }
        if ((e->st.st_mode & S_IFMT) != entry_format(m)) {
                differ(b, "is a %s, not a %s", attest_type_name(e->st.st_mode),
                        attest_type_name(entry_format(m)));
                return 0;
        }
        if (v->manifest->version == 1)
                return compare_content(v, m, e, b);

        int r = 0;
        compare_inode(m, &e->st, b);
        if (m->type == ENTRY_SYMLINK)
                r = compare_link(m, e->fd, b);
        if (r >= 0)
                r = compare_xattrs(v, m, e->fd, b);
        if (r >= 0 && m->type == ENTRY_FILE && (uint64_t)e->st.st_size == m->size)
                r = compare_content(v, m, e, b);
        return r;
}

/* An entry without a line of its own. */
static int visit_unlisted(Verify *v, const WalkEntry *e) {
        AttestReport *r = v->a.report;

        /* Version 1 says nothing of directories, nor of links that lead nowhere. */
        bool silent = S_ISDIR(e->st.st_mode) || S_ISLNK(e->st.st_mode);
        if (v->manifest->version == 1 && silent && !e->problem)
                return 0;
        return attest_list_add(r, &r->extra, v->a.options.list_max, e->path,
                strdup(e->problem ?: attest_type_name(e->st.st_mode)));
}

static int visit(const WalkEntry *e, void *userdata) {
        Verify *v = userdata;
        AttestReport *report = v->a.report;
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *what = NULL;

        if (streq(e->path, ATTEST_MANIFEST_NAME))
                return 0;
        report->done.entries++;
        if (v->a.options.progress)
                v->a.options.progress(&report->done, v->a.options.userdata);

        const ManifestEntry *m = manifest_find(v->manifest, e->path);
        if (!m)
                return visit_unlisted(v, e);

        v->seen[m - v->manifest->entries] = true;
        int r = compare_entry(v, m, e, &b);
        if (r < 0 || (b.len == 0 && !b.failed))
                return r;
        r = strbuf_finish(&b, &what);
        if (r < 0)
                return r;
        return attest_list_add(report, &report->changed, v->a.options.list_max, e->path, TAKE_PTR(what));
}

static int list_missing(Verify *v) {
        AttestReport *report = v->a.report;

        for (size_t i = 0; i < v->manifest->n; i++) {
                const ManifestEntry *m = &v->manifest->entries[i];
                if (v->seen[i])
                        continue;
                int r = attest_list_add(report, &report->missing, v->a.options.list_max, m->path,
                        strdup(attest_type_name(entry_format(m))));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int verify(Verify *v) {
        Attest *a = &v->a;

        int r = load_manifest(v);
        if (r < 0)
                return r;
        r = attest_walk(a, v->manifest->version, visit, v);
        if (r < 0)
                return r == -ENOMEM ? r : attest_fail_path(a->report, r, a->path);
        r = list_missing(v);
        if (r < 0)
                return r;

        attest_report_sort(a->report, a->options.list_max);
        if (a->report->missing.count + a->report->changed.count + a->report->extra.count > 0)
                return attest_fail_mismatch(a->report);
        return 0;
}

int attest_verify(int root_fd, const AttestOptions *options, AttestReport *report) {
        _cleanup_(verify_done) Verify v = {};

        int r = attest_begin(&v.a, root_fd, options, report);
        if (r >= 0)
                r = verify(&v);
        if (r < 0)
                (void)attest_fail(report, r, "cannot attest the root tree: %s", strerror(-r));
        return r;
}
