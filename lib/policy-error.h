/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is wrong with a policy file, and where. The readers of policies take text, not files: the path is
 * the caller's to print.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct PolicyError {
        unsigned line, column; /* from 1; 0: unknown */
        char *message;         /* owned; NULL where there was no memory for one */
} PolicyError;

void policy_error_done(PolicyError *e);
#define _cleanup_policy_error_ _cleanup_(policy_error_done)

/*
 * Sets the error, in place of what *e holds. Returns -EINVAL, for the caller to return, or -ENOMEM where
 * there was no memory for the message.
 */
int policy_error_set(PolicyError *e, unsigned line, unsigned column, const char *format, ...) _printf_(4, 5);

#ifdef __cplusplus
}
#endif
