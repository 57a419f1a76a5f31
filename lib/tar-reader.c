/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive, taken at run time. It converts names of pax archives to the locale's character set, and on the
 * way merges names that differ in their Unicode normalisation: in the "C" locale it cannot, says so by a
 * warning, and gives the bytes as they are. Must never call what writes to disk.
 */

#include "tar-reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/stat.h>

#include "library.h"

#define LIBARCHIVE "libarchive.so.13"
#define BLOCK_SIZE (256U * 1024)

/* name, as in libarchive's headers: one pointer of the function's own type for each. */
#define FUNCTIONS(f)                                                                                        \
        f(archive_read_new);                                                                                \
        f(archive_read_free);                                                                               \
        f(archive_read_support_filter_bzip2);                                                               \
        f(archive_read_support_filter_gzip);                                                                \
        f(archive_read_support_filter_lzma);                                                                \
        f(archive_read_support_filter_xz);                                                                  \
        f(archive_read_support_filter_zstd);                                                                \
        f(archive_read_support_format_raw);                                                                 \
        f(archive_read_support_format_tar);                                                                 \
        f(archive_read_open_fd);                                                                            \
        f(archive_read_next_header);                                                                        \
        f(archive_read_data_block);                                                                         \
        f(archive_error_string);                                                                            \
        f(archive_errno);                                                                                   \
        f(archive_entry_acl_types);                                                                         \
        f(archive_entry_filetype);                                                                          \
        f(archive_entry_gid);                                                                               \
        f(archive_entry_hardlink);                                                                          \
        f(archive_entry_pathname);                                                                          \
        f(archive_entry_perm);                                                                              \
        f(archive_entry_size);                                                                              \
        f(archive_entry_symlink);                                                                           \
        f(archive_entry_uid);                                                                               \
        f(archive_entry_xattr_next);                                                                        \
        f(archive_entry_xattr_reset)

struct TarReader {
#define DECLARE(name) __typeof__(name) *name
        FUNCTIONS(DECLARE);
#undef DECLARE
        struct archive *archive;
        struct archive_entry *entry;
        locale_t locale;
        char *error;
};

static int load(TarReader *r) {
        void *lib = NULL;
        int k = library_open(LIBARCHIVE, &lib);

#define LOAD(name) k = k < 0 ? k : library_find(lib, #name, &r->name)
        FUNCTIONS(LOAD);
#undef LOAD
        return k;
}

TarReader *tar_reader_free(TarReader *r) {
        if (!r)
                return NULL;
        if (r->archive)
                r->archive_read_free(r->archive);
        if (r->locale)
                freelocale(r->locale);
        free(r->error);
        free(r);
        return NULL;
}

const char *tar_reader_error(const TarReader *r) {
        return r->error ?: "unknown error";
}

/* Keeps libarchive's message, whose lines become one. */
static int failed(TarReader *r) {
        const char *text = r->archive_error_string(r->archive);

        free(r->error);
        r->error = strdup(text ?: "not readable as a tar archive");
        for (char *p = r->error; p && *p; p++)
                if (*p == '\n')
                        *p = ' ';
        int error = r->archive_errno(r->archive);
        return error == ENOMEM || error == EIO || error == ENOSPC ? -error : -EBADMSG;
}

/* ARCHIVE_WARN: this libarchive would run a program of that name. We run none that an archive asks for. */
static int support(TarReader *r, bool raw) {
        int (*const filters[])(struct archive *) = {
                r->archive_read_support_filter_gzip,
                r->archive_read_support_filter_xz,
                r->archive_read_support_filter_zstd,
                r->archive_read_support_filter_bzip2,
                r->archive_read_support_filter_lzma,
        };

        r->archive = r->archive_read_new();
        if (!r->archive)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(filters); i++) {
                int k = filters[i](r->archive);
                if (k == ARCHIVE_WARN) {
                        r->error = strdup(
                                "this libarchive was built without one of gzip, xz, zstd, bzip2 and lzma");
                        return -EOPNOTSUPP;
                }
                if (k != ARCHIVE_OK)
                        return failed(r);
        }
        int k = raw ? r->archive_read_support_format_raw(r->archive)
                    : r->archive_read_support_format_tar(r->archive);
        return k == ARCHIVE_OK ? 0 : failed(r);
}

int tar_reader_new(int fd, bool raw, TarReader **ret_, char **reterr_) {
        _cleanup_tar_reader_ TarReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;

        int r = load(reader);
        if (r < 0)
                return r;
        reader->locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
        if (!reader->locale)
                return -ENOMEM;
        r = support(reader, raw);
        if (r >= 0 && reader->archive_read_open_fd(reader->archive, fd, BLOCK_SIZE) != ARCHIVE_OK)
                r = failed(reader);
        if (r < 0) {
                *reterr_ = TAKE_PTR(reader->error);
                return r;
        }
        *ret_ = TAKE_PTR(reader);
        return 0;
}

static TarType entry_type(const TarReader *r) {
        static const struct {
                mode_t format;
                TarType type;
        } types[] = {
                { S_IFREG, TAR_FILE },
                { S_IFDIR, TAR_DIRECTORY },
                { S_IFLNK, TAR_SYMLINK },
                { S_IFIFO, TAR_FIFO },
                { S_IFCHR, TAR_CHARACTER_DEVICE },
                { S_IFBLK, TAR_BLOCK_DEVICE },
        };
        mode_t format = r->archive_entry_filetype(r->entry);

        if (r->archive_entry_hardlink(r->entry))
                return TAR_HARD_LINK;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (types[i].format == format)
                        return types[i].type;
        return TAR_OTHER;
}

int tar_reader_next(TarReader *r, TarEntry *ret_) {
        locale_t before = uselocale(r->locale);
        int k = r->archive_read_next_header(r->archive, &r->entry);

        (void)uselocale(before);
        if (k == ARCHIVE_EOF)
                return 0;
        if (k != ARCHIVE_OK && k != ARCHIVE_WARN)
                return failed(r);
        *ret_ = (TarEntry){
                .type = entry_type(r),
                .path = r->archive_entry_pathname(r->entry),
                .mode = r->archive_entry_perm(r->entry),
                .uid = r->archive_entry_uid(r->entry),
                .gid = r->archive_entry_gid(r->entry),
                .size = r->archive_entry_size(r->entry),
                .has_acl = r->archive_entry_acl_types(r->entry) != 0,
        };
        ret_->link = ret_->type == TAR_HARD_LINK ? r->archive_entry_hardlink(r->entry)
                     : ret_->type == TAR_SYMLINK ? r->archive_entry_symlink(r->entry)
                                                 : NULL;
        if (!ret_->path || ((ret_->type == TAR_HARD_LINK || ret_->type == TAR_SYMLINK) && !ret_->link)) {
                free(r->error);
                r->error = strdup("an entry without a name or a link without a target");
                return -EBADMSG;
        }
        (void)r->archive_entry_xattr_reset(r->entry);
        return 1;
}

int tar_reader_data(TarReader *r, const void **ret_data, size_t *ret_n, int64_t *ret_offset) {
        la_int64_t offset = 0;
        int k = r->archive_read_data_block(r->archive, ret_data, ret_n, &offset);

        if (k == ARCHIVE_EOF)
                return 0;
        /* A warning here is a file that is not whole. */
        if (k != ARCHIVE_OK)
                return failed(r);
        *ret_offset = offset;
        return 1;
}

bool tar_reader_xattr(TarReader *r, const char **ret_name, const void **ret_value, size_t *ret_n) {
        return r->archive_entry_xattr_next(r->entry, ret_name, ret_value, ret_n) == ARCHIVE_OK;
}
