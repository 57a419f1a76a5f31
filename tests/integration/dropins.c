/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Nucleus makes of drop-ins, as text, for test_dropins.py to compare with what systemd makes of them:
 *
 *     dropins find SERVICE…          "SERVICE PATH" for each file that applies, in order
 *     dropins read SECTION FILE…     "FILE:LINE:KEY=VALUE", or "FILE:LINE! MESSAGE"
 *     dropins directories            the unit search path
 */

#include <stdio.h>

#include "dropin-find.h"
#include "safe-read.h"
#include "unit-path.h"

static int find(char *const *services) {
        _cleanup_dropin_index_ DropinIndex *x = NULL;
        int k = dropin_index_new(scope_from_environment(), &x);

        for (; *services && k >= 0; services++) {
                _cleanup_diagnostics_ Diagnostics diag = {};
                _cleanup_free_ const DropinFile **files = NULL;
                size_t n = 0;

                k = dropin_index_find(x, *services, &files, &n, &diag);
                for (size_t i = 0; i < n; i++)
                        printf("%s %s\n", *services, files[i]->path);
                for (size_t i = 0; i < diag.n; i++)
                        printf("%s %s! %s\n", *services, diag.items[i].file, diag.items[i].message);
                k = k == -EINVAL ? 0 : k;
        }
        return k;
}

static int read_one(const char *section, const char *path) {
        _cleanup_policy_error_ PolicyError error = {};
        _cleanup_dropin_file_ DropinFile *f = NULL;
        _cleanup_free_ char *text = NULL;
        SafeFile file;

        int k = safe_read_new(path, 0, DROPIN_FILE_MAX, &text, &file);
        if (k >= 0 && !file.masked)
                k = dropin_parse(text, file.n, section, &f, &error);
        if (k == -EINVAL) {
                printf("%s:%u! %s\n", path, error.line, error.message ?: file.why);
                return 0;
        }
        for (size_t i = 0; f && i < f->n; i++)
                printf("%s:%u:%s=%s\n", path, f->items[i].line, f->items[i].key, f->items[i].value);
        return k;
}

int main(int argc, char **argv) {
        int k = -EINVAL;

        if (argc > 2 && streq(argv[1], "find"))
                k = find(argv + 2);
        else if (argc > 3 && streq(argv[1], "read")) {
                k = 0;
                for (int i = 3; i < argc && k >= 0; i++)
                        k = read_one(argv[2], argv[i]);
        } else if (argc == 2 && streq(argv[1], "directories")) {
                _cleanup_strv_ char **dirs = NULL;
                k = unit_directories(scope_from_environment(), true, &dirs);
                STRV_FOREACH(dir, dirs)
                puts(dir);
        }
        if (k < 0)
                fprintf(stderr, "%s\n", strerror(-k));
        return k < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
