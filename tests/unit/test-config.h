/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A text parsed as /etc/nucleus/web.toml, and what is said of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema.h"

#define FILE_NAME "/etc/nucleus/web.toml"

typedef struct Parsed {
        Config *config;
        Diagnostics diag;
        char *messages; /* one a line, without the file's name: "2:6: …" */
} Parsed;

static inline void parsed_done(Parsed *p) {
        config_free(p->config);
        diagnostics_done(&p->diag);
        free(p->messages);
}
#define _cleanup_parsed_ _cleanup_(parsed_done)

static inline Parsed parse_bytes(const char *text, size_t n) {
        _cleanup_strbuf_ StrBuf b = {};
        Parsed p = {};

        assert_int_equal(config_parse(text, n, FILE_NAME, "web", &p.config, &p.diag), 0);
        for (size_t i = 0; i < p.config->n_services; i++)
                assert_int_equal(config_finish(p.config->services[i], &p.diag), 0);
        for (size_t i = 0; i < p.diag.n; i++) {
                _cleanup_free_ char *line = NULL;

                assert_int_equal(diagnostic_format(&p.diag.items[i], &line), 0);
                assert_true(startswith(line, FILE_NAME ":"));
                strbuf_printf(&b, "%s\n", line + strlen(FILE_NAME ":"));
        }
        assert_int_equal(strbuf_finish(&b, &p.messages), 0);
        return p;
}

static inline Parsed parse(const char *text) {
        return parse_bytes(text, strlen(text));
}

/* The one service of a text in which nothing is wrong. */
static inline const ServiceConfig *good_service(const Parsed *p) {
        if (p->diag.n > 0)
                fail_msg("%s", p->messages);
        assert_int_equal(p->config->n_services, 1);
        assert_false(p->config->services[0]->failed);
        return p->config->services[0];
}

static inline ServiceConfig *find_service(const Parsed *p, const char *name) {
        for (size_t i = 0; i < p->config->n_services; i++)
                if (streq(p->config->services[i]->name, name))
                        return p->config->services[i];
        fail_msg("no service %s", name);
        return NULL;
}

/* Exactly one message: at that place, with that text in it; and every service that is there has failed. */
static inline void assert_refused(const char *text, const char *place, const char *fragment) {
        _cleanup_parsed_ Parsed p = parse(text);

        if (p.diag.n != 1 || p.diag.n_errors != 1 || !startswith(p.messages, place) ||
                p.messages[strlen(place)] != ':' || !strstr(p.messages, fragment))
                fail_msg("%s\ngave:\n%snot: %s: …%s…", text, p.messages, place, fragment);
        assert_true(p.config->n_services > 0);
        for (size_t i = 0; i < p.config->n_services; i++)
                assert_true(p.config->services[i]->failed);
}
