/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OpenSSL's libcrypto, loaded when it is first needed: programs that never attest do not pay for it.
 * libcrypto.c, hash.c and ed25519.c are the only files that know OpenSSL.
 */

#include "util.h"

/* Loads libcrypto.so.3. It is never unloaded. 0, -ENOPKG where there is none, -ELIBBAD or -EIO. */
int libcrypto_open(void **ret_lib);
