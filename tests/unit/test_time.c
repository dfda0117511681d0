/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../../exokernel/core/pct.h"
#include "../../exokernel/core/slice.h"
#include "../host/scene.h"
#include "tap.h"

static volatile struct aegis_activation *user(struct env *e, unsigned hart)
{
    return activation_user(e->activation[hart]);
}

/* A child that has a slot of its own on hart 0, and its entry claimed in p's slot `entry`. */
static unsigned server(unsigned position, unsigned *entry)
{
    unsigned c = child_full(0), slice = next_slot++;
    struct env *e = child_env(c);
    user(e, 0)->up_slice_begin = 0x2000;
    user(e, 0)->up_slice_end = 0x2100;
    user(e, 0)->up_entry = 0x2200;
    user(e, 0)->up_caller_gone = 0x2300;
    user(e, 0)->up_revoke = 0x2400;
    user(e, 0)->up_emergency = 0x2500;
    if (CALL3(0, alloc, AEGIS_SLOT_SLICES, position, slice).error || CALL2(0, slice_lend, slice, c).error)
        abort();
    become(0, e);
    CALL3(0, alloc, 0, 0, 100);
    result_t mac = CALL4(0, capability_make, 100, AEGIS_CALL | AEGIS_SEND, 0, 0);
    become(0, p);
    *entry = 10 + position;
    if (CALL3(0, claim, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, e->index), mac.value, *entry).error)
        abort();
    return c;
}

static bool ran(struct env *e, uint64_t pc)
{
    return host.outcome == HOST_RAN && host.ran == e->activation[0] && host.ran_pc == pc;
}

/* Grace is over before the upcall's first instruction: what is saved stays whole until it is taken up. */
static void overrun_at_once(void)
{
    volatile struct aegis_activation *u;
    scene(1);
    u = user(p, 0);
    u->forced = 0;
    for (unsigned slot = 0; slot < 3; slot++) {
        p->activation[0]->phase = 0;
        host_interrupt(0, 5, 0x4444);
        for (unsigned n = 0; n < 6; n++)
            host_interrupt(0, 5, u->up_slice_end);
    }
    tap(!u->forced, "K13: grace that begins anew is counted by the slot");
    while (!u->forced)
        host_interrupt(0, 5, u->up_slice_end);
    while (p->activation[0]->forfeits)
        CALL0(0, slice_yield);
    CALL0(0, slice_yield);
    tap(ran(p, 0x1000) && host_interrupt(0, 5, 0x1000) == 0x1000 && u->slice_pc == 0x4444 && !u->forced_save[3],
        "K13: no upcall comes before what was saved by force is taken up");
    p->activation[0]->phase = 0;
    u->masked = u->forced = 0;
}

static void slices(void)
{
    unsigned entry;
    scene(1);
    unsigned c = server(1, &entry), d = server(2, &entry);
    CALL0(0, slice_yield);
    bool good = ran(child_env(c), 0x2000);
    CALL0(0, slice_yield);
    good &= ran(child_env(d), 0x2000);
    CALL0(0, slice_yield);
    tap(good && ran(p, 0x1000), "slice_yield: round robin over the vector (K13)");
    uint64_t pc = host_interrupt(0, 5, 0x4444);
    tap(pc == user(p, 0)->up_slice_end && user(p, 0)->slice_pc == 0x4444 && p->activation[0]->phase == 1, "K13: slice end, the PC kept");
    user(p, 0)->masked = 0x77;
    host_interrupt(0, 5, 0x5555);
    tap(user(p, 0)->forced_save[3] == 0x77 && user(p, 0)->masked, "K13: what masked was is saved with it");
    user(p, 0)->masked = 0;
    tap(user(p, 0)->forced == 1 && user(p, 0)->forced_save[0] == 0x5555 && user(p, 0)->forced_save[31] == 0x101f && p->activation[0]->forfeits == 1 && ran(child_env(c), 0x2000),
        "K13: grace over, the state is saved by force and a slot forfeited");
    CALL0(0, slice_yield);
    CALL0(0, slice_yield);
    tap(ran(child_env(c), 0x2000) && p->activation[0]->forfeits == 0, "K13: the forfeited slot is passed over once");
    CALL0(0, slice_yield), CALL0(0, slice_yield);
    user(p, 0)->masked = 1;
    tap(ran(p, 0x1000) && host_interrupt(0, 5, 0x4000) == 0x4000 && user(p, 0)->held & AEGIS_HELD_SLICE_END && p->activation[0]->phase == 2, "K11: masked, slice end is held for the grace time");
    host.pending[0] |= MACHINE_EXTERNAL;
    tap(host_interrupt(0, 9, 0x4000) == 0x4000 && host.pending[0] & MACHINE_EXTERNAL, "K13: a device waits while grace lasts");
    p->activation[0]->phase = 0;
    tap(host_interrupt(0, 9, 0x4000) == 0x4000 && !(host.pending[0] & MACHINE_EXTERNAL), "and is looked at in a slot");
    user(p, 0)->masked = 0;
    unsigned n = 0;
    become(0, child_env(c));
    while (exposed.env[page_in(p, c)].state == AEGIS_ENV_LIVE && n++ < 100) {
        become(0, child_env(c));
        kernel.hart[0].slot = &kernel.hart[0].slots[1];
        child_env(c)->activation[0]->forfeits = 0;
        child_env(c)->activation[0]->phase = 1;
        host_interrupt(0, 5, 0x6000);
    }
    tap(n == OVERRUNS_DEADLY && exposed.env[page_in(p, c)].end == AEGIS_END_OVERRUN, "K13: who overruns again and again is ended");

    scene(1);
    c = server(1, &entry);
    become(0, p);
    tap(CALL1(0, slice_yield_to, c).error == HOST_LEFT && ran(child_env(c), 0x2000) && kernel.hart[0].slot == &kernel.hart[0].slots[0], "slice_yield_to: the rest of the slot is the other's");
    become(0, p);
    unsigned s = next_slot - 1;
    while (AEGIS_WHAT_TYPE(ledger_at(p, s)->what) != AEGIS_SLICE)
        s--;
    tap(CALL1(0, slice_recall, s).error == 0 && kernel.hart[0].slots[1].runs == p->activation[0] && CALL2(0, slice_lend, s, c).error == 0 && kernel.hart[0].slots[1].runs == child_env(c)->activation[0],
        "slice_recall, slice_lend: the position comes back, and goes");
    unsigned bare = child_new();
    tap(CALL2(0, slice_lend, s, bare).error == AEGIS_E_NO_RESOURCE && CALL2(0, slice_lend, s, s).error == AEGIS_E_WRONG_TYPE && CALL2(0, slice_lend, bare, c).error == AEGIS_E_WRONG_TYPE &&
            CALL2(0, slice_lend, 999, c).error == AEGIS_E_EMPTY_SLOT && CALL1(0, slice_recall, 999).error == AEGIS_E_EMPTY_SLOT && CALL1(0, slice_recall, bare).error == AEGIS_E_WRONG_TYPE &&
            CALL1(0, slice_yield_to, bare).error == AEGIS_E_BUSY && CALL1(0, slice_yield_to, 999).error == AEGIS_E_EMPTY_SLOT,
        "slice_lend, slice_recall, slice_yield_to: what cannot be lent, to whom it cannot");
    CALL2(0, release, 0, s);
    tap(!kernel.hart[0].slots[1].linked && exposed.slice[0][1].owner == AEGIS_ANY && exposed.env[page_in(p, c)].positions == 0, "release: a lent position ends with its claim");
    CALL0(0, slice_yield);
    tap(ran(p, 0x1000), "slice_yield: alone, to oneself");
    tap(CALL2(0, slice_ring, c, 8).error == AEGIS_E_BAD_RANGE && CALL2(0, slice_ring, c, 0).error == 0 && CALL2(0, slice_ring, 999, 0).error == AEGIS_E_EMPTY_SLOT, "slice_ring: harts that are not there; nothing unless it sleeps");
}

static void waiting(void)
{
    unsigned entry;
    scene(2);
    unsigned c = server(1, &entry), page = page_new(0, 0);
    uint32_t *word = machine_direct(page_in(p, page));
    struct aegis_predicate *q = (void *)args;
    q[0] = (struct aegis_predicate){.slot = (uint16_t)page, .operation = AEGIS_NE, .width = 4, .offset = 8, .value = 0};
    q[1] = (struct aegis_predicate){.slot = AEGIS_NONE, .operation = AEGIS_GE, .width = 8, .offset = AEGIS_EXPOSED_OFFSET(input_count), .value = 5};
    word[2] = 7;
    result_t r = CALL3(0, slice_wait, ARGS, 2, 0);
    tap(!r.error && r.value == 0 && !exposed.env[0].sleeping[0], "slice_wait: holds already (K14)");
    word[2] = 0;
    r = CALL3(0, slice_wait, ARGS, 2, 0);
    tap(r.error == HOST_LEFT && exposed.env[0].sleeping[0] && ran(child_env(c), 0x2000), "slice_wait: sleeps; the next position's owner runs");
    CALL0(0, slice_yield);
    tap(ran(child_env(c), 0x2000), "slice_wait: a sleeper's slot is passed over");
    exposed.input_count = 5;
    CALL0(0, slice_yield);
    tap(ran(p, 0x1000) && user(p, 0)->wake == 1 && !exposed.env[0].sleeping[0], "slice_wait: woken by the second comparison");
    exposed.input_count = 0;
    r = CALL3(0, slice_wait, ARGS, 2, host.time + 100);
    host.time += 100;
    CALL0(0, slice_yield);
    tap(ran(p, 0x1000) && user(p, 0)->wake == AEGIS_WAKE_TIMEOUT, "slice_wait: the time came");
    tap(CALL3(0, slice_wait, ARGS, 0, 1).error == AEGIS_E_TIMEOUT, "slice_wait: a time that has passed");
}

static void comparing(void)
{
    scene(1);
    unsigned page = page_new(0, 0);
    uint32_t *word = machine_direct(page_in(p, page));
    struct aegis_predicate *q = (void *)args;
    static const struct { uint8_t operation; uint64_t value; bool yes; } operations[] = {
        {AEGIS_EQ, 5, true}, {AEGIS_EQ, 4, false}, {AEGIS_NE, 4, true}, {AEGIS_NE, 5, false}, {AEGIS_LT, 6, true}, {AEGIS_LT, 5, false}, {AEGIS_GE, 5, true}, {AEGIS_GE, 6, false}};
    bool good = true;
    word[4] = 5, word[5] = 1;
    for (unsigned i = 0; i < 8; i++) {
        q[0] = (struct aegis_predicate){.slot = (uint16_t)page, .operation = operations[i].operation, .width = 4, .offset = 16, .value = operations[i].value};
        good &= (CALL3(0, slice_wait, ARGS, 1, 1).error == 0) == operations[i].yes;
        q[0].width = 8;
        q[0].value |= 1UL << 32;
        good &= (CALL3(0, slice_wait, ARGS, 1, 1).error == 0) == operations[i].yes;
    }
    tap(good, "slice_wait: four comparisons, 4 and 8 bytes");
    static const struct aegis_predicate wrong[] = {
        {.slot = AEGIS_NONE, .width = 3}, {.slot = AEGIS_NONE, .width = 0}, {.slot = AEGIS_NONE, .width = 4, .offset = 2}, {.slot = AEGIS_NONE, .width = 4, .operation = 4},
        {.slot = AEGIS_NONE, .width = 8, .offset = sizeof exposed}, {.slot = AEGIS_NONE, .width = 8, .offset = 0xfffffff8}, {.slot = AEGIS_NONE, .width = 4, .offset = 0xfffffffc}};
    good = true;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        q[0] = wrong[i];
        good &= CALL3(0, slice_wait, ARGS, 1, 1).error == AEGIS_E_BAD_RANGE;
        q[0].slot = (uint16_t)page;
        good &= CALL3(0, slice_wait, ARGS, 1, 1).error == AEGIS_E_BAD_RANGE;
    }
    tap(good, "slice_wait: widths, operations and offsets that are wrong");
    for (unsigned i = 0; i < AEGIS_PREDICATES; i++)
        q[i] = (struct aegis_predicate){.slot = (uint16_t)page, .operation = AEGIS_EQ, .width = 8, .offset = 64 + 8 * i, .value = 1};
    word[16 + 2 * 7] = 1;
    tap(CALL3(0, slice_wait, ARGS, 8, 1).value == 7 && CALL3(0, slice_wait, ARGS, 7, 1).error == AEGIS_E_TIMEOUT, "slice_wait: of eight comparisons the last holds (K14)");
    q[0] = (struct aegis_predicate){.slot = 999, .width = 4};
    long empty = CALL3(0, slice_wait, ARGS, 1, 1).error;
    q[0].slot = AEGIS_SLOT_PAGES;
    long type = CALL3(0, slice_wait, ARGS, 1, 1).error;
    q[0].slot = 5000;
    tap(empty == AEGIS_E_EMPTY_SLOT && type == AEGIS_E_WRONG_TYPE && CALL3(0, slice_wait, ARGS, 1, 1).error == AEGIS_E_BAD_SLOT && CALL3(0, slice_wait, ARGS, 9, 1).error == AEGIS_E_BAD_RANGE &&
            CALL3(0, slice_wait, 8, 1, 1).error == AEGIS_E_BAD_ADDRESS,
        "slice_wait: slots, counts and addresses that are wrong");
}

/* What is compared is given up, or lent, while it is slept on. */
static void waiting_on_what_goes(void)
{
    unsigned entry;
    scene(2);
    unsigned c = server(1, &entry), page = page_new(0, 0);
    struct aegis_predicate *q = (void *)args;
    q[0] = (struct aegis_predicate){.slot = (uint16_t)page, .operation = AEGIS_EQ, .width = 4, .offset = 0, .value = 1};
    CALL3(0, slice_wait, ARGS, 1, 0);
    become(0, p); /* its other hart, or its controller, gives the page up */
    AGAIN(CALL2(0, release, 0, page));
    become(0, child_env(c));
    CALL0(0, slice_yield);
    tap(ran(p, 0x1000) && user(p, 0)->wake == AEGIS_WAKE_REVOKED, "slice_wait: a claim that is gone wakes with REVOKED");

    unsigned pair = page_new(0, 1);
    q[0] = (struct aegis_predicate){.slot = (uint16_t)pair, .operation = AEGIS_NE, .width = 8, .offset = PAGE_SIZE + offsetof(struct activation, stack), .value = 0x1234};
    ((struct activation *)(machine_direct(page_in(p, pair) + 1)))->stack = 0x1234;
    CALL3(0, slice_wait, ARGS, 1, 0);
    user(p, 0)->wake = 77;
    become(0, p);
    unsigned bare = child_new();
    become(0, p);
    if (CALL3(0, activation_lend, bare, pair, 0).error)
        abort();
    become(0, child_env(c));
    CALL0(0, slice_yield);
    tap(user(p, 0)->wake == AEGIS_WAKE_REVOKED, "slice_wait: a page that becomes a kernel half is not compared any more (I8)");
}

static void idling(void)
{
    unsigned entry;
    scene(2);
    unsigned c = server(1, &entry);
    CALL3(0, slice_wait, ARGS, 0, host.time + 5000);
    become(0, p);
    exposed.env[page_in(p, c)].sleeping[0] = 1;
    child_env(c)->activation[0]->deadline = host.time + 700;
    tap(wait_next(&kernel.hart[0]) == host.time + 700, "K14: an idle hart is woken at the earliest deadline");
    child_env(c)->activation[0]->deadline = ~0UL;
    exposed.env[p->index].sleeping[0] = 0; /* its slot was passed over a moment ago */
    bool soon = wait_next(&kernel.hart[0]) == host.time + kernel.hart[0].slice_ticks;
    exposed.env[p->index].sleeping[0] = 1;
    p->activation[0]->deadline = ~0UL;
    tap(soon && wait_next(&kernel.hart[0]) == ~0UL, "K14: an idle hart comes back for who has forfeited a slot, and for no sleeper");
}

/* Whom a ring interrupts: a hart in wfi, for who sleeps there. */
static void ringing(void)
{
    scene(2);
    unsigned c = child_full(1);
    uint32_t *sleeping = &exposed.env[page_in(p, c)].sleeping[1];
    bool good = true;
    for (unsigned n = 0; n < 4; n++) {
        *sleeping = n & 1;
        exposed.hart[1].idle = n >> 1;
        host.pending[1] = 0;
        good &= !CALL2(0, slice_ring, c, 1).error && !host.pending[1] == (n != 3);
    }
    tap(good, "slice_ring: nothing unless it sleeps, no interrupt unless its hart idles (K14)");
}

/* Slots of the caller's that its callee gets, until the transfer ends with TIMEOUT. */
static unsigned slots_to_timeout(uint64_t limit)
{
    unsigned entry, n = 0;
    scene(1);
    server(1, &entry);
    user(p, 0)->pct_slices = limit;
    host_pct(0, -1 - (long)entry);
    for (unsigned turn = 0; turn < 200; turn++) {
        CALL0(0, slice_yield);
        if (ran(p, 0x7004))
            return host.ran_t0 == (uint64_t)AEGIS_E_TIMEOUT ? n : 0;
        n += kernel.hart[0].slot == &kernel.hart[0].slots[0];
    }
    return 0;
}

static void deadlines(void)
{
    tap(slots_to_timeout(0) == 16 && slots_to_timeout(3) == 3 && slots_to_timeout(40) == 40, "pct: its deadline is so many of the caller's slots, 16 if it names none (K12)");
}

static void transfers(void)
{
    unsigned entry, second;
    scene(1);
    unsigned c = server(1, &entry);
    server(2, &second);
    struct env *e = child_env(c);
    struct activation *a = p->activation[0], *b = e->activation[0];
    do /* to its next slot: C has looked at a position that was given to it */
        CALL0(0, slice_yield);
    while (host.self[0] != a);
    tap(host_pct(0, -1 - (long)entry) == 0 && host.self[0] == b && b->gate == 0 && b->caller == (uint64_t)a && a->resume && !a->run, "pct: synchronous; the gate closes (K12)");
    host_pct_return(0);
    tap(host.self[0] == a && b->gate == b->satp && !a->resume && a->run, "pct_return: to the caller; the gate opens");
    tap(CALL0(0, pct_return).error == AEGIS_E_NO_TRANSFER, "pct_return: nothing is outstanding");
    tap(host_pct(0, -129) == AEGIS_E_NO_CALL && host_pct(0, -1 - 63) == AEGIS_E_EMPTY_SLOT && host_pct(0, -1) == AEGIS_E_WRONG_TYPE && host_pct(0, -2) == AEGIS_E_WRONG_TYPE,
        "pct: numbers beyond, empty slots, what is no entry");
    b->gate = 0;
    tap(host_pct(0, -1 - (long)entry) == AEGIS_E_BUSY && host_pct(0, -65 - (long)entry) == AEGIS_E_BUSY, "pct: a closed gate is BUSY");
    b->gate = b->satp;
    tap(host_pct(0, -65 - (long)entry) == 0 && host.self[0] == b && b->caller == 0 && a->run, "pct: asynchronous; nobody to return to");
    tap(CALL0(0, pct_return).error == HOST_LEFT && b->gate == b->satp, "pct_return: after an asynchronous one leaves the slot");
    become(0, p);
    CALL3(0, alloc, 0, 0, 18);
    tap(host_pct(0, -1 - 18) == AEGIS_E_BUSY && host_pct(0, -1 - 18) == AEGIS_E_BUSY, "pct: into oneself");

    /* the slots of a caller are its callee's; a callee that sleeps holds up nobody else */
    host_pct(0, -1 - (long)entry);
    CALL0(0, slice_yield);
    become(0, e);
    kernel.hart[0].slot = &kernel.hart[0].slots[2];
    CALL0(0, slice_yield);
    tap(ran(e, 0x2000) && kernel.hart[0].slot == &kernel.hart[0].slots[0], "pct: the caller's slot is the callee's until it returns");
    exposed.env[e->index].sleeping[0] = 1;
    b->predicates = 0;
    b->deadline = ~0UL;
    kernel.hart[0].slot = &kernel.hart[0].slots[2];
    host_start(0);
    tap(host.outcome == HOST_RAN && host.ran != b && kernel.hart[0].slot == &kernel.hart[0].slots[2], "slice_yield: a caller whose callee sleeps does not end the round (K13)");
    /* deadline */
    exposed.env[page_in(p, c)].sleeping[0] = 1;
    unsigned n = 0;
    kernel.hart[0].slots[2].runs->forfeits = 1000;
    do {
        host_start(0);
        host.time = host.timer[0] == ~0UL ? host.time : host.timer[0];
    } while (host.outcome == HOST_IDLE && host.timer[0] != ~0UL && n++ < 100);
    tap(ran(p, 0x7004) && host.ran_t0 == (uint64_t)AEGIS_E_TIMEOUT && b->caller == 0 && b->attention & ATTENTION_GONE && n < 40, "pct: the deadline comes on an idle machine too: TIMEOUT, and caller gone (K12)");
    tap(!exposed.hart[0].idle, "K14: a hart that resumes a caller is not idle any more (I11)");
    exposed.env[e->index].sleeping[0] = 0;
    kernel.hart[0].slot = &kernel.hart[0].slots[0];
    CALL0(0, slice_yield);
    tap(ran(e, 0x2300) && host.ran_a0 == p->check, "K12: the callee hears that its caller is gone");
}

static void deaths(void)
{
    unsigned entry;
    scene(1);
    unsigned c = server(1, &entry), d = server(2, &entry);
    struct env *e = child_env(c), *f = child_env(d);
    host_pct(0, -1 - (long)entry); /* p calls d; then c destroys nobody: p's controller is nobody, so d dies by itself */
    tap(host.self[0] == f->activation[0], "pct: into the second server");
    CALL1(0, env_destroy, 0);
    for (unsigned n = 0; n < 200 && !(host.outcome == HOST_RAN && host.ran == p->activation[0]); n++) {
        become(0, e);
        CALL1(0, reap, 4);
        CALL0(0, slice_yield);
    }
    tap(ran(p, 0x7004) && host.ran_t0 == (uint64_t)AEGIS_E_DEAD && !p->activation[0]->resume, "pct: the callee died: DEAD (K12)");
    tap(host_pct(0, -1 - (long)entry) == AEGIS_E_NO_ENV || host_pct(0, -1 - (long)entry) == AEGIS_E_REVOKED, "pct: into the dead");

    /* the caller gives its entry claim up and dies while its callee works */
    scene(1);
    c = server(1, &entry);
    d = server(2, &entry);
    e = child_env(c), f = child_env(d);
    become(0, f);
    CALL3(0, alloc, 0, 0, 101);
    uint64_t mac = CALL4(0, capability_make, 101, AEGIS_CALL, 0, 0).value;
    become(0, p);
    CALL0(0, slice_yield); /* e begins */
    CALL3(0, claim, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, f->index), mac, 40);
    long error = host_pct(0, -41);
    become(0, p);
    AGAIN(CALL2(0, release, c, 40));
    AGAIN(CALL1(0, env_destroy, c));
    tap(!error && exposed.env[page_in(p, c)].state == AEGIS_ENV_DEAD && f->activation[0]->caller == 0, "env_destroy, release: a dead caller leaves no link, though its entry claim went first (I11)");
    become(0, f);
    host_pct_return(0);
    tap(host.outcome == HOST_RAN && host.ran != e->activation[0], "pct_return: its callee goes to nobody");

    /* the same by a re-key of the entry */
    scene(1);
    c = server(1, &entry);
    e = child_env(c);
    host_pct(0, -1 - (long)entry);
    AGAIN(CALL1(0, rekey, 100));
    tap(ledger_at(e, 100)->check == kernel.entry_check[e->index] && e->activation[0]->caller == (uint64_t)p->activation[0], "rekey: of an entry");
    host_pct_return(0);
    tap(host.self[0] == p->activation[0] && host_pct(0, -1 - (long)entry) == AEGIS_E_REVOKED, "pct: by a claim that a re-key ended is REVOKED; the open one returns");
}

/* p calls c, which calls d; p runs on the second hart too. The slots of c and d. */
static void chain_make(unsigned *c, unsigned *d)
{
    unsigned first, second;
    scene(2);
    also_on(1);
    *c = server(1, &first), *d = server(2, &second);
    become(0, child_env(*d));
    uint64_t mac = mac_of(100, AEGIS_CALL, 0, 0);
    become(0, child_env(*c));
    if (CALL3(0, claim, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, child_env(*d)->index), mac, 40).error)
        abort();
    kernel.hart[0].slot = &kernel.hart[0].slots[0];
    CALL0(0, slice_yield); /* c's slot begins */
    kernel.hart[0].slot = &kernel.hart[0].slots[0];
    become(0, p);
    if (host_pct(0, -1 - (long)first) || host_pct(0, -41) || host.self[0] != child_env(*d)->activation[0])
        abort();
}

static uint64_t told; /* by caller_gone, last */

/* Who was entered just now: a, behind its transfer, with DEAD? */
static bool goes_on(const struct activation *a)
{
    if (host.outcome == HOST_RAN && host.ran_pc == 0x2300)
        told = host.ran_a0;
    return host.outcome == HOST_RAN && host.ran == a && host.ran_pc == 0x7004 && host.ran_t0 == (uint64_t)AEGIS_E_DEAD;
}

/* p, on its other hart, ends one of them: whether a goes on behind its transfer with DEAD, at once or in one of the next slots. */
static bool dies(unsigned slot, const struct activation *a)
{
    bool heard = false;

    for (unsigned n = 0; n < 200 && CALL1(1, env_destroy, slot).error == AEGIS_E_AGAIN; n++)
        if (host.pending[0] & MACHINE_SOFTWARE) {
            host_serve(0);
            heard |= goes_on(a);
        }
    for (unsigned n = 0; n < 20 && !heard; n++) {
        CALL0(0, slice_yield);
        heard = goes_on(a);
    }
    return heard && exposed.env[page_in(p, slot)].state == AEGIS_ENV_DEAD;
}

static void chains(void)
{
    unsigned c, d;
    chain_make(&c, &d);
    struct activation *a = p->activation[0], *f = child_env(d)->activation[0], *e;
    uint64_t middle = child_env(c)->check;
    told = 0;
    bool good = dies(c, a) && !f->caller;
    for (unsigned n = 0; n < 3 && !told; n++) {
        CALL0(0, slice_yield);
        goes_on(a);
    }
    tap(good && told == middle,
        "pct: the middle of a chain dies: DEAD for its caller, caller gone for its callee (K12)");

    chain_make(&c, &d);
    a = p->activation[0], e = child_env(c)->activation[0];
    good = dies(d, e) && a->resume;
    host_pct_return(0);
    tap(good && host.self[0] == a && !a->resume, "pct: the end of a chain dies: DEAD for its caller alone, which answers its own");

    chain_make(&c, &d);
    a = p->activation[0], e = child_env(c)->activation[0];
    tap(dies(d, e) && dies(c, a), "pct: both die: DEAD for the nearest that lives, then for the other");
}

static void faults(void)
{
    scene(1);
    volatile struct aegis_activation *u = user(p, 0);
    u->up_exception = 0x3000, u->up_nested = 0x3100;
    host.fault_address = 0x900000;
    tap(host_interrupt(0, 13, 0x1234) == 0x3000 && u->exc_cause == 5 && u->exc_pc == 0x1234 && u->exc_value == 0x900000, "K11: a page fault that nothing answers is the application's");
    u->masked = 1;
    tap(host_interrupt(0, 15, 0x1238) == 0x3100 && u->masked == AEGIS_MASKED_NESTED, "K11: while masked it is nested");
    unsigned entry, c = server(1, &entry);
    struct env *e = child_env(c);
    become(0, e);
    user(e, 0)->masked = AEGIS_MASKED_NESTED;
    tap(host_interrupt(0, 13, 0x1238) == 0 && exposed.env[page_in(p, c)].end == AEGIS_END_FAULT && host.deaths == 1, "K11: a fault in the nested handler ends the environment");
    become(0, p);
    u->masked = 0;
    u->return_begin = 0x8000, u->return_end = 0x8010;
    u->up_slice_end = 0x9000;
    host_interrupt(0, 5, 0x8008);
    tap(u->slice_pc == 0x8000, "K11: interrupted in the return sequence it starts anew");
}

static void units(void)
{
    unsigned entry;
    scene(1);
    unsigned c = server(1, &entry);
    struct env *e = child_env(c);
    for (unsigned i = 0; i < 33; i++)
        host.fp[i] = 0xdead0000 + i;
    user(p, 0)->fp[3] = 33;
    tap(!CALL0(0, fp_take).error && host.fp[3] == 33 && host.fp[5] == 0, "fp_take: nothing of the last owner is left in the unit (I8)");
    tap(CALL0(0, fp_take).value == 1, "fp_take: on already");
    host.fp[7] = 77;
    become(0, e);
    CALL0(0, fp_take);
    tap(user(p, 0)->fp[7] == 77 && host.fp[7] == 0 && p->activation[0]->sstatus == machine_sstatus(false) && kernel.hart[0].fp == e->activation[0], "fp_take: the last owner's goes to its own page (K11)");
    become(0, p);
    AGAIN(CALL1(0, env_destroy, c));
    tap(kernel.hart[0].fp == NULL, "env_destroy: the unit is nobody's");
    tap(!CALL0(0, null).error && host_call(0, 99, 0, 0, 0, 0, 0).error == AEGIS_E_NO_CALL, "null");
}

int main(void)
{
    slices();
    overrun_at_once();
    waiting();
    comparing();
    waiting_on_what_goes();
    idling();
    ringing();
    deadlines();
    transfers();
    deaths();
    chains();
    faults();
    units();
    return tap_failed;
}
