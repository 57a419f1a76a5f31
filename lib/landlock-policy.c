/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of a Landlock policy. Must take nothing that could never be applied. */

#include "landlock-policy.h"

#include "landlock-rights.h"
#include "path.h"

LandlockPolicy *landlock_policy_new(void) {
        return calloc(1, sizeof(LandlockPolicy));
}

LandlockPolicy *landlock_policy_free(LandlockPolicy *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_rules; i++)
                free(p->rules[i].path);
        free(p->rules);
        free(p->ports);
        free(p);
        return NULL;
}

/* Is `access` some of the rights of that kind, and nothing else? */
static bool access_is_valid(LandlockKind kind, uint64_t access) {
        return access != 0 && (access & ~landlock_handled(kind, LANDLOCK_ABI_MAX)) == 0;
}

int landlock_policy_add_path(LandlockPolicy *p, const char *path, uint64_t access, bool optional) {
        if (path_problem(path) || !access_is_valid(LANDLOCK_KIND_FS, access))
                return -EINVAL;
        for (size_t i = 0; i < p->n_rules; i++)
                if (streq(p->rules[i].path, path))
                        return -EEXIST;
        if (p->n_rules >= LANDLOCK_RULES_MAX)
                return -E2BIG;

        LandlockPathRule *rules = reallocarray(p->rules, p->n_rules + 1, sizeof(*rules));
        if (!rules)
                return -ENOMEM;
        p->rules = rules;
        char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        rules[p->n_rules++] = (LandlockPathRule){ copy, access, optional };
        return 0;
}

int landlock_policy_add_port(LandlockPolicy *p, unsigned port, uint64_t access) {
        if (port < 1 || port > UINT16_MAX || !access_is_valid(LANDLOCK_KIND_NET, access))
                return -EINVAL;
        for (size_t i = 0; i < p->n_ports; i++)
                if (p->ports[i].port == port)
                        return -EEXIST;
        if (p->n_ports >= LANDLOCK_RULES_MAX)
                return -E2BIG;

        LandlockPortRule *ports = reallocarray(p->ports, p->n_ports + 1, sizeof(*ports));
        if (!ports)
                return -ENOMEM;
        p->ports = ports;
        ports[p->n_ports++] = (LandlockPortRule){ (uint16_t)port, access };
        return 0;
}

LandlockPolicy *landlock_policy_copy(const LandlockPolicy *p) {
        _cleanup_landlock_policy_ LandlockPolicy *copy = landlock_policy_new();
        int r = copy ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < p->n_rules; i++)
                r = landlock_policy_add_path(
                        copy, p->rules[i].path, p->rules[i].access, p->rules[i].optional);
        for (size_t i = 0; r >= 0 && i < p->n_ports; i++)
                r = landlock_policy_add_port(copy, p->ports[i].port, p->ports[i].access);
        if (r < 0)
                return NULL;
        copy->min_abi = p->min_abi;
        copy->scoped = p->scoped;
        return TAKE_PTR(copy);
}
