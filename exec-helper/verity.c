/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dm-verity by libcryptsetup, taken at run time: a service in a thousand needs it. Must never leave a device
 * behind: it is told to go with its last user as soon as we have it open, and no signal ends us in between.
 */

#include "verity.h"

#include <fcntl.h>
#include <libcryptsetup.h>
#include <signal.h>

#include "library.h"

#define LIBCRYPTSETUP "libcryptsetup.so.12"

/* name, as in the library's header: one pointer of the function's own type for each. */
#define FUNCTIONS(f)                                                                                        \
        f(crypt_set_log_callback);                                                                          \
        f(crypt_init_data_device);                                                                          \
        f(crypt_load);                                                                                      \
        f(crypt_get_verity_info);                                                                           \
        f(crypt_activate_by_volume_key);                                                                    \
        f(crypt_deactivate_by_name);                                                                        \
        f(crypt_get_dir);                                                                                   \
        f(crypt_free)

typedef struct Library {
#define DECLARE(name) __typeof__(name) *name
        FUNCTIONS(DECLARE);
#undef DECLARE
} Library;

static int load(Library *l) {
        void *lib = NULL;
        int r = library_open(LIBCRYPTSETUP, &lib);

#define LOAD(name) r = r < 0 ? r : library_find(lib, #name, &l->name)
        FUNCTIONS(LOAD);
#undef LOAD
        return r;
}

/* Keeps the last error: without this the library prints on our standard streams. */
static void take_message(int level, const char *message, void *userdata) {
        char **text = userdata;
        size_t n = strcspn(message, "\n");
        char *s = level == CRYPT_LOG_ERROR && n > 0 ? strndup(message, n) : NULL;

        if (!s)
                return;
        free(*text);
        *text = s;
}

/* The device, and its end, which waits for us to let go. */
static int open_device(const Library *l, struct crypt_device *cd, const char *name) {
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/%s", l->crypt_get_dir(), name);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        int error = fd < 0 ? -errno : 0;
        int r = l->crypt_deactivate_by_name(cd, name, CRYPT_DEACTIVATE_DEFERRED);
        if (error < 0 || r < 0)
                return error < 0 ? error : r;
        return TAKE_FD(fd);
}

/* Is there a device mapper? The library makes the node itself, also where nothing answers to it. */
static bool has_device_mapper(const Library *l) {
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/control", l->crypt_get_dir());
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 || (errno != ENOENT && errno != ENODEV && errno != ENXIO);
}

/* The library says nothing of a hash tree that is none, and speaks of a name where there is no device
 * mapper.
 */
static void explain(int error, const Library *l, char **reterr_) {
        const char *text = NULL;

        if (error == -EINVAL && !*reterr_)
                text = "its hash tree is none of `veritysetup format`";
        else if (error != -EINVAL && !has_device_mapper(l))
                text = "this kernel has no device mapper, see `modprobe dm-verity`";
        if (!text)
                return;
        free(*reterr_);
        *reterr_ = strdup(text);
}

/* The superblock of a hash tree is nobody's word: whose root hash is compared must be a SHA-256. */
static int check_hash(const Library *l, struct crypt_device *cd, char **reterr_) {
        struct crypt_params_verity info = {};

        int r = l->crypt_get_verity_info(cd, &info);
        if (r < 0 || (info.hash_name && streq(info.hash_name, "sha256")))
                return r < 0 ? r : 0;
        free(*reterr_);
        *reterr_ = strdup("its hash tree is not of SHA-256");
        return -EINVAL;
}

static int activate(const Library *l, struct crypt_device *cd, const char *name,
        const uint8_t root_hash[SHA256_SIZE], char **reterr_) {
        sigset_t all, before;

        int r = l->crypt_load(cd, CRYPT_VERITY, NULL);
        if (r >= 0)
                r = check_hash(l, cd, reterr_);
        if (r < 0)
                return r;
        (void)sigfillset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, &before);
        r = l->crypt_activate_by_volume_key(
                cd, name, (const char *)root_hash, SHA256_SIZE, CRYPT_ACTIVATE_READONLY);
        if (r >= 0)
                r = open_device(l, cd, name);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return r;
}

int verity_open(const char *name, const char *data_device, const char *hash_device,
        const uint8_t root_hash[SHA256_SIZE], char **reterr_) {
        struct crypt_device *cd = NULL;
        Library l;

        int r = load(&l);
        if (r < 0)
                return r;
        l.crypt_set_log_callback(NULL, take_message, reterr_);
        r = l.crypt_init_data_device(&cd, hash_device, data_device);
        if (r >= 0)
                r = activate(&l, cd, name, root_hash, reterr_);
        if (r < 0)
                explain(r, &l, reterr_);
        if (cd)
                l.crypt_free(cd);
        l.crypt_set_log_callback(NULL, NULL, NULL);
        return r;
}
