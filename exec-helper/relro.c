/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last thing that a loader does for a program: once addresses are filled in, the tables that hold them
 * (PT_GNU_RELRO) become read-only. musl's start of a static program, which loads itself, leaves it out. For
 * the static helper alone, before main().
 */

#include <link.h>
#include <sys/mman.h>

#include "exit-code.h"
#include "util.h"

/* The linker's: the start of the program in memory. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

_noreturn_ static void fail(void) {
        static const char text[] = "nucleus-exec: cannot make the tables of addresses read-only\n";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        _exit(EXIT_CODE_STDIN);
}

__attribute__((constructor)) static void protect_tables(void) {
        uintptr_t base = (uintptr_t)&__ehdr_start, page = (uintptr_t)sysconf(_SC_PAGESIZE);
        const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);

        for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
                const ElfW(Phdr) *p = &segments[i];
                if (p->p_type != PT_GNU_RELRO)
                        continue;
                uintptr_t begin = (base + p->p_vaddr) & -page,
                          end = (base + p->p_vaddr + p->p_memsz) & -page;
                if (mprotect((void *)begin, end - begin, PROT_READ) < 0)
                        fail();
        }
}
