/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one file that knows inih. inih cuts long lines, takes " ;" for a comment and ":" for "=", joins
 * indented lines, and says nothing of it. So it is handed the lines of the wanted section alone, each as
 * KEY=VALUE, and what it makes of each is compared with what systemd would. Must never let a line pass that
 * the two read differently.
 */

#include "dropin.h"

#include <ini.h>
#include <strings.h>

#include "dropin-lines.h"
#include "nearest.h"
#include "utf8.h"

typedef struct Reading {
        DropinLines lines;
        const char *section;
        bool inside;       /* of the wanted section */
        bool inside_unit;  /* of [Service] */
        bool inside_other; /* of a section that is not systemd's own either */
        bool (*is_own)(const char *key);
        bool only;  /* nothing but the section may be there */
        bool found; /* the section is there */
        DropinFile *file;
        PolicyError *error;
        int r;

        /* What inih must find in the line that it was handed; empty: no assignment. */
        char *key, *value;
        bool waiting; /* it has not said yet what it found */
} Reading;

/* ---- what systemd is told beside ---- */

#define RUNS "runs a program outside of the sandbox, which neither the service's policy nor the floor binds"
#define SPEC                                                                                                \
        "takes away the spec that nucleus-exec reads from its standard input, and with it policy and floor"
#define FILES "shows nucleus-exec other files than the host's: what it verifies may not be what was meant"
#define RIGHTS "runs nucleus-exec as somebody else: it will lack the rights to build the sandbox"
#define NOTIFY "changes when systemd takes the service for started, and whom it believes"
#define PRELOAD "reaches nucleus-exec and never the workload: use [environment] of the service's file"

static const struct {
        const char *key, *effect;
} replacing_keys[] = {
        { "ExecCondition", RUNS },
        { "ExecReload", RUNS },
        { "ExecStart", RUNS },
        { "ExecStartPost", RUNS },
        { "ExecStartPre", RUNS },
        { "ExecStop", RUNS },
        { "ExecStopPost", RUNS },
        { "StandardInput", SPEC },
        { "StandardInputData", SPEC },
        { "StandardInputText", SPEC },
        { "BindPaths", FILES },
        { "BindReadOnlyPaths", FILES },
        { "ExtensionDirectories", FILES },
        { "ExtensionImages", FILES },
        { "MountImages", FILES },
        { "RootDirectory", FILES },
        { "RootImage", FILES },
        { "TemporaryFileSystem", FILES },
        { "DynamicUser", RIGHTS },
        { "Group", RIGHTS },
        { "User", RIGHTS },
        { "NotifyAccess", NOTIFY },
        { "Type", NOTIFY },
        { "Environment", PRELOAD },
        { "EnvironmentFile", PRELOAD },
        { "PassEnvironment", PRELOAD },
};

DropinFile *dropin_file_free(DropinFile *f) {
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n; i++) {
                free(f->items[i].key);
                free(f->items[i].value);
        }
        for (size_t i = 0; i < f->n_replaced; i++)
                free(f->replaced[i].name);
        for (size_t i = 0; i < f->n_misspelt; i++)
                free(f->misspelt[i].name);
        for (size_t i = 0; i < f->n_stray; i++)
                free(f->stray[i].name);
        free(f->items);
        free(f->replaced);
        free(f->misspelt);
        free(f->stray);
        free(f->path);
        free(f);
        return NULL;
}

/* Each name is noted once; what comes after enough of them says nothing new. */
static int add_note(DropinNote **notes, size_t *n, const char *name, const char *effect, unsigned line) {
        for (size_t i = 0; i < *n; i++)
                if (streq((*notes)[i].name, name))
                        return 0;
        if (*n >= DROPIN_NOTES_MAX)
                return 0;

        DropinNote *p = grown(*notes, *n, sizeof(DropinNote));
        if (!p)
                return -ENOMEM;
        *notes = p;
        p[*n] = (DropinNote){ .name = strdup(name), .effect = effect, .line = line };
        if (!p[*n].name)
                return -ENOMEM;
        (*n)++;
        return 0;
}

/* ---- sections ---- */

/*
 * systemd reads nothing of the file from this line on. That is an error where the section stands behind it
 * (and is the caller's where the line is inside of it); else the file has nothing more for us.
 */
static int stop(Reading *r, const char *what) {
        DropinLines *l = &r->lines;
        _cleanup_free_ char *wanted = NULL;

        if (asprintf(&wanted, "[%s", r->section) < 0) {
                wanted = NULL;
                return -ENOMEM;
        }
        if (r->inside || r->only || memmem(l->start, (size_t)(l->end - l->start), wanted, strlen(wanted)))
                return policy_error_set(r->error, l->number, 0,
                        "%s: systemd reads nothing of a file from such a line on", what);
        return 0;
}

static bool is_safe_in_header(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || strchr("\"'\\\x7f", *s))
                        return false;
        return true;
}

static bool is_misspelt(const char *name, const char *wanted) {
        _cleanup_free_ char *copy = strdup(name);
        const char *stripped = copy ? dropin_strip(copy) : name;

        return strcasecmp(stripped, wanted) == 0 || name_distance(stripped, wanted) <= 2;
}

/* A line that begins with "[". 1: the wanted section begins; 0: another one; -ENODATA: systemd stops here.
 */
static int take_header(Reading *r, char *s) {
        DropinLines *l = &r->lines;
        size_t n = strlen(s);
        int k = 0;

        if (s[n - 1] != ']') {
                k = stop(r, "the section's header has no \"]\" at its end");
                return k < 0 ? k : -ENODATA;
        }
        s[n - 1] = '\0';
        s++;
        if (!is_safe_in_header(s)) {
                k = stop(r, "the section's header has a character that none may have");
                return k < 0 ? k : -ENODATA;
        }
        r->inside = streq(s, r->section);
        r->found = r->found || r->inside;
        r->inside_unit = streq(s, "Service");
        r->inside_other = !r->inside_unit && !streq(s, "Unit") && !streq(s, "Install");
        if (!r->inside && r->only)
                return policy_error_set(r->error, l->number, 0,
                        "unknown section [%.64s]: there may be [%s] alone", s, r->section);
        if (!r->inside && is_misspelt(s, r->section))
                k = add_note(&r->file->misspelt, &r->file->n_misspelt, s, NULL, l->number);
        return k < 0 ? k : r->inside;
}

/* A line outside of the section, which would be lost. */
static int refuse_outside(Reading *r) {
        return policy_error_set(r->error, r->lines.number, 0,
                "the line stands outside of [%s], where it says nothing", r->section);
}

/* An assignment in a section of systemd's, or in none. */
static int take_foreign_line(Reading *r, char *s) {
        DropinFile *f = r->file;
        char *equals = strchr(s, '=');

        if (!equals || equals == s)
                return 0;
        *equals = '\0';
        s = dropin_strip(s);
        if (r->is_own && r->is_own(s))
                return add_note(&f->stray, &f->n_stray, s, NULL, r->lines.number);
        for (size_t i = 0; r->inside_unit && i < ELEMENTSOF(replacing_keys); i++)
                if (streq(s, replacing_keys[i].key))
                        return add_note(
                                &f->replaced, &f->n_replaced, s, replacing_keys[i].effect, r->lines.number);
        return 0;
}

/* ---- lines of the wanted section ---- */

static bool is_utf8(const char *s) {
        size_t k = 1;
        uint32_t c;

        for (size_t n = strlen(s); n > 0 && k > 0; s += k, n -= k) {
                k = utf8_decode(s, n, &c);
                /* systemd takes noncharacters for no UTF-8. */
                if (k > 0 && ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef)))
                        return false;
        }
        return k > 0;
}

static bool has_control(const char *s) {
        for (size_t n = strlen(s), k; n > 0; s += k, n -= k) {
                uint32_t c = 0;

                k = utf8_decode(s, n, &c) ?: 1;
                if (c != '\t' && character_is_control(c))
                        return true;
        }
        return false;
}

/* Is there what inih takes for a comment, though systemd does not? */
static bool has_inline_comment(const char *s) {
        for (const char *p = s; (p = strchr(p, ';')); p++)
                if (p > s && strchr(" \t", p[-1]))
                        return true;
        return false;
}

static int refuse_cut(Reading *r) {
        return policy_error_set(r->error, r->lines.number, 0,
                "the line, or a comment before it, ends in a control character: end it with a newline");
}

static int check_line(Reading *r, const char *s) {
        const char *equals = strchr(s, '='), *colon = strchr(s, ':');
        unsigned line = r->lines.number;

        if (r->lines.continued)
                return policy_error_set(r->error, line, 0,
                        "the line is continued on the next one, which is not supported in [%s]: write it as "
                        "one",
                        r->section);
        if (r->lines.cut)
                return refuse_cut(r);
        if (has_control(s))
                return policy_error_set(r->error, line, 0, "the line has a control character in it");
        if (!equals)
                return policy_error_set(r->error, line, 0, "the line has no \"=\": write KEY=VALUE");
        if (equals == s)
                return policy_error_set(r->error, line, 0, "there is no key before the \"=\"");
        if (colon && colon < equals)
                return policy_error_set(r->error, line, 0, "the key has a \":\" in it: write KEY=VALUE");
        if (has_inline_comment(s))
                return policy_error_set(
                        r->error, line, 0, "there is a \";\" behind a space: a comment needs its own line");
        return 0;
}

/* An assignment of the wanted section, for inih. */
static int take_line(Reading *r, char *s, char *buffer, size_t size) {
        int k = check_line(r, s);
        if (k < 0)
                return k;

        char *equals = strchr(s, '=');
        *equals = '\0';
        r->key = dropin_strip(s);
        r->value = dropin_strip(equals + 1);
        k = snprintf(buffer, size, "%s=%s", r->key, r->value);
        /* A line that fills the buffer is one that was cut to inih 59. */
        if (k < 0 || (size_t)k >= size - 1)
                return policy_error_set(r->error, r->lines.number, 0,
                        "the line is too long: with its key, the value of %s= may have %zu bytes", r->key,
                        size - 2);
        r->waiting = true;
        return 1;
}

/* ---- inih ---- */

/* What inih did not say, or said otherwise than systemd would. */
static int refuse_bent(Reading *r) {
        return policy_error_set(
                r->error, r->lines.number, 0, "this cannot be read without doubt: write it in another way");
}

/* Takes the logical line that was read last. 1: `buffer` has a line for inih; 0: it is not for inih;
 * -ENODATA: systemd reads no more; or an error. */
static int take(Reading *r, char *buffer, size_t size) {
        char *s = r->lines.text.data;
        int k = 0;

        if (!*s)
                return 0;
        if (!is_utf8(s)) {
                k = stop(r, "the line is not UTF-8");
                return k < 0 ? k : -ENODATA;
        }
        if (*s == '[') {
                k = take_header(r, s);
                if (k > 0 && r->lines.cut)
                        return refuse_cut(r);
                if (k > 0)
                        k = snprintf(buffer, size, "[%s]", r->section) < (int)size ? 1 : refuse_bent(r);
                return k;
        }
        if (r->inside)
                return take_line(r, s, buffer, size);
        if (r->only)
                return refuse_outside(r);
        return r->inside_other ? 0 : take_foreign_line(r, s);
}

/* The reader of inih: the next line that is for it, without its newline. */
static char *read_line(char *buffer, int size, void *userdata) {
        Reading *r = userdata;
        int k = r->r == 0 && r->waiting ? refuse_bent(r) : r->r;

        while (k == 0) {
                k = dropin_lines_next(&r->lines);
                if (k > 0)
                        k = take(r, buffer, (size_t)size);
                else if (k == 0)
                        k = -ENODATA;
        }
        if (k > 0)
                return buffer;
        r->r = k == -ENODATA ? 0 : k;
        return NULL;
}

static int add_item(Reading *r, const char *key, const char *value) {
        DropinFile *f = r->file;

        if (f->n >= DROPIN_ITEMS_MAX)
                return policy_error_set(r->error, r->lines.number, 0, "more than %u assignments in [%s]",
                        DROPIN_ITEMS_MAX, r->section);
        DropinAssignment *p = grown(f->items, f->n, sizeof(DropinAssignment));
        if (!p)
                return -ENOMEM;
        f->items = p;

        DropinAssignment *a = &p[f->n];
        *a = (DropinAssignment){ strdup(key), strdup(value), r->lines.number };
        f->n++;
        return a->key && a->value ? 0 : -ENOMEM;
}

/* The handler of inih: an assignment as it reads it. */
static int take_assignment(void *userdata, const char *section, const char *key, const char *value) {
        Reading *r = userdata;
        bool right =
                r->waiting && streq(section, r->section) && streq(key, r->key) && streq(value, r->value);

        r->waiting = false;
        if (r->r == 0)
                r->r = right ? add_item(r, key, value) : refuse_bent(r);
        return r->r == 0;
}

static int parse(const char *text, size_t n, const char *section, bool only, bool (*is_own)(const char *key),
        DropinFile **ret_, PolicyError *reterr_) {
        _cleanup_dropin_file_ DropinFile *file = calloc(1, sizeof(DropinFile));
        Reading r = {
                .lines = { .at = text, .end = text + n },
                .section = section,
                .only = only,
                .is_own = is_own,
                .file = file,
                .error = reterr_,
        };

        if (!file)
                return -ENOMEM;

        int k = ini_parse_stream(read_line, &r, take_assignment, &r);
        if (r.r == 0 && (k != 0 || r.waiting))
                r.r = k == -2 ? -ENOMEM : refuse_bent(&r);
        dropin_lines_done(&r.lines);
        if (r.r == 0 && only && !r.found)
                r.r = policy_error_set(reterr_, 0, 0, "there is no [%s] in it", section);
        if (r.r < 0)
                return r.r;
        *ret_ = TAKE_PTR(file);
        return 0;
}

int dropin_parse(const char *text, size_t n, const char *section, DropinFile **ret_, PolicyError *reterr_) {
        return parse(text, n, section, false, NULL, ret_, reterr_);
}

int dropin_parse_for(const char *text, size_t n, const char *section, bool (*is_own)(const char *key),
        DropinFile **ret_, PolicyError *reterr_) {
        return parse(text, n, section, false, is_own, ret_, reterr_);
}

int dropin_parse_only(
        const char *text, size_t n, const char *section, DropinFile **ret_, PolicyError *reterr_) {
        return parse(text, n, section, true, NULL, ret_, reterr_);
}

int dropin_boolean(const char *s, bool *ret_) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(yes[i], s) == 0 || strcasecmp(no[i], s) == 0) {
                        *ret_ = strcasecmp(yes[i], s) == 0;
                        return 0;
                }
        return -EINVAL;
}

int dropin_next_word(const char **at, char **ret_) {
        const char *p = *at + strspn(*at, " \t");
        size_t n = strcspn(p, " \t");

        if (n == 0)
                return 0;
        *ret_ = strndup(p, n);
        *at = p + n;
        return *ret_ ? 1 : -ENOMEM;
}
