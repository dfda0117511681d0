/* SPDX-License-Identifier: BSD-2-Clause */
/* The ledger's free slots. The ledger itself, read in place, says which they are. All pinned. */
#include "../proc/space.h"
#include "vm.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#define STEPS 16 /* of a call that answers AGAIN, in one fault */

static PINNED_BSS unsigned hint;
static PINNED_BSS uint16_t pending[AEGIS_ORDER_MAX + 1]; /* blocks being cleared, by order */

PINNED_CODE unsigned env_self(void)
{
    return AEGIS_WHAT_RESOURCE(slot_claim(AEGIS_SLOT_SELF)->what);
}

PINNED_CODE static unsigned ledger_slots(void)
{
    return AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE;
}

PINNED_CODE static unsigned scan(unsigned from, unsigned end)
{
    for (unsigned i = from; i < end; i++)
        if (slot_claim(i)->what == 0)
            return i;
    return 0;
}

/* The last slot of the ledger is kept for the page that extends it. */
PINNED_CODE static int ledger_extend(unsigned spare)
{
    struct aegis_result r;
    do {
        r = aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, 0, spare, AEGIS_NONE);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return -1;
    do {
        r = aegis_table_lend(AEGIS_SLOT_SELF, spare, AEGIS_TABLE_LEDGER, 0);
    } while (r.error == AEGIS_E_AGAIN);
    page_put(spare); /* lent, it needs no claim: it is free when this environment ends */
    return r.error ? -1 : 0;
}

PINNED_CODE unsigned slot_find(void)
{
    unsigned end = ledger_slots() - 1;
    unsigned slot = scan(hint > SLOT_FIRST_PAGE ? hint : SLOT_FIRST_PAGE, end);

    if (!slot)
        slot = scan(SLOT_FIRST_PAGE, end);
    if (!slot) {
        if (ledger_extend(end))
            return 0;
        slot = end + 1;
    }
    hint = slot + 1;
    return slot;
}

PINNED_CODE void slot_freed(unsigned slot)
{
    if (slot < hint && slot >= SLOT_FIRST_PAGE)
        hint = slot;
}

PINNED_CODE static int upcall_waits(void)
{
    return aegis_activation_current()->held != 0;
}

PINNED_CODE long page_get(unsigned order)
{
    struct aegis_result r = {AEGIS_E_AGAIN, 0};
    unsigned slot = pending[order];

    /* when the slot's time is over meanwhile, the rest is for the next fault */
    for (unsigned i = 0; i < STEPS && r.error == AEGIS_E_AGAIN && !(i && upcall_waits()); i++) {
        if (!slot && !(slot = slot_find()))
            return AEGIS_E_NO_MEMORY;
        r = aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, order, slot, AEGIS_NONE);
        if (r.error == AEGIS_E_OCCUPIED) {
            r.error = AEGIS_E_AGAIN;
            slot = 0;
        }
    }
    pending[order] = r.error == AEGIS_E_AGAIN ? (uint16_t)slot : 0;
    if (r.error == AEGIS_E_AGAIN)
        return 0;
    return r.error ? r.error : (long)slot;
}

long page_get_whole(unsigned order)
{
    long slot;
    while ((slot = page_get(order)) == 0)
        ;
    return slot;
}

PINNED_CODE void page_put(unsigned slot)
{
    while (aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
    slot_freed(slot);
}
