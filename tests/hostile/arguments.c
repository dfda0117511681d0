/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and other arguments, also while another hart changes them. */
#include "hostile.h"

/* ---- addresses ---- */

void user_ranges_misaligned_overflowing_kernel_unmapped_half_mapped(void)
{
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    static const unsigned long bad[] = {0, 8, AREA - 8, AREA + 4096, AREA + 4096 - 4, 0x3fffffffffUL, AEGIS_USER_END, AEGIS_USER_END - 8,
                                        1UL << 39, 0x7fffffffffffffffUL, 1UL << 63, 0xffffffc080000000UL, 0xffffffc080200000UL,
                                        0xffffffff80000000UL, 0xfffffff010000000UL, ~0UL, ~0UL - 7, ~0UL - 63, AEGIS_EXPOSED - 8};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned long b = bad[i];
        GIVES(aegis_map_vector(0, b, 1), BAD_ADDRESS);
        GIVES(aegis_map_vector(0, b, 64), BAD_ADDRESS);
        GIVES(aegis_env_create(ENVS_ROOT, b, S(1)), BAD_ADDRESS);
        GIVES(aegis_slice_wait(b, 1, 1), BAD_ADDRESS);
        GIVES(aegis_slice_wait(b, 8, 1), BAD_ADDRESS);
        GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 2, b, 64), BAD_ADDRESS);
    }
    /* nothing was written to a page that may only be read */
    DONE(UNTIL_DONE(aegis_map_protect(0, AREA, 1, AEGIS_R)));
    struct aegis_result r = aegis_console_read(AEGIS_SLOT_CONSOLE, AREA, 8);
    CHECK(r.error == AEGIS_E_BAD_ADDRESS || r.error == AEGIS_E_AGAIN || (r.error == 0 && r.value == 0));
    page_put(S(0));
    static const unsigned long addresses[] = {1, 4, 2048, 0x3fffff, 0xffffffc080000000UL, 1UL << 38, 1UL << 39, 1UL << 55, 1UL << 63, ~0UL << 12};
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        unsigned long a = addresses[i];
        NEVER(aegis_map_protect(0, a, 1, AEGIS_R).error == 0);
        NEVER(aegis_map_clean(0, a, 1).error == 0);
        NEVER(aegis_map_protect(0, a, 512, AEGIS_R).error == 0);
    }
    GIVES(aegis_map_protect(0, AEGIS_EXPOSED - 4096, 512, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, -4096UL, 512, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, -4096UL, 512), BAD_ADDRESS);
}

/* Every call with arguments drawn at random: no end of the kernel, no page lost. */
void random_arguments(void)
{
    static const unsigned long interesting[] = {0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 511, 512, 1023, 1024, 4095, 4096, 0xffff, 0xffffffff, 1UL << 31,
                                                1UL << 38, 1UL << 39, 1UL << 63, ~0UL, AREA, AREA + 2, AREA | 6, AREA | 14, AEGIS_PINNED,
                                                AEGIS_EXPOSED, AEGIS_LEDGER_VA, 0xffffffc080000000UL, S(0), S(1), S(2), S(3), 0x80200};
    struct child c;
    child_make(&c, 0);
    unsigned long n = sizeof interesting / sizeof interesting[0];
    for (unsigned i = 0; i < 60000; i++) {
        unsigned long number = draw() % (AEGIS_CALLS + 3), x[5];
        for (unsigned k = 0; k < 5; k++)
            x[k] = draw() % 4 == 0 ? draw() >> draw() % 64 : draw() % 5 == 0 ? c.slot : interesting[draw() % n];
        switch (number) { /* these end us, or give away what the tests stand on */
        case AEGIS_CALL_slice_yield: case AEGIS_CALL_slice_yield_to: case AEGIS_CALL_pct_return: case AEGIS_CALL_console_write:
        case AEGIS_CALL_slice_wait: case AEGIS_CALL_machine_end: case AEGIS_CALL_env_destroy: case AEGIS_CALL_slice_recall:
        case AEGIS_CALL_slice_lend: case AEGIS_CALL_revoke: case AEGIS_CALL_revoke_force: case AEGIS_CALL_console_read:
            continue;
        case AEGIS_CALL_release: case AEGIS_CALL_unmap: case AEGIS_CALL_rekey: case AEGIS_CALL_map:
            if (x[number == AEGIS_CALL_rekey ? 0 : 1] < FREE_SLOT || x[1] == c.slot)
                continue;
            break;
        case AEGIS_CALL_map_protect: case AEGIS_CALL_map_clean:
            if (x[1] < AREA)
                continue;
            break;
        case AEGIS_CALL_page_alloc: case AEGIS_CALL_alloc: case AEGIS_CALL_claim: case AEGIS_CALL_env_create:
            if (x[number == AEGIS_CALL_page_alloc ? 3 : 2] < FREE_SLOT || (number == AEGIS_CALL_page_alloc && x[2] > 6))
                continue;
            break;
        case AEGIS_CALL_table_lend: case AEGIS_CALL_activation_lend: case AEGIS_CALL_share:
            if (x[0] == 0)
                continue; /* would grow us for good */
            break;
        }
        raw_call((long)number, x[0], x[1], x[2], x[3], x[4]);
    }
    aegis_reserve_set(0, 0);
    child_end(&c);
    for (unsigned s = FREE_SLOT; s < 1024; s++)
        if (LEDGER[s].what)
            UNTIL_DONE(aegis_release(0, s));
}

/* ---- another hart at the same time ---- */

static void rewriter(long unused)
{
    (void)unused;
    volatile uint64_t *words = (volatile uint64_t *)AREA;
    g[0] = 1;
    for (unsigned i = 0; !stop; i++) {
        words[i % 512] = i % 3 == 0 ? ~0UL : i % 3 == 1 ? S(1) : (AREA + 0x1000) | 6;
        g[1]++;
    }
    aegis_env_destroy(0);
}

/* Rewrites the arguments while they are read, in a page that both have. */
void another_hart_rewrites_arguments(void)
{
    struct child c;
    clear();
    page_get(127, 0);
    page_get(S(1), 0);
    DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)));
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    DONE(UNTIL_DONE(aegis_map(c.slot, 127, AREA | AEGIS_R | AEGIS_W)));
    child_on(&c, 1, rewriter, 0);
    child_slice(&c, 1);
    CHECK(wait_word(&g[1], 10));
    for (unsigned i = 0; i < 4000; i++) {
        aegis_map_vector(0, AREA, 32);
        aegis_env_create(ENVS_ROOT, AREA + i % 64 * 8, S(5));
        aegis_slice_wait(AREA, 8, 1);
        if (LEDGER[S(1)].where & AEGIS_MAPPED)
            UNTIL_DONE(aegis_unmap(0, S(1)));
    }
    stop = 1;
    CHECK(wait_for(env_gone, &c, 1000));
    child_end(&c);
    page_put(127);
    page_put(S(1));
}

/* One environment on two harts: one unmaps and releases the page from which the other's calls read. */
static void shared_reader(long hart)
{
    (void)hart;
    unsigned long n = 0;
    while (!stop) {
        aegis_map_vector(0, AREA, 64);
        aegis_slice_wait(AREA, 8, 1);
        aegis_console_write(AEGIS_SLOT_CONSOLE, 0, AREA, 64);
        g[2] = ++n;
    }
    g[3] = 1;
    for (;;)
        up_yield();
}

static void shared_unmapper(long unused)
{
    (void)unused;
    while (!stop) {
        g[5] |= (unsigned long)(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)).error);
        for (unsigned i = 0; i < 50; i++)
            __asm__ volatile("" ::: "memory");
        UNTIL_DONE(aegis_unmap(0, 127));
        UNTIL_DONE(aegis_release(0, 127));
        g[6] = (unsigned long)aegis_claim(g[10], g[11], 127).error;
        g[4]++;
    }
    g[3] = 1;
    for (;;)
        up_yield();
}

void another_hart_unmaps_and_releases_arguments(void)
{
    struct child c;
    clear();
    page_get(127, 0);
    g[10] = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[127].what));
    g[11] = aegis_capability_make(127, AEGIS_R | AEGIS_W, 0, 0).value;
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    child_on(&c, 1, shared_reader, 0);
    child_on(&c, EXPOSED->harts > 2 ? 2 : 0, shared_unmapper, 0);
    child_slice(&c, 1);
    child_slice(&c, EXPOSED->harts > 2 ? 2 : 0);
    CHECK(wait_word(&g[4], 200));
    CHECK(wait_word(&g[2], 200));
    EQUAL(g[5], 0);
    EQUAL(g[6], 0);
    stop = 1;
    child_end(&c);
    page_put(127);
}

/* Two environments, two harts: one lends a page while the other, by a capability, tries to map it writable. */
static void lend_racer(long unused)
{
    (void)unused;
    while (!stop) {
        if (aegis_claim(g[10], g[11], 127).error)
            continue;
        if (UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)).error == 0) {
            g[4]++;
            uint32_t page = AEGIS_WHAT_RESOURCE(g[10]) - EXPOSED->page_first;
            if (RECORDS[page].flags & AEGIS_PAGE_IS_LENT)
                g[5]++; /* writable and lent */
        }
        UNTIL_DONE(aegis_release(0, 127));
        g[6]++;
    }
    aegis_env_destroy(0);
}

void lending_against_claiming_on_another_hart(void)
{
    struct child c, d;
    clear();
    page_get(S(1), 0);
    g[10] = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what));
    g[11] = aegis_capability_make(S(1), AEGIS_R | AEGIS_W, 0, 0).value;
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    child_on(&c, 1, lend_racer, 0);
    child_slice(&c, 1);
    unsigned lent = 0;
    for (unsigned i = 0; i < 60 && lent < 20; i++) {
        child_make(&d, 1);
        unsigned long until = now() + milliseconds(5);
        while (aegis_table_lend(d.slot, S(1), AEGIS_TABLE_LEDGER, 0).error && now() < until)
            ;
        lent += RECORDS[AEGIS_WHAT_RESOURCE(g[10]) - EXPOSED->page_first].flags & AEGIS_PAGE_IS_LENT;
        child_end(&d);
    }
    CHECK(lent > 0);
    NEVER(g[5] != 0);
    stop = 1;
    CHECK(wait_for(env_gone, &c, 1000));
    child_end(&c);
    page_put(S(1));
}
