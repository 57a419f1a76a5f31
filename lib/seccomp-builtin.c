/* SPDX-License-Identifier: Apache-2.0 */
/* The texts are put into headers by policies/embed-text.c. Nothing here reads them. */

#include "seccomp-builtin.h"

#include "agent.seccomp.text.h"
#include "mounts.seccomp.text.h"
#include "ports.seccomp.text.h"
#include "production.seccomp.text.h"
#include "strict-agent.seccomp.text.h"
#include "volumes.seccomp.text.h"

static const struct {
        const char *text;
        size_t n;
} profiles[] = {
        [MODE_AGENT] = { text_agent, sizeof(text_agent) - 1 },
        [MODE_STRICT_AGENT] = { text_strict_agent, sizeof(text_strict_agent) - 1 },
        [MODE_PRODUCTION] = { text_production, sizeof(text_production) - 1 },
};
_Static_assert(ELEMENTSOF(profiles) == _MODE_MAX, "one profile a tier");

const char *seccomp_builtin_profile(Mode mode, size_t *ret_n) {
        *ret_n = profiles[mode].n;
        return profiles[mode].text;
}

const char *seccomp_mandatory_profile(SeccompMandatory which, size_t *ret_n) {
        switch (which) {
        case SECCOMP_MANDATORY_VOLUMES:
                *ret_n = sizeof(text_volumes) - 1;
                return text_volumes;
        case SECCOMP_MANDATORY_PORTS:
                *ret_n = sizeof(text_ports) - 1;
                return text_ports;
        default:
                *ret_n = sizeof(text_mounts) - 1;
                return text_mounts;
        }
}
