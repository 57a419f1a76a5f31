/* SPDX-License-Identifier: Apache-2.0 */
/* What `nucleus rootfs` says: warnings and what is wrong to standard error, the lines to paste to output. */

#include "nucleus-rootfs.h"

#include "diag.h"

#include <time.h>

static const struct {
        const char *title, *name;
} note_kinds[_ROOT_NOTE_MAX] = {
        [ROOT_NOTE_SKIPPED] = { "left out: no service gets them from its root tree", "skipped" },
        [ROOT_NOTE_PRIVILEGED] = { "removed, as it never takes effect; --keep-privileges keeps it",
                "privileged" },
        [ROOT_NOTE_ATTRIBUTE] = { "attributes that could not be kept", "attributes" },
};

/* Shown on a terminal once the work has taken a while: short work must not flicker. */
void rootfs_show_progress(const RootTree *t, void *userdata) {
        RootfsProgress *p = userdata;
        struct timespec now;

        /* Called for each entry and each part of it: the clock is asked now and then. */
        if (p->calls++ % 64 != 0)
                return;
        (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        int64_t ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
        if (p->begin == 0)
                p->begin = p->last = ms;
        if (ms - p->begin < 1000 || ms - p->last < 100)
                return;
        p->last = ms;
        p->shown = true;
        fprintf(stderr, "\r\x1b[K%llu entries, %llu MB", (unsigned long long)t->entries,
                (unsigned long long)(t->bytes / 1000000));
}

int rootfs_print_error(const char *what, const char *message) {
        _cleanup_free_ char *shown = NULL, *name = NULL;

        if (text_sanitise(message ?: "out of memory", &shown) < 0 || text_sanitise(what, &name) < 0)
                return out_of_memory();
        print_error("%s: %s", name, shown);
        return STATUS_FAILED;
}

void rootfs_print_notes(const Rootfs *r) {
        if (!r->tree.owners && r->o->format == ROOTFS_DIRECTORY)
                print_warning("only root can give files away: all of %s belong to you", r->output);
        for (size_t kind = 0; kind < _ROOT_NOTE_MAX; kind++) {
                const RootNotes *notes = &r->tree.notes[kind];

                if (notes->count == 0)
                        continue;
                print_warning("%s (%llu):", note_kinds[kind].title, (unsigned long long)notes->count);
                for (size_t i = 0; i < notes->n; i++) {
                        _cleanup_free_ char *path = NULL;
                        if (text_sanitise(notes->items[i].path, &path) >= 0)
                                fprintf(stderr, "  %s: %s\n", path, notes->items[i].what);
                }
                if (notes->count > notes->n)
                        fprintf(stderr, "  ... and %llu more\n",
                                (unsigned long long)(notes->count - notes->n));
        }
}

static json_t *notes_to_json(const RootNotes *notes) {
        json_t *items = json_array();

        for (size_t i = 0; items && i < notes->n; i++) {
                json_t *o = json_pack("{so so}", "path", json_text(notes->items[i].path), "what",
                        json_text(notes->items[i].what));
                if (!o || json_array_append_new(items, o) < 0) {
                        json_decref(items);
                        return NULL;
                }
        }
        return json_pack("{sI so}", "count", (json_int_t)notes->count, "items", items);
}

static json_t *hex_or_null(const char *hex) {
        return hex[0] ? json_string(hex) : json_null();
}

static json_t *list_to_json(char *const *list) {
        json_t *array = json_array();

        STRV_FOREACH(s, list)
        if (array && json_array_append_new(array, json_text(s)) < 0) {
                json_decref(array);
                return NULL;
        }
        return array;
}

static json_t *image_to_json(const Image *i) {
        if (i->n_layers == 0)
                return json_null();
        return json_pack("{so so so sI so so so so so so so}", "name", json_text(i->name), "os",
                json_text(i->os), "architecture", json_text(i->architecture), "layers",
                (json_int_t)i->n_layers, "entrypoint", list_to_json(i->entrypoint), "command",
                list_to_json(i->command), "environment", list_to_json(i->environment), "workdir",
                json_text(i->workdir), "user", json_text(i->user), "volumes", list_to_json(i->volumes),
                "ports", list_to_json(i->ports));
}

static int print_as_json(const Rootfs *r, const char *toml) {
        json_t *document = json_pack("{so ss sI sI so so so so so so so}", "output", json_text(r->output),
                "format", rootfs_format_names[r->o->format], "entries", (json_int_t)r->tree.entries, "bytes",
                (json_int_t)r->tree.bytes, "manifest_sha256", hex_or_null(r->report.digest), "image_sha256",
                hex_or_null(r->image_sha256), "image_fsverity", hex_or_null(r->image_fsverity), "root_hash",
                hex_or_null(r->root_hash), "public_key", json_text(r->key.public_key), "image",
                image_to_json(&r->image), "toml", json_text(toml));

        for (size_t kind = 0; document && kind < _ROOT_NOTE_MAX; kind++)
                if (json_object_set_new(
                            document, note_kinds[kind].name, notes_to_json(&r->tree.notes[kind])) < 0) {
                        json_decref(document);
                        document = NULL;
                }
        return print_json(document, 0);
}

int rootfs_print_result(Rootfs *r) {
        _cleanup_free_ char *toml = NULL;

        if (rootfs_format_toml(r, &toml) < 0)
                return out_of_memory();
        if (r->o->json)
                return print_as_json(r, toml);
        fprintf(stderr, "%s: %smade%s, %s, %llu entries, %llu bytes\n", r->output,
                colour(stderr, COLOUR_GREEN), colour(stderr, COLOUR_RESET),
                rootfs_format_names[r->o->format], (unsigned long long)r->tree.entries,
                (unsigned long long)r->tree.bytes);
        (void)fputs(toml, stdout);
        return finish_output(0);
}
