/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every right of Landlock, landlock(7), as one table by ABI: for the policy parser, for nucleus-exec and for
 * whoever explains a policy. Pure; the constants are the kernel's.
 */

#include "strbuf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum LandlockKind {
        LANDLOCK_KIND_FS,    /* LANDLOCK_ACCESS_FS_… */
        LANDLOCK_KIND_NET,   /* LANDLOCK_ACCESS_NET_… */
        LANDLOCK_KIND_SCOPE, /* LANDLOCK_SCOPE_… */
} LandlockKind;

typedef struct LandlockRight {
        const char *name; /* "read_file" */
        LandlockKind kind;
        unsigned abi; /* the first that has it */
        uint64_t bit;
        bool file;        /* makes sense for a file as well as for a directory */
        const char *help; /* what it allows; of a scope, what it denies */
} LandlockRight;

/* All of them, by kind and then by bit; ends with a NULL name. */
extern const LandlockRight landlock_rights[];

/* Words that stand for several rights at once; ends with a NULL name. */
typedef struct LandlockGroup {
        const char *name; /* "read" */
        uint64_t access;  /* LANDLOCK_ACCESS_FS_… */
} LandlockGroup;

extern const LandlockGroup landlock_groups[];

/* The ABIs that bring something that a policy can ask for. */
#define LANDLOCK_ABI_NET 4U
#define LANDLOCK_ABI_SCOPE 6U
#define LANDLOCK_ABI_LOG 7U /* flags of landlock_restrict_self(2) for the audit log */
#define LANDLOCK_ABI_MAX 7U /* the newest that the table knows */

/* What the built-in policy grants, in classes; made of the bits of the table. */
#define LANDLOCK_CLASS_READ UINT64_C(0x000c) /* read files, list directories */
#define LANDLOCK_CLASS_EXECUTE UINT64_C(0x0001)
#define LANDLOCK_CLASS_WRITE UINT64_C(0x77b2) /* all that changes files, but for making devices */
#define LANDLOCK_CLASS_IOCTL_DEV UINT64_C(0x8000)

/* All rights of a kind that a kernel of this ABI handles. 0 for ABI 0. */
uint64_t landlock_handled(LandlockKind kind, unsigned abi) _pure_;

/* The file system rights that a rule on something other than a directory may have. */
uint64_t landlock_file_rights(void) _pure_;

/* Does the ABI have a right of that kind called `name`? Its row, or NULL. */
const LandlockRight *landlock_right_find(LandlockKind kind, const char *name) _pure_;

/* A right, or (file system only) a group of them, to its bits; 0 where nothing is called so. */
uint64_t landlock_access_of_word(LandlockKind kind, const char *word) _pure_;

/* The word of that kind, group or right, most like `word`; NULL where none is near. */
const char *landlock_word_nearest(LandlockKind kind, const char *word);

/* Appends the names of the single rights in `access`, in the table's order. */
void landlock_access_format(LandlockKind kind, uint64_t access, const char *separator, StrBuf *b);

/* The first ABI that has all of `access`. */
unsigned landlock_access_abi(LandlockKind kind, uint64_t access) _pure_;

#ifdef __cplusplus
}
#endif
