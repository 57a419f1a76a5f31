/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a corpus through its target without libFuzzer, in every build. A file's name says what must come of
 * it: "good-…" is accepted, "bad-…" is refused. Both kinds must be there: an entry function that does
 * nothing cannot pass.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "fuzz.h"

static bool replay(const char *directory, const char *name, bool good) {
        char path[PATH_MAX], *text = NULL;
        size_t n = 0, k;

        CHECK(snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path));
        FILE *f = fopen(path, "re");
        CHECK(f);
        do {
                char block[65536];
                k = fread(block, 1, sizeof(block), f);
                char *p = realloc(text, n + k ?: 1);
                CHECK(p);
                text = p;
                memcpy(text + n, block, k);
                n += k;
        } while (k > 0);
        CHECK(!ferror(f));
        fclose(f);

        bool accepted = fuzz_one(text, n);
        free(text);
        if (accepted != good)
                fprintf(stderr, "%s: %s\n", path, accepted ? "accepted" : "refused");
        return accepted == good;
}

int main(int argc, char **argv) {
        size_t n_good = 0, n_bad = 0, n_wrong = 0;

        CHECK(argc == 2);
        DIR *d = opendir(argv[1]);
        CHECK(d);
        for (const struct dirent *e; (e = readdir(d));) {
                if (e->d_name[0] == '.')
                        continue;
                bool good = startswith(e->d_name, "good-");
                CHECK(good || startswith(e->d_name, "bad-"));
                n_good += good;
                n_bad += !good;
                n_wrong += !replay(argv[1], e->d_name, good);
        }
        closedir(d);
        printf("%zu good, %zu bad, %zu wrong\n", n_good, n_bad, n_wrong);
        return n_good > 0 && n_bad > 0 && n_wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
