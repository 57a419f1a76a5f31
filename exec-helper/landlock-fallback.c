/* SPDX-License-Identifier: Apache-2.0 */
/* A build without Landlock: modes that require it, and policies that somebody wrote, refuse to start. */

#include "landlock.h"

int landlock_abi(void) {
        return 0;
}

int landlock_apply(const LandlockRequest *request _unused_, int abi _unused_) {
        return -EOPNOTSUPP;
}
