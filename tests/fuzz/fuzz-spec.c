/* SPDX-License-Identifier: Apache-2.0 */
/* Spec text: what is accepted is canonical, byte for byte; what is refused has a message. */

#include "fuzz.h"
#include "spec.h"

bool fuzz_one(const char *text, size_t n) {
        _cleanup_spec_ Spec *s = NULL;
        _cleanup_free_ char *error = NULL, *again = NULL;

        int k = spec_parse(text, n, &s, &error);
        CHECK(k == 0 || k == -EINVAL);
        CHECK((k == 0) == !!s && (k == 0) == !error);
        if (k < 0)
                return false;
        CHECK(service_name_is_valid(s->name));
        CHECK(s->error || (s->capabilities_ambient & ~s->capabilities_bounding) == 0);
        CHECK(s->error || s->capabilities_bounding == 0 || (s->namespaces & NAMESPACE_USER));
        CHECK(s->error || streq(s->seccomp, "custom") == !!s->seccomp_program);
        CHECK(s->error || streq(s->landlock, "custom") == !!s->landlock_policy);
        CHECK(spec_format(s, &again) == 0);
        CHECK(strlen(again) == n && memcmp(again, text, n) == 0);
        return true;
}
