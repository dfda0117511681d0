/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends at bad moments, and the end of everything that can run out. */
#include "hostile.h"

/* ---- destruction at bad moments ---- */

static void destroys_in_slice_end(long unused)
{
    (void)unused;
    for (;;)
        g[1]++;
}

static void end_self(void)
{
    g[0]++;
    aegis_env_destroy(0);
}

static void prepare_end_in_upcall(volatile struct aegis_activation *u, struct my *m)
{
    (void)m;
    u->up_slice_end = (uint64_t)end_self;
    u->up_exception = (uint64_t)end_self;
    u->up_revoke = (uint64_t)end_self;
}

void destroy_from_inside_ones_own_upcall(void)
{
    struct child c;
    clear();
    child_prepare = prepare_end_in_upcall;
    child_start(&c, 0, 0, destroys_in_slice_end, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 1);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_SELF);
    child_end(&c);
    child_start(&c, 0, 0, (void (*)(long))illegal, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 2);
    child_end(&c);
}

void destroy_from_another_hart(void)
{
    for (unsigned i = 0; i < 20; i++) {
        struct child c;
        clear();
        child_make(&c, 0);
        for (unsigned h = 1; h < EXPOSED->harts && h < 4; h++) {
            child_on(&c, h, counting_child, h);
            child_slice(&c, h);
        }
        CHECK(wait_word(&g[1], 1));
        child_end(&c);
        unsigned long stood = g[1];
        spin_ms(2);
        EQUAL(g[1], stood);
    }
}

static long slow_serve(long a)
{
    g[2]++;
    for (unsigned i = 0; i < 2000; i++)
        __asm__ volatile("" ::: "memory");
    return a + 1;
}

static void server(long unused)
{
    (void)unused;
    my()->entry_fn = (unsigned long)slow_serve;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    mac = aegis_capability_make(7, AEGIS_CALL, 0, 0).value;
    for (;;)
        up_yield();
}

static void caller(long unused)
{
    (void)unused;
    long reply = 0;
    while (aegis_claim(g[10], mac, 7).error)
        up_yield();
    for (;;) {
        long error = pct_call(SYNC(7), 41, 0, 0, 0, 0, &reply);
        if (error == 0)
            g[3] += reply != 42, g[4]++;
        g[5] = (unsigned long)error;
        if (error)
            up_yield();
    }
}

/* Either side ends somewhere in a transfer, again and again, from another hart. */
void destroy_in_the_middle_of_a_transfer(void)
{
    unsigned hart = EXPOSED->harts > 1 ? 1 : 0;
    for (unsigned i = 0; i < 24; i++) {
        struct child c, d;
        clear();
        mac = 0;
        child_start(&c, 0, hart, server, 0);
        g[10] = AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, c.index);
        child_start(&d, 1, hart, caller, 0);
        CHECK(wait_word(&g[4], 3));
        spin_ms(draw() % 3);
        if (i & 1) {
            child_end(&c);
            CHECK(hart == 0 || wait_word(&g[5], 1)); /* DEAD, then NO_ENV */
            child_end(&d);
        } else {
            child_end(&d);
            child_end(&c);
        }
        EQUAL(g[3], 0);
    }
}

/* ---- exhaustion ---- */

void exhausts_pages(void)
{
    /* big blocks first, then what is left of small ones; then one environment's ledger is full */
    unsigned n = 0;
    page_get(S(302), 0); /* one that could be exchanged */
    struct aegis_result r = {0, 0};
    for (int order = 12; order >= 0; order--)
        for (; n < 300; n++) {
            r = aegis_page_alloc(PAGES_ROOT, ANY, (unsigned long)order, S(n), NONE);
            if (r.error && r.error != AEGIS_E_AGAIN)
                break;
            if (r.error == AEGIS_E_AGAIN && !LEDGER[S(n)].what) {
                n--; /* it cleared one for us: again */
                continue;
            }
        }
    if (n < 300) {
        EQUAL(r.error, AEGIS_E_NO_MEMORY);
        EQUAL(EXPOSED->free_pages, 0);
        GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(301), NONE), NO_MEMORY);
        GIVES(aegis_page_exchange(PAGES_ROOT, ANY, S(302), AREA | AEGIS_R), NO_MEMORY);
        /* the kernel goes on: calls, slices, exceptions */
        up_yield();
        EQUAL(probe_read(0), 1);
    }
    page_put(S(302));
    while (n--)
        page_put(S(n));
}

void exhausts_slots_of_the_ledger(void)
{
    unsigned long page = page_get(S(0), 0), n = 0;
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, page), m = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    for (unsigned long s = 1; s < 1024; s++) {
        struct aegis_result r = aegis_claim(what, m, s);
        if (LEDGER[s].check != RECORDS[page - EXPOSED->page_first].check)
            EQUAL(r.error, AEGIS_E_OCCUPIED);
        n += r.error == 0;
    }
    EQUAL(RECORDS[page - EXPOSED->page_first].claims, n + 1);
    GIVES(aegis_claim(what, m, 1024), BAD_SLOT);
    for (unsigned long s = 1; s < 1024; s++)
        if (LEDGER[s].what == what && s != S(0))
            page_put(s);
    page_put(S(0));
    /* ledger pages: up to 256, then FULL */
    struct child c;
    child_make(&c, 0);
    struct aegis_result r = {0, 0};
    for (n = 0; n < 300; n++) {
        page_get(S(0), 0);
        r = aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0);
        page_put(S(0));
        if (r.error)
            break;
    }
    EQUAL(r.error, AEGIS_E_FULL);
    EQUAL(n, 255);
    GIVES(aegis_release(c.slot, 32768), BAD_SLOT);
    child_end(&c);
}

static void stlb_flooder(long unused)
{
    (void)unused;
    unsigned long lost = 0;
    for (unsigned i = 0; i < 64; i++) {
        /* the same word of the STLB for all */
        UNTIL_DONE(aegis_map(0, 256 + i, (AREA + i * 0x200000UL + 300 * 4096) | AEGIS_R | AEGIS_W));
    }
    for (unsigned i = 0; i < 64; i++)
        lost += probe_write(AREA + i * 0x200000UL + 300 * 4096) != 0;
    g[1] = lost;
    /* what is lost comes back by the claim */
    for (unsigned i = 0; i < 64; i++) {
        struct aegis_result r = UNTIL_DONE(aegis_map(0, 256 + i, (AREA + i * 0x200000UL + 300 * 4096) | AEGIS_R | AEGIS_W));
        g[2] += r.error != 0;
        g[3] += probe_write(AREA + i * 0x200000UL + 300 * 4096) != 0;
    }
    g[0] = 1;
    for (;;)
        up_yield();
}

void exhausts_the_stlb(void)
{
    struct child c;
    clear();
    child_make(&c, 0);
    for (unsigned i = 0; i < 2; i++) {
        page_get(S(0), 0);
        DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
        page_put(S(0));
    }
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    page_get(S(0), 0);
    /* one claim a place, all on one page */
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what));
    uint64_t m = aegis_capability_make(S(0), AEGIS_R | AEGIS_W, 0, 0).value;
    for (unsigned i = 0; i < 64; i++)
        DONE(aegis_claim(what, m, 256 + i));
    DONE(aegis_share(c.slot, 256, 64, AEGIS_R | AEGIS_W));
    for (unsigned i = 0; i < 64; i++)
        page_put(256 + i);
    page_put(S(0));
    child_on(&c, 0, stlb_flooder, 0);
    child_slice(&c, 0);
    CHECK(wait_word(&g[0], 1));
    CHECK(g[1] > 0);
    EQUAL(g[2], 0);
    EQUAL(g[3], 0);
    child_end(&c);
}

void exhausts_slice_positions(void)
{
    unsigned n = 0;
    struct aegis_result r;
    while ((r = aegis_alloc(AEGIS_SLOT_SLICES, ANY, S(n))).error == 0)
        n++;
    EQUAL(r.error, AEGIS_E_FULL);
    EQUAL(n, 64 * EXPOSED->harts - 1);
    up_yield();
    while (n--)
        page_put(S(n));
}

void exhausts_environments(void)
{
    uint64_t v[AEGIS_ENV_LENT];
    unsigned n = 0;
    struct aegis_result r = {0, 0};
    for (; n < 1100; n++) {
        for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
            r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(400 + i), NONE));
            v[i] = S(400 + i);
        }
        if (r.error || n == 390)
            break;
        r = aegis_env_create(ENVS_ROOT, (unsigned long)v, S(n));
        for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
            UNTIL_DONE(aegis_release(0, S(400 + i)));
        if (r.error)
            break;
    }
    CHECK(n == 390 || r.error == AEGIS_E_FULL || r.error == AEGIS_E_NO_MEMORY);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        if (LEDGER[S(400 + i)].what)
            page_put(S(400 + i));
    while (n--) {
        DONE(UNTIL_DONE(aegis_env_destroy(S(n))));
        page_put(S(n));
    }
}
