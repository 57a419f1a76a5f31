/* SPDX-License-Identifier: Apache-2.0 */
/* `nucleus policy`: pinning policy files, and saying why a policy says what it says. */

#include "nucleus-policy.h"

static const Verb policy_verbs[] = {
        { "policy pin", "[--drop-in] [--kind KIND] [--json] FILE...",
                "print the lines that pin policy files",
                "Checks each FILE and prints the lines that name and pin it, for the configuration of a\n"
                "service. What a service would refuse is not pinned.\n\n"
                "  --drop-in     lines for a drop-in of the unit instead\n"
                "  --kind KIND   seccomp, capabilities, landlock or manifest, where the content does not "
                "say\n"
                "  --json        print one JSON document\n",
                verb_policy_pin },
        { "policy explain",
                "--syscall NAME | --capability NAME | --path PATH [--access WORDS] | --all\n"
                "       [--service NAME | --profile FILE | --mode MODE] [--user] [--json]",
                "say what a policy answers, and why",
                "Says what a policy answers, which rule of which file decides, and its reason.\n\n"
                "  --syscall NAME      a system call, or its number\n"
                "  --capability NAME   a capability\n"
                "  --path PATH         a path in the service, by Landlock\n"
                "  --access WORDS      with --path: rights, separated by commas (read)\n"
                "  --all               all system calls, one a line\n"
                "  --service NAME      the policy of that service\n"
                "  --profile FILE      the policy file, of the kind that is asked for\n"
                "  --mode MODE         the built-in of agent, strict-agent or production (the default)\n"
                "  --user              with --service: of the user's own service manager\n"
                "  --json              print one JSON document\n",
                verb_policy_explain },
        {},
};

int verb_policy(const Verb *verb, int argc, char **argv) {
        return run_subverb(verb, policy_verbs, argc, argv);
}

unsigned line_of_word(const char *text, const char *word) {
        size_t n = strlen(word);
        unsigned line = 1;

        for (; *text; text++) {
                if (*text == '\n')
                        line++;
                if ((*text == '"' || *text == '\'') && strncmp(text + 1, word, n) == 0 &&
                        text[n + 1] == *text)
                        return line;
        }
        return 0;
}
