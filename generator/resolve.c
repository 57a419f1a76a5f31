/* SPDX-License-Identifier: Apache-2.0 */
/* The order of overrides, floor, defaults and policies. Must never resolve a service in another one. */

#include "resolve.h"

#include "dropin-find.h"
#include "floor.h"
#include "override.h"
#include "service-policy.h"

/* Floors of the system hold for the services of users, too, whatever a user's environment says. */
static int floor_directories(Scope scope, char ***ret_) {
        static const char *const system[] = { "/run/nucleus", "/etc/nucleus", "/usr/lib/nucleus" };
        _cleanup_strv_ char **dirs = NULL;

        int r = config_directories(scope, &dirs);
        for (size_t i = 0; r >= 0 && scope == SCOPE_USER && i < ELEMENTSOF(system); i++)
                if (!strv_contains(dirs, system[i]))
                        r = strv_append(&dirs, system[i]);
        if (r < 0)
                return r;
        *ret_ = TAKE_PTR(dirs);
        return 0;
}

/* What a drop-in does without our doing: it replaces the very program that would apply a policy. */
static int warn_of_replacements(const DropinFile *f, const char *service, Diagnostics *diag) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_replaced; i++) {
                const DropinNote *note = &f->replaced[i];

                r = diagnostics_add(diag, SEVERITY_WARNING,
                        (Position){ .file = f->path, .line = note->line }, service, "%s= %s", note->name,
                        note->effect);
        }
        return r;
}

/* A policy that would silently not be applied is not what its author asked for. */
static int refuse_misplaced(const DropinFile *f, ServiceConfig *s, Diagnostics *diag) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_misspelt; i++) {
                s->failed = true;
                r = diagnostics_add(diag, SEVERITY_ERROR,
                        (Position){ .file = f->path, .line = f->misspelt[i].line }, s->name,
                        "unknown section [%s]; did you mean [" DROPIN_SECTION "]?", f->misspelt[i].name);
        }
        for (size_t i = 0; r >= 0 && i < f->n_stray; i++) {
                s->failed = true;
                r = diagnostics_add(diag, SEVERITY_ERROR,
                        (Position){ .file = f->path, .line = f->stray[i].line }, s->name,
                        "%s= says nothing here: it belongs below a line [" DROPIN_SECTION "]",
                        f->stray[i].name);
        }
        return r;
}

static int apply_dropins(ConfigSet *set, ServiceConfig *s, Diagnostics *diag) {
        _cleanup_free_ const DropinFile **files = NULL;
        size_t n = 0;

        int r = dropin_index_find(set->dropins, s->name, &files, &n, diag);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                s->failed = true;
        for (size_t i = 0; i < n; i++) {
                r = warn_of_replacements(files[i], s->name, diag);
                if (r >= 0)
                        r = refuse_misplaced(files[i], s, diag);
                if (r < 0)
                        return r;
        }
        return override_apply(s, files, n, diag);
}

static int resolve_service(ConfigSet *set, ServiceConfig *s, Diagnostics *diag) {
        int r = apply_dropins(set, s, diag);

        if (r >= 0)
                r = floor_apply(set->floor, s, diag);
        if (r >= 0)
                r = config_finish(s, diag);
        return r < 0 || s->failed ? r : policy_store_resolve(set->policies, s, diag);
}

int config_set_resolve(ConfigSet *set, Scope scope, Diagnostics *diag) {
        _cleanup_strv_ char **dirs = NULL;

        int r = floor_directories(scope, &dirs);
        if (r >= 0)
                r = floor_load(dirs, &set->floor, diag);
        if (r >= 0)
                r = dropin_index_new(scope, &set->dropins);
        if (r >= 0)
                r = policy_store_new(set->floor, &set->policies);
        for (size_t i = 0; r >= 0 && i < set->n; i++)
                for (size_t k = 0; r >= 0 && k < set->configs[i]->n_services; k++)
                        r = resolve_service(set, set->configs[i]->services[k], diag);
        return r;
}
