/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry and what it should be. Metadata is compared before content, so that a file of the wrong size is
 * never hashed. Must never trust anything of the entry before it has been compared.
 */

#include "attest-internal.h"

#include "tree-walk.h"

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
                differ(b, "uid is %u, not %u", st->st_uid, m->uid);
        if (st->st_gid != m->gid)
                differ(b, "gid is %u, not %u", st->st_gid, m->gid);
        if (m->type == ENTRY_FILE && (uint64_t)st->st_size != m->size)
                differ(b, "size is %lld, not %llu", (long long)st->st_size, (unsigned long long)m->size);
}

static bool text_equal(const char *a, size_t a_n, const char *b, size_t b_n) {
        return a_n == b_n && (a_n == 0 || memcmp(a, b, a_n) == 0);
}

static int compare_link(const ManifestEntry *m, int fd, StrBuf *b) {
        _cleanup_free_ char *target = NULL;

        int r = attest_read_link(fd, &target);
        if (r < 0)
                return r;
        _cleanup_free_ char *shown = attest_show_path(target);
        if (!shown)
                return -ENOMEM;
        if (!text_equal(shown, strlen(shown), m->target, m->target_n))
                differ(b, "target is %s, not %.*s", shown, (int)m->target_n, m->target);
        return 0;
}

static int compare_xattrs(Worker *w, const ManifestEntry *m, const Opened *o, StrBuf *b) {
        _cleanup_free_ char *xattrs = NULL;
        size_t n;

        int r = attest_read_xattrs(w, o, &xattrs, &n);
        if (r < 0 || text_equal(xattrs, n, m->xattrs, m->xattrs_n))
                return r;
        /* A value has up to 128 KiB of digits: the line shows a beginning. */
        differ(b, "extended attributes are%.200s, not%.*s", xattrs ?: " none",
                m->xattrs_n ? (int)(m->xattrs_n < 200 ? m->xattrs_n : 200) : 5,
                m->xattrs_n ? m->xattrs : " none");
        return 0;
}

static void differ_digest(
        StrBuf *b, const char *kind, const uint8_t digest[SHA256_SIZE], const uint8_t wanted[SHA256_SIZE]) {
        char is[SHA256_HEX_SIZE], should[SHA256_HEX_SIZE];

        if (memcmp(digest, wanted, SHA256_SIZE) == 0)
                return;
        sha256_to_hex(digest, is);
        sha256_to_hex(wanted, should);
        differ(b, "content is %s %.16s..., not %.16s...", kind, is, should);
}

/* By the kernel's word: fs-verity. */
static int measure(const Item *item, const Opened *o, StrBuf *b) {
        uint8_t digest[SHA256_SIZE];
        _cleanup_close_ int again = -EBADF;

        if (o->path_only) {
                again = reopen_for_reading(o->fd, 0);
                if (again < 0)
                        return again;
        }
        int r = fsverity_measure(o->path_only ? again : o->fd, digest);
        switch (r) {
        case 0:
                differ_digest(b, "fsverity sha256", digest, item->m.fsverity);
                return 0;
        case -ENODATA:
                differ(b, "it has no fs-verity");
                return 0;
        case -EOPNOTSUPP:
        case -ENOTTY:
                differ(b, "it has no fs-verity, nor has its file system");
                return 0;
        case -EBADMSG:
                differ(b, "its fs-verity is of another kind than sha256 of blocks of 4096 bytes");
                return 0;
        default:
                return r;
        }
}

static int compare_content(Worker *w, Item *item, const Opened *o, StrBuf *b) {
        uint8_t digest[SHA256_SIZE];

        if (attest_is_sparse_giant(&o->st)) {
                differ(b, "a sparse file of %lld bytes, not hashed", (long long)o->st.st_size);
                return 0;
        }
        if (w->a->options.fsverity)
                return measure(item, o, b);
        int r = attest_hash(w, o, o->st.st_nlink > 1, digest, NULL, &item->bytes);
        if (r >= 0)
                differ_digest(b, "sha256", digest, item->m.digest);
        return r;
}

/* Is the file to be read, by what was seen of it? */
static bool is_wanted(const Item *item, const struct stat *st) {
        return item->m.type == ENTRY_FILE && (uint64_t)st->st_size == item->m.size &&
               !attest_is_sparse_giant(st);
}

static int compare_opened(Worker *w, Item *item, const Opened *o, StrBuf *b) {
        const ManifestEntry *m = &item->m;

        if (attest_is_listed_wrong(item, o)) {
                differ(b, "is a %s, which its directory lists as a %s", attest_type_name(o->st.st_mode),
                        attest_type_name(DTTOIF(item->type)));
                return 0;
        }
        if ((o->st.st_mode & S_IFMT) != entry_format(m)) {
                differ(b, "is a %s, not a %s", attest_type_name(o->st.st_mode),
                        attest_type_name(entry_format(m)));
                return 0;
        }
        compare_inode(m, &o->st, b);
        int r = m->type == ENTRY_SYMLINK ? compare_link(m, o->fd, b) : 0;
        if (r >= 0)
                r = compare_xattrs(w, m, o, b);
        if (r >= 0 && m->type == ENTRY_FILE && (uint64_t)o->st.st_size == m->size)
                r = compare_content(w, item, o, b);
        return r;
}

int attest_compare(Worker *w, Item *item) {
        _cleanup_opened_ Opened o = { .fd = -EBADF };
        _cleanup_strbuf_ StrBuf b = {};
        int r = 0;

        /* A directory that the walk has looked at, as a rule. */
        if (item->has_stat && item->plain && item->m.type == ENTRY_DIRECTORY && item->m.xattrs_n == 0)
                compare_inode(&item->m, &item->st, &b);
        else
                r = attest_open(item, is_wanted, &o) ?: compare_opened(w, item, &o, &b);
        if (r < 0 || (b.len == 0 && !b.failed))
                return r;
        return strbuf_finish(&b, &item->what);
}
