/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look at a TOML text's shape before the TOML library gets it. It knows strings, comments, brackets and
 * dots and nothing else; where the text is no TOML in a way that the library is sure to refuse at that very
 * place, the scan stops there and leaves the message to the library. It must never take for a string what
 * the library takes for structure: that would hide nesting from the bounds.
 */

#include "toml.h"

#include <ctype.h>
#include <stdarg.h>

#include "utf8.h"

typedef struct Scan {
        const char *text, *p, *end;
        unsigned depth, dots, n_elements, n_headers;
        bool at_line_start;
        TomlError *error;
} Scan;

/* Counted only where something is refused: nearly every text is not. */
static void find_position(const Scan *s) {
        s->error->line = s->error->column = 1;
        for (const char *p = s->text; p < s->p; p++)
                if (*p == '\n') {
                        s->error->line++;
                        s->error->column = 1;
                } else if (((unsigned char)*p & 0xc0) != 0x80)
                        s->error->column++;
}

_printf_(2, 3) static int refuse(Scan *s, const char *format, ...) {
        va_list ap;

        find_position(s);
        va_start(ap, format);
        (void)vsnprintf(s->error->message, sizeof(s->error->message), format, ap);
        va_end(ap);
        return -EINVAL;
}

/* Behind the words of eight bytes that are all ASCII and not NUL: most of most texts. */
static void skip_ascii(Scan *s) {
        const uint64_t low = UINT64_C(0x0101010101010101), high = low << 7;
        uint64_t word;

        for (; (size_t)(s->end - s->p) >= sizeof(word); s->p += sizeof(word)) {
                memcpy(&word, s->p, sizeof(word));
                /* Without a high bit set, a byte gets one by the subtraction only where it or a lower is 0.
                 */
                if ((word | (word - low)) & high)
                        return;
        }
}

static int check_utf8(Scan *s) {
        for (skip_ascii(s); s->p < s->end;) {
                uint32_t c;
                size_t k = utf8_decode(s->p, (size_t)(s->end - s->p), &c);

                if (k == 0)
                        return refuse(s, "not valid UTF-8; save the file as UTF-8");
                if (c == 0)
                        return refuse(s, "a NUL byte; the file must be plain text");
                s->p += k;
                if (k > 1)
                        skip_ascii(s);
        }
        return 0;
}

/* How many times `c` stands at `p`, at most `max`. */
static unsigned run_of(const Scan *s, char c, unsigned max) {
        unsigned n = 0;

        while (n < max && s->p + n < s->end && s->p[n] == c)
                n++;
        return n;
}

/* Behind the string at p, or at the end where the library is sure to refuse it. */
static void skip_multi_line(Scan *s, char quote) {
        s->p += 3;
        while (s->p < s->end) {
                if (*s->p == '\\' && quote == '"')
                        s->p += s->end - s->p > 1 && s->p[1] != '\n' ? 2 : 1;
                else if (*s->p != quote)
                        s->p++;
                else {
                        /* Up to two quotes may stand directly before the three that close. */
                        unsigned k = run_of(s, quote, 5);
                        s->p += k;
                        if (k >= 3)
                                return;
                }
        }
}

static void skip_string(Scan *s, char quote) {
        if (run_of(s, quote, 3) == 3) {
                skip_multi_line(s, quote);
                return;
        }
        for (s->p++; s->p < s->end && *s->p != quote; s->p++) {
                if (*s->p == '\n') {
                        s->p = s->end;
                        return;
                }
                if (*s->p == '\\' && quote == '"' && s->end - s->p > 1 && s->p[1] != '\n')
                        s->p++;
        }
        if (s->p < s->end)
                s->p++;
}

static int count_element(Scan *s) {
        s->dots = 0;
        if (++s->n_elements > TOML_ELEMENTS_MAX)
                return refuse(s, "more than %u values in one file; split it", TOML_ELEMENTS_MAX);
        return 0;
}

/* The library takes for granted that a header names something: "[{a]" trips an assertion of its own. */
static int check_header(Scan *s) {
        const char *p = s->p;

        while (p < s->end && strchr("[ \t", *p))
                p++;
        bool key = p == s->end || isalnum((unsigned char)*p) || strchr("_-\"'", *p);
        if (key || *p == ']')
                return 0;
        s->p = p;
        return refuse(s, "not the name of a table; write [name], or a name with other characters in quotes");
}

static int open_bracket(Scan *s) {
        if (s->depth == 0 && *s->p == '[' && s->at_line_start) {
                int k = check_header(s);
                if (k < 0)
                        return k;
        }
        if (++s->depth > TOML_DEPTH_MAX)
                return refuse(s, "nested deeper than %u levels", TOML_DEPTH_MAX);
        if (*s->p == '[' && s->at_line_start && ++s->n_headers > TOML_HEADERS_MAX)
                return refuse(s, "more than %u tables in one file; split it", TOML_HEADERS_MAX);
        return count_element(s);
}

/* One byte of structure. */
static int step(Scan *s) {
        int k = 0;

        switch (*s->p) {
        case '[':
        case '{':
                k = open_bracket(s);
                break;
        case ']':
        case '}':
                if (s->depth > 0)
                        s->depth--;
                s->dots = 0;
                break;
        case '=':
        case ',':
                k = count_element(s);
                break;
        case '.':
                if (++s->dots >= TOML_DEPTH_MAX)
                        return refuse(s, "a key of more than %u parts", TOML_DEPTH_MAX);
                break;
        default:
                break;
        }
        if (k < 0)
                return k;
        if (*s->p != ' ' && *s->p != '\t')
                s->at_line_start = false;
        s->p++;
        return 0;
}

static int check_structure(Scan *s) {
        while (s->p < s->end) {
                int k = 0;

                if (*s->p == '#')
                        s->p = memchr(s->p, '\n', (size_t)(s->end - s->p)) ?: s->end;
                else if (*s->p == '"' || *s->p == '\'') {
                        s->at_line_start = false;
                        skip_string(s, *s->p);
                } else if (*s->p == '\n') {
                        s->p++;
                        s->dots = 0;
                        s->at_line_start = true;
                } else
                        k = step(s);
                if (k < 0)
                        return k;
        }
        return 0;
}

int toml_check_shape(const char *text, size_t n, TomlError *reterr_) {
        Scan utf8 = { .text = text, .p = text, .end = text + n, .error = reterr_ };
        Scan structure = utf8;

        structure.at_line_start = true;
        if (n > TOML_TEXT_MAX)
                return refuse(&utf8, "more than %u bytes in one file; split it", TOML_TEXT_MAX);
        int k = check_utf8(&utf8);
        return k < 0 ? k : check_structure(&structure);
}
