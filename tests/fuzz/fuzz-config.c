/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML -> configuration -> spec -> text -> spec. Whatever the front end takes, nucleus-exec takes too, and
 * understands the same; and no message holds a control character.
 */

#include "config.h"
#include "fuzz.h"
#include "schema.h"

static void check_messages(const Diagnostics *diag) {
        for (size_t i = 0; i < diag->n; i++) {
                _cleanup_free_ char *text = NULL;

                CHECK(diagnostic_format(&diag->items[i], &text) == 0);
                for (const char *p = text; *p; p++)
                        CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
        }
}

static void check_service(const ServiceConfig *s) {
        _cleanup_spec_ Spec *spec = NULL, *again = NULL;
        _cleanup_free_ char *text = NULL, *text_again = NULL, *error = NULL;

        CHECK(config_to_spec(s, 0x30000000, &spec) == 0);
        CHECK(spec_format(spec, &text) == 0);
        int k = spec_parse(text, strlen(text), &again, &error);
        if (k < 0)
                fprintf(stderr, "%s\n%s", error ?: "no memory", text);
        CHECK(k == 0);
        CHECK(spec_format(again, &text_again) == 0);
        CHECK(streq(text, text_again));
        for (const SchemaRow *row = schema_rows; row->key; row++) {
                _cleanup_strbuf_ StrBuf value = {};
                schema_format_value(row, s, &value);
        }
}

bool fuzz_one(const char *text, size_t n) {
        _cleanup_diagnostics_ Diagnostics diag = {};
        _cleanup_config_ Config *c = NULL;
        size_t n_failed = 0;

        CHECK(config_parse(text, n, "/etc/nucleus/web.toml", "web", &c, &diag) == 0);
        CHECK(c->n_services > 0);
        for (size_t i = 0; i < c->n_services; i++)
                CHECK(config_finish(c->services[i], &diag) == 0);
        for (size_t i = 0; i < c->n_services; i++)
                if (c->services[i]->failed)
                        n_failed++;
                else
                        check_service(c->services[i]);
        CHECK(n_failed == 0 || diag.n_errors > 0);
        check_messages(&diag);
        return diag.n_errors == 0;
}
