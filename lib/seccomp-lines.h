/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which line of a seccomp profile refuses which system call, in one short text: nucleus-exec, which knows no
 * profile, names the line when the kernel tells of a denial. Entries stand behind each other with a comma:
 *
 *     default:00050001@2,451+:00050026@2,16:00050001@14,16:00050001@31,101:00050001@0
 *
 * SYSTEMCALL:ACTION@LINE, SYSTEMCALL a decimal number, ACTION the kernel's SECCOMP_RET_… with its data in 8
 * hex digits, LINE a decimal number (0: no line of the profile, but the floor; 4294967295: a rule of ours
 * that stands before every profile). A call that may be refused for several reasons has several entries, in
 * the order in which they are tried. "default" is for calls that have none, "451+" for 451 and all above,
 * which the profile does not know. What is allowed has no entry.
 */

#include "util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SECCOMP_LINES_TEXT_MAX 65536U

#define SECCOMP_LINE_FLOOR 0U
#define SECCOMP_LINE_FIRST UINT32_MAX

typedef struct SeccompLine {
        uint32_t action;
        unsigned line; /* of the profile, or one of the two above */
} SeccompLine;

struct SeccompProfile;
struct SeccompTarget;

/*
 * For front ends: the text for a profile as compiled for a target, to be freed. 0; -E2BIG where it would be
 * longer than SECCOMP_LINES_TEXT_MAX; or -ENOMEM.
 */
int seccomp_lines_make(const struct SeccompProfile *p, const struct SeccompTarget *target, char **ret_);

/* Is it such a text? */
bool seccomp_lines_valid(const char *text) _pure_;

/*
 * Which lines may have answered the call `nr` with the action `action` (SECCOMP_RET_…; its data does not
 * count, since the kernel does not tell): up to `n` of them into ret_, in the order in which they are tried.
 * Returns how many there are. `text` may be NULL: none.
 */
size_t seccomp_lines_find(const char *text, uint32_t nr, uint32_t action, SeccompLine *ret_, size_t n);

#ifdef __cplusplus
}
#endif
