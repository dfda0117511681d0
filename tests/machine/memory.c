/* SPDX-License-Identifier: BSD-2-Clause */
/* Translations that come back, superpages, one environment on several harts, what the exposed pages show. */
#include "lib/lib.h"
#include "parts.h"

#define MIB2 0x200000UL

static volatile unsigned long g[16];

void superpages(void)
{
    static const unsigned orders[] = {9, 10, 12};
    for (unsigned i = 0; i < 3; i++) {
        unsigned long va = 0x30000000UL, size = 4096UL << orders[i];
        struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, orders[i], S(0), NONE));
        DONE(r);
        DONE(UNTIL_DONE(aegis_map(0, S(0), va | AEGIS_R | AEGIS_W)));
        GIVES(aegis_map(0, S(0), (va + 4096) | AEGIS_R), BAD_ADDRESS);
        for (unsigned long o = 0; o < size; o += 4096)
            *(volatile unsigned long *)(va + o) = o;
        for (unsigned long o = 0; o < size; o += 4096)
            EQUAL(*(volatile unsigned long *)(va + o), o);
        EQUAL(probe_read(va + size), 1);
        /* arguments in it */
        GIVES(aegis_map_vector(0, va + size - 8, 1), BAD_ADDRESS);
        DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
        CHECK(LEDGER[S(0)].where & AEGIS_DIRTY);
        EQUAL(probe_read(va), 1);
        page_put(S(0));
    }
}

/* A GiB, where the machine has one. */
void superpage_of_a_gib(void)
{
    struct aegis_result r;
    do
        r = aegis_page_alloc(PAGES_ROOT, ANY, 18, S(0), NONE);
    while (r.error == AEGIS_E_AGAIN && EXPOSED->page_count > 3 << 18);
    if (EXPOSED->page_count <= 3 << 18) {
        if (!r.error || r.error == AEGIS_E_AGAIN)
            UNTIL_DONE(aegis_release(0, S(0)));
        return;
    }
    DONE(r);
    unsigned long va = 4UL << 30;
    DONE(UNTIL_DONE(aegis_map(0, S(0), va | AEGIS_R | AEGIS_W)));
    for (unsigned long o = 0; o < 1UL << 30; o += 64 << 20)
        *(volatile unsigned long *)(va + o) = o;
    for (unsigned long o = 0; o < 1UL << 30; o += 64 << 20)
        EQUAL(*(volatile unsigned long *)(va + o), o);
    page_put(S(0));
    EQUAL(probe_read(va), 1);
}

/*
 * More regions than leaf tables: tables are recycled, and every page comes back without an upcall. In an environment
 * of its own, with three leaf tables, so that the image's words in the STLB are nobody else's.
 */
enum { RECYCLED = 30 };
#define GUARANTEED (AEGIS_PINNED + 20 * 4096UL)

static unsigned long recycled_va(unsigned i)
{
    return AREA + i * MIB2 + (200 + i) * 4096UL;
}

static void recycling_child(long unused)
{
    (void)unused;
    g[1] |= (unsigned long)UNTIL_DONE(aegis_map(0, 224 + RECYCLED, GUARANTEED | AEGIS_R | AEGIS_W)).error;
    *(volatile unsigned long *)GUARANTEED = 77;
    unsigned long before = my()->exceptions;
    for (unsigned i = 0; i < RECYCLED; i++) {
        struct aegis_result r = UNTIL_DONE(aegis_map(0, 224 + i, recycled_va(i) | AEGIS_R | AEGIS_W));
        g[1] |= (unsigned long)r.error;
        *(volatile unsigned long *)recycled_va(i) = i;
    }
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < RECYCLED; i++)
            g[2] += *(volatile unsigned long *)recycled_va(i) != i;
    g[3] = my()->exceptions - before;
    /* the arguments of a call in a page whose table was recycled: refused or taken, never wrong */
    struct aegis_result r = aegis_map_vector(0, recycled_va(0), 1);
    g[6] = r.error != AEGIS_E_BAD_ADDRESS && r.error != AEGIS_E_BAD_RIGHTS;
    before = my()->exceptions; /* guaranteed: in no STLB, and never recycled */
    g[8] = *(volatile unsigned long *)GUARANTEED != 77;
    g[9] = my()->exceptions - before;
    /* what the hardware recorded in tables that are gone is kept */
    for (unsigned i = 0; i < RECYCLED; i++) {
        g[4] |= (unsigned long)UNTIL_DONE(aegis_unmap(0, 224 + i)).error;
        g[5] += (~LEDGER[224 + i].where & (AEGIS_ACCESSED | AEGIS_DIRTY)) != 0;
        g[7] += probe_read(recycled_va(i)) != 1;
    }
    g[0] = 1;
    for (;;)
        up_yield();
}

static void refill_after_recycling(unsigned stlb_order)
{
    struct child c;
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    child_stlb = stlb_order;
    child_make(&c, 0);
    child_stlb = 0;
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    for (unsigned i = 0; i < 2; i++) {
        page_get(S(0), 1);
        DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
        page_put(S(0));
    }
    for (unsigned i = 0; i <= RECYCLED; i++)
        page_get(224 + i, 0);
    DONE(aegis_share(c.slot, 224, RECYCLED + 1, AEGIS_R | AEGIS_W));
    for (unsigned i = 0; i <= RECYCLED; i++)
        page_put(224 + i);
    child_on(&c, 0, recycling_child, 0);
    child_slice(&c, 0);
    CHECK(wait_word(&g[0], 1));
    for (unsigned i = 1; i < 10; i++)
        EQUAL(g[i], 0);
    child_end(&c);
}

/* With 512 words, and with as many as there can be. */
void stlb_refill_after_recycling(void)
{
    refill_after_recycling(0);
    refill_after_recycling(3);
}

/* ---- one environment on several harts ---- */

static void hart_child(long hart)
{
    for (;;)
        g[hart]++;
}

void environment_on_several_harts(void)
{
    struct child c;
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    child_make(&c, 0);
    for (unsigned h = 1; h < EXPOSED->harts && h < 4; h++) {
        child_on(&c, h, hart_child, h);
        child_slice(&c, h);
    }
    for (unsigned h = 1; h < EXPOSED->harts && h < 4; h++)
        CHECK(wait_word(&g[h], 1000));
    EQUAL(EXPOSED->env[c.index].harts, (1U << (EXPOSED->harts < 4 ? EXPOSED->harts : 4)) - 2);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    unsigned long stood[4];
    for (unsigned h = 1; h < 4; h++)
        stood[h] = g[h];
    spin_ms(20);
    for (unsigned h = 1; h < 4; h++)
        EQUAL(g[h], stood[h]);
    for (unsigned h = 1; h < 4; h++)
        if (c.slices[h])
            page_put(c.slices[h]);
    page_put(c.slot);
}

static void writer_child(long unused)
{
    (void)unused;
    my()->exc_fn = 0;
    for (;;) {
        g[0] += probe_write(AREA) == 0;
        g[1]++;
    }
}

/* Rights taken in an environment that runs elsewhere: the call ends, and from then on nothing is written. */
void protect_seen_by_other_harts(void)
{
    struct child c;
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    page_get(127, 0);
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    DONE(UNTIL_DONE(aegis_map(c.slot, 127, AREA | AEGIS_R | AEGIS_W)));
    child_on(&c, 1, writer_child, 0);
    child_on(&c, EXPOSED->harts > 2 ? 2 : 0, writer_child, 0);
    child_slice(&c, 1);
    if (EXPOSED->harts > 2)
        child_slice(&c, 2);
    CHECK(wait_word(&g[0], 100));
    unsigned long until = now() + milliseconds(1000);
    struct aegis_result r;
    while ((r = aegis_map_protect(c.slot, AREA, 1, AEGIS_R)).error == AEGIS_E_AGAIN && now() < until)
        ;
    DONE(r);
    unsigned long wrote = g[0];
    g[1] = 0;
    CHECK(wait_word(&g[1], 100));
    CHECK(g[0] <= wrote + 2); /* those under way when it ended */
    while ((r = aegis_map_clean(c.slot, AREA, 1)).error == AEGIS_E_AGAIN && now() < until + milliseconds(1000))
        ;
    DONE(r);
    DONE(UNTIL_DONE(aegis_map_protect(c.slot, AREA, 1, AEGIS_R | AEGIS_W)));
    wrote = g[0];
    CHECK(wait_word(&g[0], wrote + 10));
    until = now() + milliseconds(1000);
    while ((r = aegis_unmap(c.slot, 127)).error == AEGIS_E_AGAIN && now() < until)
        ;
    DONE(r);
    g[1] = 0;
    wrote = g[0];
    CHECK(wait_word(&g[1], 100));
    CHECK(g[0] <= wrote + 2);
    child_end(&c);
    page_put(127);
}

/* ---- a page that becomes its copy, beside other harts ---- */

#define GOOD 0x5a5a5a5a5a5a5a5aUL
#define FOREIGN 0xbadbadbadbadbadUL

/* Reads a page that only ever holds GOOD, and may be away for a while. */
static void reading_child(long unused)
{
    (void)unused;
    my()->exc_fn = 0;
    for (;;) {
        for (unsigned long o = 0; o < 4096; o += 257) {
            long byte = probe_byte(AREA + o);
            g[4] += byte != 1 && byte != (long)(GOOD & 0xff);
            if (byte == 1) /* who faults all the time overruns its slices */
                up_yield();
        }
        g[5]++;
    }
}

/* In one call, which says BUSY since another hart may hold our translations; then in four. */
static void exchanging_child(long unused)
{
    unsigned long from = 127, to = 126;
    (void)unused;
    for (;;) {
        long error = aegis_page_exchange(PAGES_ROOT, ANY, from, AREA | AEGIS_R).error;
        g[2] += error != AEGIS_E_BUSY;
        g[3] += UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, to, from)).error != 0;
        g[3] += UNTIL_DONE(aegis_unmap(0, from)).error != 0;
        g[3] += UNTIL_DONE(aegis_release(0, from)).error != 0;
        g[3] += UNTIL_DONE(aegis_map(0, to, AREA | AEGIS_R)).error != 0;
        from = to, to = 253 - from;
        g[1]++;
    }
}

/* What was freed comes to others, who write into it. */
static void pages_write(void)
{
    for (unsigned i = 0; i < 8; i++) {
        page_get(S(8), 0);
        DONE(UNTIL_DONE(aegis_map(0, S(8), (AREA + 0x8000) | AEGIS_R | AEGIS_W)));
        for (unsigned long o = 0; o < 4096; o += 8)
            *(volatile unsigned long *)(AREA + 0x8000 + o) = FOREIGN;
        page_put(S(8));
    }
}

static void good_page(unsigned long slot)
{
    page_get(slot, 0);
    DONE(UNTIL_DONE(aegis_map(0, slot, AREA | AEGIS_R | AEGIS_W)));
    for (unsigned long o = 0; o < 4096; o += 8)
        *(volatile unsigned long *)(AREA + o) = GOOD;
}

/* A child with our page 127 at AREA, which wants a table beside the image's. */
static void sharing_child(struct child *c)
{
    child_make(c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c->slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c->slot, 127, 1, AEGIS_R));
    DONE(UNTIL_DONE(aegis_map(c->slot, 127, AREA | AEGIS_R)));
}

/* One environment on two harts: no exchange in one call, and whoever reads meanwhile reads the page, old or new. */
void page_exchange_never_while_another_hart_may_read(void)
{
    struct child c;
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    good_page(127);
    sharing_child(&c);
    DONE(aegis_share(c.slot, PAGES_ROOT, 1, AEGIS_ALLOC));
    page_put(127);
    child_on(&c, 1, exchanging_child, 0);
    child_on(&c, EXPOSED->harts > 2 ? 2 : 0, reading_child, 0);
    child_slice(&c, 1);
    child_slice(&c, EXPOSED->harts > 2 ? 2 : 0);
    unsigned long until = now() + milliseconds(3000);
    while ((g[1] < 100 || g[5] < 100) && now() < until) {
        pages_write();
        up_yield();
    }
    CHECK(g[1] >= 100);
    CHECK(g[5] >= 100);
    EQUAL(g[2], 0);
    EQUAL(g[3], 0);
    EQUAL(g[4], 0);
    child_end(&c);
}

/* Another environment reads the page that is given up, on another hart: it keeps what it has. */
void page_exchange_beside_a_reader_of_the_old_page(void)
{
    struct child c;
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    good_page(127);
    sharing_child(&c);
    child_on(&c, 1, reading_child, 0);
    child_slice(&c, 1);
    CHECK(wait_word(&g[5], 10));
    for (unsigned i = 0; i < 100; i++) {
        unsigned long old = AEGIS_WHAT_RESOURCE(LEDGER[127].what);
        struct aegis_result r = aegis_capability_make(127, AEGIS_R, 0, 0);
        DONE(r);
        DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, old), r.value, S(1)));
        DONE(UNTIL_DONE(aegis_page_exchange(PAGES_ROOT, ANY, 127, AREA | AEGIS_R | AEGIS_W)));
        for (unsigned long o = 0; o < 4096; o += 8) {
            if (*(volatile unsigned long *)(AREA + o) != GOOD) {
                EQUAL(*(volatile unsigned long *)(AREA + o), GOOD);
                break;
            }
            *(volatile unsigned long *)(AREA + o) = FOREIGN;
        }
        page_put(127);
        /* and again with the old one, that the reader has */
        r = aegis_capability_make(S(1), AEGIS_R, 0, 0);
        DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, old), r.value, 127));
        page_put(S(1));
        DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R)));
    }
    g[5] = 0;
    CHECK(wait_word(&g[5], 10));
    EQUAL(g[4], 0);
    child_end(&c);
    page_put(127);
}

/* ---- what is exposed ---- */

/* The window shows root, middle and leaf table of a page's translation, as the hardware walks them, and its claim. */
void own_tables_are_read_in_place(void)
{
    unsigned long page = page_get(S(0), 0), found = 0;
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R)));
    EQUAL(LEDGER[S(0)].where & ~0xfffUL, AREA);
    for (unsigned long va = AEGIS_PINNED + AEGIS_PINNED_TABLES * 4096UL; va < AEGIS_LEDGER_VA; va += 4096) {
        if (probe_read(va))
            continue;
        unsigned long entry = ((volatile unsigned long *)va)[AREA >> 12 & 511];
        found += entry >> 10 == page && (entry & 0x1f) == 0x13; /* V R, U */
        EQUAL(probe_write(va), 1);
    }
    EQUAL(found, 1);
    page_put(S(0));
}

void exposed_pages_hold_no_secret(void)
{
    unsigned long satps = 0, kernel = 0, words = 0, va;
    unsigned long end = AEGIS_EXPOSED_PAGES + EXPOSED->page_count * sizeof(struct aegis_page);
    for (va = AEGIS_EXPOSED; va < end; va += 4096) {
        if (probe_read(va)) {
            CHECK(va >= AEGIS_EXPOSED + sizeof(struct aegis_exposed) && va < AEGIS_EXPOSED_PAGES);
            continue;
        }
        for (unsigned long a = va; a < va + 4096; a += 8) {
            unsigned long word = *(volatile unsigned long *)a, page = word & 0xfffffffffffUL;
            words++;
            if (word >> 54 == 8UL << 6 && page >= EXPOSED->page_first && page < EXPOSED->page_first + EXPOSED->page_count)
                satps++;
            if (word >> 38 == 0x3ffffff && word < 0xfffffffffffff000UL) /* a kernel address */
                kernel++;
        }
    }
    CHECK(words > 1000);
    EQUAL(satps, 0);
    EQUAL(kernel, 0);
    /* behind it there is nothing, up to the end of the user's half */
    EQUAL(probe_read((end + 0x200000) & ~0xfffUL), 1);
    EQUAL(probe_read(AEGIS_USER_END - 8), 1);
    EQUAL(probe_write(AEGIS_EXPOSED), 1);
}

/* A page that was given back and taken again holds nothing of before. */
void pages_come_back_clear(void)
{
    for (unsigned round = 0; round < 50; round++) {
        unsigned long page = page_get(S(0), 1);
        DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
        for (unsigned long o = 0; o < 8192; o += 8) {
            if (*(volatile unsigned long *)(AREA + o)) {
                EQUAL(*(volatile unsigned long *)(AREA + o), 0);
                break;
            }
        }
        for (unsigned long o = 0; o < 8192; o += 512)
            *(volatile unsigned long *)(AREA + o) = ~0UL;
        page_put(S(0));
        (void)page;
    }
}
