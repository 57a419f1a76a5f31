/* SPDX-License-Identifier: Apache-2.0 */
/* The capability policy of a service: TOML to two sets. Must keep nothing that is not named. */

#include <linux/capability.h>

#include "policy-reader.h"
#include "strbuf.h"

static int take_capability(const TomlNode *v, const char *word, void *userdata, PolicyError *reterr_) {
        uint64_t *set = userdata;
        unsigned cap;

        if (capability_from_name(word, &cap) < 0) {
                const char *near = capability_nearest(word);
                if (near)
                        return policy_error_at(reterr_, v,
                                "unknown capability \"%.64s\"; did you mean \"%s\"?", word, near);
                return policy_error_at(
                        reterr_, v, "unknown capability \"%.64s\"; capabilities(7) lists them", word);
        }
        if (cap == CAP_SETFCAP)
                return policy_error_at(reterr_, v,
                        "CAP_SETFCAP cannot be kept: a capability that the service gives to a file of a "
                        "volume is "
                        "the host's");
        *set |= UINT64_C(1) << cap;
        return 0;
}

/* Reads [bounding] or [ambient], where it is there. *ret_list: the list of it. */
static int read_set(const TomlNode *table, const char *where, uint64_t *set, const TomlNode **ret_list,
        PolicyError *reterr_) {
        if (!table)
                return 0;
        int r = policy_read_table(
                table, where, (PolicyKey[]){ { "keep", TOML_TYPE_ARRAY, ret_list }, {} }, reterr_);
        if (r >= 0 && *ret_list)
                r = policy_read_words(*ret_list, "keep", take_capability, set, reterr_);
        return r;
}

static int refuse_ambient(const TomlNode *list, uint64_t beyond, PolicyError *reterr_) {
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *names = NULL;

        for (unsigned i = 0; i < CAPABILITY_COUNT; i++)
                if (beyond & UINT64_C(1) << i)
                        strbuf_printf(&b, "%s%s", b.len > 0 ? ", " : "", capability_name(i));
        int r = strbuf_finish(&b, &names);
        if (r < 0)
                return r;
        return policy_error_at(
                reterr_, list, "[ambient] keeps what [bounding] does not; add there: %s", names);
}

int capability_policy_parse(const char *text, size_t n, CapabilityPolicy *ret_, PolicyError *reterr_) {
        _cleanup_toml_ TomlDocument *document = NULL;
        const TomlNode *bounding = NULL, *ambient = NULL, *kept = NULL, *held = NULL;
        CapabilityPolicy p = {};

        int r = policy_read_document(text, n, &document, reterr_);
        if (r >= 0)
                r = policy_read_table(toml_root(document), "",
                        (PolicyKey[]){ { "bounding", TOML_TYPE_TABLE, &bounding },
                                { "ambient", TOML_TYPE_TABLE, &ambient }, {} },
                        reterr_);
        if (r >= 0)
                r = read_set(bounding, "[bounding]", &p.bounding, &kept, reterr_);
        if (r >= 0)
                r = read_set(ambient, "[ambient]", &p.ambient, &held, reterr_);
        if (r >= 0 && (p.ambient & ~p.bounding))
                r = refuse_ambient(held, p.ambient & ~p.bounding, reterr_);
        if (r < 0)
                return r;
        *ret_ = p;
        return 0;
}
