/* SPDX-License-Identifier: BSD-2-Clause */
/* Environments that ignore what the kernel tells them. */
#include "hostile.h"

/* ---- ignoring the kernel ---- */

static void ignores_all(volatile struct aegis_activation *u, struct my *m)
{
    (void)u;
    m->ignore = 1;
}

void ignoring_slice_end(void)
{
    struct child c;
    clear();
    child_prepare = ignores_all;
    child_start(&c, 0, 0, counting_child, 1);
    child_prepare = 0;
    CHECK(wait_for(env_gone, &c, 60000)); /* 64 overruns, each with its forfeit */
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_OVERRUN);
    child_end(&c);
}

/* An activation whose upcalls all go to one address: the kernel's, one that is none, one that may only be read. */
static unsigned long wrong_pc;

static void wrong_pcs(volatile struct aegis_activation *u, struct my *m)
{
    volatile uint64_t *pc = &u->up_exception;
    for (unsigned i = 0; i < 9; i++)
        pc[i] = wrong_pc;
    (void)m;
}

void upcall_pcs_at_kernel_addresses(void)
{
    static const unsigned long places[] = {0xffffffff80000000UL, 0xffffffc080200000UL, 0xfffffff010000000UL, 1, ~0UL, 0x4000000000UL,
                                           AEGIS_EXPOSED, AEGIS_LEDGER_VA};
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct child c;
        clear();
        wrong_pc = places[i];
        child_prepare = wrong_pcs;
        child_start(&c, 0, 0, counting_child, 1);
        child_prepare = 0;
        pause_ms(50);
        EQUAL(g[1], 0);
        child_end(&c);
    }
}

static void faults_in_its_handler(long unused)
{
    (void)unused;
    my()->exc_again = 1;
    g[0]++;
    *(volatile int *)24 = 1;
    g[1]++;
}

void faulting_in_the_fault_handler(void)
{
    struct child c;
    clear();
    child_start(&c, 0, 0, faults_in_its_handler, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 1);
    EQUAL(g[1], 0);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_FAULT);
    child_end(&c);
}

static void closes_its_gate(long unused)
{
    (void)unused;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    mac = aegis_capability_make(7, AEGIS_CALL | AEGIS_SEND, 0, 0).value;
    for (;;)
        up_yield();
}

static _Noreturn long never_back(long a)
{
    (void)a;
    for (;;)
        up_yield();
}

static void prepare_never(volatile struct aegis_activation *u, struct my *m)
{
    (void)u;
    m->async_fn = (unsigned long)never_back;
    m->entry_fn = (unsigned long)never_back;
}

void a_gate_closed_for_ever(void)
{
    struct child c;
    long reply;
    clear();
    mac = 0;
    unsigned long low = low_slot(0);
    child_prepare = prepare_never;
    child_start(&c, 0, 0, closes_its_gate, 0);
    child_prepare = 0;
    CHECK(wait_word(&mac, 1));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, c.index), mac, low));
    EQUAL(up_send(ASYNC(low), 1), 1);
    for (unsigned i = 0; i < 5; i++)
        EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_BUSY);
    page_put(low);
    child_end(&c);
}

static void scribbler(long seed)
{
    volatile uint64_t *word = (volatile uint64_t *)AEGIS_ACTIVATION(0);
    unsigned long x = (unsigned long)seed * 0x9e3779b97f4a7c15UL + 1;
    g[0]++;
    for (;;)
        for (unsigned i = 0; i < 512; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            word[i] = x & 1 ? x : x & 2 ? 0 : x & 4 ? ~0UL : 0xffffffff80000000UL | (x & 0xfffff);
            g[1]++;
        }
}

void scribbled_activation_page(void)
{
    for (long seed = 0; seed < 8; seed++) {
        struct child c;
        clear();
        child_start(&c, 0, 0, scribbler, seed);
        pause_ms(100);
        CHECK(g[0] >= 1);
        unsigned long begins = my()->begins;
        up_yield();
        CHECK(my()->begins > begins);
        child_end(&c);
    }
}

void ignoring_revocation(void)
{
    struct child c;
    clear();
    child_make(&c, 0);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    for (unsigned s = 224; s < 232; s++)
        page_get(s, 0);
    DONE(aegis_share(c.slot, 224, 8, AEGIS_RWX));
    for (unsigned s = 224; s < 232; s++)
        page_put(s);
    child_on(&c, 0, counting_child, 1);
    child_slice(&c, 0);
    CHECK(wait_word(&g[1], 1));
    unsigned long free = EXPOSED->free_pages;
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 8, now()));
    struct aegis_result r;
    do
        r = aegis_revoke_force(PAGES_ROOT, c.slot);
    while (r.error == AEGIS_E_AGAIN);
    DONE(r);
    EQUAL(EXPOSED->free_pages, free + 8);
    child_end(&c);
}

void a_donated_slot_that_never_comes_back(void)
{
    struct child c, d;
    clear();
    child_make(&c, 0);
    child_on(&c, 0, counting_child, 1);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 9, S(0)));
    DONE(aegis_slice_lend(S(0), c.slot));
    CHECK(wait_word(&g[1], 1));
    DONE(aegis_slice_recall(S(0)));
    unsigned long stood = g[1];
    pause_ms(40);
    EQUAL(g[1], stood);
    DONE(aegis_slice_lend(S(0), c.slot));
    child_end(&c);
    EQUAL(EXPOSED->slice[0][9].runs, AEGIS_ANY);
    child_make(&d, 0); /* and it can be lent to another */
    child_on(&d, 0, counting_child, 2);
    DONE(aegis_slice_lend(S(0), d.slot));
    CHECK(wait_word(&g[2], 1));
    child_end(&d);
    page_put(S(0));
    /* donated with the rest of ours: we begin again at our next */
    child_make(&c, 0);
    child_on(&c, 0, counting_child, 3);
    EQUAL(up_yield_to(c.slot), 1);
    CHECK(g[3] > 0);
    child_end(&c);
}

/* Two that give each other the hart within the grace time, for ever. */
/* Time is instructions (the runner's grace says so). */
static bool counted(void)
{
    return EXPOSED->grace_ticks * 4 <= EXPOSED->slice_ticks;
}

static void ping_prepare(volatile struct aegis_activation *u, struct my *m);

static void ping_end(void)
{
    for (;;) {
        register long a0 __asm__("a0") = 126;
        register long a7 __asm__("a7") = AEGIS_CALL_slice_yield_to;
        __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2", "a3", "a4", "a5", "a6");
        g[8]++;
        if (a0 != 0) {
            g[9]++;
            g[10] += a0 != AEGIS_E_BUSY;
            aegis_slice_yield();
        }
    }
}

static void ping(long which)
{
    for (;;)
        g[which]++;
}

static void ping_prepare(volatile struct aegis_activation *u, struct my *m)
{
    (void)m;
    u->up_slice_end = (uint64_t)ping_end;
}

void two_that_pass_the_hart_between_them_in_grace(void)
{
    struct child c, d, victim;
    clear();
    child_make(&c, 0);
    child_make(&d, 1);
    child_prepare = ping_prepare;
    child_on(&c, 0, ping, 1);
    child_on(&d, 0, ping, 2);
    child_prepare = 0;
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, d.index), aegis_capability_make(d.slot, AEGIS_RING, 0, 0).value, 126));
    DONE(aegis_share(c.slot, 126, 1, AEGIS_RING));
    page_put(126);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, c.index), aegis_capability_make(c.slot, AEGIS_RING, 0, 0).value, 126));
    DONE(aegis_share(d.slot, 126, 1, AEGIS_RING));
    page_put(126);
    child_start(&victim, 2, 0, ping, 3);
    child_slice(&c, 0);
    child_slice(&d, 0);
    unsigned long start = now(), turns = my()->begins;
    pause_ms(300);
    while (my()->begins - turns < 5)
        up_yield();
    /* 30 slices, three of them others': about ten turns for us at the least. A host's clock runs on without us. */
    if (counted())
        CHECK(now() - start < milliseconds(450));
    CHECK(g[9] > 0);
    EQUAL(g[10], 0);
    child_end(&c);
    child_end(&d);
    child_end(&victim);
}

/* ---- fair share ---- */

static void share_child(long which)
{
    for (;;)
        g[which]++;
}

/* The neighbour of one that ignores every upcall, and is replaced when it dies, keeps its share within 2 %. */
void neighbour_of_an_ignorer_keeps_its_share(void)
{
    struct child good, bad;
    clear();
    if (!counted()) {
        say("# shares are not measured by the host's clock");
        return;
    }
    /* beside one that behaves: 100 slices */
    child_start(&good, 0, 0, share_child, 1);
    child_start(&bad, 1, 0, share_child, 2);
    pause_ms(30);
    unsigned long t = now(), n = g[1];
    pause_ms(1000);
    unsigned long fair = (g[1] - n) * 1000 / (now() - t);
    child_end(&bad);
    unsigned long time = 0, work = 0, begun = now();
    unsigned deaths = 0;
    while (deaths == 0 && now() - begun < milliseconds(10000)) {
        child_prepare = ignores_all;
        child_start(&bad, 1, 0, share_child, 3);
        child_prepare = 0;
        up_yield();
        t = now(); /* only while we do nothing but yield */
        n = g[1];
        while (EXPOSED->env[bad.index].state == AEGIS_ENV_LIVE && now() - t < milliseconds(6000))
            up_yield();
        time += now() - t;
        work += g[1] - n;
        deaths += EXPOSED->env[bad.index].state != AEGIS_ENV_LIVE;
        child_end(&bad);
    }
    unsigned long beside = work * 1000 / time;
    CHECK(deaths > 0);
    if (beside * 100 < fair * 98)
        breach("the neighbour's share");
    say("# %d beside one that behaves, %d beside one that does not, %d of them died", fair, beside, (long)deaths);
    child_end(&good);
}
