/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets by the raw system calls: what is dropped is everything, so no name is ever needed. */

#include "capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int capabilities_drop_bounding(void) {
        /* The kernel answers EINVAL for the first number that it does not know. That is none of those that
         * the oldest supported one does: a filter that somebody put around us must not end the loop early.
         */
        for (unsigned long cap = 0; cap < 64; cap++) {
                int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
                if (r < 0)
                        return errno == EINVAL && cap > CAP_CHECKPOINT_RESTORE ? 0 : -errno;
                if (r > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        }
        return 0;
}

int capabilities_keep_only(uint64_t mask) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
                data[i].effective = data[i].permitted = (uint32_t)(mask >> 32 * i);

        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_drop_all(void) {
        return capabilities_keep_only(0);
}
