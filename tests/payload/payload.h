/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The test payload: one static program that tests put into a root tree and run as the workload, or run
 * outside as a control. It has verbs; a lone "," among the arguments ends one verb and begins the next.
 *
 * Each result is one row on descriptor 1: fields separated by tabs, bytes that are no printable ASCII, and
 * backslashes, as \xHH. A probe's last field is "OK" or the name of errno. A verb returns the exit status.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 99 /* the test is wrong, not what it tests */

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define ROW_MAX 65536

/* Writes one row; the fields end with NULL. */
void emit(const char *field, ...) __attribute__((sentinel));

/* "OK" where r >= 0, else the name of errno. Call it before anything else changes errno. */
const char *outcome(long r);

/* Writes a message to standard error and exits with EXIT_USAGE: for what a test must not get wrong. */
void broken(const char *what) __attribute__((noreturn));

/* The number of a system call, from its name (of the few that tests use) or its digits. */
long syscall_number(const char *name);

typedef int Verb(int argc, char **argv);

/* look.c: what the process is and sees */
Verb verb_argv, verb_clock, verb_cwd, verb_env, verb_fds, verb_hostname, verb_ids, verb_interfaces,
        verb_list, verb_mounts, verb_ns, verb_processes, verb_read, verb_stat, verb_statfs, verb_status;
/* probe.c: what it may do */
Verb verb_chdir, verb_connect, verb_int80, verb_ioctl, verb_keyring, verb_mkdir, verb_notify_forge,
        verb_open, verb_ptrace, verb_socket, verb_syscall, verb_write;
/* process.c: how it behaves as a process */
Verb verb_allocate, verb_daemon, verb_exit, verb_fill, verb_fork_bomb, verb_kill_self, verb_linger,
        verb_orphans, verb_serve_fd, verb_sleep, verb_trap_signals;
/* wrap.c: what runs another program, or runs beside it */
Verb verb_errno_exec, verb_exchange, verb_exec, verb_hold_exec, verb_naive_bind, verb_place_exec;
