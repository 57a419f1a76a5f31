/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The service manager's notification protocol, sd_notify(3): small enough to speak without a library. */

/* Sends `state` ("READY=1\nSTATUS=…") to the socket. Does nothing where `socket` is NULL. 0 or -errno:
 * -EAGAIN where the service manager makes no room for two seconds. */
int notify_send(const char *socket, const char *state);
