/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call of calls.def: what it does, and each of its errors that can be reached. Here those on claims; calls_*.c have the others. */
#include "lib/lib.h"
#include "calls.h"

void call_null(void)
{
    EQUAL(raw_call(AEGIS_CALL_null, 77, 0, 0, 0, 0), 77);
    EQUAL(raw_call(99, 1, 2, 3, 4, 5), AEGIS_E_NO_CALL);
    EQUAL(raw_call(AEGIS_CALLS, 0, 0, 0, 0, 0), AEGIS_E_NO_CALL);
    EQUAL(raw_call(0x7fffffffffffffff, 0, 0, 0, 0, 0), AEGIS_E_NO_CALL);
}

void call_slice_yield(void)
{
    unsigned long before = my()->begins;
    up_yield();
    EQUAL(my()->begins, before + 1);
}

void call_claim(void)
{
    page_get(S(0), 0);
    uint64_t what = LEDGER[S(0)].what;
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 0, 0);
    DONE(r);
    uint64_t less = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(what));
    DONE(aegis_claim(less, r.value, S(1)));
    EQUAL(LEDGER[S(1)].what, less);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(what) - EXPOSED->page_first].claims, 2);
    GIVES(aegis_claim(what, r.value, S(2)), BAD_CAPABILITY);
    GIVES(aegis_claim(less, r.value, S(1)), OCCUPIED);
    GIVES(aegis_claim(less, r.value, BAD), BAD_SLOT);
    GIVES(aegis_claim(less, r.value + 1, S(2)), BAD_CAPABILITY);
    GIVES(aegis_claim(0, 0, S(2)), BAD_CAPABILITY);
    GIVES(aegis_claim(~0UL, r.value, S(2)), BAD_CAPABILITY);
    page_put(S(1));
    page_put(S(0));
    GIVES(aegis_claim(less, r.value, S(2)), BAD_CAPABILITY);
}

void call_capability_make(void)
{
    unsigned long page = page_get(S(0), 3);
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 6, 1);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 1, page + 6), r.value, S(1)));
    DONE(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)));
    EQUAL(probe_read(AREA + 0x1fff), 0);
    EQUAL(probe_read(AREA + 0x2000), 1);
    page_put(S(1));
    GIVES(aegis_capability_make(S(0), AEGIS_R, 5, 1), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_R, 8, 0), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_R, ~0UL, 0), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_R, 0, 4), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_R, 0, 64), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_R, 0, ~0UL), BAD_RANGE);
    GIVES(aegis_capability_make(S(0), AEGIS_ALLOC, 0, 0), NO_RIGHT);
    GIVES(aegis_capability_make(S(0), ~0UL, 0, 0), NO_RIGHT);
    GIVES(aegis_capability_make(S(0), 1UL << 40, 0, 0), NO_RIGHT);
    GIVES(aegis_capability_make(BAD, AEGIS_R, 0, 0), BAD_SLOT);
    GIVES(aegis_capability_make(~0UL, AEGIS_R, 0, 0), BAD_SLOT);
    GIVES(aegis_capability_make(S(2), AEGIS_R, 0, 0), EMPTY_SLOT);
    GIVES(aegis_capability_make(AEGIS_SLOT_SELF, AEGIS_CONTROL, 0, 0), NO_RIGHT);
    DONE(aegis_capability_make(AEGIS_SLOT_SELF, AEGIS_RING, 0, 0));
    GIVES(aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 0, 1), BAD_RANGE);
    GIVES(aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 1, 0), BAD_RANGE);
    page_put(S(0));
    dead_claim(3);
    GIVES(aegis_capability_make(S(3), AEGIS_R, 0, 0), REVOKED);
    dead_end(3);
}

void call_share(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    page_get(S(2), 0);
    GIVES(aegis_share(c.slot, S(0), 1, AEGIS_R), BAD_SLOT); /* beyond the child's ledger */
    unsigned long low = low_slot(0);
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, low));
    struct aegis_result r = aegis_share(c.slot, low, 1, AEGIS_CALL);
    DONE(r);
    EQUAL(r.value, 1);
    GIVES(aegis_share(c.slot, low, 1, AEGIS_CALL), OCCUPIED);
    DONE(aegis_release(c.slot, low));
    EQUAL(aegis_share(c.slot, 100, 8, AEGIS_R).value, 0); /* empty slots are passed over */
    GIVES(aegis_share(c.slot, 0, 1, AEGIS_RWX), OCCUPIED);
    GIVES(aegis_share(c.slot, 0, 129, AEGIS_R), BAD_RANGE);
    GIVES(aegis_share(c.slot, 0, ~0UL, AEGIS_R), BAD_RANGE);
    GIVES(aegis_share(c.slot, 1000, 128, AEGIS_R), BAD_SLOT);
    GIVES(aegis_share(c.slot, low, 1, 0x10000), NO_RIGHT);
    GIVES(aegis_share(c.slot, BAD, 1, AEGIS_R), BAD_SLOT);
    GIVES(aegis_share(c.slot, ~0UL, 2, AEGIS_R), BAD_SLOT);
    GIVES(aegis_share(S(0), low, 1, AEGIS_R), WRONG_TYPE);
    GIVES(aegis_share(S(50), low, 1, AEGIS_R), EMPTY_SLOT);
    GIVES(aegis_share(BAD, low, 1, AEGIS_R), BAD_SLOT);
    GIVES(aegis_share(AEGIS_SLOT_SELF, low, 1, AEGIS_R), OCCUPIED);
    page_put(low);
    page_put(S(0));
    page_put(S(2));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_share(c.slot, 100, 1, AEGIS_R), NO_ENV);
    page_put(c.slot);
}

void call_alloc(void)
{
    struct aegis_result r = aegis_alloc(AEGIS_SLOT_SLICES, 0 << 8 | 63, S(0));
    DONE(r);
    EQUAL(r.value, 63);
    EQUAL(EXPOSED->slice[0][63].owner, 0);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 63, S(1)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 64, S(1)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 8 << 8, S(1)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, ~0UL, S(1)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 1, S(0)), OCCUPIED);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 1, BAD), BAD_SLOT);
    GIVES(aegis_alloc(BAD, 1, S(1)), BAD_SLOT);
    GIVES(aegis_alloc(S(9), 1, S(1)), EMPTY_SLOT);
    GIVES(aegis_alloc(PAGES_ROOT, 1, S(1)), WRONG_TYPE);
    GIVES(aegis_alloc(S(0), 1, S(1)), WRONG_TYPE); /* a slice is no root */
    page_put(S(0));
    EQUAL(EXPOSED->slice[0][63].owner, AEGIS_ANY);
    /* a root without ALLOC */
    r = aegis_capability_make(AEGIS_SLOT_SLICES, AEGIS_REVOKE, 0, AEGIS_ROOT_ORDER);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE | AEGIS_ROOT, AEGIS_REVOKE, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(aegis_alloc(S(2), 1, S(1)), NO_RIGHT);
    page_put(S(2));
    DONE(aegis_alloc(AEGIS_SLOT_IRQS, 1, S(3)));
    GIVES(aegis_alloc(AEGIS_SLOT_IRQS, 1, S(4)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_IRQS, 0, S(4)), NO_RESOURCE);
    GIVES(aegis_alloc(AEGIS_SLOT_IRQS, 128, S(4)), NO_RESOURCE);
    page_put(S(3));
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, S(5)));
    EQUAL(AEGIS_WHAT_TYPE(LEDGER[S(5)].what), AEGIS_ENTRY);
    page_put(S(5));
    unsigned n = 0;
    while (aegis_alloc(AEGIS_SLOT_SLICES, 0xff, S(10 + n)).error == 0)
        n++;
    EQUAL(n, 63);
    GIVES(aegis_alloc(AEGIS_SLOT_SLICES, 0xff, S(9)), FULL);
    while (n--)
        page_put(S(10 + n));
}

void call_release(void)
{
    unsigned long page = page_get(S(0), 0), free = EXPOSED->free_pages;
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    EQUAL(probe_write(AREA), 0);
    page_put(S(0));
    EQUAL(probe_read(AREA), 1);
    EQUAL(EXPOSED->free_pages, free + 1);
    CHECK(RECORDS[page - EXPOSED->page_first].state != AEGIS_PAGE_USED);
    GIVES(aegis_release(0, S(0)), EMPTY_SLOT);
    GIVES(aegis_release(0, BAD), BAD_SLOT);
    GIVES(aegis_release(0, AEGIS_SLOT_SELF), NO_RIGHT);
    GIVES(aegis_release(S(0), 1), EMPTY_SLOT);
    GIVES(aegis_release(BAD, 1), BAD_SLOT);
    GIVES(aegis_release(AEGIS_SLOT_CONSOLE, 1), WRONG_TYPE);
    struct child c;
    child_make(&c, 0);
    DONE(UNTIL_DONE(aegis_release(c.slot, AEGIS_SLOT_CONSOLE)));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_release(c.slot, AEGIS_SLOT_CONSOLE), NO_ENV);
    page_put(c.slot);
}

void call_rekey(void)
{
    page_get(S(0), 0);
    uint64_t what = LEDGER[S(0)].what;
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(what)), r.value, S(1)));
    DONE(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)));
    DONE(UNTIL_DONE(aegis_map(0, S(0), (AREA + 0x1000) | AEGIS_R | AEGIS_W)));
    EQUAL(probe_read(AREA), 0);
    uint64_t check = LEDGER[S(0)].check;
    GIVES(aegis_rekey(S(1)), NO_RIGHT);
    DONE(UNTIL_DONE(aegis_rekey(S(0))));
    CHECK(LEDGER[S(0)].check != check);
    EQUAL(LEDGER[S(1)].what, 0);
    EQUAL(probe_read(AREA), 1);
    EQUAL(probe_write(AREA + 0x1000), 0);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(what) - EXPOSED->page_first].claims, 1);
    GIVES(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(what)), r.value, S(1)), BAD_CAPABILITY);
    page_put(S(0));
    GIVES(aegis_rekey(S(0)), EMPTY_SLOT);
    GIVES(aegis_rekey(BAD), BAD_SLOT);
    GIVES(aegis_rekey(AEGIS_SLOT_SELF), NO_RIGHT);
    /* roots and what is single: another claim on it is dead at once */
    for (unsigned s = AEGIS_SLOT_SLICES; s <= AEGIS_SLOT_CONSOLE; s++) {
        uint64_t root = LEDGER[s].what;
        r = aegis_capability_make(s, 0, 0, 0);
        DONE(r);
        uint64_t bare = AEGIS_WHAT(AEGIS_WHAT_TYPE(root), 0, 0, 0);
        DONE(aegis_claim(bare, r.value, S(2)));
        DONE(UNTIL_DONE(aegis_rekey(s)));
        GIVES(aegis_capability_make(S(2), 0, 0, 0), REVOKED);
        GIVES(aegis_claim(bare, r.value, S(3)), BAD_CAPABILITY);
        page_put(S(2));
    }
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, S(4)));
    r = aegis_capability_make(S(4), AEGIS_CALL, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, 0), r.value, S(5)));
    DONE(UNTIL_DONE(aegis_rekey(S(4))));
    GIVES(aegis_capability_make(S(5), AEGIS_CALL, 0, 0), REVOKED);
    page_put(S(4));
    page_put(S(5));
    dead_claim(6);
    GIVES(aegis_rekey(S(6)), REVOKED);
    dead_end(6);
}

/* In the middle of a re-keying, unmapping must not change how far it has come. */
void rekey_survives_unmap_and_release(void)
{
    struct child c;
    child_make(&c, 0);
    unsigned long low = low_slot(0), page = page_get(low, 0);
    DONE(UNTIL_DONE(aegis_map(0, low, AREA | AEGIS_R | AEGIS_W)));
    DONE(aegis_share(c.slot, low, 1, AEGIS_RWX));
    GIVES(aegis_rekey(low), AGAIN);
    struct aegis_result r = aegis_unmap(0, low);
    CHECK(r.error == 0 || r.error == AEGIS_E_BUSY);
    DONE(UNTIL_DONE(aegis_rekey(low)));
    EQUAL(RECORDS[page - EXPOSED->page_first].claims, 1); /* the child's is gone */
    page_put(low);
    page_get(low, 0);
    DONE(aegis_share(c.slot, low, 1, AEGIS_RWX));
    GIVES(aegis_rekey(low), AGAIN);
    page_put(low);
    DONE(UNTIL_DONE(aegis_release(c.slot, low)));
    child_end(&c);
}

void call_slot_tag(void)
{
    page_get(S(0), 0);
    DONE(aegis_slot_tag(0, S(0), 0x123456789));
    EQUAL(LEDGER[S(0)].tag, 0x23456789);
    GIVES(aegis_slot_tag(0, S(1), 1), EMPTY_SLOT);
    GIVES(aegis_slot_tag(0, BAD, 1), BAD_SLOT);
    GIVES(aegis_slot_tag(S(0), 0, 1), WRONG_TYPE);
    page_put(S(0));
    EQUAL(LEDGER[S(0)].tag, 0);
    struct child c;
    child_make(&c, 0);
    DONE(aegis_slot_tag(c.slot, AEGIS_SLOT_SELF, 5));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_slot_tag(c.slot, AEGIS_SLOT_SELF, 5), NO_ENV);
    page_put(c.slot);
}

static bool page_is_zero(unsigned long va, unsigned long size)
{
    for (unsigned long i = 0; i < size; i += 8)
        if (*(volatile unsigned long *)(va + i))
            return false;
    return true;
}

void call_page_alloc(void)
{
    for (unsigned order = 0; order <= 12; order++) {
        struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, order, S(0), NONE));
        if (r.error == AEGIS_E_NO_MEMORY)
            break;
        DONE(r);
        EQUAL(r.value & ((1UL << order) - 1), 0);
        EQUAL(AEGIS_WHAT_ORDER(LEDGER[S(0)].what), order);
        if (order <= 10) {
            unsigned long va = order < 9 ? AREA : 0x30000000UL; /* a leaf table stands in the way of a superpage */
            DONE(UNTIL_DONE(aegis_map(0, S(0), va | AEGIS_R | AEGIS_W)));
            {
                CHECK(page_is_zero(va, 4096UL << order));
                for (unsigned long i = 0; i < 1UL << order; i++)
                    *(volatile unsigned long *)(va + i * 4096 + 8) = 0xdead;
            }
        }
        page_put(S(0));
    }
    /* by name */
    unsigned long page = page_get(S(0), 0);
    page_put(S(0));
    struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, page, 0, S(0), NONE));
    DONE(r);
    EQUAL(r.value, page);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, page, 0, S(1), NONE)), NO_RESOURCE);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    CHECK(page_is_zero(AREA, 4096));
    *(volatile unsigned long *)(AREA + 16) = 0x1122334455667788;
    /* a copy */
    DONE(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(1), S(0))));
    DONE(UNTIL_DONE(aegis_map(0, S(1), (AREA + 0x1000) | AEGIS_R)));
    EQUAL(*(volatile unsigned long *)(AREA + 0x1010), 0x1122334455667788);
    page_put(S(1));
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 1, S(1), S(0))), BAD_RANGE);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(1), S(40))), EMPTY_SLOT);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(1), BAD)), BAD_SLOT);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(1), AEGIS_SLOT_CONSOLE)), WRONG_TYPE);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(0), NONE)), OCCUPIED);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, BAD, NONE)), BAD_SLOT);
    GIVES(UNTIL_DONE(aegis_page_alloc(AEGIS_SLOT_SLICES, ANY, 0, S(1), NONE)), WRONG_TYPE);
    GIVES(UNTIL_DONE(aegis_page_alloc(S(0), ANY, 0, S(1), NONE)), WRONG_TYPE);
    GIVES(UNTIL_DONE(aegis_page_alloc(S(41), ANY, 0, S(1), NONE)), EMPTY_SLOT);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 19, S(1), NONE)), BAD_RANGE);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, ~0UL, S(1), NONE)), BAD_RANGE);
    GIVES(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, page | 1, 1, S(1), NONE)), BAD_RANGE);
    page_put(S(0));
    /* a copy of a block in steps; the right to read */
    page_get(S(0), 4);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    for (unsigned long i = 0; i < 16; i++)
        *(volatile unsigned long *)(AREA + i * 4096) = i + 1;
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(1), S(0)), AGAIN);
    GIVES(aegis_map(0, S(1), (AREA + 0x10000) | AEGIS_R), BUSY);
    DONE(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(1), S(0))));
    DONE(UNTIL_DONE(aegis_map(0, S(1), (AREA + 0x10000) | AEGIS_R)));
    for (unsigned long i = 0; i < 16; i++)
        EQUAL(*(volatile unsigned long *)(AREA + 0x10000 + i * 4096), i + 1);
    page_put(S(1));
    page_put(S(0));
    /* a root without ALLOC */
    r = aegis_capability_make(PAGES_ROOT, AEGIS_REVOKE, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_REVOKE, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(UNTIL_DONE(aegis_page_alloc(S(2), ANY, 0, S(1), NONE)), NO_RIGHT);
    page_put(S(2));
    r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 18, S(1), NONE));
    if (r.error)
        EQUAL(r.error, AEGIS_E_NO_MEMORY);
    else
        page_put(S(1));
    CHECK(r.error || EXPOSED->page_count >= 1 << 18);
}

/* A copy that is refused leaves nothing behind. */
void page_alloc_refused_changes_nothing(void)
{
    uint64_t vector[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        page_get(S(i), 0);
        vector[i] = S(i);
    }
    DONE(aegis_env_create(ENVS_ROOT, (unsigned long)vector, S(10)));
    struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(11), S(AEGIS_ENV_RECORD)));
    CHECK(r.error != 0);
    EQUAL(LEDGER[S(11)].what, 0);
    DONE(UNTIL_DONE(aegis_env_destroy(S(10))));
    page_put(S(10));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(S(i));
}
