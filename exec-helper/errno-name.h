/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "EPERM" for EPERM; NULL where nothing is called so, or the C library does not tell (musl's). */
const char *errno_name(int error);
