/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the seccomp compiler knows of architectures: the number of each system call, and which arguments the
 * kernel reads as 32-bit integers.
 */

#include "util.h"

/* One architecture that a filter can be compiled for. */
typedef struct SeccompArch {
        const char *name;     /* the kernel's machine name ("x86_64"), as used in our own files */
        const char *oci_name; /* "SCMP_ARCH_X86_64" */
        const char *go_name;  /* "amd64", as in `includes.arches` of container engines */
        const char *macro;    /* the compiler's predefined macro */
        uint32_t audit_arch;  /* AUDIT_ARCH_…, what the filter sees in seccomp_data.arch */
        uint32_t library;     /* libseccomp's token */
        uint32_t foreign_bit; /* system call numbers with this bit belong to another ABI; 0: none */
} SeccompArch;

/* All of them; ends with a NULL name. */
extern const SeccompArch seccomp_archs[];

/* The row whose name, oci_name or go_name is `name`, or NULL. */
const SeccompArch *seccomp_arch_find(const char *name) _pure_;

/* The row of the machine this was compiled for, or NULL where there is none. */
const SeccompArch *seccomp_arch_this(void);

/* Is `name` the name of an architecture in OCI's list ("SCMP_ARCH_…"), whether we compile for it or not? */
bool seccomp_arch_oci_known(const char *name) _pure_;

/*
 * The number of the system call `name`. 0 and *ret_nr; -EOPNOTSUPP where the call exists, but not on this
 * architecture; -ENOENT where nobody knows the name (a misspelling, or newer than this build).
 */
int seccomp_syscall_number(const SeccompArch *arch, const char *name, uint32_t *ret_nr);

/* What a call that this architecture does not have is called on it ("umount": "umount2"); NULL where nothing
 * there has its purpose, and where the architecture has the call itself. Static text. */
const char *seccomp_syscall_here(const SeccompArch *arch, const char *name);

#define SECCOMP_NAME_SIZE 64U

/* Numbers of system calls are below this, on every architecture. */
#define SECCOMP_NUMBERS 1024U

/*
 * The name of the system call `nr`, in `buffer`, or NULL where it has none. All names of an architecture are
 * found by asking for every number below SECCOMP_NUMBERS.
 */
const char *seccomp_syscall_name(
        const SeccompArch *arch, uint32_t nr, char buffer[static SECCOMP_NAME_SIZE]);

/* The system call, of any architecture, with the name nearest to `name`, in `buffer`; NULL where none is
 * near. */
const char *seccomp_syscall_nearest(const char *name, char buffer[static SECCOMP_NAME_SIZE]);

/*
 * How many bits of argument `index` (0-5) of the call the kernel reads: 64, 32 or 16. The registers are 64
 * bits wide, so a filter that compares all of them can be told a lie in the upper ones: see CVE-2019-10063
 * for TIOCSTI.
 */
unsigned seccomp_argument_bits(const char *name, unsigned index) _pure_;

/* Are they fewer than 64? */
bool seccomp_argument_is_int(const char *name, unsigned index) _pure_;
