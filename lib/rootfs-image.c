/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image of an archive: its layers, and what its configuration says of the program in it. Of two forms in
 * one archive, as Docker writes since version 25, the OCI one is read: it has a digest for everything.
 */

#include "rootfs-image.h"

#include "rootfs-path.h"
#include "strbuf.h"
#include "strv.h"

#include <jansson.h>
#include <sys/utsname.h>

static void json_decrefpp(json_t **j) {
        json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_decrefpp)

void image_done(Image *i) {
        char *texts[] = { i->name, i->os, i->architecture, i->user, i->workdir };
        char **lists[] = { i->entrypoint, i->command, i->environment, i->volumes, i->ports };

        for (size_t k = 0; k < ELEMENTSOF(texts); k++)
                free(texts[k]);
        for (size_t k = 0; k < ELEMENTSOF(lists); k++)
                strv_free(lists[k]);
        for (size_t k = 0; k < i->n_layers; k++) {
                free(i->layers[k].path);
                free(i->layers[k].digest);
        }
        free(i->layers);
        *i = (Image){};
}

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

/* "linux/arm64/v8"; NULL: this machine. */
static int parse_platform(ImageArchive *a, const char *text, Platform *ret_) {
        static const char *const names[][2] = {
                { "x86_64", "amd64" },
                { "aarch64", "arm64" },
                { "i686", "386" },
                { "armv7l", "arm" },
        };
        struct utsname u;
        char rest;

        *ret_ = (Platform){ .os = "linux" };
        if (text) {
                int n = sscanf(text, "%31[^/]/%31[^/]/%31[^/]%c", ret_->os, ret_->architecture,
                        ret_->variant, &rest);
                if (n != 2 && n != 3)
                        return archive_fail(a, -EINVAL,
                                "a platform is written like linux/amd64 or linux/arm64/v8, not \"%s\"",
                                text);
                return 0;
        }
        if (uname(&u) < 0)
                return -errno;
        (void)snprintf(ret_->architecture, sizeof(ret_->architecture), "%.31s", u.machine);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(u.machine, names[i][0]))
                        (void)strcpy(ret_->architecture, names[i][1]);
        return 0;
}

static int add_layer(Image *i, const char *path, const char *digest, bool uncompressed) {
        ImageLayer *p = grown(i->layers, i->n_layers, sizeof(*p));
        if (!p)
                return -ENOMEM;
        i->layers = p;
        p[i->n_layers] = (ImageLayer){ strdup(path), digest ? strdup(digest) : NULL, uncompressed };
        ImageLayer *l = &p[i->n_layers++];
        return l->path && (!digest || l->digest) ? 0 : -ENOMEM;
}

static int copy_text(const json_t *from, const char *key, char **to) {
        const char *s = text_of(from, key);

        if (isempty(s))
                return 0;
        *to = strdup(s);
        return *to ? 0 : -ENOMEM;
}

/* A list of strings, or the keys of an object. */
static int copy_list(const json_t *from, const char *key, char ***to) {
        json_t *value = json_object_get(from, key), *item;
        const char *name;
        size_t i;

        if (json_is_object(value))
                json_object_foreach(value, name, item) {
                        if (strv_append(to, name) < 0)
                                return -ENOMEM;
                }
        json_array_foreach(value, i, item) if (json_is_string(item) &&
                                               strv_append(to, json_string_value(item)) < 0) return -ENOMEM;
        return 0;
}

/* "/data/" is what somebody wrote, and /data what a configuration can name. What cannot be, stays. */
static int normalise(char **path) {
        _cleanup_free_ char *rest = NULL;
        const char *problem;
        char *better;

        if (!*path || **path != '/')
                return 0;
        int r = root_normalise_path(*path, &rest, &problem);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        if (asprintf(&better, "/%s", rest) < 0)
                return -ENOMEM;
        free(*path);
        *path = better;
        return 0;
}

static int normalise_paths(Image *i) {
        int r = normalise(&i->workdir);

        for (char **volume = i->volumes; r >= 0 && volume && *volume; volume++)
                r = normalise(volume);
        return r;
}

static int read_config(ImageArchive *a, const json_t *document, const Platform *p, Image *i) {
        const json_t *config = json_object_get(document, "config");

        if (copy_text(document, "os", &i->os) < 0 ||
                copy_text(document, "architecture", &i->architecture) < 0 ||
                copy_text(config, "User", &i->user) < 0 ||
                copy_text(config, "WorkingDir", &i->workdir) < 0 ||
                copy_list(config, "Entrypoint", &i->entrypoint) < 0 ||
                copy_list(config, "Cmd", &i->command) < 0 || copy_list(config, "Env", &i->environment) < 0 ||
                copy_list(config, "Volumes", &i->volumes) < 0 ||
                copy_list(config, "ExposedPorts", &i->ports) < 0 || normalise_paths(i) < 0)
                return -ENOMEM;
        if ((i->os && !streq(i->os, p->os)) || (i->architecture && !streq(i->architecture, p->architecture)))
                return archive_fail(a, -EINVAL,
                        "the image is for %s/%s and not for %s/%s: --platform %s/%s takes it",
                        i->os ?: p->os, i->architecture ?: p->architecture, p->os, p->architecture,
                        i->os ?: p->os, i->architecture ?: p->architecture);
        return 0;
}

/* ---- OCI ---- */

static int add_oci_layers(ImageArchive *a, const json_t *manifest, Image *i) {
        json_t *layer;
        size_t k;

        json_array_foreach(json_object_get(manifest, "layers"), k, layer) {
                _cleanup_free_ char *path = NULL, *hex = NULL;
                const char *type = text_of(layer, "mediaType");

                if (type && !strstr(type, "tar"))
                        return archive_fail(
                                a, -EINVAL, "layer %zu of the image is no tar archive, but %s", k + 1, type);
                int r = oci_blob(a, text_of(layer, "digest"), &path, &hex);
                if (r >= 0)
                        r = add_layer(i, path, hex, false);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int find_oci(ImageArchive *a, const char *name, const Platform *p, Image *i) {
        _cleanup_json_ json_t *manifest = NULL, *config = NULL;
        _cleanup_free_ char *path = NULL, *hex = NULL;

        int r = oci_find_manifest(a, name, p, &manifest, &i->name);
        if (r < 0)
                return r;
        r = oci_blob(a, text_of(json_object_get(manifest, "config"), "digest"), &path, &hex);
        if (r >= 0)
                r = archive_json(a, path, hex, &config);
        if (r >= 0)
                r = read_config(a, config, p, i);
        return r < 0 ? r : add_oci_layers(a, manifest, i);
}

/* ---- Docker ---- */

static bool docker_is_named(const json_t *entry, const char *wanted) {
        json_t *tag;
        size_t i;

        json_array_foreach(json_object_get(entry, "RepoTags"), i,
                tag) if (json_is_string(tag) &&
                         image_name_matches(json_string_value(tag), wanted)) return true;
        return false;
}

static int fail_docker(ImageArchive *a, const json_t *manifest, const char *name) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *text = NULL;
        json_t *entry, *tag;
        size_t i, k;

        json_array_foreach(manifest, i, entry)
                json_array_foreach(json_object_get(entry, "RepoTags"), k, tag) if (json_is_string(tag))
                        strbuf_printf(&b, "%s%s", b.len ? ", " : "", json_string_value(tag));
        if (strbuf_finish(&b, &text) < 0)
                return -ENOMEM;
        const char *has = text[0] ? text : "none with a name";
        return name ? archive_fail(a, -ENOENT, "the archive has no image \"%s\"; it has %s", name, has)
                    : archive_fail(a, -ENOENT,
                              "the archive has several images: choose one by --image; it has %s", has);
}

static int choose_docker(ImageArchive *a, const json_t *manifest, const char *name, const json_t **ret_) {
        const json_t *chosen = NULL;
        json_t *entry;
        size_t i;

        if (!json_is_array(manifest) || json_array_size(manifest) == 0)
                return archive_fail(a, -EINVAL, "manifest.json of the archive names no image");
        json_array_foreach(manifest, i, entry) if (!name || docker_is_named(entry, name)) {
                if (chosen)
                        return fail_docker(a, manifest, NULL);
                chosen = entry;
        }
        if (!chosen)
                return fail_docker(a, manifest, name);
        *ret_ = chosen;
        return 0;
}

/* The configuration's name is its digest: HEX.json, or blobs/sha256/HEX. NULL where it is not. */
static char *digest_in_name(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        if (strspn(name, "0123456789abcdef") < 64 || !(streq(name + 64, ".json") || !name[64]))
                return NULL;
        return strndup(name, 64);
}

/* A layer's name says nothing that could be checked, but the configuration has the digests of all. */
static int add_docker_layers(ImageArchive *a, const json_t *entry, const json_t *config, Image *i) {
        const json_t *layers = json_object_get(entry, "Layers");
        const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");

        if (json_array_size(layers) != json_array_size(ids))
                return archive_fail(a, -EINVAL,
                        "the image has %zu layers, and its configuration digests of %zu",
                        json_array_size(layers), json_array_size(ids));
        for (size_t k = 0; k < json_array_size(layers); k++) {
                const char *path = json_string_value(json_array_get(layers, k));
                const char *id = json_string_value(json_array_get(ids, k));
                const char *hex = id ? startswith(id, "sha256:") : NULL;

                if (!path || !hex)
                        return archive_fail(
                                a, -EINVAL, "layer %zu of the image has no name or no SHA-256", k + 1);
                if (add_layer(i, path, hex, true) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int find_docker(ImageArchive *a, const char *name, const Platform *p, Image *i) {
        _cleanup_json_ json_t *manifest = NULL, *config = NULL;
        _cleanup_free_ char *digest = NULL;
        const json_t *entry = NULL;

        int r = archive_json(a, "manifest.json", NULL, &manifest);
        if (r >= 0)
                r = choose_docker(a, manifest, name, &entry);
        if (r < 0)
                return r;
        const char *path = text_of(entry, "Config");
        const char *tag = json_string_value(json_array_get(json_object_get(entry, "RepoTags"), 0));
        if (!path)
                return archive_fail(a, -EINVAL, "manifest.json of the archive names no configuration");
        if (tag && !(i->name = strdup(tag)))
                return -ENOMEM;
        digest = digest_in_name(path);
        r = archive_json(a, path, digest, &config);
        if (r >= 0)
                r = read_config(a, config, p, i);
        return r < 0 ? r : add_docker_layers(a, entry, config, i);
}

int image_find(ImageArchive *a, const char *name, const char *platform, Image *ret_) {
        bool oci = archive_has(a, "oci-layout") && archive_has(a, "index.json");
        Platform p;

        int r = parse_platform(a, platform, &p);
        if (r >= 0)
                r = oci ? find_oci(a, name, &p, ret_) : find_docker(a, name, &p, ret_);
        return r < 0 ? archive_fail(a, r, "cannot read the image: %s", strerror(-r)) : 0;
}

int image_open_layer(ImageArchive *a, const ImageLayer *layer) {
        int r = archive_check(a, layer->path, layer->digest, layer->uncompressed);

        return r < 0 ? r : archive_open(a, layer->path);
}
