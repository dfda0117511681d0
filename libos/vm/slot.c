/* SPDX-License-Identifier: BSD-2-Clause */
/* The ledger's free slots, and pages in them. The ledger itself, read in place, says which are free.
 * All pinned; masked but where threads are named. */
#include "vm.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../proc/space.h"
#include "fork.h"

#define STEPS 16 /* of a call that answers AGAIN, in one fault */
#define FREED 32 /* slots freed last, to be used first */

static PINNED_BSS struct {
    unsigned freed; /* how many of those below */
    unsigned hint;  /* where to look first */
    unsigned end;   /* of the ledger, but one */
    uint16_t slot[FREED];
} slots;
PINNED_BSS unsigned slots_top; /* no slot from here on was ever used */
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

PINNED_CODE static void release(unsigned slot)
{
    while (aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
}

/* The last slot of the ledger is kept for the page that extends it. */
PINNED_CODE static int ledger_extend(unsigned spare)
{
    struct aegis_result r;
    do {
        r = page_any(0, spare, AEGIS_NONE);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return -1;
    do {
        r = aegis_table_lend(AEGIS_SLOT_SELF, spare, AEGIS_TABLE_LEDGER, 0);
    } while (r.error == AEGIS_E_AGAIN);
    release(spare); /* lent, it needs no claim: it is free when this environment ends */
    return r.error ? -1 : 0;
}

PINNED_CODE static unsigned slot_search(void)
{
    unsigned end = slots.end = ledger_slots() - 1;
    unsigned slot = scan(slots.hint > SLOT_FIRST_PAGE ? slots.hint : SLOT_FIRST_PAGE, end);

    if (!slot)
        slot = scan(SLOT_FIRST_PAGE, end);
    if (!slot) {
        if (ledger_extend(end))
            return 0;
        slot = end + 1;
    }
    slots.hint = slot + 1;
    slot_adopt(slot);
    return slot;
}

PINNED_CODE unsigned slot_after(unsigned from)
{
    unsigned end = ledger_slots() - 1;
    unsigned slot = scan(from > SLOT_FIRST_PAGE ? from : SLOT_FIRST_PAGE, end);

    if (!slot) {
        if (ledger_extend(end))
            return 0;
        slot = end + 1;
    }
    slot_adopt(slot);
    return slot;
}

PINNED_CODE void slot_adopt(unsigned slot)
{
    if (slot >= slots_top)
        slots_top = slot + 1;
}

PINNED_CODE unsigned slots_used(void)
{
    return slots_top;
}

PINNED_CODE unsigned slot_next(void)
{
    while (slots.freed) {
        unsigned slot = slots.slot[--slots.freed];
        if (slot_claim(slot)->what == 0)
            return slot;
    }
    if (__builtin_expect(slots.hint < slots.end && slot_claim(slots.hint)->what == 0, 1)) {
        if (slots.hint >= slots_top)
            slots_top = slots.hint + 1;
        return slots.hint++;
    }
    return slot_search();
}

PINNED_CODE static void slot_freed(unsigned slot)
{
    if (slot < SLOT_FIRST_PAGE)
        return;
    if (slots.freed < FREED)
        slots.slot[slots.freed++] = (uint16_t)slot;
    else if (slot < slots.hint)
        slots.hint = slot;
}

PINNED_CODE static int upcall_waits(void)
{
    return aegis_activation_current()->held != 0;
}

PINNED_CODE static long alloc_steps(unsigned order, unsigned slot)
{
    struct aegis_result r = {AEGIS_E_AGAIN, 0};

    for (unsigned i = 0; i < STEPS && r.error == AEGIS_E_AGAIN && !(i && upcall_waits()); i++) {
        if (!slot && !(slot = slot_next()))
            return AEGIS_E_NO_MEMORY;
        r = page_any(order, slot, AEGIS_NONE);
        if (r.error == AEGIS_E_OCCUPIED) {
            r.error = AEGIS_E_AGAIN;
            slot = 0;
        }
    }
    pending[order] = r.error == AEGIS_E_AGAIN ? (uint16_t)slot : 0;
    if (r.error == AEGIS_E_AGAIN)
        return 0;
    if (r.error)
        slot_freed(slot);
    return r.error ? r.error : (long)slot;
}

/* What takes longer than some steps is for the next fault. */
PINNED_CODE long page_get(unsigned order)
{
    if (!order && !pending[0]) {
        unsigned slot = slot_next();
        if (slot &&
            !page_any(0, slot, AEGIS_NONE).error)
            return slot;
        pending[0] = (uint16_t)slot; /* found occupied, or half done: looked at closely */
    }
    return alloc_steps(order, pending[order]);
}

PINNED_CODE void pages_settle(void)
{
    for (unsigned order = 0; order <= AEGIS_ORDER_MAX; order++)
        while (pending[order]) {
            long slot = alloc_steps(order, pending[order]);
            if (slot > 0)
                page_free((unsigned)slot);
        }
}

/* A copy is made at one go: 1,100 instructions a page. */
PINNED_CODE long page_copy(unsigned order, unsigned source)
{
    unsigned slot = slot_next();
    struct aegis_result r;

    if (!slot)
        return AEGIS_E_NO_MEMORY;
    do {
        r = page_any(order, slot, source);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        slot_freed(slot);
    return r.error ? r.error : (long)slot;
}

/* Unmapped first, it takes the kernel's quick way twice. */
PINNED_CODE void page_free(unsigned slot)
{
    if (slot_claim(slot)->where & AEGIS_MAPPED)
        aegis_unmap(AEGIS_SLOT_SELF, slot);
    if (aegis_release(AEGIS_SLOT_SELF, slot).error)
        release(slot);
    slot_freed(slot);
}

/* ---- the same for threads ---- */

PINNED_CODE static long find_masked(long a, long b, long c, long d)
{
    (void)a, (void)b, (void)c, (void)d;
    return slot_next();
}

PINNED_CODE unsigned slot_find(void)
{
    return (unsigned)pager_call(find_masked, 0, 0, 0, 0);
}

PINNED_CODE static long get_masked(long order, long b, long c, long d)
{
    (void)b, (void)c, (void)d;
    return page_get((unsigned)order);
}

PINNED_CODE long page_get_whole(unsigned order)
{
    long slot;
    while ((slot = pager_call(get_masked, order, 0, 0, 0)) == 0)
        ;
    return slot;
}

PINNED_CODE static long put_masked(long slot, long b, long c, long d)
{
    (void)b, (void)c, (void)d;
    page_free((unsigned)slot);
    return 0;
}

PINNED_CODE void page_put(unsigned slot)
{
    pager_call(put_masked, slot, 0, 0, 0);
}
