/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: a table of keys, and three kinds of value. Must never read past what it is given, nor take one
 * key for another. */

#include "audit-record.h"

#include "utf8.h"

typedef enum Kind {
        KIND_DECIMAL,   /* uint64_t */
        KIND_HEX,       /* uint64_t, with or without 0x */
        KIND_SIGNED,    /* int64_t */
        KIND_WORD,      /* the kernel's own words, as they are */
        KIND_UNTRUSTED, /* "…" or hexadecimal digits */
} Kind;

/* The types in which a key counts, and those that must have it. */
#define SECCOMP 1U
#define SYSCALL 2U
#define ACCESS 4U
#define DOMAIN 8U

static const struct Key {
        const char *name;
        Kind kind;
        unsigned types, required;
        size_t offset, size;
} keys[] = {
#define KEY(field, kind, types, required)                                                                   \
        { #field, kind, types, required, offsetof(AuditRecord, field), sizeof(((AuditRecord *)0)->field) }
        KEY(pid, KIND_DECIMAL, SECCOMP | SYSCALL | DOMAIN, SECCOMP | SYSCALL),
        KEY(uid, KIND_DECIMAL, SECCOMP | SYSCALL | DOMAIN, SECCOMP | SYSCALL),
        KEY(comm, KIND_UNTRUSTED, SECCOMP | SYSCALL | DOMAIN, 0),
        KEY(exe, KIND_UNTRUSTED, SECCOMP | SYSCALL | DOMAIN, 0),
        KEY(syscall, KIND_DECIMAL, SECCOMP | SYSCALL, SECCOMP),
        KEY(arch, KIND_HEX, SECCOMP | SYSCALL, SECCOMP),
        KEY(sig, KIND_DECIMAL, SECCOMP, SECCOMP),
        KEY(code, KIND_HEX, SECCOMP, SECCOMP),
        KEY(exit, KIND_SIGNED, SYSCALL, 0),
        KEY(domain, KIND_HEX, ACCESS | DOMAIN, ACCESS | DOMAIN),
        KEY(blockers, KIND_WORD, ACCESS, ACCESS),
        KEY(status, KIND_WORD, DOMAIN, DOMAIN),
        KEY(path, KIND_UNTRUSTED, ACCESS, 0),
        KEY(opid, KIND_DECIMAL, ACCESS, 0),
        KEY(ocomm, KIND_UNTRUSTED, ACCESS, 0),
        KEY(saddr, KIND_WORD, ACCESS, 0),
        KEY(daddr, KIND_WORD, ACCESS, 0),
        KEY(src, KIND_DECIMAL, ACCESS, 0),
        KEY(dest, KIND_DECIMAL, ACCESS, 0),
};

static unsigned type_bit(unsigned type) {
        switch (type) {
        case AUDIT_TYPE_SECCOMP:
                return SECCOMP;
        case AUDIT_TYPE_SYSCALL:
                return SYSCALL;
        case AUDIT_TYPE_LANDLOCK_ACCESS:
                return ACCESS;
        case AUDIT_TYPE_LANDLOCK_DOMAIN:
                return DOMAIN;
        default:
                return 0;
        }
}

/* ---- values ---- */

/* The kernel prints untrusted bytes in upper case, numbers in lower. */
static int digit_value(char c, unsigned base) {
        int v = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        return v >= 0 && (unsigned)v < base ? v : -EINVAL;
}

static int read_number(const char *s, size_t n, unsigned base, uint64_t *ret_) {
        uint64_t v = 0;

        if (base == 16 && n > 2 && s[0] == '0' && s[1] == 'x') {
                s += 2;
                n -= 2;
        }
        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                int digit = digit_value(s[i], base);
                if (digit < 0 || v > (UINT64_MAX - (unsigned)digit) / base)
                        return -EINVAL;
                v = v * base + (unsigned)digit;
        }
        *ret_ = v;
        return 0;
}

static int read_signed(const char *s, size_t n, int64_t *ret_) {
        bool negative = n > 0 && s[0] == '-';
        uint64_t v;

        if (read_number(s + negative, n - negative, 10, &v) < 0 || v > INT64_MAX)
                return -EINVAL;
        *ret_ = negative ? -(int64_t)v : (int64_t)v;
        return 0;
}

static void store(char *out, size_t size, size_t *at, char c) {
        if (*at + 1 < size)
                out[(*at)++] = c;
}

/* Quoted, hexadecimal, or the kernel's "(null)" and "?" for nothing. A NUL (an abstract socket's name begins
 * with one) becomes '@', as such names are written. */
static int read_untrusted(const char *s, size_t n, char *out, size_t size) {
        size_t at = 0;

        if (n >= 2 && s[0] == '"') {
                for (size_t i = 1; i + 1 < n; i++)
                        store(out, size, &at, s[i]);
        } else if (!(n == 6 && memcmp(s, "(null)", 6) == 0) && !(n == 1 && s[0] == '?')) {
                if (n == 0 || n % 2 != 0)
                        return -EINVAL;
                for (size_t i = 0; i < n; i += 2) {
                        int high = digit_value(s[i], 16), low = digit_value(s[i + 1], 16);
                        if (high < 0 || low < 0)
                                return -EINVAL;
                        char c = (char)(high << 4 | low);
                        store(out, size, &at, c ?: '@');
                }
        }
        out[at] = '\0';
        return 0;
}

static int read_word(const char *s, size_t n, char *out, size_t size) {
        if (n == 0 || n >= size)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\')
                        return -EINVAL;
        memcpy(out, s, n);
        out[n] = '\0';
        return 0;
}

static int read_value(const struct Key *k, const char *s, size_t n, AuditRecord *r) {
        void *field = (char *)r + k->offset;

        switch (k->kind) {
        case KIND_DECIMAL:
                return read_number(s, n, 10, field);
        case KIND_HEX:
                return read_number(s, n, 16, field);
        case KIND_SIGNED:
                return read_signed(s, n, field);
        case KIND_WORD:
                return read_word(s, n, field, k->size);
        case KIND_UNTRUSTED:
                return read_untrusted(s, n, field, k->size);
        }
        return -EINVAL;
}

/* ---- the line ---- */

/* Everything up to the byte `stop`, which is passed over. -EINVAL where there is none. */
static int take_until(const char **p, const char *end, char stop, const char **ret_s, size_t *ret_n) {
        const char *at = memchr(*p, stop, (size_t)(end - *p));

        if (!at)
                return -EINVAL;
        *ret_s = *p;
        *ret_n = (size_t)(at - *p);
        *p = at + 1;
        return 0;
}

/* "audit(1795521177.798:19): " */
static int take_event(const char **p, const char *end, AuditRecord *r) {
        static const char begin[] = "audit(";
        const char *s, *ms, *serial;
        size_t n, ms_n, serial_n;
        uint64_t seconds, milliseconds;

        if ((size_t)(end - *p) < strlen(begin) || memcmp(*p, begin, strlen(begin)) != 0)
                return -EINVAL;
        *p += strlen(begin);
        if (take_until(p, end, '.', &s, &n) < 0 || take_until(p, end, ':', &ms, &ms_n) < 0 ||
                take_until(p, end, ')', &serial, &serial_n) < 0 || read_number(s, n, 10, &seconds) < 0 ||
                read_number(ms, ms_n, 10, &milliseconds) < 0 || ms_n != 3 || seconds > UINT32_MAX * 16ULL ||
                read_number(serial, serial_n, 10, &r->serial) < 0)
                return -EINVAL;
        r->time = seconds * 1000 + milliseconds;
        if (end - *p < 2 || (*p)[0] != ':' || (*p)[1] != ' ')
                return -EINVAL;
        *p += 2;
        return 0;
}

/* A value: to the closing quote, or to the next space. */
static int take_value(const char **p, const char *end, const char **ret_s, size_t *ret_n) {
        const char *s = *p;

        if (s < end && *s == '"') {
                const char *quote = memchr(s + 1, '"', (size_t)(end - s - 1));
                if (!quote || (quote + 1 < end && quote[1] != ' '))
                        return -EINVAL;
                *p = quote + 1;
        } else {
                const char *space = memchr(s, ' ', (size_t)(end - s));
                *p = space ?: end;
        }
        *ret_s = s;
        *ret_n = (size_t)(*p - s);
        return 0;
}

static int take_pair(const char **p, const char *end, unsigned type, AuditRecord *r) {
        const char *key, *value;
        size_t key_n, value_n;

        if (take_until(p, end, '=', &key, &key_n) < 0 || take_value(p, end, &value, &value_n) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (!(keys[i].types & type) || strlen(keys[i].name) != key_n ||
                        memcmp(keys[i].name, key, key_n) != 0)
                        continue;
                if (r->seen & UINT64_C(1) << i)
                        return -EINVAL;
                r->seen |= UINT64_C(1) << i;
                return read_value(&keys[i], value, value_n, r);
        }
        return 0;
}

/* What programs choose ends the kernel's lines nowhere, but a line of another kernel may hold odd words
 * ("avc: denied { read }"): in the types read here there are none. */
int audit_record_parse(unsigned type, const char *text, size_t n, AuditRecord *ret_) {
        const char *p = text, *end = text + strnlen(text, n);
        unsigned bit = type_bit(type);

        *ret_ = (AuditRecord){ .type = type };
        if (take_event(&p, end, ret_) < 0)
                return -EINVAL;
        while (bit && p < end) {
                if (*p == ' ') {
                        p++;
                        continue;
                }
                if (take_pair(&p, end, bit, ret_) < 0)
                        return -EINVAL;
        }
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if ((keys[i].required & bit) && !(ret_->seen & UINT64_C(1) << i))
                        return -EINVAL;
        return 0;
}

bool audit_record_has(const AuditRecord *r, size_t offset) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (keys[i].offset == offset)
                        return r->seen & UINT64_C(1) << i;
        return false;
}

void audit_text_escape(StrBuf *b, const char *s) {
        for (size_t n = strlen(s); n > 0;) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0 || character_is_control(c) || character_is_deceptive(c) || c == '"' ||
                        c == '\\') {
                        k = k ?: 1;
                        for (size_t i = 0; i < k; i++)
                                strbuf_printf(b, "\\x%02x", (unsigned char)s[i]);
                } else
                        strbuf_add(b, s, k);
                s += k;
                n -= k;
        }
}
