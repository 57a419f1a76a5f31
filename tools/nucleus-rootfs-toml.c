/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines to paste into a configuration: where the root tree is and what it must be, and for an image what
 * its configuration says of the program. An image's words go into quoted strings, or into comments of one
 * line: none can become a key of its own.
 */

#include "nucleus-rootfs.h"

#include "diag.h"
#include "path.h"
#include "strbuf.h"
#include "utf8.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* As a basic string of TOML; what deceives a reader as an escape. */
static void add_quoted(StrBuf *b, const char *s) {
        size_t n = strlen(s);

        strbuf_putc(b, '"');
        while (n > 0) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0)
                        strbuf_putc(b, '?');
                else if (c == '"' || c == '\\')
                        strbuf_printf(b, "\\%c", (char)c);
                else if (character_is_control(c) || character_is_deceptive(c))
                        strbuf_printf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
                else
                        strbuf_add(b, s, k);
                k = k ?: 1;
                s += k;
                n -= k;
        }
        strbuf_putc(b, '"');
}

static void add_key(StrBuf *b, const char *key, const char *value) {
        strbuf_printf(b, "%s = ", key);
        add_quoted(b, value);
        strbuf_putc(b, '\n');
}

/* Somebody's words in a comment. */
static void add_comment(StrBuf *b, const char *what, const char *words) {
        strbuf_printf(b, "# %s: ", what);
        add_quoted(b, words);
        strbuf_putc(b, '\n');
}

/* ---- the program ---- */

static bool is_program(const Rootfs *r, const char *path) {
        _cleanup_close_ int fd = root_open(&r->tree, path + strspn(path, "/"), O_PATH);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static const char *variable(const Image *i, const char *name) {
        size_t n = strlen(name);

        STRV_FOREACH(s, i->environment)
        if (strncmp(s, name, n) == 0 && s[n] == '=')
                return s + n + 1;
        return NULL;
}

/* The absolute path of a program as execvp(3) would find it in the tree: to be freed, or NULL. */
static char *find_program(const Rootfs *r, const char *name) {
        const char *directories = variable(&r->image, "PATH") ?: PATH_DEFAULT;
        char *path = NULL;

        if (name[0] == '/')
                return is_program(r, name) ? strdup(name) : NULL;
        if (strchr(name, '/')) {
                const char *base = r->image.workdir ?: "/";
                name = startswith(name, "./") ?: name;
                if (asprintf(&path, "%s%s%s", base, endswith(base, "/") ? "" : "/", name) < 0)
                        return NULL;
                if (!path_problem(path) && is_program(r, path))
                        return path;
                free(path);
                return NULL;
        }
        for (const char *p = directories; *p;) {
                size_t n = strcspn(p, ":");
                if (n > 0 && p[0] == '/' && asprintf(&path, "%.*s/%s", (int)n, p, name) >= 0) {
                        if (!path_problem(path) && is_program(r, path))
                                return path;
                        free(path);
                }
                p += n + (p[n] == ':');
        }
        return NULL;
}

static void add_command(const Rootfs *r, StrBuf *b) {
        const Image *i = &r->image;
        char *const *lists[] = { i->entrypoint, i->command };
        const char *first = i->entrypoint ? i->entrypoint[0] : i->command ? i->command[0] : NULL;

        if (!first) {
                strbuf_puts(b, "# command = [\"/bin/…\"]           # the image says none: required\n");
                return;
        }
        _cleanup_free_ char *program = find_program(r, first);
        if (!program)
                add_comment(b, "no such program is in the tree", first);
        strbuf_puts(b, "command = [");
        size_t n = 0;
        for (size_t k = 0; k < ELEMENTSOF(lists); k++)
                STRV_FOREACH(word, lists[k]) {
                        strbuf_puts(b, n ? ", " : "");
                        add_quoted(b, n == 0 && program ? program : word);
                        n++;
                }
        strbuf_puts(b, "]\n");
}

static void add_user(const Image *i, StrBuf *b) {
        const char *colon = i->user ? strchr(i->user, ':') : NULL;

        if (!i->user)
                return;
        _cleanup_free_ char *user = strndup(i->user, colon ? (size_t)(colon - i->user) : strlen(i->user));
        if (!user)
                b->failed = true;
        else if (user[0])
                add_key(b, "user", user);
        if (colon && colon[1])
                add_key(b, "group", colon + 1);
}

static void add_environment(const Image *i, StrBuf *b) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

        if (!i->environment)
                return;
        strbuf_puts(b, "\n[environment]\n");
        STRV_FOREACH(s, i->environment) {
                _cleanup_free_ char *name = strndup(s, strcspn(s, "=")), *shown = NULL;
                if (!name || text_sanitise(s, &shown) < 0) {
                        b->failed = true;
                        return;
                }
                size_t n = strlen(name);
                /* The first of a name is the one that getenv(3) finds; a second would be no TOML. */
                if (s[n] != '=' || n == 0 || strspn(name, allowed) != n ||
                        (name[0] >= '0' && name[0] <= '9') || !streq(s, shown) ||
                        variable(i, name) != s + n + 1)
                        add_comment(b, "not taken from the image", s);
                else
                        add_key(b, name, s + n + 1);
        }
}

static void add_volumes(const Image *i, StrBuf *b) {
        STRV_FOREACH(volume, i->volumes) {
                strbuf_puts(b, "\n# The image keeps data here. A directory of the host, that must exist:\n# "
                               "[[volumes]]\n");
                strbuf_puts(b, "# source = \"/var/lib/…\"\n# target = ");
                add_quoted(b, volume);
                strbuf_putc(b, '\n');
        }
        STRV_FOREACH(port, i->ports)
        add_comment(b, "the image listens on; see [[sockets]] in nucleus.toml(5)", port);
}

/* ---- attestation ---- */

static void add_attestation(const Rootfs *r, StrBuf *b) {
        const char *hex = r->o->format == ROOTFS_DIRECTORY ? r->report.digest
                          : r->root_hash[0]                ? r->root_hash
                          : r->image_fsverity[0]           ? r->image_fsverity
                                                           : r->image_sha256;
        const char *key = r->o->format == ROOTFS_DIRECTORY ? "manifest_sha256"
                          : r->root_hash[0]                ? "root_hash"
                          : r->image_fsverity[0]           ? "image_fsverity"
                                                           : "image_sha256";

        strbuf_puts(b, "\n[attestation]\n");
        if (r->o->fsverity && r->o->format == ROOTFS_DIRECTORY)
                add_key(b, "method", "fsverity");
        add_key(b, key, hex);
        if (r->key.public_key)
                add_key(b, "public_key", r->key.public_key);
        if (r->o->fsverity) {
                strbuf_puts(b, "# before the first start: nucleus attest --enable-verity ");
                add_quoted(b, r->output);
                strbuf_putc(b, '\n');
        }
}

int rootfs_format_toml(const Rootfs *r, char **ret_) {
        bool image = r->image.n_layers > 0;
        const Image *i = &r->image;
        StrBuf b = {};

        if (image && i->name)
                add_comment(&b, "made of the image", i->name);
        if (image)
                add_command(r, &b);
        add_key(&b, "rootfs", r->output);
        if (image)
                add_user(i, &b);
        if (image && i->workdir && path_problem(i->workdir))
                add_comment(&b, "not taken from the image, workdir", i->workdir);
        else if (image && i->workdir)
                add_key(&b, "workdir", i->workdir);
        add_attestation(r, &b);
        if (image) {
                strbuf_puts(&b,
                        "\n[resources]\nmemory = \"512M\"                 # a guess: no image says it\n");
                add_environment(i, &b);
                add_volumes(i, &b);
        }
        return strbuf_finish(&b, ret_);
}
