/* SPDX-License-Identifier: Apache-2.0 */
/* The policies in TOML that are installed to be copied: they say what is so without them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "landlock-rights.h"
#include "policy.h"

static char *read_policy(const char *name) {
        _cleanup_free_ char *path = NULL;
        char *text = calloc(1, 16384);

        assert_true(asprintf(&path, "%s/%s", POLICIES, name) > 0);
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(text);
        assert_in_range(fread(text, 1, 16383, f), 1, 16382);
        return text;
}

static void test_default_capabilities_are_none(void **state) {
        _cleanup_free_ char *text = read_policy("default.caps.toml");
        _cleanup_policy_error_ PolicyError error = {};
        CapabilityPolicy p = { 1, 1 };

        if (capability_policy_parse(text, strlen(text), &p, &error) < 0)
                fail_msg("%u: %s", error.line, error.message);
        assert_int_equal(p.bounding, 0);
        assert_int_equal(p.ambient, 0);
}

/* As exec-helper/landlock-step.c makes them of the mounts. */
static const struct {
        const char *path;
        uint64_t access;
} builtin[] = {
        { "/", LANDLOCK_CLASS_READ | LANDLOCK_CLASS_EXECUTE },
        { "/dev", LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_IOCTL_DEV },
        { "/proc", LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE },
        { "/tmp", LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_EXECUTE },
        { "/var/lib/web", LANDLOCK_CLASS_READ | LANDLOCK_CLASS_WRITE | LANDLOCK_CLASS_EXECUTE },
};

static void test_landlock_example_is_as_the_built_in_rules(void **state) {
        _cleanup_free_ char *text = read_policy("example.landlock.toml");
        _cleanup_landlock_policy_ LandlockPolicy *p = NULL;
        _cleanup_policy_error_ PolicyError error = {};

        if (landlock_policy_parse(text, strlen(text), &p, &error) < 0)
                fail_msg("%u: %s", error.line, error.message);
        assert_int_equal(p->n_rules, ELEMENTSOF(builtin));
        for (size_t i = 0; i < p->n_rules; i++) {
                assert_string_equal(p->rules[i].path, builtin[i].path);
                assert_int_equal(p->rules[i].access, builtin[i].access);
                assert_false(p->rules[i].optional);
        }
        assert_int_equal(p->scoped, landlock_handled(LANDLOCK_KIND_SCOPE, 999));
        assert_int_equal(p->n_ports, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default_capabilities_are_none),
                cmocka_unit_test(test_landlock_example_is_as_the_built_in_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
