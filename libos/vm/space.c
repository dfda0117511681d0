/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of addresses: forgetting them, and changing rights over them. All pinned and masked. */
#include <errno.h>

#include <aegis/aegis.h>

#include "vm.h"

#define RANGE 512 /* pages of one map_protect, and those that get entries of their own */

PINNED_CODE int rights_set(uintptr_t va, size_t pages, unsigned rights)
{
    long error;

    for (; pages; va += RANGE * (uintptr_t)AEGIS_PAGE_SIZE) {
        size_t n = pages < RANGE ? pages : RANGE;
        do {
            error = aegis_map_protect(AEGIS_SLOT_SELF, va, n, rights).error;
        } while (error == AEGIS_E_AGAIN);
        if (error)
            return EINVAL;
        pages -= n;
    }
    return 0;
}

/* ---- forgetting ---- */

/* A block goes as a whole. */
PINNED_CODE static void block_drop(uintptr_t base, unsigned order, unsigned slot)
{
    for (unsigned i = 0; i < 1U << order; i++) {
        struct page_entry *e = pager_current->find(base + (uintptr_t)i * AEGIS_PAGE_SIZE);
        if (e && e->kind == PAGE_PRESENT && e->slot == slot)
            *e = (struct page_entry){0, 0, PAGE_NONE, 0};
    }
    page_free(slot);
}

/* One page of a block gets a claim of its own. Its slot, or 0. */
PINNED_CODE static unsigned part_claim(unsigned block, unsigned page)
{
    uint64_t what = slot_claim(block)->what;
    unsigned rights = AEGIS_WHAT_RIGHTS(what) & (AEGIS_RWX | AEGIS_LEND), slot = slot_next();
    struct aegis_result mac = aegis_capability_make(block, rights, page, 0);
    uint64_t part = AEGIS_WHAT(AEGIS_PAGE, rights, 0, AEGIS_WHAT_RESOURCE(what) + page);

    return slot && !mac.error && !aegis_claim(part, mac.value, slot).error ? slot : 0;
}

/* A block of which only a part goes falls into pages. A page that finds no slot is lost. */
PINNED_CODE static void block_split(uintptr_t base, unsigned order, unsigned slot)
{
    for (unsigned i = 0; i < 1U << order; i++) {
        struct page_entry *e = pager_current->find(base + (uintptr_t)i * AEGIS_PAGE_SIZE);
        if (e && e->kind == PAGE_PRESENT && e->slot == slot) {
            e->slot = (uint16_t)part_claim(slot, i);
            if (!e->slot)
                e->kind = PAGE_NONE;
        }
    }
    page_free(slot);
}

/* One page of [start, end), which is being forgotten. */
PINNED_CODE static void entry_drop(uintptr_t va, struct page_entry *e, uintptr_t start,
                                   uintptr_t end)
{
    struct page_entry none = {0, 0, PAGE_NONE, 0};

    if (e->kind >= PAGE_PAGER && pager_current->drop)
        pager_current->drop(va, e);
    if (e->kind != PAGE_PRESENT) {
        *e = none;
        return;
    }
    unsigned slot = e->slot, order = slot_order(slot);
    uintptr_t size = (uintptr_t)AEGIS_PAGE_SIZE << order, base = va & -size;
    if (order && base >= start && base + size <= end) {
        block_drop(base, order, slot);
        return;
    }
    if (order) {
        block_split(base, order, slot);
        slot = e->slot;
    }
    *e = none;
    if (slot)
        page_free(slot);
}

PINNED_CODE int space_forget(uintptr_t start, uintptr_t end)
{
    struct page_entry *e;

    for (uintptr_t va = start; (e = pager_current->next(&va, end)); va += AEGIS_PAGE_SIZE)
        entry_drop(va, e, start, end);
    return 0;
}

PINNED_CODE int space_unmap(uintptr_t start, uintptr_t end)
{
    if (region_cut(start, end))
        return ENOMEM;
    return space_forget(start, end);
}

/* ---- rights ---- */

/* Every page of the range lies in a region that may give the rights. */
PINNED_CODE static int protect_check(uintptr_t start, uintptr_t end, unsigned rights)
{
    const struct region *r = region_at(start);

    if (!r)
        return ENOMEM;
    for (;; r++) {
        if (rights & ~(unsigned)r->most)
            return EACCES;
        if (r->end >= end)
            return 0;
        if (r + 1 == regions + region_count || r[1].start != r->end)
            return ENOMEM;
    }
}

/* Pages that were not touched yet remember their rights in entries if they are few, else in a region
 * of their own. ENOMEM. */
PINNED_CODE static int protect_region(uintptr_t start, uintptr_t end, unsigned rights)
{
    struct region *r = region_at(start);

    if (start > r->start || end < r->end) {
        if (r->kind == REGION_IMAGE)
            return 0; /* all of its pages have entries */
        if (end - start > RANGE * (uintptr_t)AEGIS_PAGE_SIZE) {
            if (region_split(start) || region_split(end))
                return ENOMEM;
            r = region_at(start);
        } else {
            struct page_entry later = {0, (uint8_t)rights, PAGE_LATER, 0};
            for (uintptr_t va = start; va < end; va += AEGIS_PAGE_SIZE) {
                const struct page_entry *e = pager_current->find(va);
                if ((!e || e->kind == PAGE_NONE) && pager_current->enter(va, later))
                    return ENOMEM;
            }
            return 0;
        }
    }
    r->rights = (uint8_t)rights;
    return 0;
}

PINNED_CODE static struct page_entry *entry_run(uintptr_t va, size_t *count)
{
    if (pager_current->run)
        return pager_current->run(va, count);
    *count = 1;
    return pager_current->find(va);
}

/* All entries get the rights; marks of any of them. */
PINNED_CODE static unsigned entries_protect(uintptr_t va, size_t pages, unsigned rights)
{
    unsigned marks = 0;

    while (pages) {
        size_t n;
        struct page_entry *e = entry_run(va, &n), *end;
        n = n < pages ? n : pages;
        for (end = e + n; e && e != end; e++) {
            unsigned old = e->rights;
            marks |= old;
            e->rights = (uint8_t)((old & ~PAGE_RIGHTS) | rights);
        }
        pages -= n;
        va += n * AEGIS_PAGE_SIZE;
    }
    return marks;
}

/* A write right must not reach pages that are to be copied first: they get it without W. */
PINNED_CODE static int protect_entries(uintptr_t start, uintptr_t end, unsigned rights)
{
    size_t pages = (end - start) / AEGIS_PAGE_SIZE;
    unsigned marks = entries_protect(start, pages, rights);
    struct page_entry *e;

    if (!(marks & PAGE_COW) || !(rights & AEGIS_W))
        return rights_set(start, pages, rights);
    int error = rights_set(start, pages, rights & ~(unsigned)AEGIS_W);
    for (uintptr_t va = start; !error && (e = pager_current->next(&va, end)); va += AEGIS_PAGE_SIZE)
        if (e->kind == PAGE_PRESENT && !(e->rights & PAGE_COW))
            error = rights_set(va, 1, rights);
    return error;
}

PINNED_CODE static long protect_slowly(uintptr_t start, uintptr_t end, unsigned rights)
{
    int error = protect_check(start, end, rights);

    for (uintptr_t at = start; !error && at < end;) {
        uintptr_t stop = region_at(at)->end;
        stop = stop < end ? stop : end;
        error = protect_region(at, stop, rights);
        at = stop;
    }
    return error ? error : protect_entries(start, end, rights);
}

/* Pages of the region found last that have entries lying side by side, none to be copied. False if it
 * is not so: then it is done slowly from the start. */
static inline __attribute__((always_inline)) bool protect_quickly(uintptr_t va, uintptr_t end,
                                                                  unsigned rights)
{
    size_t n = 0;
    struct page_entry *e = pager_current->run ? pager_current->run(va, &n) : 0;
    struct region *r = &regions[region_last];
    size_t bytes = end - va, size = r->end - r->start, pages = bytes / AEGIS_PAGE_SIZE;
    unsigned refused = rights & AEGIS_W ? PAGE_COW : 0;

    if (!e || n < pages || va - r->start >= size || end > r->end || rights & ~(unsigned)r->most)
        return false;
    unsigned marks = 0;
#pragma GCC unroll 4
    for (const struct page_entry *last = e + pages; e != last; e++) {
        unsigned old = e->rights;
        if (!e->kind && bytes != size)
            return false;
        marks |= old;
        e->rights = (uint8_t)((old & ~PAGE_RIGHTS) | rights);
    }
    if (marks & refused)
        return false;
    if (bytes == size)
        r->rights = (uint8_t)rights;
    return !aegis_map_protect(AEGIS_SLOT_SELF, va, pages, rights).error;
}

PINNED_CODE long space_protect(long start, long end, long rights, long unused)
{
    (void)unused;
    return protect_quickly((uintptr_t)start, (uintptr_t)end, (unsigned)rights)
               ? 0
               : protect_slowly((uintptr_t)start, (uintptr_t)end, (unsigned)rights);
}
