/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of passwd(5) and group(5). A root tree may hold anything there: nothing is guessed, and a line
 * that is wrong is an error to whoever asks for it, and to nobody else. */

#include "user-db.h"

#define PASSWD_FIELDS 7U /* name, password, uid, gid, comment, home, shell */
#define GROUP_FIELDS 4U  /* name, password, gid, members */
#define FIRST_ID 2U      /* the field; in passwd another id follows */

typedef struct Field {
        const char *s;
        size_t n;
} Field;

typedef struct Line {
        Field fields[PASSWD_FIELDS];
        size_t n_fields; /* may be more than there is room for */
        bool readable;
} Line;

typedef struct Reader {
        const char *at, *end;
        unsigned line; /* the number of the last one read */
} Reader;

bool user_id_parse(const char *s, size_t n, uint32_t *ret_) {
        uint64_t v = 0;

        if (n == 0 || n > 10 || (s[0] == '0' && n > 1))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
                v = v * 10 + (uint64_t)(s[i] - '0');
        }
        if (v >= UINT32_MAX)
                return false;
        *ret_ = (uint32_t)v;
        return true;
}

static void split(const char *s, size_t n, Line *ret_) {
        const char *end = s + n;

        *ret_ = (Line){ .readable = n <= USER_DB_LINE_MAX && !memchr(s, '\0', n) };
        for (;;) {
                const char *colon = memchr(s, ':', (size_t)(end - s)), *stop = colon ?: end;

                if (ret_->n_fields < PASSWD_FIELDS)
                        ret_->fields[ret_->n_fields] = (Field){ s, (size_t)(stop - s) };
                ret_->n_fields++;
                if (!colon)
                        return;
                s = colon + 1;
        }
}

/* The next line that is one of an account. False: there is none. */
static bool next_line(Reader *r, Line *ret_) {
        while (r->at < r->end) {
                const char *s = r->at, *newline = memchr(s, '\n', (size_t)(r->end - s)),
                           *stop = newline ?: r->end;

                r->at = newline ? newline + 1 : r->end;
                r->line++;
                if (stop == s || *s == '#' || *s == '+' || *s == '-')
                        continue;
                split(s, (size_t)(stop - s), ret_);
                return true;
        }
        return false;
}

static bool is_called(const Line *l, const char *name) {
        return l->fields[0].n == strlen(name) && memcmp(l->fields[0].s, name, l->fields[0].n) == 0;
}

static bool get_id(const Line *l, size_t field, uint32_t *ret_) {
        return field < l->n_fields && user_id_parse(l->fields[field].s, l->fields[field].n, ret_);
}

static bool has_id(const Line *l, uint32_t wanted) {
        uint32_t id;

        return get_id(l, FIRST_ID, &id) && id == wanted;
}

/* By `name`, or by `uid` where that is NULL. ret_ids: one id of a group, two of a user. */
static int find(Reader *r, size_t n_fields, const char *name, uint32_t uid, uint32_t *ret_ids) {
        uint32_t ids[2] = {};
        size_t n_ids = n_fields == PASSWD_FIELDS ? 2 : 1;
        Line l;

        while (next_line(r, &l)) {
                if (name ? !is_called(&l, name) : !has_id(&l, uid))
                        continue;
                if (!l.readable || l.n_fields != n_fields)
                        return -EINVAL;
                for (size_t i = 0; i < n_ids; i++)
                        if (!get_id(&l, FIRST_ID + i, &ids[i]))
                                return -EINVAL;
                memcpy(ret_ids, ids, n_ids * sizeof(ids[0]));
                return 0;
        }
        return -ESRCH;
}

int passwd_find_name(const char *text, size_t n, const char *name, uint32_t *ret_uid, uint32_t *ret_gid,
        unsigned *reterr_line) {
        Reader reader = { .at = text, .end = text + n };
        uint32_t ids[2];

        int r = find(&reader, PASSWD_FIELDS, name, 0, ids);
        if (r < 0) {
                *reterr_line = reader.line;
                return r;
        }
        *ret_uid = ids[0];
        *ret_gid = ids[1];
        return 0;
}

int passwd_find_uid(const char *text, size_t n, uint32_t uid, uint32_t *ret_gid, unsigned *reterr_line) {
        Reader reader = { .at = text, .end = text + n };
        uint32_t ids[2];

        int r = find(&reader, PASSWD_FIELDS, NULL, uid, ids);
        if (r < 0) {
                *reterr_line = reader.line;
                return r;
        }
        *ret_gid = ids[1];
        return 0;
}

int group_find_name(const char *text, size_t n, const char *name, uint32_t *ret_gid, unsigned *reterr_line) {
        Reader reader = { .at = text, .end = text + n };

        int r = find(&reader, GROUP_FIELDS, name, 0, ret_gid);
        if (r < 0)
                *reterr_line = reader.line;
        return r;
}
