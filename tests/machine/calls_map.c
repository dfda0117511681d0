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
    v[3].slot = S(100);
    r = UNTIL_DONE(aegis_map_vector(0, (unsigned long)v, 8));
    GIVES(r, EMPTY_SLOT);
    EQUAL(r.value, 3);
    GIVES(aegis_map_vector(0, (unsigned long)v, AEGIS_VECTOR + 1), BAD_RANGE);
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
    GIVES(aegis_map_clean(0, AEGIS_LEDGER_VA, 1), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, AREA, 0), BAD_RANGE);
    GIVES(aegis_map_clean(0, AREA, 513), BAD_RANGE);
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
