/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's side of translations: entering them, lending it tables to keep them in, and reading
 * those. All pinned; masked but where threads are named. */
#include <aegis/aegis.h>

#include "vm.h"

#define LEAVES 80  /* of 92 that the kernel takes; some are left for what others map into us */
#define KNOWN  256 /* regions of 2 MiB that are known to have a leaf table */

static PINNED_OWN unsigned leaves, leaves_spare; /* that are in use; lent, and no region's yet */
static PINNED_OWN uint32_t known[KNOWN];

PINNED_CODE static long table_lend(unsigned order, unsigned kind, uintptr_t va)
{
    long slot;
    struct aegis_result r;

    while ((slot = page_get(order)) == 0)
        ;
    if (slot < 0)
        return slot;
    do {
        r = aegis_table_lend(AEGIS_SLOT_SELF, (unsigned long)slot, kind, va);
    } while (r.error == AEGIS_E_AGAIN);
    page_free((unsigned)slot); /* lent, it needs no claim: it is free when this environment ends */
    return r.error;
}

/* ---- reading the tables in place ---- */

#define TABLE(n)      ((const volatile uint64_t *)(AEGIS_PINNED + (uintptr_t)(n) * AEGIS_PAGE_SIZE))
#define WINDOW_TABLE  (AEGIS_PINNED_TABLES + 3) /* the window's own: the fourth that is shown */
#define ENTRY_PAGE(e) ((e) >> 10 & 0xfffffffffff)
#define VALID         1
#define DIRTY         0x80

/* The page of the window at which a table is shown; null: none. */
PINNED_CODE static const volatile uint64_t *table_shown(uint64_t entry)
{
    const volatile uint64_t *window = TABLE(WINDOW_TABLE);

    if (!(entry & VALID))
        return 0;
    for (unsigned n = AEGIS_PINNED_TABLES; n < AEGIS_PINNED_LEDGER; n++)
        if (window[n] & VALID && ENTRY_PAGE(window[n]) == ENTRY_PAGE(entry))
            return TABLE(n);
    return 0;
}

/* The entry that names va's leaf table (or maps a superpage); 0: there is none. */
PINNED_CODE static uint64_t leaf_entry(uintptr_t va)
{
    const volatile uint64_t *middle = table_shown(TABLE(AEGIS_PINNED_TABLES)[va >> 30]);
    return middle ? middle[va >> 21 & 511] : 0;
}

/* ---- entering ---- */

/* Each 2 MiB in use has a leaf table of its own, as long as the kernel takes them; then they take
 * turns. */
PINNED_CODE static void leaf_want(uintptr_t va)
{
    known[va >> 21 & (KNOWN - 1)] = (uint32_t)(va >> 21);
    if (leaf_entry(va) & VALID)
        return;
    leaves++;
    if (leaves_spare)
        leaves_spare--;
    else if (leaves < LEAVES)
        table_lend(1, AEGIS_TABLE_LEAF, 0);
}

PINNED_CODE static long table_add(uintptr_t va)
{
    long error = AEGIS_E_MAPPED;
    if (va >> 30)
        error = table_lend(0, AEGIS_TABLE_MIDDLE, va);
    if (error == AEGIS_E_MAPPED) {
        error = table_lend(1, AEGIS_TABLE_LEAF, 0);
    }
    return error;
}

PINNED_CODE static long enter_slow(unsigned slot, uintptr_t va, unsigned order, unsigned rights)
{
    uintptr_t base = va & -((uintptr_t)AEGIS_PAGE_SIZE << order);
    long error;

    if (va - AEGIS_PINNED < AEGIS_PINNED_SIZE)
        memory_adopt(va, slot);
    else if (known[va >> 21 & (KNOWN - 1)] != va >> 21 && order < 9)
        leaf_want(va);
    while ((error = aegis_map(AEGIS_SLOT_SELF, slot, base | rights).error) == AEGIS_E_NO_TABLE) {
        error = table_add(va);
        if (error)
            return error;
    }
    /* AGAIN, BUSY: it goes on by itself, and the access faults again until it has */
    return error == AEGIS_E_AGAIN || error == AEGIS_E_BUSY ? 0 : error;
}

PINNED_CODE long page_enter(unsigned slot, uintptr_t va, unsigned rights)
{
    unsigned order = slot_order(slot);

    if (__builtin_expect(known[va >> 21 & (KNOWN - 1)] == va >> 21, 1)) {
        uintptr_t base = va & -((uintptr_t)AEGIS_PAGE_SIZE << order);
        if (!aegis_map(AEGIS_SLOT_SELF, slot, base | rights).error)
            return 0;
    }
    return enter_slow(slot, va, order, rights);
}

PINNED_CODE static long map_masked(long slot, long va, long rights, long d)
{
    (void)d;
    return page_enter((unsigned)slot, (uintptr_t)va, (unsigned)rights);
}

/* For threads. */
PINNED_CODE long page_map(unsigned slot, uintptr_t va, unsigned rights)
{
    return pager_call(map_masked, slot, (long)va, (long)rights, 0);
}

/* ---- was a page written? For threads ---- */

PINNED_DATA struct page_dirty page_dirty_last = {.region = ~0UL};

/* The table that keeps va's 2 MiB now; the kernel may give it to others only if it lacks some. */
static bool dirty_find(uintptr_t va, struct page_dirty *d)
{
    const volatile uint64_t *leaf = table_shown(leaf_entry(va));

    if (!leaf)
        return false;
    d->region = va >> 21;
    d->entries = (uintptr_t)leaf - (d->region << 12);
    d->slots = (uintptr_t)leaf + AEGIS_PAGE_SIZE - (d->region << 10);
    return true;
}

PINNED_CODE void tables_reset(unsigned spare)
{
    for (unsigned i = 0; i < KNOWN; i++)
        known[i] = 0;
    page_dirty_last.region = ~0UL;
    leaves = 0;
    leaves_spare = spare;
}

#define FEW_LEAVES 12

PINNED_CODE bool tables_few(void)
{
    return leaves <= FEW_LEAVES;
}

int page_dirty_look(uintptr_t va)
{
    struct page_dirty d = page_dirty_last;
    uint64_t entry = 0;

    if (d.region == va >> 21 || dirty_find(va, &d)) {
        if (leaves < LEAVES)
            page_dirty_last = d;
        entry = *(const volatile uint64_t *)(d.entries + (va >> 9 & -8UL));
    }
    if (entry & DIRTY)
        return 1;
    unsigned slot = entry ? *(const volatile uint16_t *)(d.slots + (va >> 11 & -2UL))
                          : pager_find(PAGE_DOWN(va)).slot;
    return slot && slot_claim(slot)->where & AEGIS_DIRTY;
}
