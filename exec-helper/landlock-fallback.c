/* SPDX-License-Identifier: Apache-2.0 */
/* A build without Landlock: modes that require it refuse to start. */

#include "landlock.h"

int landlock_abi(void) {
        return 0;
}

int landlock_apply(const LandlockRule *rules _unused_, size_t n _unused_, unsigned min_abi _unused_) {
        return -EOPNOTSUPP;
}
