/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel's audit records of denials, as data. Pure. The text is a line of KEY=VALUE; what a program may
 * choose (names, paths) stands in quotes, or in hexadecimal digits where it holds a quote, a space, a
 * control character or a byte above 0x7e. So nothing that a program chooses can look like another key, as
 * long as it is read strictly: what does not fit is an error, never a guess.
 */

#include <linux/audit.h>

#include "strbuf.h"

/* The architecture this was compiled for, as records and filters name it; 0: none that filters are made for.
 */
#if defined(__x86_64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#else
#define AUDIT_ARCH_NATIVE 0
#endif

typedef enum AuditType {
        AUDIT_TYPE_SYSCALL = 1300, /* how a call ended; belongs to the record of the same serial before it */
        AUDIT_TYPE_SECCOMP = 1326,
        AUDIT_TYPE_LANDLOCK_ACCESS = 1423, /* Linux 6.15 */
        AUDIT_TYPE_LANDLOCK_DOMAIN = 1424,
} AuditType;

#define AUDIT_TEXT_MAX 8970U /* MAX_AUDIT_MESSAGE_LENGTH */
#define AUDIT_COMM_MAX 64U
#define AUDIT_PATH_MAX 512U /* bytes that are kept of a path or a program's */

typedef struct AuditRecord {
        unsigned type;   /* AuditType */
        uint64_t time;   /* milliseconds since 1970; with `serial` it names the event */
        uint64_t serial; /* records of one event have the same */

        uint64_t seen; /* bit N: row N of the table of keys was there; see audit_record_has() */
        uint64_t pid, uid;
        char comm[AUDIT_COMM_MAX]; /* bytes as they are, cut at the end */
        char exe[AUDIT_PATH_MAX];

        /* seccomp, and the system call of a Landlock event */
        uint64_t syscall, arch, sig, code;
        int64_t exit;

        /* Landlock */
        uint64_t domain;
        char blockers[128]; /* "fs.write_file,fs.truncate" */
        char status[16];    /* "allocated", "deallocated" */
        char path[AUDIT_PATH_MAX];
        uint64_t opid; /* the process that would have been signalled or traced */
        char ocomm[AUDIT_COMM_MAX];
        char saddr[64], daddr[64];
        uint64_t src, dest; /* ports */
} AuditRecord;

/*
 * Reads the `n` bytes of a record of `type`. Keys that are not in AuditRecord are passed over; those that
 * the type must have and are missing, a key twice, and a value that is not what the key's must be are
 * errors. 0 or -EINVAL.
 */
int audit_record_parse(unsigned type, const char *text, size_t n, AuditRecord *ret_);

/* Was there a value for the field at `offset` (offsetof) of AuditRecord? */
bool audit_record_has(const AuditRecord *r, size_t offset) _pure_;

/* Appends bytes of a stranger for people to read: what is no printable UTF-8, and quotes and backslashes, as
 * \xHH. */
void audit_text_escape(StrBuf *b, const char *s);
