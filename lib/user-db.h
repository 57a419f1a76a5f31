/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The text of passwd(5) and group(5). Read by hand, since C libraries do not agree on what a line means that
 * is not as it should be: to one an empty id is none, to another it is 0, which is root.
 *
 * Strict: seven fields for a user and four for a group, no byte NUL, at most USER_DB_LINE_MAX bytes, and ids
 * as user_id_parse() takes them. Empty lines, comments (#) and lines for NIS (+, -) are passed over. The
 * first line of a name or id is the one that counts.
 */

#include "util.h"

#define USER_DB_LINE_MAX 65536U

/* An id in decimal digits: no sign, no space, no leading zero, and less than 4294967295, which is no id to
 * the kernel. `s`: `n` bytes. */
bool user_id_parse(const char *s, size_t n, uint32_t *ret_);

/*
 * The line of a user, by name or by id, and of a group. 0; -ESRCH: there is none; -EINVAL: it is not as it
 * should be, and *reterr_line is its number, from 1.
 */
int passwd_find_name(const char *text, size_t n, const char *name, uint32_t *ret_uid, uint32_t *ret_gid,
        unsigned *reterr_line);
int passwd_find_uid(const char *text, size_t n, uint32_t uid, uint32_t *ret_gid, unsigned *reterr_line);
int group_find_name(const char *text, size_t n, const char *name, uint32_t *ret_gid, unsigned *reterr_line);
