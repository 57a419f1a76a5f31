/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the text that names the lines of a profile. Must need libc alone: nucleus-exec reads it. */

#include "seccomp-lines.h"

#include "escape.h"

#define ACTION_MASK 0xffff0000U /* SECCOMP_RET_ACTION_FULL */

typedef enum EntryKind {
        ENTRY_DEFAULT,
        ENTRY_FROM, /* nr and above */
        ENTRY_CALL,
} EntryKind;

typedef struct Entry {
        EntryKind kind;
        uint32_t nr;
        SeccompLine line;
} Entry;

/* Decimal without leading zeros. */
static bool take_number(const char **p, uint32_t *ret_) {
        uint64_t v = 0;
        const char *s = *p;

        if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
                return false;
        for (; *s >= '0' && *s <= '9'; s++) {
                v = v * 10 + (uint64_t)(*s - '0');
                if (v > UINT32_MAX)
                        return false;
        }
        *p = s;
        *ret_ = (uint32_t)v;
        return true;
}

static bool take_action(const char **p, uint32_t *ret_) {
        uint32_t v = 0;

        for (int i = 0; i < 8; i++) {
                int digit = hex_digit((*p)[0]);
                if (digit < 0)
                        return false;
                v = v << 4 | (uint32_t)digit;
                (*p)++;
        }
        *ret_ = v;
        return true;
}

static bool take_byte(const char **p, char c) {
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

static bool take_subject(const char **p, Entry *ret_) {
        const char *rest = startswith(*p, "default");

        if (rest) {
                ret_->kind = ENTRY_DEFAULT;
                *p = rest;
                return true;
        }
        if (!take_number(p, &ret_->nr))
                return false;
        ret_->kind = take_byte(p, '+') ? ENTRY_FROM : ENTRY_CALL;
        return true;
}

static bool take_entry(const char **p, Entry *ret_) {
        uint32_t line;

        *ret_ = (Entry){};
        if (!take_subject(p, ret_) || !take_byte(p, ':') || !take_action(p, &ret_->line.action) ||
                !take_byte(p, '@') || !take_number(p, &line))
                return false;
        ret_->line.line = line;
        return true;
}

bool seccomp_lines_valid(const char *text) {
        Entry e;

        if (strlen(text) > SECCOMP_LINES_TEXT_MAX)
                return false;
        do {
                if (!take_entry(&text, &e))
                        return false;
        } while (take_byte(&text, ','));
        return !*text;
}

/* The entries for `nr` of one kind. *ret_any: there are some, whatever their action. */
static size_t find(const char *text, EntryKind kind, uint32_t nr, uint32_t action, SeccompLine *ret_,
        size_t n, bool *ret_any) {
        size_t found = 0;
        Entry e;

        *ret_any = false;
        while (take_entry(&text, &e)) {
                bool hit = e.kind == kind &&
                           (kind == ENTRY_DEFAULT || (kind == ENTRY_FROM ? nr >= e.nr : nr == e.nr));

                *ret_any |= hit;
                if (hit && (e.line.action & ACTION_MASK) == (action & ACTION_MASK)) {
                        if (found < n)
                                ret_[found] = e.line;
                        found++;
                }
                if (!take_byte(&text, ','))
                        break;
        }
        return found;
}

size_t seccomp_lines_find(const char *text, uint32_t nr, uint32_t action, SeccompLine *ret_, size_t n) {
        static const EntryKind order[] = { ENTRY_CALL, ENTRY_FROM, ENTRY_DEFAULT };
        size_t found = 0;
        bool any = false;

        for (size_t i = 0; text && !any && i < ELEMENTSOF(order); i++)
                found = find(text, order[i], nr, action, ret_, n, &any);
        return found;
}
