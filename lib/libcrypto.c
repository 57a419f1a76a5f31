/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libcrypto. Must never read OpenSSL's configuration file: what it names (engines, providers) would
 * run in a privileged program.
 */

#include "libcrypto.h"

#include <dlfcn.h>
#include <openssl/crypto.h>

#define LIBCRYPTO "libcrypto.so.3"

int libcrypto_open(void **ret_lib) {
        __typeof__(OPENSSL_init_crypto) *init = NULL;

        /* Never unloaded: libcrypto registers handlers for thread and process exit. */
        void *lib = dlopen(LIBCRYPTO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!lib)
                return -ENOPKG;
        int r = libcrypto_find(lib, "OPENSSL_init_crypto", &init);
        if (r < 0)
                return r;

        /* Said first, "no configuration" holds for the whole process. The error strings are never shown, so
         * they need not be loaded. */
        if (init(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT,
                    NULL) != 1)
                return -EIO;
        *ret_lib = lib;
        return 0;
}

int libcrypto_find(void *lib, const char *name, void *target) {
        void *symbol = dlsym(lib, name);

        /* To the compiler what dlsym() gives is no pointer to a function. */
        memcpy(target, &symbol, sizeof(symbol));
        return symbol ? 0 : -ELIBBAD;
}
