/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every target defines, and the two programs around it: libFuzzer's (fuzzer.c) and the replay
 * (replay.c). */

#include <stdio.h>
#include <stdlib.h>

#include "util.h"

/*
 * Parses one hostile text, and checks what must hold of whatever is accepted. Ends the process by CHECK()
 * where it does not. True: the text was accepted.
 */
bool fuzz_one(const char *text, size_t n);

/* An assertion that no build switches off, and that libFuzzer takes for a crash. */
#define CHECK(condition)                                                                                    \
        do {                                                                                                \
                if (!(condition)) {                                                                         \
                        fprintf(stderr, "%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #condition);              \
                        abort();                                                                            \
                }                                                                                           \
        } while (false)
