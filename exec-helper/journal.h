/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram a record. Small enough not
 * to load libsystemd for, and so to have in a program that loads nothing.
 */

#include "util.h"

/*
 * Sends `n` fields, each "NAME=VALUE", as one record to the host's journald. Values may hold newlines. Never
 * blocks. 0, -ENOMEM, or -errno of the socket (-EMSGSIZE for a record of more than some 200 KB).
 */
int journal_send(char *const *fields, size_t n);
