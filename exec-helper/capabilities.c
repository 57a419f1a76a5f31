/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets by the raw system calls and by number: what is kept was named where the spec was made. */

#include "capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(cap) (UINT64_C(1) << (cap))

/* One to keep must be there: what was left out quietly would be missed much later. */
static int check_kept(unsigned cap) {
        int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        return r < 0 ? -errno : r == 0 ? -EPERM : 0;
}

static int drop(unsigned cap) {
        return prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 ? -errno : 0;
}

int capabilities_drop_bounding(uint64_t keep, unsigned *ret_cap) {
        for (unsigned cap = 0; cap < 64; cap++) {
                int r = keep & BIT(cap) ? check_kept(cap) : drop(cap);
                if (r >= 0)
                        continue;

                /* The kernel answers EINVAL for the first number that it does not know. That is none of
                 * those that the oldest supported one does: a filter that somebody put around us must not
                 * end the loop early. */
                uint64_t left = keep >> cap;
                if (r == -EINVAL && cap > CAP_CHECKPOINT_RESTORE && left == 0)
                        return 0;
                *ret_cap = left ? cap + (unsigned)__builtin_ctzll(left) : cap;
                return r;
        }
        return 0;
}

static int set(uint64_t held, uint64_t inheritable) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
                data[i].effective = data[i].permitted = (uint32_t)(held >> 32 * i);
                data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_keep_only(uint64_t mask) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        return set(mask, 0);
}

int capabilities_drop_all(void) {
        return capabilities_keep_only(0);
}

int capabilities_raise_ambient(uint64_t mask) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        int r = set(mask | BIT(CAP_SETPCAP), mask);
        for (unsigned long cap = 0; r >= 0 && cap < 64; cap++)
                if ((mask & BIT(cap)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
                        r = -errno;
        return r;
}

int capabilities_drop_to_ambient(uint64_t mask) {
        return set(mask, mask);
}
