/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on translations, and reap. */
#include "lib/lib.h"
#include "calls.h"

void call_map(void)
{
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R)));
    EQUAL(probe_read(AREA), 0);
    EQUAL(probe_write(AREA), 1);
    EQUAL(probe_execute(AREA), 1);
    GIVES(aegis_map(0, S(0), (AREA + 0x1000) | AEGIS_R), MAPPED);
    page_get(S(1), 0);
    GIVES(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)), MAPPED);
    GIVES(aegis_map(0, S(1), AREA | AEGIS_W), BAD_RIGHTS);
    GIVES(aegis_map(0, S(1), AREA), BAD_RIGHTS);
    GIVES(aegis_map(0, S(1), AREA | AEGIS_R | 0x10), BAD_RIGHTS);
    GIVES(aegis_map(0, S(1), AREA | AEGIS_R | 1), BAD_RIGHTS);
    static const unsigned long bad[] = {0, AEGIS_EXPOSED, AEGIS_USER_END, AEGIS_USER_END - 0x1000, 0x8000000000UL,
                                        0xffffffc080000000UL, 0xfffffffffffff000UL, AEGIS_PINNED,
                                        AEGIS_PINNED + 64 * 4096, AEGIS_LEDGER_VA, AEGIS_PINNED + 511 * 4096};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        GIVES(aegis_map(0, S(1), bad[i] | AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map(0, S(1), 0x50000000000 | AEGIS_R), BAD_ADDRESS);
    page_get(S(3), 1);
    GIVES(aegis_map(0, S(3), (AREA + 0x5000) | AEGIS_R), BAD_ADDRESS); /* a pair begins at an even page */
    page_put(S(3));
    GIVES(aegis_map(0, S(1), 0x3f00000000 | AEGIS_R), NO_TABLE); /* a GiB without a middle table */
    GIVES(aegis_map(0, S(9), AREA | AEGIS_R), EMPTY_SLOT);
    GIVES(aegis_map(0, BAD, AREA | AEGIS_R), BAD_SLOT);
    GIVES(aegis_map(0, AEGIS_SLOT_CONSOLE, AREA | AEGIS_R), WRONG_TYPE);
    GIVES(aegis_map(BAD, S(1), AREA | AEGIS_R), BAD_SLOT);
    GIVES(aegis_map(S(1), S(1), AREA | AEGIS_R), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(S(1), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what)), r.value, S(2)));
    GIVES(aegis_map(0, S(2), (AREA + 0x2000) | AEGIS_R | AEGIS_W), NO_RIGHT);
    DONE(UNTIL_DONE(aegis_map(0, S(2), (AREA + 0x2000) | AEGIS_R)));
    DONE(UNTIL_DONE(aegis_map(0, S(2), (AREA + 0x2000) | AEGIS_R))); /* once more there: nothing */
    page_put(S(2));
    /* executable */
    DONE(UNTIL_DONE(aegis_map(0, S(1), (AREA + 0x3000) | AEGIS_R | AEGIS_W | AEGIS_X)));
    *(volatile uint32_t *)(AREA + 0x3000) = 0x00000513; /* li a0, 0 */
    *(volatile uint32_t *)(AREA + 0x3004) = 0x00008067; /* ret */
    __asm__ volatile("fence.i");
    EQUAL(probe_execute(AREA + 0x3000), 0);
    page_put(S(1));
    page_put(S(0));
    /* the guaranteed pages of the window */
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), (AEGIS_PINNED + 63 * 4096) | AEGIS_R | AEGIS_W)));
    CHECK(LEDGER[S(0)].where & AEGIS_PINNED_DOWN);
    EQUAL(probe_write(AEGIS_PINNED + 63 * 4096), 0);
    page_put(S(0));
    EQUAL(probe_read(AEGIS_PINNED + 63 * 4096), 1);
    dead_claim(6);
    GIVES(aegis_map(0, S(6), AREA | AEGIS_R), REVOKED);
    dead_end(6);
    struct child c;
    child_make(&c, 0);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_map(c.slot, image_first, AREA | AEGIS_R), NO_ENV);
    page_put(c.slot);
}

/* An item that is wrong gets what map gives; those before it were done. */
static void wrong_items(struct aegis_mapping v[8])
{
    const struct {
        unsigned long slot, va_rights;
        long error;
    } wrong[] = {
        {S(100), AREA | AEGIS_R, AEGIS_E_EMPTY_SLOT},
        {BAD, AREA | AEGIS_R, AEGIS_E_BAD_SLOT},
        {AEGIS_SLOT_CONSOLE, AREA | AEGIS_R, AEGIS_E_WRONG_TYPE},
        {S(3), (AREA + 0x3000) | AEGIS_W, AEGIS_E_BAD_RIGHTS},
        {S(3), AEGIS_EXPOSED | AEGIS_R, AEGIS_E_BAD_ADDRESS},
        {S(3), AREA | AEGIS_R, AEGIS_E_MAPPED},
        {S(3), 0x3f00000000 | AEGIS_R, AEGIS_E_NO_TABLE},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        v[3] = (struct aegis_mapping){wrong[i].slot, wrong[i].va_rights};
        struct aegis_result r = UNTIL_DONE(aegis_map_vector(0, (unsigned long)v, 8));
        EQUAL(r.error, wrong[i].error);
        EQUAL(r.value, 3);
    }
}

void call_map_vector(void)
{
    struct aegis_mapping v[AEGIS_VECTOR + 1];
    for (unsigned i = 0; i < 8; i++) {
        page_get(S(i), 0);
        v[i] = (struct aegis_mapping){S(i), (AREA + i * 4096) | AEGIS_R | AEGIS_W};
    }
    struct aegis_result r = aegis_map_vector(0, (unsigned long)v, 8);
    DONE(r);
    EQUAL(r.value, 8);
    for (unsigned i = 0; i < 8; i++)
        EQUAL(probe_write(AREA + i * 4096), 0);
    for (unsigned i = 0; i < 8; i++)
        DONE(UNTIL_DONE(aegis_unmap(0, S(i))));
    wrong_items(v);
    GIVES(aegis_map_vector(0, (unsigned long)v, AEGIS_VECTOR + 1), BAD_RANGE);
    GIVES(aegis_map_vector(0, (unsigned long)v, ~0UL), BAD_RANGE);
    GIVES(aegis_map_vector(0, 0, 1), BAD_ADDRESS);
    GIVES(aegis_map_vector(0, 0xffffffc080000000UL, 1), BAD_ADDRESS);
    GIVES(aegis_map_vector(BAD, (unsigned long)v, 1), BAD_SLOT);
    DONE(aegis_map_vector(0, (unsigned long)v, 0));
    for (unsigned i = 0; i < 8; i++)
        page_put(S(i));
}

void call_map_protect(void)
{
    for (unsigned i = 0; i < 4; i++) {
        page_get(S(i), 0);
        DONE(UNTIL_DONE(aegis_map(0, S(i), (AREA + i * 4096) | AEGIS_R | AEGIS_W)));
        EQUAL(probe_write(AREA + i * 4096), 0);
    }
    DONE(UNTIL_DONE(aegis_map_protect(0, AREA, 4, AEGIS_R)));
    EQUAL(probe_write(AREA), 1);
    EQUAL(probe_read(AREA + 0x3000), 0);
    DONE(UNTIL_DONE(aegis_map_protect(0, AREA + 0x1000, 2, 0)));
    EQUAL(probe_read(AREA + 0x1000), 1);
    EQUAL(probe_read(AREA), 0);
    DONE(UNTIL_DONE(aegis_map_protect(0, AREA, 4, AEGIS_R | AEGIS_W)));
    for (unsigned i = 0; i < 4; i++)
        EQUAL(probe_write(AREA + i * 4096), 0);
    CHECK(AEGIS_WHAT_RIGHTS(LEDGER[S(0)].what) & AEGIS_W);
    EQUAL(UNTIL_DONE(aegis_map_protect(0, AREA, 512, AEGIS_R)).value, 512); /* absent ones are passed over */
    GIVES(aegis_map_protect(0, AREA, 513, AEGIS_R), BAD_RANGE);
    GIVES(aegis_map_protect(0, AREA, 0, AEGIS_R), BAD_RANGE);
    GIVES(aegis_map_protect(0, AREA, ~0UL, AEGIS_R), BAD_RANGE);
    GIVES(aegis_map_protect(0, AREA, 1, AEGIS_W), BAD_RIGHTS);
    GIVES(aegis_map_protect(0, AREA, 1, 0x10 | AEGIS_R), BAD_RIGHTS);
    GIVES(aegis_map_protect(0, AREA + 1, 1, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, 0, 1, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, AEGIS_EXPOSED, 1, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, AEGIS_EXPOSED - 0x1000, 2, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, AEGIS_PINNED, 1, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, AEGIS_LEDGER_VA, 1, AEGIS_R | AEGIS_W), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, AEGIS_PINNED - 0x1000, 2, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, 0xffffffc080000000UL, 1, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(BAD, AREA, 1, AEGIS_R), BAD_SLOT);
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what)), r.value, S(5)));
    DONE(UNTIL_DONE(aegis_map(0, S(5), (AREA + 0x5000) | AEGIS_R)));
    GIVES(UNTIL_DONE(aegis_map_protect(0, AREA + 0x5000, 1, AEGIS_R | AEGIS_W)), NO_RIGHT);
    GIVES(UNTIL_DONE(aegis_map_protect(0, AREA + 0x5000, 1, AEGIS_R | AEGIS_X)), NO_RIGHT);
    EQUAL(probe_write(AREA + 0x5000), 1);
    page_put(S(5));
    for (unsigned i = 0; i < 4; i++)
        page_put(S(i));
}

void call_map_clean(void)
{
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    *(volatile int *)AREA = 1;
    DONE(UNTIL_DONE(aegis_map_clean(0, AREA, 1)));
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    EQUAL(LEDGER[S(0)].where & (AEGIS_ACCESSED | AEGIS_DIRTY), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    (void)*(volatile int *)AREA;
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    EQUAL(LEDGER[S(0)].where & (AEGIS_ACCESSED | AEGIS_DIRTY), AEGIS_ACCESSED);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    *(volatile int *)AREA = 1;
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    EQUAL(LEDGER[S(0)].where & (AEGIS_ACCESSED | AEGIS_DIRTY), AEGIS_ACCESSED | AEGIS_DIRTY);
    page_put(S(0));
    GIVES(aegis_map_clean(0, AREA + 8, 1), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, 0, 1), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, AEGIS_EXPOSED - 0x1000, 2), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, 0xffffffc080000000UL, 1), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, AEGIS_LEDGER_VA, 1), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, AREA, 0), BAD_RANGE);
    GIVES(aegis_map_clean(0, AREA, 513), BAD_RANGE);
    GIVES(aegis_map_clean(0, AREA, ~0UL), BAD_RANGE);
    GIVES(aegis_map_clean(BAD, AREA, 1), BAD_SLOT);
    DONE(UNTIL_DONE(aegis_map_clean(0, AREA + (8UL << 30), 1)));
}

void call_unmap(void)
{
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    EQUAL(probe_write(AREA), 0);
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    EQUAL(probe_read(AREA), 1);
    EQUAL(LEDGER[S(0)].where & AEGIS_MAPPED, 0);
    GIVES(aegis_unmap(0, S(0)), NOT_MAPPED);
    GIVES(aegis_unmap(0, S(1)), EMPTY_SLOT);
    GIVES(aegis_unmap(0, BAD), BAD_SLOT);
    GIVES(aegis_unmap(0, AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    page_put(S(0));
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(0), image_first), BAD_RANGE);
    page_get(S(1), 4);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(0), S(1)), AGAIN);
    GIVES(aegis_unmap(0, S(0)), BUSY);
    page_put(S(0));
    page_put(S(1));
    struct child c;
    child_make(&c, 0);
    DONE(UNTIL_DONE(aegis_unmap(c.slot, image_first)));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_unmap(c.slot, image_first), NO_ENV);
    page_put(c.slot);
}

void call_reap(void)
{
    EQUAL(aegis_reap(0).value, 0);
    unsigned long clean = EXPOSED->clean_pages;
    page_get(S(0), 6);
    page_put(S(0));
    if (EXPOSED->harts == 1 && clean < EXPOSED->free_pages)
        CHECK(aegis_reap(1).value == 1);
    CHECK(aegis_reap(~0UL).value <= 64);
}

static uint32_t page_of(unsigned n)
{
    return AEGIS_WHAT_RESOURCE(LEDGER[S(n)].what);
}

static unsigned claims_of(unsigned long page)
{
    return RECORDS[page - EXPOSED->page_first].claims;
}

/* A second claim on the page in S(n), in S(n + 1). */
static void claim_again(unsigned n, unsigned long rights)
{
    struct aegis_result r = aegis_capability_make(S(n), rights, 0, 0);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, rights, 0, page_of(n)), r.value, S(n + 1)));
}

static struct aegis_result exchange(unsigned long root, unsigned long name, unsigned long slot, unsigned long va_rights)
{
    return UNTIL_DONE(aegis_page_exchange(root, name, slot, va_rights));
}
#define EXCHANGE(n, va_rights) exchange(PAGES_ROOT, ANY, S(n), va_rights)

/* As after a fork: claimed twice. Both then have their own. */
static void exchange_of_a_shared_page(void)
{
    volatile unsigned long *mine = (volatile unsigned long *)AREA, *other = (volatile unsigned long *)(AREA + 0x1000);
    unsigned long old = page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    mine[0] = 0x1234, mine[511] = 0x5678;
    claim_again(0, AEGIS_R);
    DONE(UNTIL_DONE(aegis_map(0, S(1), (AREA + 0x1000) | AEGIS_R)));
    DONE(aegis_slot_tag(0, S(0), 77));
    mine[0] = 0x1234; /* the hart has the translation */
    struct aegis_result r = EXCHANGE(0, AREA | AEGIS_R | AEGIS_W);
    DONE(r);
    CHECK(r.value != old);
    EQUAL(page_of(0), r.value);
    EQUAL(page_of(1), old);
    EQUAL(claims_of(old), 1);
    EQUAL(claims_of(r.value), 1);
    EQUAL(LEDGER[S(0)].where, AREA | AEGIS_MAPPED);
    EQUAL(LEDGER[S(0)].tag, 77);
    EQUAL(AEGIS_WHAT_RIGHTS(LEDGER[S(0)].what), AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND);
    EQUAL(mine[0], 0x1234);
    EQUAL(mine[511], 0x5678);
    mine[0] = 1; /* not by the translation of before */
    EQUAL(other[0], 0x1234);
    EQUAL(probe_write(AREA + 0x1000), 1);
    EQUAL(probe_execute(AREA), 1);
    /* from a claim with R alone, with other rights, and by name, where the page was mapped with fewer */
    unsigned long name = page_get(S(2), 0);
    page_put(S(2));
    r = exchange(PAGES_ROOT, name, S(1), (AREA + 0x1000) | AEGIS_R | AEGIS_W);
    DONE(r);
    EQUAL(r.value, name);
    EQUAL(other[0], 0x1234);
    EQUAL(probe_write(AREA + 0x1000), 0);
    EQUAL(mine[0], 1);
    EQUAL(claims_of(old), 0);
    page_put(S(1));
    page_put(S(0));
    EQUAL(probe_read(AREA), 1);
}

/* As in a child: a claim that is not mapped, or whose translation was lost. */
static void exchange_of_what_is_not_mapped(void)
{
    unsigned long old = page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    *(volatile unsigned long *)AREA = 0xabcd;
    claim_again(0, AEGIS_RWX);
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    DONE(EXCHANGE(0, (AREA + 0x3000) | AEGIS_R | AEGIS_W));
    EQUAL(*(volatile unsigned long *)(AREA + 0x3000), 0xabcd);
    EQUAL(probe_write(AREA + 0x3000), 0);
    EQUAL(probe_read(AREA), 1);
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    CHECK(LEDGER[S(0)].where & AEGIS_DIRTY);
    EQUAL(probe_read(AREA + 0x3000), 1);
    EQUAL(page_of(1), old);
    /* where another claim is mapped */
    DONE(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)));
    GIVES(EXCHANGE(0, AREA | AEGIS_R), MAPPED);
    GIVES(EXCHANGE(1, (AREA + 0x1000) | AEGIS_R), MAPPED); /* a second place */
    EQUAL(page_of(1), old);
    page_put(S(1));
    page_put(S(0));
}

void call_page_exchange(void)
{
    exchange_of_a_shared_page();
    exchange_of_what_is_not_mapped();
    unsigned long page = page_get(S(0), 0), free = EXPOSED->free_pages;
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R)));
    const struct {
        unsigned long root, name, slot, va_rights;
        long error;
    } refused[] = {
        {PAGES_ROOT, ANY, S(0), AREA, AEGIS_E_BAD_RIGHTS},
        {PAGES_ROOT, ANY, S(0), AREA | AEGIS_W, AEGIS_E_BAD_RIGHTS},
        {PAGES_ROOT, ANY, S(0), AREA | AEGIS_R | 0x10, AEGIS_E_BAD_RIGHTS},
        {PAGES_ROOT, ANY, S(0), AEGIS_EXPOSED | AEGIS_R, AEGIS_E_BAD_ADDRESS},
        {PAGES_ROOT, ANY, S(0), AEGIS_LEDGER_VA | AEGIS_R, AEGIS_E_BAD_ADDRESS},
        {PAGES_ROOT, ANY, S(0), 0xffffffc080000000UL | AEGIS_R, AEGIS_E_BAD_ADDRESS},
        {PAGES_ROOT, ANY, S(0), AEGIS_R, AEGIS_E_BAD_ADDRESS},
        {PAGES_ROOT, ANY, S(9), AREA | AEGIS_R, AEGIS_E_EMPTY_SLOT},
        {PAGES_ROOT, ANY, BAD, AREA | AEGIS_R, AEGIS_E_BAD_SLOT},
        {PAGES_ROOT, ANY, NONE, AREA | AEGIS_R, AEGIS_E_BAD_SLOT},
        {PAGES_ROOT, ANY, AEGIS_SLOT_CONSOLE, AREA | AEGIS_R, AEGIS_E_WRONG_TYPE},
        {AEGIS_SLOT_SLICES, ANY, S(0), AREA | AEGIS_R, AEGIS_E_WRONG_TYPE},
        {S(0), ANY, S(0), AREA | AEGIS_R, AEGIS_E_WRONG_TYPE},
        {BAD, ANY, S(0), AREA | AEGIS_R, AEGIS_E_BAD_SLOT},
        {S(9), ANY, S(0), AREA | AEGIS_R, AEGIS_E_EMPTY_SLOT},
        {PAGES_ROOT, page, S(0), AREA | AEGIS_R, AEGIS_E_NO_RESOURCE},
        {PAGES_ROOT, 0, S(0), AREA | AEGIS_R, AEGIS_E_NO_RESOURCE},
    };
    for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++)
        EQUAL(exchange(refused[i].root, refused[i].name, refused[i].slot, refused[i].va_rights).error, refused[i].error);
    for (unsigned i = 0; i < AEGIS_DEVICES && EXPOSED->device[i].kind; i++) /* nothing is copied into registers */
        GIVES(exchange(PAGES_ROOT, EXPOSED->device[i].page, S(0), AREA | AEGIS_R), BAD_RANGE);
    GIVES(aegis_page_exchange(PAGES_ROOT, ANY, S(0), (AREA + 0x1000) | AEGIS_R), MAPPED);
    /* no table at hand, and the window: not in one call */
    DONE(UNTIL_DONE(aegis_unmap(0, S(0))));
    GIVES(EXCHANGE(0, 0x3f00000000 | AEGIS_R), BUSY);
    GIVES(EXCHANGE(0, (AEGIS_PINNED + 63 * 4096) | AEGIS_R), BUSY);
    EQUAL(page_of(0), page);
    EQUAL(LEDGER[S(0)].where & AEGIS_MAPPED, 0);
    EQUAL(claims_of(page), 1);
    EQUAL(probe_read(AREA), 1);
    CHECK(EXPOSED->free_pages + EXPOSED->harts >= free);
    /* no right: of the claim, of a root without ALLOC, of a part's root */
    claim_again(0, AEGIS_W);
    GIVES(EXCHANGE(1, AREA | AEGIS_R), NO_RIGHT);
    page_put(S(1));
    struct aegis_result r = aegis_capability_make(PAGES_ROOT, AEGIS_REVOKE, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_REVOKE, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(exchange(S(2), ANY, S(0), AREA | AEGIS_R), NO_RIGHT);
    page_put(S(2));
    page_put(S(0));
    page_get(S(0), 1);
    GIVES(EXCHANGE(0, AREA | AEGIS_R), BAD_RANGE);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 1, S(1), S(0)), AGAIN);
    GIVES(EXCHANGE(1, AREA | AEGIS_R), BUSY);
    page_put(S(1));
    page_put(S(0));
    dead_claim(6);
    GIVES(EXCHANGE(6, AREA | AEGIS_R), REVOKED);
    dead_end(6);
}
