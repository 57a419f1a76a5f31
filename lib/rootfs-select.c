/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which image of an OCI image layout (image-spec, image-layout.md and image-index.md): by its name and its
 * platform, through indexes of indexes. Where more than one could be meant, none is taken.
 */

#include "rootfs-image.h"

#include "strbuf.h"
#include "strv.h"

#include <jansson.h>

#define INDEX_DEPTH_MAX 4U

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static const char *annotation(const json_t *descriptor, const char *key) {
        return text_of(json_object_get(descriptor, "annotations"), key);
}

/* "web" and "web:latest" are names of docker.io/library/web:latest. */
static const char *short_name(const char *name) {
        const char *rest = startswith(name, "docker.io/library/");

        return rest ?: startswith(name, "docker.io/") ?: name;
}

bool image_name_matches(const char *name, const char *wanted) {
        const char *n = short_name(name), *w = short_name(wanted);
        const char *rest = startswith(n, w), *slash = strrchr(w, '/');

        if (!rest)
                return false;
        return !*rest || (streq(rest, ":latest") && !strchr(slash ?: w, ':'));
}

static const char *name_of(const json_t *descriptor) {
        return annotation(descriptor, "io.containerd.image.name")
                       ?: annotation(descriptor, "org.opencontainers.image.ref.name");
}

static bool is_named(const json_t *descriptor, const char *wanted) {
        const char *full = annotation(descriptor, "io.containerd.image.name");
        const char *ref = annotation(descriptor, "org.opencontainers.image.ref.name");

        return (full && image_name_matches(full, wanted)) || (ref && image_name_matches(ref, wanted));
}

/* What build tools put beside an image: statements about it. */
static bool is_statement(const json_t *descriptor) {
        const char *kind = annotation(descriptor, "vnd.docker.reference.type");
        const char *os = text_of(json_object_get(descriptor, "platform"), "os");

        return (kind && streq(kind, "attestation-manifest")) || (os && streq(os, "unknown"));
}

static bool is_for(const json_t *descriptor, const Platform *p) {
        const json_t *platform = json_object_get(descriptor, "platform");
        const char *os = text_of(platform, "os"), *architecture = text_of(platform, "architecture");
        const char *variant = text_of(platform, "variant");

        if (!os || !architecture)
                return true; /* its configuration says it */
        return streq(os, p->os) && streq(architecture, p->architecture) &&
               (!p->variant[0] || !variant || streq(variant, p->variant));
}

typedef struct Choice {
        const json_t *chosen;
        bool several;
        char **names, **platforms; /* of all there are */
        bool named;                /* one of the name that is wanted was there */
} Choice;

static void choice_done(Choice *c) {
        strv_free(c->names);
        strv_free(c->platforms);
}

static int note(char ***list, const char *what) {
        return what && !strv_contains(*list, what) ? strv_append(list, what) : 0;
}

static int consider(Choice *c, const json_t *descriptor, const char *name, const Platform *p) {
        const json_t *platform = json_object_get(descriptor, "platform");
        _cleanup_free_ char *shown = NULL;

        if (is_statement(descriptor))
                return 0;
        if (note(&c->names, name_of(descriptor)) < 0)
                return -ENOMEM;
        if (name && !is_named(descriptor, name))
                return 0;
        c->named = true;
        if (text_of(platform, "os") && text_of(platform, "architecture") &&
                (asprintf(&shown, "%s/%s", text_of(platform, "os"), text_of(platform, "architecture")) < 0 ||
                        note(&c->platforms, shown) < 0))
                return -ENOMEM;
        if (!is_for(descriptor, p))
                return 0;
        const char *digest = text_of(descriptor, "digest"), *other = text_of(c->chosen, "digest");
        if (!c->chosen)
                c->chosen = descriptor;
        else if (!digest || !other || !streq(digest, other))
                c->several = true; /* two names of one image are no matter */
        return 0;
}

static int fail_list(ImageArchive *a, const char *what, char *const *list) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;

        STRV_FOREACH(s, list)
        strbuf_printf(&b, "%s%s", b.len ? ", " : "", s);
        if (strbuf_finish(&b, &text) < 0)
                return -ENOMEM;
        return archive_fail(a, -ENOENT, "%s; it has %s", what, text[0] ? text : "none with a name");
}

static int choose(
        ImageArchive *a, const json_t *index, const char *name, const Platform *p, const json_t **ret_) {
        _cleanup_(choice_done) Choice c = {};
        _cleanup_free_ char *what = NULL;
        size_t i;
        json_t *descriptor;

        json_array_foreach(json_object_get(index, "manifests"), i,
                descriptor) if (consider(&c, descriptor, name, p) < 0) return -ENOMEM;
        if (c.chosen && !c.several) {
                *ret_ = c.chosen;
                return 0;
        }
        if (c.several)
                return fail_list(a, "the archive has several images: choose one by --image", c.names);
        if (c.named) {
                if (asprintf(&what, "the archive has no image for %s/%s: --platform chooses another", p->os,
                            p->architecture) < 0)
                        return -ENOMEM;
                return fail_list(a, what, c.platforms);
        }
        if (!name)
                return archive_fail(a, -ENOENT, "the archive has no image");
        if (asprintf(&what, "the archive has no image \"%s\"", name) < 0)
                return -ENOMEM;
        return fail_list(a, what, c.names);
}

int oci_blob(ImageArchive *a, const char *digest, char **ret_path, char **ret_hex) {
        const char *hex = digest ? startswith(digest, "sha256:") : NULL;

        if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
                return archive_fail(a, -EINVAL, "the image has a digest that is no \"sha256:HEX\": %s",
                        digest ?: "none at all");
        if (asprintf(ret_path, "blobs/sha256/%s", hex) < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        *ret_hex = strdup(hex);
        return *ret_hex ? 0 : -ENOMEM;
}

static void json_decrefpp(json_t **j) {
        json_decref(*j);
}

int oci_find_manifest(
        ImageArchive *a, const char *name, const Platform *platform, json_t **ret_, char **ret_name) {
        _cleanup_(json_decrefpp) json_t *document = NULL;

        int r = archive_json(a, "index.json", NULL, &document);
        for (unsigned depth = 0; r >= 0 && json_object_get(document, "manifests"); depth++) {
                _cleanup_free_ char *path = NULL, *hex = NULL;
                const json_t *descriptor = NULL;
                json_t *next;

                if (depth == INDEX_DEPTH_MAX)
                        return archive_fail(a, -ELOOP, "the image's indexes are nested too deeply");
                r = choose(a, document, depth == 0 ? name : NULL, platform, &descriptor);
                if (r < 0)
                        return r;
                const char *found = name_of(descriptor);
                if (depth == 0 && found && !(*ret_name = strdup(found)))
                        return -ENOMEM;
                r = oci_blob(a, text_of(descriptor, "digest"), &path, &hex);
                if (r >= 0)
                        r = archive_json(a, path, hex, &next);
                if (r >= 0) {
                        json_decref(document);
                        document = next;
                }
        }
        if (r < 0)
                return r;
        if (!json_object_get(document, "layers"))
                return archive_fail(a, -EINVAL, "the archive's index leads to no image");
        *ret_ = TAKE_PTR(document);
        return 0;
}
