/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on standard output: the forms that nucleus(1) documents. Members keep the order in which they stand.
 */

#include "nucleus.h"

#include "strbuf.h"
#include "utf8.h"

json_t *json_text(const char *s) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        if (!s)
                return json_null();
        for (size_t n = strlen(s); n > 0;) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0)
                        strbuf_printf(&b, "\\x%02x", (unsigned char)s[0]);
                else
                        strbuf_add(&b, s, k);
                k = k ?: 1;
                s += k;
                n -= k;
        }
        return strbuf_finish(&b, &text) < 0 ? NULL : json_string(text);
}

int print_json(json_t *document, int status) {
        if (!document)
                return out_of_memory();
        int r = json_dumpf(document, stdout, JSON_INDENT(2));
        json_decref(document);
        (void)putchar('\n');
        return finish_output(r < 0 ? STATUS_FAILED : status);
}

json_t *json_diagnostics(const Diagnostics *d) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < d->n; i++) {
                const Diagnostic *item = &d->items[i];
                json_t *o = json_pack("{ss so so so so so}", "severity",
                        item->severity == SEVERITY_ERROR ? "error" : "warning", "file",
                        json_text(item->file), "line", item->line ? json_integer(item->line) : json_null(),
                        "column", item->column ? json_integer(item->column) : json_null(), "service",
                        json_text(item->service), "message", json_text(item->message));
                if (!o || json_array_append_new(array, o) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}
