/* SPDX-License-Identifier: BSD-2-Clause */
/* mprotect, msync, mlock, madvise, mincore: what is done to ranges that are mapped. */
#include <aegis/aegis.h>

#include "../fs/pages.h"
#include "../posix/user.h"
#include "../signal/signals.h"
#include "vm_posix.h"

#pragma weak node_touched

bool range_mapped(uintptr_t start, size_t length)
{
    struct region r;
    uintptr_t end = start + length;

    while (start < end && pager_region(start, &r))
        start = r.end;
    return start >= end;
}

PINNED_CODE static long mark_masked(long start, long length, long set, long clear)
{
    uintptr_t va = (uintptr_t)start, end = va + (uintptr_t)length;
    unsigned marks = 0;
    struct page_entry *e;

    for (; (e = pager_current->next(&va, end)); va += AEGIS_PAGE_SIZE) {
        marks |= e->rights;
        e->rights = (uint8_t)((e->rights | set) & ~clear);
    }
    return marks;
}

unsigned range_mark(uintptr_t start, size_t length, unsigned set, unsigned clear)
{
    return (unsigned)pager_call(mark_masked, (long)start, (long)length, set, clear);
}

int mprotect(void *address, size_t length, int prot)
{
    int error = prot & ~7 ? EINVAL : range_check(address, &length, ENOMEM);

    if (!error && length)
        error = (int)masked_call((long)address, (long)address + (long)length,
                                 (long)rights_of(prot), 0, space_protect);
    return fail(error);
}

/* Whether one of these pages was written since this was last asked. */
static bool range_written(uintptr_t start, uintptr_t end)
{
    bool written = false;

    for (uintptr_t va = start; va < end; va += AEGIS_PAGE_SIZE)
        if (aegis_page_dirty((const void *)va)) {
            while (aegis_map_clean(AEGIS_SLOT_SELF, va, 1).error == AEGIS_E_AGAIN)
                ;
            written = true;
        }
    return written;
}

static void files_written(uintptr_t start, uintptr_t end)
{
    struct region r;

    for (; pager_region_next(start, &r) && r.start < end; start = r.end) {
        uintptr_t from = r.start > start ? r.start : start, to = r.end < end ? r.end : end;
        if (r.kind == REGION_FILE && r.flags & REGION_SHARED && range_written(from, to))
            node_touched(r.object, true);
    }
}

/* Shared pages are the file's own: there is nothing to write back but the time. */
int msync(void *address, size_t length, int flags)
{
    int known = MS_ASYNC | MS_SYNC | MS_INVALIDATE;

    signals_point();
    int error = flags & ~known || (flags & MS_ASYNC && flags & MS_SYNC)
                    ? EINVAL
                    : range_check(address, &length, ENOMEM);
    if (!error && !range_mapped((uintptr_t)address, length))
        error = ENOMEM;
    if (!error && flags & MS_INVALIDATE &&
        range_mark((uintptr_t)address, length, 0, 0) & PAGE_LOCKED)
        error = EBUSY;
    if (!error)
        files_written((uintptr_t)address, (uintptr_t)address + length);
    return fail(error);
}

/* Nothing is ever taken from a process behind its back: locked is what is there. */
int mlock(const void *address, size_t length)
{
    uintptr_t start = PAGE_DOWN((uintptr_t)address);
    struct rlimit limit;
    struct region r;

    length += (uintptr_t)address - start;
    int error = range_check((void *)start, &length, ENOMEM);
    if (!error && !getrlimit(RLIMIT_MEMLOCK, &limit) && length > limit.rlim_cur)
        error = ENOMEM;
    for (uintptr_t va = start, end = start + length; !error && va < end; va = r.end) {
        if (!pager_region(va, &r))
            return fail(ENOMEM);
        uintptr_t stop = r.end < end ? r.end : end;
        if (r.kind != REGION_IMAGE && r.rights &&
            pager_populate(va, (stop - va) / AEGIS_PAGE_SIZE, r.rights & AEGIS_W ? AEGIS_W : AEGIS_R))
            error = ENOMEM;
    }
    if (!error)
        range_mark(start, length, PAGE_LOCKED, 0);
    return fail(error);
}

int munlock(const void *address, size_t length)
{
    uintptr_t start = PAGE_DOWN((uintptr_t)address);

    length += (uintptr_t)address - start;
    int error = range_check((void *)start, &length, ENOMEM);
    if (!error && !range_mapped(start, length))
        error = ENOMEM;
    if (!error)
        range_mark(start, length, 0, PAGE_LOCKED);
    return fail(error);
}

/* Pages that can be had again: zeros, and contents of files. */
static void range_forget(uintptr_t start, uintptr_t end)
{
    struct region r;

    for (; start < end && pager_region(start, &r); start = r.end) {
        uintptr_t stop = r.end < end ? r.end : end;
        if (r.kind == REGION_FILE || (r.kind != REGION_IMAGE && !(r.flags & REGION_SHARED)))
            pager_forget(start, (stop - start) / AEGIS_PAGE_SIZE);
    }
}

static void range_fetch(uintptr_t start, uintptr_t end)
{
    struct region r;

    for (; start < end && pager_region(start, &r); start = r.end) {
        uintptr_t stop = r.end < end ? r.end : end;
        if (r.rights && r.kind != REGION_IMAGE)
            pager_populate(start, (stop - start) / AEGIS_PAGE_SIZE, AEGIS_R);
    }
}

int madvise(void *address, size_t length, int advice)
{
    uintptr_t start = (uintptr_t)address;
    int error = range_check(address, &length, ENOMEM);

    if (!error && advice != MADV_FREE && (advice < MADV_NORMAL || advice > MADV_DONTNEED))
        error = EINVAL;
    if (!error && !range_mapped(start, length))
        error = ENOMEM;
    if (!error && (advice == MADV_DONTNEED || advice == MADV_FREE))
        range_forget(start, start + length);
    if (!error && advice == MADV_WILLNEED)
        range_fetch(start, start + length);
    return fail(error);
}

/* Advice of this kind must not change contents. */
int posix_madvise(void *address, size_t length, int advice)
{
    int error = range_check(address, &length, ENOMEM);

    if (!error && (advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED))
        error = EINVAL;
    if (!error && !range_mapped((uintptr_t)address, length))
        error = ENOMEM;
    if (!error && advice == POSIX_MADV_WILLNEED)
        range_fetch((uintptr_t)address, (uintptr_t)address + length);
    return error;
}

int mincore(void *address, size_t length, unsigned char *vector)
{
    uintptr_t start = (uintptr_t)address;
    int error = range_check(address, &length, ENOMEM);

    if (!error && !range_mapped(start, length))
        error = ENOMEM;
    for (size_t i = 0; !error && i < length / AEGIS_PAGE_SIZE; i++) {
        unsigned char there = pager_find(start + i * AEGIS_PAGE_SIZE).kind == PAGE_PRESENT;
        error = -user_copy_out(&vector[i], &there, 1);
    }
    return fail(error);
}
