/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `nucleus` command: for the operator. It reads what the generator reads, by the same code, and says
 * what comes of it. One file a verb. Must never change anything but what a verb is asked to write.
 */

#include "nucleus.h"

#include "build-config.h"

#include <locale.h>

static const Verb verbs[] = {
        { "verify", "[--json] [--user] [FILE...]", "check configuration files",
                "Checks every service that nucleus-generator(8) would read, or each FILE as if it stood "
                "among\n"
                "them, and prints each problem with its place.\n\n"
                "  --json   print one JSON document\n"
                "  --user   the services of the user's own service manager\n",
                verb_verify },
        { "show", "[--json | --unit | --recipe] [--user] NAME", "print a service as it would run",
                "Prints every value of the service NAME and where it comes from.\n\n"
                "  --json     print one JSON document\n"
                "  --unit     print the units that the generator makes\n"
                "  --recipe   print the steps that nucleus-exec(8) would take\n"
                "  --user     a service of the user's own service manager\n",
                verb_show },
        { "graph", "[--format text|dot|json | --json] [--user]", "print which service needs which",
                "Prints all services with their dependencies, and what is wrong with them.\n\n"
                "  --format FORMAT   text (the default), dot (for graphviz) or json\n"
                "  --json            the same as --format json\n"
                "  --user            the services of the user's own service manager\n",
                verb_graph },
        { "attest",
                "[--verify] [--verify-signature] [--format 1|2] [--fsverity] [--enable-verity] [--sign "
                "KEY.pem]\n"
                "       [--manifest-sha256 HEX] [--image-sha256 HEX | --image-fsverity HEX]\n"
                "       [--public-key KEY]... [--threads N] [--all] [--json] DIR|IMAGE",
                "write or verify the manifest of a root tree, or an image",
                "Writes DIR/.nucleus-rootfs-sha256, which nucleus-manifest(5) describes, or takes the "
                "digest\n"
                "of an EROFS or squashfs image.\n\n"
                "  --verify                compare the tree with its manifest; write nothing\n"
                "  --verify-signature      check the manifest's signature alone, not the tree\n"
                "  --format 1|2            write version 1 (content of files only) or 2 (the default)\n"
                "  --fsverity              record fs-verity digests too; verify by them alone\n"
                "  --enable-verity         make each file read-only for ever, by fs-verity; last of all\n"
                "  --sign KEY.pem          sign with an Ed25519 private key: the manifest that is there if "
                "the tree\n"
                "                          is what it says, or a new one; or the image\n"
                "  --manifest-sha256 HEX   with --verify: what the manifest's own digest must be\n"
                "  --image-sha256 HEX      with --verify: what the image's SHA-256 must be\n"
                "  --image-fsverity HEX    with --verify: what the image's fs-verity digest must be\n"
                "  --public-key KEY        whose signature it must have, in base64; any of several\n"
                "  --threads N             how many; by default as many as the tree is worth\n"
                "  --all                   list every difference; else stop soon after the first\n"
                "  --json                  print one JSON document\n",
                verb_attest },
        { "rootfs", "VERB [OPTION...] [ARGUMENT...]", "make root trees and images",
                "Root trees, attested, of a directory, a tar archive or a container image.\n", verb_rootfs },
        { "policy", "VERB [OPTION...] [ARGUMENT...]", "pin and explain policies",
                "The lines that pin policy files, and why a policy answers what it answers.\n",
                verb_policy },
        { "seccomp", "VERB [OPTION...] [ARGUMENT...]", "learn which system calls a program needs",
                "From a trace of a program to a seccomp profile, and what it changes.\n", verb_seccomp },
};

static int print_help(void) {
        printf("Usage: nucleus VERB [OPTION...] [ARGUMENT...]\n\n"
               "Services and sandboxes under systemd, from TOML in /etc/nucleus.\n\nVerbs:\n");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                printf("  %s%-8s%s %s\n", colour(stdout, COLOUR_BOLD), verbs[i].name,
                        colour(stdout, COLOUR_RESET), verbs[i].summary);
        printf("\n`nucleus VERB --help` says more; see nucleus(1) and nucleus.toml(5).\n");
        return finish_output(0);
}

static int unknown_verb(const char *name) {
        const char *names[ELEMENTSOF(verbs) + 1] = {};

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                names[i] = verbs[i].name;
        const char *near = nearest_name(name, names);
        if (near)
                print_error("there is no verb \"%s\"; did you mean \"%s\"?", name, near);
        else
                print_error("there is no verb \"%s\"; `nucleus --help` lists them", name);
        return STATUS_USAGE;
}

int main(int argc, char **argv) {
        (void)setlocale(LC_CTYPE, "");

        if (argc < 2) {
                print_error("a verb is missing; `nucleus --help` lists them");
                return STATUS_USAGE;
        }
        if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help"))
                return print_help();
        if (streq(argv[1], "--version")) {
                printf("nucleus %s\n", NUCLEUS_VERSION);
                return finish_output(0);
        }
        if (argv[1][0] == '-') {
                print_error(
                        "there is no option \"%s\" before the verb; `nucleus --help` says more", argv[1]);
                return STATUS_USAGE;
        }
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(argv[1], verbs[i].name)) {
                        /* getopt_long(3) begins its messages with it. */
                        static char name[] = "nucleus";
                        argv[1] = name;
                        return verbs[i].run(&verbs[i], argc - 1, argv + 1);
                }
        return unknown_verb(argv[1]);
}
