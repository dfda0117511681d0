/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a page fault does by default: maps what is there, fills with zeros, copies what is shared with
 * another process before it is written. All pinned and masked.
 *
 *     entry PRESENT   right missing            SIGSEGV, SEGV_ACCERR
 *                     COW and a write          ours alone: the right is given back
 *                                              a page: the claim's is exchanged for its copy, if that goes in one call
 *                                              else: copied to a new block, the old one released
 *                     else                     mapped
 *     no region                                SIGSEGV, SEGV_MAPERR
 *     region          ZERO, GROW               a cleared block
 *                     FILE, and pager's own    deferred: in the thread
 */
#include <signal.h>

#include <aegis/aegis.h>

#include "../proc/space.h"
#include "vm.h"

#define NO_MEMORY PAGER_SIGNAL(SIGBUS, BUS_ADRERR)
#define REFUSED   PAGER_SIGNAL(SIGSEGV, SEGV_ACCERR)
#define NOWHERE   PAGER_SIGNAL(SIGSEGV, SEGV_MAPERR)

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

    while (va - r->start < step[i].distance)
        i++;
    for (; step[i].order; i++) {
        uintptr_t size = (uintptr_t)AEGIS_PAGE_SIZE << step[i].order, base = va & -size;
        if (base >= r->start + step[i].distance && base + size <= r->end)
            break;
    }
    return step[i].order;
}

/* Nothing is known of any of its pages; else a smaller block is taken. */
PINNED_CODE static int block_free(uintptr_t base, unsigned order)
{
    uintptr_t at = base;
    return !order || !pager_current->next(&at, base + ((uintptr_t)AEGIS_PAGE_SIZE << order));
}

PINNED_CODE static int block_note(uintptr_t base, unsigned order, struct page_entry entry)
{
    uintptr_t end = base + ((uintptr_t)AEGIS_PAGE_SIZE << order);

    for (uintptr_t va = base; va < end; va += AEGIS_PAGE_SIZE)
        if (pager_current->enter(va, entry)) {
            struct page_entry none = {0, 0, PAGE_NONE, 0};
            while (va != base)
                pager_current->enter(va -= AEGIS_PAGE_SIZE, none);
            return -1;
        }
    return 0;
}

/* A page that is filled alone. Its entry may be there already. */
static inline __attribute__((always_inline)) int zero_page(struct page_entry *e, uintptr_t va,
                                                           unsigned rights)
{
    long slot = page_get(0);

    if (slot == 0)
        return 0;
    if (slot < 0)
        return NO_MEMORY;
    struct page_entry entry = {(uint16_t)slot, (uint8_t)rights, PAGE_PRESENT, 0};
    if (e)
        *e = entry;
    else if (pager_current->enter(va, entry)) {
        page_free((unsigned)slot);
        return NO_MEMORY;
    }
    return page_enter((unsigned)slot, va, rights & PAGE_RIGHTS) ? NO_MEMORY : 0;
}

PINNED_CODE static int zero_block(const struct region *r, struct page_entry *e, uintptr_t va,
                                  unsigned order)
{
    uintptr_t base = va & -((uintptr_t)AEGIS_PAGE_SIZE << order);

    if (!order || !block_free(base, order))
        return zero_page(e, va, r->rights);
    long slot = page_get(order);
    if (slot == 0)
        return 0;
    if (slot < 0) /* there are none so large */
        return zero_page(e, va, r->rights);
    struct page_entry entry = {(uint16_t)slot, r->rights, PAGE_PRESENT, 0};
    if (block_note(base, order, entry) || page_enter((unsigned)slot, va, r->rights)) {
        page_free((unsigned)slot);
        return NO_MEMORY;
    }
    return 0;
}

/* The pages of a block may have come to different rights; it is mapped with one page's. */
PINNED_CODE static void block_mend(unsigned slot, unsigned order, uintptr_t base, unsigned rights)
{
    for (unsigned i = 0; i < 1U << order && order < 9; i++) {
        uintptr_t va = base + (uintptr_t)i * AEGIS_PAGE_SIZE;
        const struct page_entry *e = pager_current->find(va);
        unsigned other = e && e->kind == PAGE_PRESENT && e->slot == slot ? rights_mapped(e) : 0;
        if (other != rights)
            rights_set(va, 1, other);
    }
}

static inline __attribute__((always_inline)) int present_map(const struct page_entry *e, uintptr_t va)
{
    unsigned rights = rights_mapped(e);

    if (page_enter(e->slot, va, rights))
        return NO_MEMORY;
    unsigned order = slot_order(e->slot);
    if (order)
        block_mend(e->slot, order, va & -((uintptr_t)AEGIS_PAGE_SIZE << order), rights);
    return 0;
}

/* All entries of a block's pages that still name it. */
PINNED_CODE static void block_rename(uintptr_t base, unsigned order, unsigned old, unsigned slot)
{
    for (unsigned i = 0; i < 1U << order; i++) {
        struct page_entry *e = pager_current->find(base + (uintptr_t)i * AEGIS_PAGE_SIZE);
        if (e && e->kind == PAGE_PRESENT && e->slot == old) {
            e->slot = (uint16_t)slot;
            e->rights &= (uint8_t)~PAGE_COW;
        }
    }
}

/* In one call, if the kernel can: not of a part's root, nor while another hart may hold our translations. */
static inline __attribute__((always_inline)) bool cow_exchange(struct page_entry *e, uintptr_t va)
{
    unsigned rights = e->rights & PAGE_RIGHTS;

    if (aegis_page_exchange(AEGIS_SLOT_PAGES, AEGIS_ANY, e->slot, PAGE_DOWN(va) | rights).error)
        return false;
    e->rights &= (uint8_t)~PAGE_COW;
    return true;
}

PINNED_CODE static int cow_break(struct page_entry *e, uintptr_t va)
{
    unsigned old = e->slot, order = slot_order(old);
    uintptr_t base = va & -((uintptr_t)AEGIS_PAGE_SIZE << order);
    long slot;

    if (slot_page(old)->claims == 1) {
        block_rename(base, order, old, old);
        if (!(slot_claim(old)->where & AEGIS_MAPPED))
            return present_map(e, va);
        if (!order)
            return rights_set(PAGE_DOWN(va), 1, e->rights & PAGE_RIGHTS) ? NO_MEMORY : 0;
        while (aegis_unmap(AEGIS_SLOT_SELF, old).error == AEGIS_E_AGAIN)
            ;
        return present_map(e, va);
    }
    if (!order && cow_exchange(e, va))
        return 0;
    slot = page_copy(order, old);
    if (slot < 0)
        return NO_MEMORY;
    if (order) {
        block_rename(base, order, old, (unsigned)slot);
    } else {
        e->slot = (uint16_t)slot;
        e->rights &= (uint8_t)~PAGE_COW;
    }
    page_free(old);
    return present_map(e, va);
}

/* Blocks of the archive are mapped where their physical addresses say: no entries are kept. */
PINNED_CODE static int archive_fault(uintptr_t va)
{
    uint32_t page = (uint32_t)((va - VM_ARCHIVE) / AEGIS_PAGE_SIZE);

    for (unsigned slot = SLOT_INHERITED; slot < SLOT_OWN; slot++) {
        uint64_t what = slot_claim(slot)->what;
        if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE &&
            (page - AEGIS_WHAT_RESOURCE(what)) >> AEGIS_WHAT_ORDER(what) == 0)
            return page_enter(slot, va, AEGIS_R) ? NO_MEMORY : 0;
    }
    return NOWHERE;
}

/* The stack's region is as long as it was touched, so that nobody has to look through the rest. */
PINNED_CODE static const struct region *stack_grow(uintptr_t va)
{
    unsigned i = region_search(va);

    if (va - (VM_STACK_TOP - VM_STACK_SIZE) >= VM_STACK_SIZE || i == region_count || !(regions[i].flags & REGION_DOWN))
        return 0;
    uintptr_t start = va & -(uintptr_t)VM_STACK_STEP, below = i ? regions[i - 1].end : 0;
    regions[i].start = start > below ? start : below;
    return &regions[i];
}

PINNED_CODE static int absent(uintptr_t va, struct page_entry *e, unsigned access)
{
    const struct region *r = region_quick(va);

    if (!r)
        r = stack_grow(va);
    if (!r && va - VM_ARCHIVE < VM_ARCHIVE) /* files read it in place, whether or not it was asked for */
        return access & ~AEGIS_R ? REFUSED : archive_fault(va);
    if (!r)
        return memory_restore(va) ? NOWHERE : 0;
    unsigned rights = e && e->kind == PAGE_LATER ? e->rights : r->rights;
    if (access & ~rights)
        return REFUSED;
    if (__builtin_expect(r->kind == REGION_ZERO, 1))
        return zero_page(e, va, rights | (r->flags & REGION_SHARED ? PAGE_SHARED : 0));
    if (r->kind == REGION_GROW)
        return e && e->kind == PAGE_LATER ? zero_page(e, va, rights)
                                          : zero_block(r, e, va, block_order(r, va));
    if (r->kind == REGION_ARCHIVE)
        return archive_fault(va);
    return r->kind == REGION_IMAGE ? NOWHERE : PAGER_DEFER;
}

PINNED_CODE int page_fault(uintptr_t va, unsigned access)
{
    struct page_entry *e = pager_current->find(va);

    if (e && e->kind == PAGE_PRESENT) {
        if (access & ~(unsigned)e->rights)
            return REFUSED;
        if (e->rights & PAGE_COW && access & AEGIS_W)
            return cow_break(e, va);
        return present_map(e, va);
    }
    return absent(va, e, access);
}
