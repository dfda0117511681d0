/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap, munmap, mremap: regions come and go; pages follow when they are touched. */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../fd/file.h"
#include "../fs/pages.h"
#include "../proc/give.h"
#include "../proc/space.h"
#include "../session/process.h"
#include "vm_posix.h"

#pragma weak file_node
#pragma weak file_of
#pragma weak node_map
#pragma weak node_unmap
#pragma weak node_touched

#define MAP_KIND (MAP_SHARED | MAP_PRIVATE)

static PINNED_BSS uintptr_t search_from; /* where the last mapping ended */
static int lock_future;                  /* mlockall(MCL_FUTURE) */

/* ---- places ---- */

/* A gap of `size` bytes at or behind `from`, below `end`, and the number that a region there would
 * have; 0: none. */
PINNED_CODE static uintptr_t gap_find(uintptr_t from, uintptr_t end, uintptr_t size, unsigned *number)
{
    unsigned i = region_search(from);

    for (; i < region_count && regions[i].start < end; i++) {
        if (regions[i].start > from && regions[i].start - from >= size)
            break;
        from = regions[i].end;
    }
    *number = i;
    return from < end && end - from >= size ? from : 0;
}

/* Inserts a region; at its start, if there is room, or (it must: `fixed`) fails. The address, or a
 * negative error. */
PINNED_CODE static long place_masked(long region, long fixed, long c, long d)
{
    struct region r = *(const struct region *)region;
    uintptr_t size = r.end - r.start, at = r.start;
    unsigned number;

    (void)c, (void)d;
    if (!at || gap_find(at, r.end, size, &number) != at) {
        if (fixed)
            return -EEXIST;
        at = gap_find(search_from ? search_from : VM_MMAP, VM_MMAP_END, size, &number);
        if (!at)
            at = gap_find(VM_MMAP, VM_MMAP_END, size, &number);
        if (!at)
            return -ENOMEM;
        search_from = at + size;
    }
    if (region_room(1))
        return -ENOMEM;
    r.start = at;
    r.end = at + size;
    region_insert_at(&r, number);
    return (long)at;
}

/* Nobody else's: the pager's own addresses, session memory, what the kernel keeps. */
static bool place_allowed(uintptr_t start, uintptr_t end)
{
    static const struct {
        uintptr_t start, end;
    } kept[] = {
        {0, 0x10000},
        {VM_META, SPACE_WINDOW + SPACE_WINDOW_PAGES * (uintptr_t)AEGIS_PAGE_SIZE},
        {VM_START, AEGIS_PINNED + AEGIS_PINNED_SIZE},
        {SESSION_VA, SESSION_VA + SESSION_SIZE},
    };
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (start < kept[i].end && kept[i].start < end)
            return false;
    return end <= ADDRESS_END;
}

bool space_left(size_t bytes)
{
    struct rlimit limit;
    struct region r;
    size_t sum = bytes;

    if (!process_self || process_self->limits[RLIMIT_AS].now == RLIM_INFINITY)
        return true;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return true;
    for (uintptr_t va = 0; pager_region_next(va, &r) && sum <= limit.rlim_cur; va = r.end)
        sum += r.end - r.start;
    return sum <= limit.rlim_cur;
}

/* ---- files that are mapped ---- */

static bool node_in_use(const void *node)
{
    struct region r;

    for (uintptr_t va = 0; pager_region_next(va, &r); va = r.end)
        if (r.kind == REGION_FILE && r.object == node)
            return true;
    return false;
}

/* The regions of one file are one mapping of it to its file system. */
static void node_let_go(void *node)
{
    if (node && !node_in_use(node))
        node_unmap(node);
}

/* The quick way: no file lies in the range. -1: one does. */
PINNED_CODE static long unmap_masked(long first, long last, long c, long d)
{
    uintptr_t start = (uintptr_t)first, end = (uintptr_t)last;

    (void)c, (void)d;
    const struct region *r = region_quick(start);
    if (!r)
        r = &regions[region_search(start)];
    for (; r < regions + region_count && r->start < end; r++)
        if (r->kind == REGION_FILE)
            return -1;
    if (start < search_from && start >= VM_MMAP)
        search_from = start;
    return space_unmap(start, end);
}

/* A range goes; files that are mapped nowhere else are let go. ENOMEM. */
static int range_unmap(uintptr_t start, uintptr_t end)
{
    struct region r;
    if (end - start > 512 * AEGIS_PAGE_SIZE)
        pager_forget(start, (end - start) / AEGIS_PAGE_SIZE); /* in steps; then little is left */
    int error = (int)masked_call((long)start, (long)end, 0, 0, unmap_masked);

    if (error != -1)
        return error;
    while (pager_region_next(start, &r) && r.start < end) {
        uintptr_t stop = r.end < end ? r.end : end;
        error = pager_unmap(start, (stop - start) / AEGIS_PAGE_SIZE);
        if (error)
            return error;
        if (r.kind == REGION_FILE)
            node_let_go(r.object);
        start = stop;
    }
    if (start < search_from && start >= VM_MMAP)
        search_from = start;
    return 0;
}

/* What the descriptor says about the region. Errno. */
static int file_region(struct region *r, int fd, int prot, int flags)
{
    struct node *node;
    unsigned how;
    int error = file_node ? file_node(fd, &node, &how) : -ENODEV;

    if (error == -ENODEV && file_of && file_of(fd) && file_of(fd)->type == FILE_ZERO)
        return 0; /* as good as none */
    if (error)
        return -error;
    if (flags & MAP_SHARED && (how & O_ACCMODE) != O_RDWR) {
        if (prot & PROT_WRITE)
            return EACCES;
        r->most &= (uint8_t)~AEGIS_W;
    }
    if (!node_in_use(node) && node_map(node))
        return ENOMEM;
    node_touched(node, false);
    r->kind = REGION_FILE;
    r->object = node;
    return 0;
}

/* ---- mmap ---- */

static int arguments_check(const void *address, size_t length, int prot, int flags, off_t offset)
{
    if (!length || offset % AEGIS_PAGE_SIZE || prot & ~7)
        return EINVAL;
    if ((flags & MAP_KIND) != MAP_SHARED && (flags & MAP_KIND) != MAP_PRIVATE)
        return EINVAL;
    if (flags & MAP_FIXED && (uintptr_t)address % AEGIS_PAGE_SIZE)
        return EINVAL;
    if (length > VM_MMAP_END - VM_MMAP)
        return ENOMEM;
    if (!(flags & MAP_ANONYMOUS) && (offset < 0 || offset + (off_t)PAGE_UP(length) < 0))
        return EOVERFLOW;
    return 0;
}

/* What is promised is had, as far as can be told now. */
static bool memory_left(const struct region *r, int flags)
{
    size_t pages = (r->end - r->start) / AEGIS_PAGE_SIZE;

    return flags & MAP_NORESERVE || r->kind == REGION_FILE || !r->rights ||
           pages + SPARE_PAGES <= pages_free() || memory_ask(pages + SPARE_PAGES);
}

static long region_place(struct region *r, int flags)
{
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

    if (r->start && !place_allowed(r->start, r->end)) {
        if (fixed)
            return -ENOMEM;
        r->end -= r->start;
        r->start = 0;
    }
    if (!space_left(r->end - r->start))
        return -ENOMEM;
    if (flags & MAP_FIXED) {
        int error = range_unmap(r->start, r->end);
        if (error)
            return -error;
    }
    return pager_call(place_masked, (long)r, fixed, 0, 0);
}

static void populate(uintptr_t va, size_t pages, const struct region *r, int flags)
{
    if ((flags & (MAP_POPULATE | MAP_LOCKED) || lock_future) && r->rights)
        pager_populate(va, pages, r->rights & AEGIS_W ? AEGIS_W : AEGIS_R);
    if (flags & MAP_LOCKED || lock_future)
        range_mark(va, pages * AEGIS_PAGE_SIZE, PAGE_LOCKED, 0);
}

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
    int error = arguments_check(address, length, prot, flags, offset);
    uintptr_t start = PAGE_DOWN((uintptr_t)address);
    struct region r = {.start = start,
                       .end = start + PAGE_UP(length),
                       .rights = (uint8_t)rights_of(prot),
                       .most = AEGIS_RWX,
                       .kind = REGION_ZERO,
                       .flags = flags & MAP_SHARED ? REGION_SHARED : 0};

    if (!error && !(flags & MAP_ANONYMOUS)) {
        r.offset = (uint64_t)offset;
        error = file_region(&r, fd, prot, flags);
    }
    if (!error && !memory_left(&r, flags))
        error = ENOMEM;
    long at = error ? -error : region_place(&r, flags);
    if (at < 0) {
        node_let_go(r.object);
        fail((int)-at);
        return MAP_FAILED;
    }
    populate((uintptr_t)at, (r.end - r.start) / AEGIS_PAGE_SIZE, &r, flags);
    return (void *)at;
}

int munmap(void *address, size_t length)
{
    int error = length ? range_check(address, &length, EINVAL) : EINVAL;

    return fail(error ? error : range_unmap((uintptr_t)address, (uintptr_t)address + length));
}

/* ---- mremap ---- */

static bool grow_here(const struct region *r, uintptr_t end, size_t more)
{
    struct region next = *r;

    if (r->end != end || !place_allowed(end, end + more))
        return false;
    next.start = end;
    next.end = end + more;
    next.offset = r->offset + (end - r->start);
    return pager_map_region(&next) == 0;
}

/* Pages move one by one; what was never touched need not. */
static int move(const struct region *r, uintptr_t from, uintptr_t to, size_t length)
{
    for (size_t at = 0; at < length; at += AEGIS_PAGE_SIZE) {
        struct page_entry e = pager_find(from + at), none = {0, 0, PAGE_NONE, 0};
        unsigned slot = e.kind == PAGE_PRESENT && !(e.rights & PAGE_SHARED)
                            ? pager_take(from + at, none)
                            : 0;
        if (slot && pager_put(to + at, slot, e.rights))
            return ENOMEM;
    }
    (void)r;
    return range_unmap(from, from + length);
}

void *mremap(void *address, size_t old, size_t size, int flags, ...)
{
    uintptr_t start = (uintptr_t)address, at;
    struct region r;

    size = PAGE_UP(size);
    if (range_check(address, &old, EINVAL) || !size || flags & ~MREMAP_MAYMOVE ||
        !pager_region(start, &r) || r.end < start + old) {
        fail(EINVAL);
        return MAP_FAILED;
    }
    if (size <= old)
        return fail(range_unmap(start + size, start + old)) ? MAP_FAILED : address;
    if (space_left(size - old) && grow_here(&r, start + old, size - old))
        return address;
    struct region other = r;
    other.offset = r.offset + (start - r.start);
    other.start = 0;
    other.end = size;
    /* shared pages of nobody's file would stay behind */
    int cannot = !(flags & MREMAP_MAYMOVE) || (r.flags & REGION_SHARED && r.kind != REGION_FILE) ||
                 !space_left(size);
    long place = cannot ? -ENOMEM : pager_call(place_masked, (long)&other, 0, 0, 0);
    at = (uintptr_t)place;
    if (place < 0 || move(&r, start, at, old)) {
        fail(ENOMEM);
        return MAP_FAILED;
    }
    return (void *)at;
}

int mlockall(int flags)
{
    struct region r;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE))
        return fail(EINVAL);
    lock_future = flags & MCL_FUTURE;
    for (uintptr_t va = 0; flags & MCL_CURRENT && pager_region_next(va, &r); va = r.end)
        if (r.kind == REGION_IMAGE)
            range_mark(r.start, r.end - r.start, PAGE_LOCKED, 0);
        else if ((r.kind == REGION_ZERO || r.kind == REGION_FILE) && r.rights && r.end != VM_STACK_TOP)
            populate(r.start, (r.end - r.start) / AEGIS_PAGE_SIZE, &r, MAP_LOCKED);
    return 0;
}

int munlockall(void)
{
    lock_future = 0;
    range_mark(0, ADDRESS_END, 0, PAGE_LOCKED);
    return 0;
}
