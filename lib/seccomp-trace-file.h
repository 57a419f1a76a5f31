/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A trace: which system calls a program made, and how often. A JSON text that people can read and compare:
 *
 *   {
 *     "nucleus-trace": 1,
 *     "architecture": "x86_64",
 *     "kernel": "6.18.5",
 *     "command": ["/bin/true"],
 *     "syscalls": {
 *       "read": { "count": 12 },
 *       "socket": { "count": 3, "argument": 0, "values": { "0x1": 2, "0xa": 1 } }
 *     },
 *     "numbers": { "470": 1 },
 *     "foreign": [ { "architecture": "0x40000003", "number": 4, "count": 1 } ]
 *   }
 *
 * "syscalls" holds calls by name, "numbers" those by number: a writer that knows no names puts all of them
 * there. "foreign" holds calls of another ABI (int 0x80, x32). Each of the three may be missing.
 *
 * Counting and writing (seccomp-trace-write.c) need libc alone; reading (seccomp-trace-file.c) needs the
 * table of names.
 */

#include "policy-error.h"
#include "strbuf.h"
#include "strv.h"

#define SECCOMP_TRACE_VERSION 1
#define SECCOMP_TRACE_SIZE_MAX (16U << 20) /* bytes of a trace that is read */
#define SECCOMP_TRACE_CALLS_MAX 4096U      /* different calls: their numbers are the program's to choose */
#define SECCOMP_TRACE_VALUES_MAX 64U       /* different values that are kept of an argument */

typedef struct SeccompTraceValue {
        uint64_t value, count;
} SeccompTraceValue;

typedef struct SeccompTraceCall {
        uint32_t audit_arch; /* of a foreign call; 0: a call of the trace's architecture */
        uint32_t nr;
        char *name; /* NULL: not known, or foreign */
        uint64_t count;
        unsigned argument; /* the one that `values` are of */
        SeccompTraceValue *values;
        size_t n_values;
        bool values_cut; /* there were more than SECCOMP_TRACE_VALUES_MAX */
} SeccompTraceCall;

typedef struct SeccompTrace {
        char *architecture; /* "x86_64" */
        char *kernel;       /* its release, or NULL */
        char **command;
        SeccompTraceCall *calls; /* sorted by audit_arch, nr */
        size_t n_calls;
} SeccompTrace;

void seccomp_trace_done(SeccompTrace *t);
#define _cleanup_seccomp_trace_ _cleanup_(seccomp_trace_done)

/*
 * Adds `count` to the call, which it makes where there is none; beyond SECCOMP_TRACE_CALLS_MAX all new ones
 * are counted as the number UINT32_MAX. It, or NULL: no memory. Good until the next.
 */
SeccompTraceCall *seccomp_trace_add(SeccompTrace *t, uint32_t audit_arch, uint32_t nr, uint64_t count);

/* Adds `count` to a value of the call's argument `argument`. 0 or -ENOMEM. */
int seccomp_trace_add_value(SeccompTraceCall *c, unsigned argument, uint64_t value, uint64_t count);

/* Adds all counts of `from`, which is of the same architecture, to `t`. 0 or -ENOMEM. */
int seccomp_trace_merge(SeccompTrace *t, const SeccompTrace *from);

/* The text above, into *ret_ (to be freed): calls with a name by it, the others by number. 0 or -ENOMEM. */
int seccomp_trace_format(const SeccompTrace *t, char **ret_);

/* Appends a JSON string. Bytes that are no UTF-8 become the text \\xHH, as everywhere in our JSON. */
void seccomp_json_string(StrBuf *b, const char *s);

/*
 * What follows is for front ends (seccomp-trace-file.c).
 */

/* The argument of the call `name` whose values a trace keeps, or -1. */
int seccomp_trace_argument(const char *name) _pure_;

/* Gives each call of the trace's architecture its name, where it has one. 0 or -ENOMEM. */
int seccomp_trace_name_calls(SeccompTrace *t);

/*
 * Reads `n` bytes. Whatever is not as above is refused: unknown and duplicate keys, an unknown call or
 * architecture, a negative count. All calls that have a name get it. 0, -EINVAL with *reterr_, or -ENOMEM.
 */
int seccomp_trace_parse(const char *text, size_t n, SeccompTrace *ret_, PolicyError *reterr_);
