/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default pager: what is where stands in a radix table of page entries, what may be touched in
 * a list of regions. The table's nodes lie in the pinned window while it has room, then at VM_META,
 * whose slots stand in a pinned array.
 */
#include <errno.h>
#include <signal.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "radix.h"
#include "vm.h"

#define REGIONS    64
#define WINDOW_END (AEGIS_PINNED + 44 * AEGIS_PAGE_SIZE) /* the rest is for threads */

extern char __pinned_end[], __text_end[], __rodata_end[], _end[];

static PINNED_BSS uintptr_t window_next; /* the next free page of the pinned window */
static PINNED_BSS unsigned meta_count;   /* pages in use at VM_META */
static PINNED_BSS uint16_t meta_slot[VM_META_PAGES];
static PINNED_BSS struct region regions[REGIONS];
static PINNED_BSS struct radix radix;
static PINNED_BSS int adopting; /* what a creator mapped, tables included */

/* ---- memory for the pager itself ---- */

PINNED_CODE void *pager_memory(void)
{
    uintptr_t va;
    long slot;

    while ((slot = page_get(0)) == 0)
        ;
    if (slot < 0)
        return 0;
    if (window_next < WINDOW_END) {
        va = window_next;
        window_next += AEGIS_PAGE_SIZE;
    } else {
        if (meta_count == VM_META_PAGES) {
            page_put((unsigned)slot);
            return 0;
        }
        va = VM_META + (uintptr_t)meta_count * AEGIS_PAGE_SIZE;
        meta_slot[meta_count++] = (uint16_t)slot;
        if (meta_count % RADIX_FANOUT == 1)
            leaf_want();
    }
    return page_map((unsigned)slot, va, AEGIS_R | AEGIS_W) ? 0 : (void *)va;
}

PINNED_CODE static int meta_restore(uintptr_t va)
{
    uintptr_t n = (va - VM_META) / AEGIS_PAGE_SIZE;
    if (va < VM_META || n >= meta_count)
        return -1;
    return page_map(meta_slot[n], va, AEGIS_R | AEGIS_W) ? -1 : 0;
}

/* ---- regions ---- */

PINNED_CODE struct region *region_find(uintptr_t va)
{
    for (struct region *r = regions; r < regions + REGIONS && r->kind != REGION_FREE; r++)
        if (va - r->start < r->end - r->start)
            return r;
    return 0;
}

int region_add(uintptr_t start, uintptr_t end, unsigned rights, unsigned kind)
{
    struct region *r = regions;

    for (; r < regions + REGIONS && r->kind != REGION_FREE; r++) {
        if (start < r->end && r->start < end)
            return EEXIST;
        if (r->end == start && r->rights == rights && r->kind == kind) {
            r->end = end;
            return 0;
        }
    }
    if (r == regions + REGIONS)
        return ENOMEM;
    r->start = start;
    r->end = end;
    r->rights = (uint8_t)rights;
    r->kind = (uint8_t)kind;
    return 0;
}

/* ---- faults ---- */

/* Blocks grow with the heap, so that a large one takes few slots and tables. */
PINNED_CODE static unsigned block_order(const struct region *r, uintptr_t va)
{
    static PINNED_CONST const struct {
        uintptr_t distance;
        unsigned order;
    } step[] = {
        {64UL << 20, 9}, {16UL << 20, 6}, {1UL << 20, 4}, {128UL << 10, 2}, {0, 0},
    };
    unsigned i = 0;

    if (r->kind != REGION_GROW)
        return 0;
    while (va - r->start < step[i].distance)
        i++;
    for (; step[i].order; i++) {
        uintptr_t size = (uintptr_t)AEGIS_PAGE_SIZE << step[i].order, base = va & ~(size - 1);
        if (base >= r->start + step[i].distance && base + size <= r->end)
            break;
    }
    return step[i].order;
}

/* Enters all pages of a block; the nodes are there or are made. */
PINNED_CODE static int block_enter(uintptr_t base, unsigned order, struct page_entry entry)
{
    uintptr_t end = base + ((uintptr_t)AEGIS_PAGE_SIZE << order);
    int fresh;

    for (uintptr_t va = base; va < end; va += AEGIS_PAGE_SIZE) {
        struct page_entry *e = radix_make(&radix, va, &fresh);
        if (!e)
            return ENOMEM;
        if (fresh && order < 9)
            adopting ? leaf_had() : leaf_want();
        *e = entry;
    }
    return 0;
}

PINNED_CODE static int zero_fill(const struct region *r, uintptr_t va)
{
    unsigned order = block_order(r, va);
    long slot = page_get(order);

    if (slot < 0 && order)
        slot = page_get(order = 0);
    if (slot == 0)
        return 0;
    if (slot < 0)
        return SIGBUS;
    uintptr_t base = va & ~(((uintptr_t)AEGIS_PAGE_SIZE << order) - 1);
    struct page_entry entry = {(uint16_t)slot, r->rights, PAGE_PRESENT, 0};
    if (block_enter(base, order, entry) || page_map((unsigned)slot, va, r->rights))
        return SIGBUS;
    return 0;
}

PINNED_CODE static int radix_fault(uintptr_t va, unsigned access)
{
    const struct page_entry *e = radix_find(&radix, va);

    if (e && e->kind == PAGE_PRESENT) {
        if (access & ~e->rights)
            return SIGSEGV;
        return page_map(e->slot, va, e->rights) ? SIGBUS : 0;
    }
    const struct region *r = region_find(va);
    if (!r || access & ~r->rights || r->kind == REGION_IMAGE)
        return va >= VM_META && !meta_restore(va) ? 0 : SIGSEGV;
    return zero_fill(r, va);
}

/* The path first, from the top: where a node lies stands in the one above it. */
PINNED_CODE int pager_restore(uintptr_t va, unsigned access)
{
    void **middle = (void **)radix.top[va >> 30 & 255];

    if (meta_restore(va) == 0)
        return 0;
    if (!middle)
        return -1;
    meta_restore((uintptr_t)middle);
    meta_restore((uintptr_t)middle[va >> 21 & 511]);
    const struct page_entry *e = radix_find(&radix, va);
    if (!e || e->kind != PAGE_PRESENT || access & ~e->rights)
        return -1;
    return page_map(e->slot, va, e->rights) ? -1 : 0;
}

/* ---- the rest of the contract ---- */

static int radix_enter(uintptr_t va, struct page_entry entry)
{
    return block_enter(PAGE_DOWN(va), 0, entry);
}

static struct page_entry radix_entry(uintptr_t va)
{
    const struct page_entry *e = radix_find(&radix, va);
    return e ? *e : (struct page_entry){0, 0, PAGE_NONE, 0};
}

static int radix_map(uintptr_t va, size_t pages, unsigned rights, unsigned kind)
{
    return region_add(va, va + pages * AEGIS_PAGE_SIZE, rights, kind);
}

/* Releases what lies in [start, end); a block of several pages goes when its last one does. */
static void release_range(uintptr_t start, uintptr_t end)
{
    struct page_entry *e;
    for (uintptr_t va = start; (e = radix_next(&radix, &va, end)); va += AEGIS_PAGE_SIZE) {
        unsigned order = AEGIS_WHAT_ORDER(slot_claim(e->slot)->what);
        uintptr_t size = (uintptr_t)AEGIS_PAGE_SIZE << order, base = va & ~(size - 1);
        if (e->kind == PAGE_PRESENT && base >= start && base + size <= end &&
            va + AEGIS_PAGE_SIZE == base + size)
            page_put(e->slot);
        *e = (struct page_entry){0, 0, PAGE_NONE, 0};
    }
}

/* The list has no holes: the last region takes the place of one that goes. */
static void region_remove(struct region *r)
{
    struct region *last = r;

    while (last + 1 < regions + REGIONS && last[1].kind != REGION_FREE)
        last++;
    *r = *last;
    last->kind = REGION_FREE;
}

/* Takes [start, end) out of one region, which may leave two pieces. ENOMEM: there is no room for
 * the second. */
static int region_split(struct region *r, uintptr_t start, uintptr_t end)
{
    struct region old = *r;

    if (start <= old.start && end >= old.end) {
        region_remove(r);
    } else if (start <= old.start) {
        r->start = end;
    } else {
        r->end = start;
        if (end < old.end && region_add(end, old.end, old.rights, old.kind)) {
            r->end = old.end;
            return ENOMEM;
        }
    }
    return 0;
}

static int region_cut(uintptr_t start, uintptr_t end)
{
    struct region *r = regions;

    while (r < regions + REGIONS && r->kind != REGION_FREE) {
        if (start >= r->end || end <= r->start) {
            r++;
            continue;
        }
        int gone = start <= r->start && end >= r->end;
        if (region_split(r, start, end))
            return ENOMEM;
        r += !gone;
    }
    return 0;
}

static int radix_unmap(uintptr_t va, size_t pages)
{
    uintptr_t end = va + pages * AEGIS_PAGE_SIZE;
    if (region_cut(va, end))
        return ENOMEM;
    release_range(va, end);
    return 0;
}

static int radix_protect(uintptr_t va, size_t pages, unsigned rights)
{
    uintptr_t end = va + pages * AEGIS_PAGE_SIZE;
    struct page_entry *e;

    for (uintptr_t at = va; (e = radix_next(&radix, &at, end)); at += AEGIS_PAGE_SIZE)
        e->rights = (uint8_t)rights;
    for (uintptr_t at = va; at < end; at += 512 * AEGIS_PAGE_SIZE) {
        size_t n = (end - at) / AEGIS_PAGE_SIZE;
        while (aegis_map_protect(AEGIS_SLOT_SELF, at, n < 512 ? n : 512, rights).error ==
               AEGIS_E_AGAIN)
            ;
    }
    return 0;
}

static int radix_each(int (*visit)(uintptr_t, struct page_entry *, void *), void *argument)
{
    struct page_entry *e;
    for (uintptr_t va = 0; (e = radix_next(&radix, &va, AEGIS_EXPOSED)); va += AEGIS_PAGE_SIZE) {
        int result = e->kind == PAGE_PRESENT ? visit(va, e, argument) : 0;
        if (result)
            return result;
    }
    return 0;
}

/* The kernel gives the first environment all rights to its image; the segments say which are meant.
 */
PINNED_CODE static unsigned image_rights(uintptr_t va)
{
    if (va >= (uintptr_t)_end)
        return AEGIS_RWX;
    return va < (uintptr_t)__text_end     ? AEGIS_R | AEGIS_X
           : va < (uintptr_t)__rodata_end ? AEGIS_R
                                          : AEGIS_R | AEGIS_W;
}

/* What our creator mapped for us stands in the ledger: where it is, and with which rights. */
PINNED_CODE static int adopt(unsigned slot)
{
    const volatile struct aegis_claim *c = slot_claim(slot);
    uint64_t what = c->what, where = c->where;
    uintptr_t va = PAGE_DOWN(where);

    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE || !(where & AEGIS_MAPPED) || where & AEGIS_PINNED_DOWN)
        return 0;
    unsigned rights = AEGIS_WHAT_RIGHTS(what) & AEGIS_RWX & image_rights(va);
    return block_enter(va, AEGIS_WHAT_ORDER(what),
                       (struct page_entry){(uint16_t)slot, (uint8_t)rights, PAGE_PRESENT, 0});
}

PINNED_CODE static int radix_init(void)
{
    unsigned slots = AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE;

    window_next = (uintptr_t)__pinned_end;
    radix.node = pager_memory;
    adopting = 1;
    for (unsigned i = 1; i < slots; i++) {
        int error = adopt(i);
        if (error)
            return error;
    }
    adopting = 0;
    return 0;
}

PINNED_CONST const struct pager pager_radix = {
    .name = "radix",
    .init = radix_init,
    .fault = radix_fault,
    .enter = radix_enter,
    .find = radix_entry,
    .map = radix_map,
    .unmap = radix_unmap,
    .protect = radix_protect,
    .each = radix_each,
};

__attribute__((weak)) PINNED_CONST const struct pager *const aegis_pager = &pager_radix;
