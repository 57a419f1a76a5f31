/* SPDX-License-Identifier: Apache-2.0 */
/* The one error of a policy file. Must never print: the program that read the file does, with its name. */

#include "policy-error.h"

#include <stdarg.h>

void policy_error_done(PolicyError *e) {
        free(e->message);
        *e = (PolicyError){};
}

int policy_error_set(PolicyError *e, unsigned line, unsigned column, const char *format, ...) {
        va_list args;

        policy_error_done(e);
        va_start(args, format);
        int r = vasprintf(&e->message, format, args);
        va_end(args);
        if (r < 0) {
                e->message = NULL;
                return -ENOMEM;
        }
        e->line = line;
        e->column = column;
        return -EINVAL;
}
