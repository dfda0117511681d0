/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../host/scene.h"
#include "tap.h"

#define PAGES_HELD 20

static unsigned c;
static struct env *e;

/* A child on hart 0 with 256 slots: pages of its own in slots 128 to 147. */
static void victim(void)
{
    scene(1);
    c = child_full(0);
    e = child_env(c);
    if (CALL4(0, table_lend, c, page_new(0, 0), AEGIS_TABLE_LEDGER, 0).error)
        abort();
    for (unsigned i = 0; i < PAGES_HELD; i++) {
        unsigned slot = 128 + i;
        if (AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot, AEGIS_NONE)).error)
            abort();
        give(c, slot, AEGIS_RWX);
        AGAIN(CALL2(0, release, 0, slot));
        memset(machine_direct(page_in(e, slot)), (int)(1 + i), PAGE_SIZE);
    }
    activation_user(e->activation[0])->save_slot = AEGIS_NONE;
    activation_user(e->activation[0])->up_revoke = 0x2400;
    activation_user(e->activation[0])->up_slice_begin = 0x2000;
    activation_user(e->activation[0])->up_emergency = 0x2500;
}

static void asking(void)
{
    victim();
    volatile struct aegis_activation *u = activation_user(e->activation[0]);
    tap(CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 0, 0).error == AEGIS_E_BAD_RANGE && CALL4(0, revoke, AEGIS_SLOT_PAGES, c, PAGES_HELD + 1, 0).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, revoke, AEGIS_SLOT_PAGES, c, ~0UL, 0).error == AEGIS_E_BAD_RANGE && CALL4(0, revoke, 128, c, 1, 0).error == AEGIS_E_EMPTY_SLOT &&
            CALL4(0, revoke, c, c, 1, 0).error == AEGIS_E_WRONG_TYPE && CALL4(0, revoke, AEGIS_SLOT_PAGES, AEGIS_SLOT_PAGES, 1, 0).error == AEGIS_E_WRONG_TYPE &&
            CALL4(0, revoke, AEGIS_SLOT_PAGES, 999, 1, 0).error == AEGIS_E_EMPTY_SLOT && CALL4(0, revoke, ~0UL, c, 1, 0).error == AEGIS_E_BAD_SLOT,
        "revoke: counts, roots and environments that are wrong");
    tap(CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c).error == AEGIS_E_NO_TRANSFER, "revoke_force: without a request");
    result_t r = CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 3, host.time + 500);
    tap(!r.error && u->revoke_type == AEGIS_PAGE && u->revoke_count == 3 && u->revoke_deadline == host.time + 500 && e->activation[0]->attention & ATTENTION_REVOKE, "revoke: the request stands in its page (K15)");
    tap(CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 1, 0).error == AEGIS_E_PENDING, "revoke: one at a time");
    tap(CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c).error == AEGIS_E_BUSY && CALL2(0, revoke_force, AEGIS_SLOT_SLICES, c).error == AEGIS_E_NO_TRANSFER, "revoke_force: not before the deadline; not of another type");
    become(0, e);
    host.pending[0] |= MACHINE_SOFTWARE;
    tap(host_interrupt(0, 1, 0x4000) == 0x2400 && u->slice_pc == 0x4000, "revoke: the upcall");
    for (unsigned i = 0; i < 3; i++)
        CALL2(0, release, 0, 130 + i);
    become(0, p);
    tap(!CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c).error && e->revoke_type == 0 && u->loss_count == 0, "revoke_force: it gave back what was asked for: nothing is taken");
}

static void taking(void)
{
    victim();
    volatile struct aegis_activation *u = activation_user(e->activation[0]);
    uint64_t free = exposed.free_pages;
    become(0, e);
    tap(CALL2(0, reserve_set, 146, 9).error == AEGIS_E_BAD_RANGE && CALL2(0, reserve_set, 250, 8).error == AEGIS_E_BAD_SLOT && CALL2(0, reserve_set, ~0UL, 2).error == AEGIS_E_BAD_SLOT &&
            CALL2(0, reserve_set, 0, ~0UL).error == AEGIS_E_BAD_RANGE && !CALL2(0, reserve_set, 146, 2).error,
        "reserve_set: two slots; too many, beyond");
    become(0, p);
    unsigned save = 128;
    u->save_slot = save;
    CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 5, host.time);
    result_t r;
    unsigned taken = 0, calls = 0;
    do {
        r = CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c);
        taken += r.value;
        calls++;
    } while (r.error == AEGIS_E_AGAIN && calls < 1000);
    bool highest = true;
    for (unsigned i = 0; i < PAGES_HELD; i++)
        highest &= (ledger_at(e, 128 + i)->what != 0) == (i < 13 || i >= 18);
    tap(!r.error && taken == 5 && highest && exposed.free_pages == free + 5, "revoke_force: five, highest slot first, the reserve spared (K15)");
    tap(u->loss_count == 5 && u->loss[0].slot == 145 && u->loss[4].slot == 141 && AEGIS_WHAT_TYPE(u->loss[0].what) == AEGIS_PAGE && u->loss[0].saved == 1 && u->loss[1].saved == 0 &&
            *(uint8_t *)machine_direct(page_in(e, save)) == 18 && u->save_slot == AEGIS_NONE,
        "revoke_force: losses in the repossession vector, the first page's contents saved where it was said");
    tap(u->loss_unfitted == 0 && e->held[AEGIS_PAGE] == PAGES_HELD - 5, "revoke_force: all of them fit");
    u->loss_count = 100, u->loss_read = 60;
    CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 1, host.time);
    while ((r = CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c)).error == AEGIS_E_AGAIN)
        ;
    tap(u->loss_count == 101 && u->loss_unfitted == 1, "revoke_force: what did not fit is counted");
    u->loss_count = ~0UL, u->save_slot = 1UL << 40;
    CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 1, host.time);
    while ((r = CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c)).error == AEGIS_E_AGAIN)
        ;
    tap(!r.error && u->loss_count == 0, "revoke_force: a vector that lies harms its owner only");
}

/* Not pages alone: positions are taken back like them. */
static void positions(void)
{
    victim();
    volatile struct aegis_activation *u = activation_user(e->activation[0]);
    bool good = true;
    for (unsigned i = 0; i < 3; i++) {
        good &= !CALL3(0, alloc, AEGIS_SLOT_SLICES, 10 + i, 150 + i).error && !CALL2(0, slice_lend, 150 + i, c).error;
        give(c, 150 + i, AEGIS_LEND);
        good &= !AGAIN(CALL2(0, release, 0, 150 + i)).error;
    }
    tap(good && exposed.slice[0][12].owner == e->index && exposed.env[e->index].positions == 3, "slice_lend, share: three positions given away");
    result_t r = CALL4(0, revoke, AEGIS_SLOT_SLICES, c, 2, host.time);
    good = !r.error && u->revoke_type == AEGIS_SLICE;
    while ((r = CALL2(0, revoke_force, AEGIS_SLOT_SLICES, c)).error == AEGIS_E_AGAIN)
        ;
    tap(good && !r.error && e->held[AEGIS_PAGE] >= PAGES_HELD && e->held[AEGIS_SLICE] == 1 && ledger_at(e, 150)->what && exposed.slice[0][11].owner == AEGIS_ANY &&
            exposed.slice[0][12].owner == AEGIS_ANY && !kernel.hart[0].slots[12].linked && exposed.env[e->index].positions == 1 && u->loss_count == 2 &&
            AEGIS_WHAT_TYPE(u->loss[0].what) == AEGIS_SLICE && u->loss[0].slot == 152 && !u->loss[0].saved,
        "revoke_force: two positions, highest slot first, and no page (K15)");
}

static void last(void)
{
    victim();
    unsigned tables = e->held[AEGIS_PAGE];
    become(0, e);
    CALL2(0, reserve_set, 128, 4);
    become(0, p);
    CALL4(0, revoke, AEGIS_SLOT_PAGES, c, tables, host.time);
    result_t r;
    unsigned n = 0;
    while ((r = CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c)).error == AEGIS_E_AGAIN && n++ < 1000)
        ;
    tap(r.error == AEGIS_E_BUSY && e->held[AEGIS_PAGE] == 4 && e->activation[0]->attention & ATTENTION_EMERGENCY, "revoke_force: nothing but the reserve is left: the emergency upcall (K15)");
    tap(CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c).error == AEGIS_E_BUSY, "revoke_force: it has time");
    uint32_t index = e->index;
    host.time += 17 * exposed.slice_ticks;
    n = 0;
    while ((r = CALL2(0, revoke_force, AEGIS_SLOT_PAGES, c)).error == AEGIS_E_AGAIN && n++ < 1000)
        ;
    tap(!r.error && exposed.env[index].end == AEGIS_END_REVOKED, "revoke_force: then it is ended");
    tap(CALL4(0, revoke, AEGIS_SLOT_PAGES, c, 1, 0).error == AEGIS_E_NO_ENV, "revoke: of the dying");
    AGAIN(CALL1(0, env_destroy, c));
    tap(exposed.env[index].state == AEGIS_ENV_DEAD, "env_destroy: and gone");
}

int main(void)
{
    asking();
    taking();
    positions();
    last();
    return tap_failed;
}
