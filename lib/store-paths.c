/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of Nix store paths of a root tree: strict text, read beneath the root and found again beneath the
 * host's store. Must never follow a link, nor put a byte of the file into a message that was not checked.
 */

#include "store-paths.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "diag.h"
#include "io.h"
#include "tree-walk.h"

#define HASH_LENGTH 32U
#define NAME_MAX_LENGTH 211U /* so that "HASH-NAME.lock" has 250 bytes */
#define PREFIX STORE_DIRECTORY "/"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define HASH_DIGITS "0123456789abcdfghijklmnpqrsvwxyz" /* no e, o, t, u */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._?="

StorePaths *store_paths_free(StorePaths *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++) {
                free(s->paths[i].name);
                close_fd(s->paths[i].fd);
        }
        free(s->paths);
        free(s->text);
        free(s);
        return NULL;
}

/* ---- text ---- */

/* How many of the first `n` bytes are of the set. */
static size_t span(const char *text, size_t n, const char *set) {
        size_t i = 0;

        while (i < n && text[i] != '\0' && strchr(set, text[i]))
                i++;
        return i;
}

/* What is wrong with HASH-NAME, or NULL. */
static const char *name_problem(const char *name, size_t n) {
        if (span(name, n < HASH_LENGTH ? n : HASH_LENGTH, HASH_DIGITS) != HASH_LENGTH)
                return "a hash of 32 digits of Nix's base 32 must follow /nix/store/";
        if (n == HASH_LENGTH || name[HASH_LENGTH] != '-')
                return "\"-\" and a name must follow the hash";

        const char *rest = name + HASH_LENGTH + 1;
        size_t rest_n = n - HASH_LENGTH - 1, good = span(rest, rest_n, NAME_CHARACTERS);
        if (rest_n == 0)
                return "\"-\" and a name must follow the hash";
        if (good < rest_n && rest[good] == '/')
                return "only store paths themselves can be listed, not what lies in them";
        if (good < rest_n)
                return "the name of a store path has letters, digits and + - . _ ? = only";
        return rest_n > NAME_MAX_LENGTH ? "the name of a store path has at most 211 characters" : NULL;
}

static const char *line_problem(const char *line, size_t n) {
        if (n == 0)
                return "empty lines are not allowed";
        if (line[n - 1] == '\r')
                return "lines must end in LF alone, without CR";
        if (n < PREFIX_LENGTH || memcmp(line, PREFIX, PREFIX_LENGTH) != 0)
                return "a path must begin with /nix/store/";
        return name_problem(line + PREFIX_LENGTH, n - PREFIX_LENGTH);
}

static int add(StorePaths *s, const char *name, size_t n) {
        StorePath *paths = grown(s->paths, s->n, sizeof(*paths));

        if (!paths)
                return -ENOMEM;
        s->paths = paths;
        s->paths[s->n] = (StorePath){ .name = strndup(name, n), .fd = -EBADF };
        if (!s->paths[s->n].name)
                return -ENOMEM;
        s->n++;
        return 0;
}

/* `text` has a NUL behind its `n` bytes. */
static int parse_lines(StorePaths *s, char **reterr_) {
        const char *p = s->text, *end = s->text + s->text_size;

        for (unsigned line = 1; p < end; line++) {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                if (!newline)
                        return error_set(
                                reterr_, -EINVAL, "line %u: the last line must end in a newline", line);
                const char *problem = line_problem(p, (size_t)(newline - p));
                if (problem)
                        return error_set(reterr_, -EINVAL, "line %u: %s", line, problem);
                int r = add(s, p + PREFIX_LENGTH, (size_t)(newline - p) - PREFIX_LENGTH);
                if (r < 0)
                        return r;
                p = newline + 1;
        }
        return 0;
}

static int compare(const void *a, const void *b) {
        return strcmp(((const StorePath *)a)->name, ((const StorePath *)b)->name);
}

/* The line on which a path is there for the second time. Only for the message. */
static unsigned second_line(const StorePaths *s, const char *name) {
        size_t n = strlen(name);
        unsigned line = 0, seen = 0;

        for (const char *p = s->text; seen < 2; p = strchr(p, '\n') + 1, line++)
                seen += strncmp(p + PREFIX_LENGTH, name, n) == 0 && p[PREFIX_LENGTH + n] == '\n';
        return line;
}

/* closureInfo sorts, `nix-store -qR` does not: the order says nothing. */
static int sort(StorePaths *s, char **reterr_) {
        if (s->n == 0)
                return error_set(reterr_, -EINVAL, "line 1: there is no store path: remove the file");
        qsort(s->paths, s->n, sizeof(*s->paths), compare);
        for (size_t i = 1; i < s->n; i++)
                if (streq(s->paths[i - 1].name, s->paths[i].name))
                        return error_set(reterr_, -EINVAL, "line %u: " PREFIX "%s is there twice",
                                second_line(s, s->paths[i].name), s->paths[i].name);
        return 0;
}

/* Takes the text, which has a NUL behind its `n` bytes, whatever it returns. */
static int parse(char *text, size_t n, StorePaths **ret_, char **reterr_) {
        _cleanup_store_paths_ StorePaths *s = calloc(1, sizeof(*s));

        *reterr_ = NULL;
        if (!s) {
                free(text);
                return -ENOMEM;
        }
        s->text = text;
        s->text_size = n;
        int r = parse_lines(s, reterr_);
        if (r >= 0)
                r = sort(s, reterr_);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(s);
        return 0;
}

int store_paths_parse(const char *text, size_t n, StorePaths **ret_, char **reterr_) {
        char *copy = malloc(n + 1);

        *reterr_ = NULL;
        if (!copy)
                return -ENOMEM;
        if (n > 0)
                memcpy(copy, text, n);
        copy[n] = '\0';
        return parse(copy, n, ret_, reterr_);
}

/* ---- files ---- */

/* What it is where it is no regular file of a good size; a descriptor to read from, or -errno. */
static int open_list(int root_fd, char **reterr_) {
        _cleanup_close_ int fd = open_beneath(root_fd, STORE_PATHS_NAME, O_PATH | O_NOFOLLOW);
        struct stat st;

        if (fd == -ENOENT)
                return fd;
        if (fd < 0)
                return error_set(reterr_, fd, STORE_PATHS_NAME " cannot be opened: %s", strerror(-fd));
        if (fstat(fd, &st) < 0)
                return error_set(reterr_, -errno, STORE_PATHS_NAME " cannot be looked at: %m");
        if (!S_ISREG(st.st_mode))
                return error_set(reterr_, -EINVAL, STORE_PATHS_NAME " is no regular file%s",
                        S_ISLNK(st.st_mode) ? ", but a symbolic link: write a copy of what it leads to"
                                            : "");
        if (st.st_size > STORE_PATHS_MAX)
                return error_set(reterr_, -EINVAL, STORE_PATHS_NAME " is larger than 4 MiB");
        int in = reopen_for_reading(fd, 0);
        return in < 0 ? error_set(reterr_, in, STORE_PATHS_NAME " cannot be read: %s", strerror(-in)) : in;
}

static int read_list(int root_fd, char **ret_, size_t *ret_n, char **reterr_) {
        _cleanup_close_ int fd = open_list(root_fd, reterr_);
        if (fd < 0)
                return fd;
        _cleanup_free_ char *text = malloc(STORE_PATHS_MAX + 1);
        size_t n = 0;

        if (!text)
                return -ENOMEM;
        int r = read_to_end(fd, text, STORE_PATHS_MAX, &n);
        if (r == -EFBIG) /* it grew since */
                return error_set(reterr_, -EINVAL, STORE_PATHS_NAME " is larger than 4 MiB");
        if (r < 0)
                return error_set(reterr_, r, STORE_PATHS_NAME " cannot be read: %s", strerror(-r));
        text[n] = '\0';
        char *smaller = realloc(text, n + 1);
        text = smaller ?: text;
        *ret_ = TAKE_PTR(text);
        *ret_n = n;
        return 0;
}

int store_paths_read(int root_fd, StorePaths **ret_, char **reterr_) {
        _cleanup_free_ char *problem = NULL;
        char *text = NULL;
        size_t n = 0;

        *reterr_ = NULL;
        int r = read_list(root_fd, &text, &n, reterr_);
        if (r == -ENOENT && !*reterr_) {
                *ret_ = NULL;
                return 0;
        }
        if (r < 0)
                return r;
        r = parse(text, n, ret_, &problem);
        return r == -EINVAL && problem ? error_set(reterr_, r, STORE_PATHS_NAME ", %s", problem) : r;
}

static int open_one(int store_fd, StorePath *p, char **reterr_) {
        close_fd(p->fd);
        p->fd = open_beneath(store_fd, p->name, O_PATH | O_NOFOLLOW);
        if (p->fd == -ENOENT)
                return error_set(reterr_, p->fd,
                        "the host lacks the store path " PREFIX "%s, which " STORE_PATHS_NAME " lists",
                        p->name);
        if (p->fd == -EMFILE)
                return error_set(reterr_, p->fd,
                        "there are more store paths than this process may have open files: raise the "
                        "limit (ulimit -n, LimitNOFILE=)");
        return p->fd < 0 ? error_set(reterr_, p->fd, "the store path " PREFIX "%s cannot be opened", p->name)
                         : 0;
}

int store_paths_open(StorePaths *s, char **reterr_) {
        *reterr_ = NULL;
        _cleanup_close_ int store = open(STORE_DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (store < 0)
                return error_set(reterr_, -errno, "%s, whose paths " STORE_PATHS_NAME " lists, %s",
                        STORE_DIRECTORY,
                        errno == ENOENT                      ? "is not there"
                        : errno == ENOTDIR || errno == ELOOP ? "is no directory"
                                                             : "cannot be opened");
        for (size_t i = 0; i < s->n; i++) {
                int r = open_one(store, &s->paths[i], reterr_);
                if (r < 0)
                        return r;
        }
        return 0;
}
