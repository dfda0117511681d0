/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's side of translations: entering them, and lending it tables to keep them in. All
 * pinned. */
#include <aegis/aegis.h>

#include "vm.h"

#define LEAVES 80 /* of 92 that the kernel takes; some are left for what others map into us */

static PINNED_BSS unsigned leaves_wanted, leaves_lent;

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
    page_put((unsigned)slot); /* lent, it needs no claim: it is free when this environment ends */
    return r.error;
}

PINNED_CODE void leaf_had(void)
{
    leaves_wanted++;
    leaves_lent++;
}

PINNED_CODE void leaf_want(void)
{
    leaves_wanted++;
    if (leaves_lent >= leaves_wanted || leaves_lent >= LEAVES)
        return;
    if (table_lend(1, AEGIS_TABLE_LEAF, 0) == 0)
        leaves_lent++;
}

PINNED_CODE static long table_add(uintptr_t va)
{
    long error = AEGIS_E_MAPPED;
    if (va >> 30)
        error = table_lend(0, AEGIS_TABLE_MIDDLE, va);
    if (error == AEGIS_E_MAPPED) {
        error = table_lend(1, AEGIS_TABLE_LEAF, 0);
        leaves_lent += !error;
    }
    return error;
}

PINNED_CODE long page_map(unsigned slot, uintptr_t va, unsigned rights)
{
    unsigned order = AEGIS_WHAT_ORDER(slot_claim(slot)->what);
    uintptr_t base = va & ~(((uintptr_t)AEGIS_PAGE_SIZE << order) - 1);
    long error;

    for (;;) {
        error = aegis_map(AEGIS_SLOT_SELF, slot, base | rights).error;
        if (error != AEGIS_E_NO_TABLE)
            break;
        error = table_add(va);
        if (error)
            return error;
    }
    /* AGAIN, BUSY: it goes on by itself, and the access faults again until it has */
    return error == AEGIS_E_AGAIN || error == AEGIS_E_BUSY ? 0 : error;
}
