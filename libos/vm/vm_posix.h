/* SPDX-License-Identifier: BSD-2-Clause */
/* What POSIX's calls about memory share. */
#pragma once

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "vm.h"

#define ADDRESS_END VM_MMAP_END

static inline int fail(int error)
{
    if (!error)
        return 0;
    errno = error;
    return -1;
}

static inline unsigned rights_of(int prot)
{
    return !(prot & 7) ? 0
                       : AEGIS_R | (prot & PROT_WRITE ? AEGIS_W : 0) | (prot & PROT_EXEC ? AEGIS_X : 0);
}

/* Whole pages that an application may have: `error` if not. */
static inline int range_check(const void *address, size_t *length, int error)
{
    uintptr_t start = (uintptr_t)address;

    if (start % AEGIS_PAGE_SIZE)
        return EINVAL;
    if (*length > ADDRESS_END || start > ADDRESS_END - PAGE_UP(*length))
        return error;
    *length = PAGE_UP(*length);
    return 0;
}

/* Whether regions cover all of it. */
bool range_mapped(uintptr_t start, size_t length);
/* RLIMIT_AS: may there be so many bytes more? */
bool space_left(size_t bytes);
/* Sets and clears marks (PAGE_LOCKED) of the entries in a range: what stood there, or-ed. */
unsigned range_mark(uintptr_t start, size_t length, unsigned set, unsigned clear);
