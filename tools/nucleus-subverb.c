/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that have verbs of their own: `nucleus seccomp trace`. One table each, read as the command's is. */

#include "nucleus-subverb.h"

#include "utf8.h"

static int print_subverbs(const Verb *verb, const Verb *subverbs) {
        printf("Usage: nucleus %s %s\n\n%s\nVerbs:\n", verb->name, verb->arguments, verb->details);
        for (; subverbs->name; subverbs++)
                printf("  %s%-9s%s %s\n", colour(stdout, COLOUR_BOLD), strrchr(subverbs->name, ' ') + 1,
                        colour(stdout, COLOUR_RESET), subverbs->summary);
        printf("\n`nucleus %s VERB --help` says more; see nucleus-%s(1).\n", verb->name, verb->name);
        return finish_output(0);
}

static int unknown_subverb(const Verb *verb, const Verb *subverbs, const char *name) {
        const char *names[SUBVERBS_MAX + 1] = {};

        for (size_t i = 0; i < SUBVERBS_MAX && subverbs[i].name; i++)
                names[i] = strrchr(subverbs[i].name, ' ') + 1;
        const char *near = nearest_name(name, names);
        if (near)
                print_error("%s has no verb \"%s\"; did you mean \"%s\"?", verb->name, name, near);
        else
                print_error("%s has no verb \"%s\"; `nucleus %s --help` lists them", verb->name, name,
                        verb->name);
        return STATUS_USAGE;
}

int run_subverb(const Verb *verb, const Verb *subverbs, int argc, char **argv) {
        if (argc < 2) {
                print_error("a verb is missing; `nucleus %s --help` lists them", verb->name);
                return STATUS_USAGE;
        }
        if (streq(argv[1], "--help") || streq(argv[1], "-h"))
                return print_subverbs(verb, subverbs);
        for (const Verb *v = subverbs; v->name; v++)
                if (streq(argv[1], strrchr(v->name, ' ') + 1)) {
                        /* getopt_long(3) begins its messages with it. */
                        static char name[] = "nucleus";
                        argv[1] = name;
                        return v->run(v, argc - 1, argv + 1);
                }
        return unknown_subverb(verb, subverbs, argv[1]);
}

void print_text(const char *s, size_t n) {
        while (n > 0) {
                uint32_t c = 0;
                size_t k = utf8_decode(s, n, &c);

                if (k == 0 || character_is_control(c) || character_is_deceptive(c))
                        (void)putchar('?');
                else
                        (void)fwrite(s, 1, k, stdout);
                k = k ?: 1;
                s += k;
                n -= k;
        }
}
