/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libcrypto. Must never read OpenSSL's configuration file: what it names (engines, providers) would
 * run in a privileged program.
 */

#include "libcrypto.h"

#include <openssl/crypto.h>

#include "library.h"

#define LIBCRYPTO "libcrypto.so.3"

int libcrypto_open(void **ret_lib) {
        __typeof__(OPENSSL_init_crypto) *init = NULL;
        void *lib = NULL;

        int r = library_open(LIBCRYPTO, &lib);
        if (r >= 0)
                r = library_find(lib, "OPENSSL_init_crypto", &init);
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
