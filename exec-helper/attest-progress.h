/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the service manager is told while a large root is attested: how far it is, and to go on waiting. */

#include "attest.h"

#define PROGRESS_TEXT_MAX 128U

/* "45% (310 of 690 MB, 3 s left)", as far as it is known; `elapsed` in milliseconds. */
void progress_format(const AttestProgress *p, uint64_t elapsed_ms, char ret_text[PROGRESS_TEXT_MAX]);

typedef struct Progress {
        const char *notify_socket;
        uint64_t began_ms, told_ms;
} Progress;

void progress_begin(Progress *p, const char *notify_socket);

/* An AttestProgressFunc of a Progress: tells after a second, and then at most each second. */
void progress_tell(const AttestProgress *done, void *userdata);
