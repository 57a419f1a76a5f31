/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which line of a seccomp profile refuses which system call, in one short text: nucleus-exec, which knows no
 * profile, names the line when the kernel tells of a denial. Entries stand behind each other with a comma:
 *
 *     default:00050001@2,newer:00050026@2,16:00050001@14,16:00050001@31,101:00050001@0
 *
 * SYSTEMCALL:ACTION@LINE, SYSTEMCALL a decimal number, ACTION the kernel's SECCOMP_RET_… with its data in 8
 * hex digits, LINE a decimal number (0: no rule, but the floor). A call that may be refused for several
 * reasons has several entries, in the order in which they are tried. "default" is for calls that have none,
 * "newer" for those of a higher number than the profile knows. What is allowed has no entry.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SECCOMP_LINES_TEXT_MAX 65536U

typedef struct SeccompLine {
        uint32_t action;
        unsigned line; /* 0: the floor */
} SeccompLine;

/* Is it such a text? */
bool seccomp_lines_valid(const char *text) _pure_;

/*
 * Which lines may have answered the call `nr` with the action `action` (SECCOMP_RET_…, its data does not
 * count, since the kernel does not tell): up to `n` of them into ret_, in the order in which they are tried.
 * Returns how many there are. `text` may be NULL: none.
 */
size_t seccomp_lines_find(const char *text, uint32_t nr, uint32_t action, SeccompLine *ret_, size_t n);

#ifdef __cplusplus
}
#endif
