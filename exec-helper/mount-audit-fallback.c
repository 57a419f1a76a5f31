/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libmount: modes that audit their mounts refuse to start. */

#include "steps.h"

int step_mount_audit(Context *c _unused_) {
        return 0; /* not reached: the step before has failed */
}

int step_load_libmount(Context *c) {
        return step_fail(c, -EOPNOTSUPP, "this build cannot audit the mount table (meson option mount-audit)");
}
