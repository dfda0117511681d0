/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the pager itself: pages of the pinned window while it has room, then behind VM_META,
 * whose slots stand in a pinned array, so that they can be brought back. All pinned and masked.
 */
#include <errno.h>

#include "vm.h"

#define WINDOW_PAGE(va) (((va)-AEGIS_PINNED) / AEGIS_PAGE_SIZE)
#define GIVEN           16

extern char __pinned_end[];

PINNED_OWN uint16_t window_slot[WINDOW_PAGES];
PINNED_KEPT uint16_t meta_slot[VM_META_PAGES]; /* as many as are counted below */
PINNED_KEPT uint16_t region_slot[VM_REGION_PAGES];
PINNED_OWN unsigned meta_count, region_pages;
PINNED_BSS unsigned window_next; /* the next free page of the window */
static PINNED_BSS void *given[GIVEN];   /* back, to be used again */
static PINNED_BSS unsigned given_count;
PINNED_BSS unsigned pager_memory_count;

PINNED_CODE void memory_boot(void)
{
    window_next = WINDOW_PAGE((uintptr_t)__pinned_end);
}

PINNED_CODE void memory_adopt(uintptr_t va, unsigned slot)
{
    if (WINDOW_PAGE(va) < WINDOW_PAGES)
        window_slot[WINDOW_PAGE(va)] = (uint16_t)slot;
}

PINNED_CODE static long get(void)
{
    long slot;
    while ((slot = page_get(0)) == 0)
        ;
    return slot;
}

PINNED_CODE static void *clear(void *page)
{
    volatile uint64_t *word = page;

    for (unsigned i = 0; i < AEGIS_PAGE_SIZE / 8; i++)
        word[i] = 0;
    return page;
}

PINNED_CODE void *pager_memory(void)
{
    uintptr_t va;

    pager_memory_count++;
    if (given_count)
        return clear(given[--given_count]);
    if (window_next < WINDOW_END && window_slot[window_next]) /* there since a life before, cleared */
        return (void *)(AEGIS_PINNED + (uintptr_t)window_next++ * AEGIS_PAGE_SIZE);
    if (window_next == WINDOW_END && meta_count == VM_META_PAGES)
        return 0;
    long slot = get();
    if (slot < 0)
        return 0;
    if (window_next < WINDOW_END) {
        va = AEGIS_PINNED + (uintptr_t)window_next * AEGIS_PAGE_SIZE;
        window_slot[window_next++] = (uint16_t)slot;
    } else {
        va = VM_META + (uintptr_t)meta_count * AEGIS_PAGE_SIZE;
        meta_slot[meta_count++] = (uint16_t)slot;
    }
    return page_enter((unsigned)slot, va, AEGIS_R | AEGIS_W) ? 0 : (void *)va;
}

/* Kept for the next who wants one, and cleared then. */
PINNED_CODE void pager_memory_give(void *page)
{
    pager_memory_count++;
    if (given_count < GIVEN)
        given[given_count++] = page;
}

PINNED_CODE int memory_regions_grow(void)
{
    long slot = region_pages < VM_REGION_PAGES ? get() : -1;

    if (slot < 0)
        return ENOMEM;
    uintptr_t va = VM_REGIONS + (uintptr_t)region_pages * AEGIS_PAGE_SIZE;
    if (page_enter((unsigned)slot, va, AEGIS_R | AEGIS_W)) {
        page_free((unsigned)slot);
        return ENOMEM;
    }
    region_slot[region_pages++] = (uint16_t)slot;
    return 0;
}

PINNED_CODE int memory_restore(uintptr_t va)
{
    uintptr_t n = (va - VM_META) / AEGIS_PAGE_SIZE, r = (va - VM_REGIONS) / AEGIS_PAGE_SIZE;
    unsigned slot = n < meta_count ? meta_slot[n] : r < region_pages ? region_slot[r] : 0;

    if (!slot)
        return parked_restore(va);
    return page_enter(slot, va, AEGIS_R | AEGIS_W) ? -1 : 0;
}

PINNED_CODE void memory_restore_all(void)
{
    for (unsigned i = 0; i < meta_count; i++)
        memory_restore(VM_META + i * (uintptr_t)AEGIS_PAGE_SIZE);
    for (unsigned i = 0; i < region_pages; i++)
        memory_restore(VM_REGIONS + i * (uintptr_t)AEGIS_PAGE_SIZE);
}
