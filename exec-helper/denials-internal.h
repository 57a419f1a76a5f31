/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the denials share: denials-open.c joins, denials.c sorts, denials-report.c words. */

#include "audit-record.h"
#include "denials.h"

/* All bounds: whatever a service does, it costs no more memory than this. */
#define DENIALS_ROWS 64U          /* that are reported in each window */
#define DENIALS_LANDLOCK_ROWS 48U /* of these: paths are many, and must not hide system calls */
#define DENIALS_NAMES 4U          /* programs that are named of each kind: a name is quickly changed */
#define DENIALS_WINDOW_MS (3600 * 1000LL)
#define DENIALS_DOMAINS 32U /* Landlock domains of the service that have denied something */
#define DENIALS_PENDING 8U
#define DENIALS_PENDING_MS 100

/* One kind of denial, of one program: reported when it came first, and counted since. */
typedef struct DenialRow {
        char kind[192];
        char comm[AUDIT_COMM_MAX];
        bool rest;       /* of all programs that are not named: only counted */
        char label[160]; /* for people */
        uint64_t more;
} DenialRow;

/* A record of Landlock that waits for those of the same event: which domain it was, and who asked. */
typedef struct PendingDenial {
        AuditRecord access;
        int64_t since; /* monotonic milliseconds */
} PendingDenial;

struct Denials {
        int fd;

        /* Whose records are ours: those of these ids, or else those of this cgroup. */
        uint64_t first_id, last_id; /* 0: the service has no ids of its own */
        char *cgroup;

        uint64_t domains[DENIALS_DOMAINS];
        size_t n_domains;
        PendingDenial pending[DENIALS_PENDING];
        size_t n_pending;

        DenialRow rows[DENIALS_ROWS];
        size_t n_rows, n_landlock_rows;
        uint64_t others;      /* that found no room in `rows` */
        bool lost;            /* the kernel had more to say than we could hear */
        int64_t window_start; /* monotonic milliseconds */

        char *(*name_of)(uint32_t arch, int nr); /* of libseccomp; NULL: not there, or not yet looked for */
        bool looked_for_names;
};

/* Takes one record of the kernel. What is no record of ours does nothing. `now`: monotonic milliseconds. */
void denials_feed(Context *c, unsigned type, const char *text, size_t n, int64_t now);

/* Reports what waited long enough for a record that did not come. */
void denials_expire(Context *c, int64_t now);

/* Reports how often everything came again, and forgets it. */
void denials_summarize(Context *c);

/*
 * Reports one denial. `call`: for Landlock, the record of the system call, or NULL; for seccomp the record
 * itself is all there is.
 */
void denial_report(const Context *c, const AuditRecord *r, const AuditRecord *call);

/* Which kind the denial is, whoever made the call, for the table: not for people. */
void denial_kind(const AuditRecord *r, char *ret_kind, size_t size);

/* Names the kind for people, in a few words, and the program `comm`; NULL: one of many. */
void denial_label(const Context *c, const AuditRecord *r, const char *comm, char *ret_label, size_t size);

/* The path of a process's cgroup, as the calling process sees it, to be freed; NULL: gone, or not to be
 * read. `pid` 0: our own. */
char *denials_cgroup_of(uint64_t pid);
