/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen(3), for all of its users but one: that one must unload again. */

#include "library.h"

#include <dlfcn.h>

int library_open(const char *soname, void **ret_lib) {
        *ret_lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        return *ret_lib ? 0 : -ENOPKG;
}

int library_find(void *lib, const char *name, void *target) {
        void *symbol = dlsym(lib, name);

        /* To the compiler what dlsym() gives is no pointer to a function. */
        memcpy(target, &symbol, sizeof(symbol));
        return symbol ? 0 : -ELIBBAD;
}
