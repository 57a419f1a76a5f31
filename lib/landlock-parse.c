/* SPDX-License-Identifier: Apache-2.0 */
/* The Landlock policy of a service: TOML to rules. Must grant nothing that is not named. */

#include "landlock-rights.h"
#include "path.h"
#include "policy-reader.h"

#define ABI_MAX 999 /* of a demand: far above what any kernel has */

typedef struct Access {
        LandlockKind kind;
        uint64_t bits;
} Access;

/* All words of a kind, in one text. */
static int list_words(LandlockKind kind, char **ret_) {
        _cleanup_strbuf_ StrBuf b = {};

        for (const LandlockGroup *g = landlock_groups; kind == LANDLOCK_KIND_FS && g->name; g++)
                strbuf_printf(&b, "%s, ", g->name);
        landlock_access_format(kind, landlock_handled(kind, LANDLOCK_ABI_MAX), ", ", &b);
        return strbuf_finish(&b, ret_);
}

static int unknown_word(const TomlNode *v, const char *word, LandlockKind kind, PolicyError *reterr_) {
        const char *near = landlock_word_nearest(kind, word);
        _cleanup_free_ char *words = NULL;

        if (kind == LANDLOCK_KIND_FS && landlock_access_of_word(LANDLOCK_KIND_NET, word))
                return policy_error_at(reterr_, v, "%s is a right on ports, for [[ports]]", word);
        if (kind == LANDLOCK_KIND_NET && landlock_access_of_word(LANDLOCK_KIND_FS, word))
                return policy_error_at(reterr_, v, "%s is a right on files, for [[rules]]", word);
        if (near)
                return policy_error_at(
                        reterr_, v, "unknown access \"%.64s\"; did you mean \"%s\"?", word, near);
        if (list_words(kind, &words) < 0)
                return -ENOMEM;
        return policy_error_at(reterr_, v, "unknown access \"%.64s\", where there may be: %s", word, words);
}

static int take_access(const TomlNode *v, const char *word, void *userdata, PolicyError *reterr_) {
        Access *access = userdata;
        uint64_t bits = landlock_access_of_word(access->kind, word);

        if (bits == 0)
                return unknown_word(v, word, access->kind, reterr_);
        access->bits |= bits;
        return 0;
}

/* The list of words of a rule; what no right is granted by is a mistake. */
static int read_access(const TomlNode *rule, const TomlNode *list, LandlockKind kind, uint64_t *ret_,
        PolicyError *reterr_) {
        Access access = { .kind = kind };

        if (!list)
                return policy_error_at(reterr_, rule, "a rule without \"access\"");
        int r = policy_read_words(list, "access", take_access, &access, reterr_);
        if (r >= 0 && access.bits == 0)
                return policy_error_at(
                        reterr_, list, "access grants nothing; what no rule grants is denied already");
        *ret_ = access.bits;
        return r;
}

static int take_rule(const TomlNode *table, void *userdata, PolicyError *reterr_) {
        const TomlNode *path = NULL, *access = NULL, *optional = NULL;
        LandlockPolicy *p = userdata;
        const char *text = NULL;
        uint64_t bits = 0;

        int r = policy_read_table(table, "[[rules]]",
                (PolicyKey[]){ { "path", TOML_TYPE_STRING, &path }, { "access", TOML_TYPE_ARRAY, &access },
                        { "optional", TOML_TYPE_BOOLEAN, &optional }, {} },
                reterr_);
        if (r < 0)
                return r;
        if (!path)
                return policy_error_at(reterr_, table, "a rule without \"path\"");
        r = policy_read_string(path, "path", &text, reterr_);
        if (r < 0)
                return r;
        const char *problem = path_problem(text);
        if (problem)
                return policy_error_at(reterr_, path, "path \"%.255s\" %s", text, problem);
        r = read_access(table, access, LANDLOCK_KIND_FS, &bits, reterr_);
        if (r < 0)
                return r;

        r = landlock_policy_add_path(p, text, bits, optional && optional->boolean);
        if (r == -EEXIST)
                return policy_error_at(
                        reterr_, path, "a second rule for %.255s; write all its access into one", text);
        return r == -E2BIG ? policy_error_at(reterr_, table, "more than %u rules", LANDLOCK_RULES_MAX) : r;
}

static int take_port(const TomlNode *table, void *userdata, PolicyError *reterr_) {
        const TomlNode *port = NULL, *access = NULL;
        LandlockPolicy *p = userdata;
        uint64_t bits = 0;

        int r = policy_read_table(table, "[[ports]]",
                (PolicyKey[]){
                        { "port", TOML_TYPE_INTEGER, &port }, { "access", TOML_TYPE_ARRAY, &access }, {} },
                reterr_);
        if (r < 0)
                return r;
        if (!port)
                return policy_error_at(reterr_, table, "a rule without \"port\"");
        if (port->integer < 1 || port->integer > UINT16_MAX)
                return policy_error_at(
                        reterr_, port, "port must be 1 to 65535, not %lld", (long long)port->integer);
        r = read_access(table, access, LANDLOCK_KIND_NET, &bits, reterr_);
        if (r < 0)
                return r;

        r = landlock_policy_add_port(p, (unsigned)port->integer, bits);
        if (r == -EEXIST)
                return policy_error_at(reterr_, port,
                        "a second rule for port %lld; write all its access into one",
                        (long long)port->integer);
        return r == -E2BIG ? policy_error_at(reterr_, table, "more than %u ports", LANDLOCK_RULES_MAX) : r;
}

/* Both are on unless they are said to be off. */
static int read_scopes(const TomlNode *table, LandlockPolicy *p, PolicyError *reterr_) {
        const TomlNode *unix_socket = NULL, *sig = NULL;

        p->scoped = landlock_handled(LANDLOCK_KIND_SCOPE, LANDLOCK_ABI_MAX);
        if (!table)
                return 0;
        int r = policy_read_table(table, "[scopes]",
                (PolicyKey[]){ { "abstract_unix_socket", TOML_TYPE_BOOLEAN, &unix_socket },
                        { "signal", TOML_TYPE_BOOLEAN, &sig }, {} },
                reterr_);
        if (r >= 0 && unix_socket && !unix_socket->boolean)
                p->scoped &= ~landlock_access_of_word(LANDLOCK_KIND_SCOPE, "abstract_unix_socket");
        if (r >= 0 && sig && !sig->boolean)
                p->scoped &= ~landlock_access_of_word(LANDLOCK_KIND_SCOPE, "signal");
        return r;
}

static int read_min_abi(const TomlNode *v, LandlockPolicy *p, PolicyError *reterr_) {
        if (!v)
                return 0;
        if (v->integer < 1 || v->integer > ABI_MAX)
                return policy_error_at(
                        reterr_, v, "min_abi must be 1 to %d, not %lld", ABI_MAX, (long long)v->integer);
        p->min_abi = (unsigned)v->integer;
        return 0;
}

int landlock_policy_parse(const char *text, size_t n, LandlockPolicy **ret_, PolicyError *reterr_) {
        _cleanup_landlock_policy_ LandlockPolicy *p = landlock_policy_new();
        _cleanup_toml_ TomlDocument *document = NULL;
        const TomlNode *min_abi = NULL, *rules = NULL, *ports = NULL, *scopes = NULL;

        if (!p)
                return -ENOMEM;
        int r = policy_read_document(text, n, &document, reterr_);
        if (r >= 0)
                r = policy_read_table(toml_root(document), "",
                        (PolicyKey[]){ { "min_abi", TOML_TYPE_INTEGER, &min_abi },
                                { "rules", TOML_TYPE_ARRAY, &rules, true },
                                { "ports", TOML_TYPE_ARRAY, &ports, true },
                                { "scopes", TOML_TYPE_TABLE, &scopes }, {} },
                        reterr_);
        if (r >= 0)
                r = read_min_abi(min_abi, p, reterr_);
        if (r >= 0 && rules)
                r = policy_read_tables(rules, "rules", take_rule, p, reterr_);
        if (r >= 0 && ports)
                r = policy_read_tables(ports, "ports", take_port, p, reterr_);
        if (r >= 0)
                r = read_scopes(scopes, p, reterr_);
        if (r < 0)
                return r;

        /* An older kernel would let every port through. */
        if (p->n_ports > 0 && p->min_abi < LANDLOCK_ABI_NET)
                p->min_abi = LANDLOCK_ABI_NET;
        *ret_ = TAKE_PTR(p);
        return 0;
}
