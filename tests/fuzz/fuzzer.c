/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's entry. The text is copied to a block of its very size, so that one byte too far is seen. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n ?: 1);

        CHECK(text);
        if (n > 0)
                memcpy(text, data, n);
        (void)fuzz_one(text, n);
        free(text);
        return 0;
}
