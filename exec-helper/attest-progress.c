/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of an attestation. A service manager whose patience ends (TimeoutStartSec=) kills a start that
 * only takes long; so it is told to wait on, but only as long as something advances. Must be called by the
 * thread that attests alone.
 */

#include "attest-progress.h"

#include <time.h>

#include "notify.h"

#define PERIOD_MS 1000U
#define PATIENCE_USEC "30000000" /* from one word of ours to the next: a disk may be slow to answer */

static uint64_t now_ms(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_format(const AttestProgress *p, uint64_t elapsed_ms, char ret_text[PROGRESS_TEXT_MAX]) {
        /* By fs-verity nothing is read, and files are what there is to count. */
        const bool by_bytes = p->bytes_total > 0 && (p->bytes > 0 || p->entries_total == 0);
        uint64_t done = by_bytes ? p->bytes : p->entries;
        uint64_t total = by_bytes ? p->bytes_total : p->entries_total;
        uint64_t unit = by_bytes ? 1000000 : 1;
        char left[48] = "";

        if (total == 0) {
                (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "%llu files, %llu MB so far",
                        (unsigned long long)p->entries, (unsigned long long)(p->bytes / 1000000));
                return;
        }
        /* More than was promised: the tree has what its manifest has not. */
        double part = done < total ? (double)done / (double)total : 1;
        if (part >= 0.01) /* before, it is no more than a guess */
                (void)snprintf(left, sizeof(left), ", %llu s left",
                        (unsigned long long)((double)elapsed_ms / 1000 * (1 - part) / part + 0.5));
        (void)snprintf(ret_text, PROGRESS_TEXT_MAX, "%u%% (%llu of %llu %s%s)", (unsigned)(100 * part),
                (unsigned long long)((done < total ? done : total) / unit),
                (unsigned long long)(total / unit), by_bytes ? "MB" : "files", left);
}

void progress_begin(Progress *p, const char *notify_socket) {
        uint64_t now = now_ms();

        *p = (Progress){ notify_socket, now, now };
}

void progress_tell(const AttestProgress *done, void *userdata) {
        char text[PROGRESS_TEXT_MAX], state[PROGRESS_TEXT_MAX + 96];
        Progress *p = userdata;
        uint64_t now = now_ms();

        if (!p->notify_socket || now - p->told_ms < PERIOD_MS)
                return;
        p->told_ms = now;
        progress_format(done, now - p->began_ms, text);
        (void)snprintf(state, sizeof(state),
                "EXTEND_TIMEOUT_USEC=" PATIENCE_USEC "\nSTATUS=Verifying the root tree: %s", text);
        (void)notify_send(p->notify_socket, state);
}
