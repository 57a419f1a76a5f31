/* SPDX-License-Identifier: Apache-2.0 */
/* Capability and Landlock policies: what is accepted can be carried by a spec, and says no more afterwards.
 */

#include "fuzz.h"
#include "landlock-rights.h"
#include "policy.h"
#include "spec.h"

/* Through spec text and back, to the same text. */
static void check_carried(LandlockPolicy *policy) {
        static const char base[] =
                "nucleus-spec 1\nname a\nmode agent\nargument /a\nworkdir /\nuser 0\n"
                "namespaces pid mount net\nnetwork none\nseccomp default\nlandlock custom\n";
        _cleanup_free_ char *error = NULL, *text = NULL, *again = NULL;
        _cleanup_spec_ Spec *s = NULL, *carried = NULL;

        CHECK(spec_parse(base, sizeof(base) - 1, &s, &error) == 0);
        landlock_policy_free(s->landlock_policy);
        s->landlock_policy = policy;
        CHECK(spec_format(s, &text) == 0);
        CHECK(spec_parse(text, strlen(text), &carried, &error) == 0);
        CHECK(spec_format(carried, &again) == 0 && streq(text, again));
        CHECK(carried->landlock_policy->n_rules == policy->n_rules);
        CHECK(carried->landlock_policy->scoped == policy->scoped);
}

static bool fuzz_landlock(const char *text, size_t n) {
        _cleanup_policy_error_ PolicyError e = {};
        LandlockPolicy *policy = NULL;

        int r = landlock_policy_parse(text, n, &policy, &e);
        CHECK(r == 0 || r == -EINVAL);
        CHECK((r == 0) == !!policy && (r == 0) == !e.message);
        if (r < 0)
                return false;
        CHECK(policy->n_ports == 0 || policy->min_abi >= LANDLOCK_ABI_NET);
        check_carried(policy); /* which takes it */
        return true;
}

static bool fuzz_capabilities(const char *text, size_t n) {
        _cleanup_policy_error_ PolicyError e = {};
        CapabilityPolicy p = {};

        int r = capability_policy_parse(text, n, &p, &e);
        CHECK(r == 0 || r == -EINVAL);
        CHECK((r == 0) == !e.message);
        CHECK((p.ambient & ~p.bounding) == 0);
        CHECK(r == 0 || p.bounding == 0);
        return r == 0;
}

bool fuzz_one(const char *text, size_t n) {
        bool capabilities = fuzz_capabilities(text, n), landlock = fuzz_landlock(text, n);

        return capabilities || landlock;
}
