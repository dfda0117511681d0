/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call of calls.def: what it does, and each of its errors that can be reached. */
#include "lib/lib.h"
#include "calls.h"

#define S(n) (FREE_SLOT + (n))
#define BAD 40000UL

static void exit_now(long unused)
{
    (void)unused;
    aegis_env_destroy(0);
}

static void idle_child(long unused)
{
    (void)unused;
    for (;;)
        up_yield();
}

/* A claim on oneself's page that has been re-keyed by a child: dead. Slot S(n) holds it. */
static void dead_claim(unsigned n)
{
    page_get(S(n), 0);
    struct aegis_result r = aegis_capability_make(S(n), AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND, 0, 0);
    DONE(r);
    DONE(aegis_claim(LEDGER[S(n)].what, r.value, S(n) + 100));
    r = aegis_rekey(S(n) + 100); /* one step kills the other; it is not walked yet */
    CHECK(r.error == 0 || r.error == AEGIS_E_AGAIN);
}

static void dead_end(unsigned n)
{
    DONE(UNTIL_DONE(aegis_rekey(S(n) + 100)));
    EQUAL(LEDGER[S(n)].what, 0);
    page_put(S(n) + 100);
}

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
    if (EXPOSED->page_count < 1 << 18)
        EQUAL(r.error, AEGIS_E_NO_MEMORY);
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

void call_env_create(void)
{
    uint64_t v[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        page_get(S(i), 0);
        v[i] = S(i);
    }
    page_get(S(8), 1);
    unsigned long at = (unsigned long)v;
    GIVES(aegis_env_create(ENVS_ROOT, 0, S(10)), BAD_ADDRESS);
    GIVES(aegis_env_create(ENVS_ROOT, 0xffffffc080000000UL, S(10)), BAD_ADDRESS);
    GIVES(aegis_env_create(PAGES_ROOT, at, S(10)), WRONG_TYPE);
    GIVES(aegis_env_create(S(20), at, S(10)), EMPTY_SLOT);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(0)), OCCUPIED);
    GIVES(aegis_env_create(ENVS_ROOT, at, BAD), BAD_SLOT);
    v[5] = v[4];
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), LENT_PAGE);
    v[5] = S(8);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), BAD_RANGE);
    v[5] = S(30);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), EMPTY_SLOT);
    v[5] = BAD;
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), BAD_SLOT);
    v[5] = image_first;
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), MAPPED);
    v[5] = S(5);
    struct aegis_result r = aegis_capability_make(S(5), AEGIS_R | AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(5)].what)), r.value, S(9)));
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), MAPPED); /* somebody else may write it */
    v[5] = S(9);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), NO_RIGHT);
    page_put(S(9));
    v[5] = S(5);
    r = aegis_env_create(ENVS_ROOT, at, S(10));
    DONE(r);
    EQUAL(EXPOSED->env[r.value].state, AEGIS_ENV_NEW);
    EQUAL(EXPOSED->env[r.value].controller, 0);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(11)), LENT_PAGE);
    GIVES(aegis_map(0, S(AEGIS_ENV_RECORD), AREA | AEGIS_R), LENT_PAGE);
    GIVES(aegis_map(0, S(AEGIS_ENV_ROOT), AREA | AEGIS_R | AEGIS_W), LENT_PAGE);
    DONE(UNTIL_DONE(aegis_env_destroy(S(10))));
    page_put(S(10));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(S(i));
    page_put(S(8));
    r = aegis_capability_make(ENVS_ROOT, AEGIS_REVOKE, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV | AEGIS_ROOT, AEGIS_REVOKE, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(aegis_env_create(S(2), at, S(10)), NO_RIGHT);
    page_put(S(2));
}

void call_table_lend(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    page_get(S(1), 1);
    page_get(S(2), 3);
    GIVES(aegis_table_lend(c.slot, S(0), 4, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_LEDGER, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_MIDDLE, 5UL << 30), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, 0), MAPPED);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, AEGIS_EXPOSED), BAD_ADDRESS);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, ~0UL), BAD_ADDRESS);
    GIVES(aegis_table_lend(c.slot, S(30), AEGIS_TABLE_LEDGER, 0), EMPTY_SLOT);
    GIVES(aegis_table_lend(c.slot, BAD, AEGIS_TABLE_LEDGER, 0), BAD_SLOT);
    GIVES(aegis_table_lend(c.slot, AEGIS_SLOT_CONSOLE, AEGIS_TABLE_LEDGER, 0), WRONG_TYPE);
    GIVES(aegis_table_lend(S(0), S(0), AEGIS_TABLE_LEDGER, 0), WRONG_TYPE);
    GIVES(aegis_table_lend(c.slot, image_first, AEGIS_TABLE_LEDGER, 0), MAPPED);
    /* nothing of that was lent */
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what) - EXPOSED->page_first].pins, 0);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what) - EXPOSED->page_first].pins, 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    EQUAL(EXPOSED->env[c.index].pages, 2);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0), LENT_PAGE);
    DONE(aegis_table_lend(c.slot, S(2), AEGIS_TABLE_STLB, 0));
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_STLB, 0), BAD_RANGE); /* smaller than the present one */
    DONE(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_LEAF, 0));
    page_get(S(3), 0);
    DONE(aegis_table_lend(c.slot, S(3), AEGIS_TABLE_MIDDLE, 5UL << 30));
    page_get(S(4), 0);
    struct aegis_result r = aegis_capability_make(S(4), AEGIS_R | AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(4)].what)), r.value, S(5)));
    GIVES(aegis_table_lend(c.slot, S(4), AEGIS_TABLE_LEDGER, 0), MAPPED);
    GIVES(aegis_table_lend(c.slot, S(5), AEGIS_TABLE_LEDGER, 0), NO_RIGHT);
    page_put(S(5));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_table_lend(c.slot, S(4), AEGIS_TABLE_LEDGER, 0), NO_ENV);
    page_put(c.slot);
    for (unsigned i = 0; i < 5; i++)
        page_put(S(i));
    dead_claim(6);
    GIVES(aegis_table_lend(0, S(6), AEGIS_TABLE_LEDGER, 0), REVOKED);
    dead_end(6);
    child_make(&c, 0);
    unsigned n = 0;
    while ((UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 1, S(0), NONE))).error == 0 &&
           (r = aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0)).error == 0) {
        page_put(S(0));
        n++;
    }
    GIVES(r, FULL);
    CHECK(n > 80);
    page_put(S(0));
    child_end(&c);
}

void call_activation_lend(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    page_get(S(1), 1);
    GIVES(aegis_activation_lend(c.slot, S(1), EXPOSED->harts), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(1), 8), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(1), ~0UL), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(0), 0), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(20), 0), EMPTY_SLOT);
    GIVES(aegis_activation_lend(c.slot, BAD, 0), BAD_SLOT);
    GIVES(aegis_activation_lend(c.slot, AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    GIVES(aegis_activation_lend(S(1), S(1), 0), WRONG_TYPE);
    DONE(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)));
    GIVES(aegis_activation_lend(c.slot, S(1), 0), MAPPED);
    DONE(UNTIL_DONE(aegis_unmap(0, S(1))));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_NEW);
    DONE(aegis_activation_lend(c.slot, S(1), 0));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_LIVE);
    EQUAL(EXPOSED->env[c.index].harts, 1);
    GIVES(aegis_activation_lend(c.slot, S(1), 0), LENT_PAGE);
    page_get(S(2), 1);
    GIVES(aegis_activation_lend(c.slot, S(2), 0), OCCUPIED);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(2)].what) - EXPOSED->page_first].pins, 0);
    GIVES(aegis_map(0, S(1), AREA | AEGIS_R), LENT_PAGE);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_activation_lend(c.slot, S(2), 0), NO_ENV);
    page_put(c.slot);
    page_put(S(0));
    page_put(S(1));
    page_put(S(2));
}

void call_env_destroy(void)
{
    struct child c;
    child_start(&c, 0, 0, exit_now, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_SELF);
    struct aegis_result r = UNTIL_DONE(aegis_env_destroy(c.slot));
    CHECK(r.error == 0 || r.error == AEGIS_E_NO_ENV);
    page_put(c.slices[0]);
    page_put(c.slot);
    child_start(&c, 0, 0, idle_child, 0);
    pause_ms(30);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_DEAD);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_CONTROLLER);
    page_put(c.slices[0]);
    page_put(c.slot);
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_FREE);
    GIVES(aegis_env_destroy(BAD), BAD_SLOT);
    GIVES(aegis_env_destroy(S(3)), EMPTY_SLOT);
    GIVES(aegis_env_destroy(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    child_make(&c, 0);
    r = aegis_capability_make(c.slot, AEGIS_RING, 0, 0);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, c.index), r.value, S(0)));
    GIVES(aegis_env_destroy(S(0)), NO_RIGHT);
    child_end(&c);
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_DEAD); /* a claim on it is left */
    page_put(S(0));
}

static volatile unsigned long ran;
static void count_child(long step)
{
    for (;;) {
        ran += (unsigned long)step;
        up_yield();
    }
}

void call_slice_yield_to(void)
{
    struct child c;
    child_make(&c, 0);
    child_on(&c, 0, count_child, 1);
    ran = 0;
    EQUAL(up_yield_to(c.slot), 1); /* it runs in our slot, yields, and we begin anew */
    EQUAL(ran, 1);
    EQUAL(up_yield_to(BAD), AEGIS_E_BAD_SLOT);
    EQUAL(up_yield_to(S(0)), AEGIS_E_EMPTY_SLOT);
    EQUAL(up_yield_to(AEGIS_SLOT_CONSOLE), AEGIS_E_WRONG_TYPE);
    struct child d;
    child_make(&d, 1);
    EQUAL(up_yield_to(d.slot), AEGIS_E_BUSY); /* no activation here */
    struct aegis_result r = aegis_capability_make(d.slot, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, 0, 0, d.index), r.value, S(0)));
    EQUAL(up_yield_to(S(0)), AEGIS_E_NO_RIGHT);
    page_put(S(0));
    DONE(UNTIL_DONE(aegis_env_destroy(d.slot)));
    EQUAL(up_yield_to(d.slot), AEGIS_E_NO_ENV);
    page_put(d.slot);
    child_end(&c);
}

void call_slice_lend(void)
{
    struct child c;
    child_make(&c, 0);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 5, S(0)));
    GIVES(aegis_slice_lend(S(0), c.slot), NO_RESOURCE);
    child_on(&c, 0, count_child, 1);
    DONE(aegis_slice_lend(S(0), c.slot));
    EQUAL(EXPOSED->slice[0][5].runs, c.index);
    EQUAL(EXPOSED->slice[0][5].owner, 0);
    EQUAL(EXPOSED->env[c.index].positions, 1);
    ran = 0;
    CHECK(wait_word(&ran, 3));
    DONE(aegis_slice_recall(S(0)));
    unsigned long before = ran;
    pause_ms(30);
    EQUAL(ran, before);
    GIVES(aegis_slice_lend(BAD, c.slot), BAD_SLOT);
    GIVES(aegis_slice_lend(S(1), c.slot), EMPTY_SLOT);
    GIVES(aegis_slice_lend(AEGIS_SLOT_CONSOLE, c.slot), WRONG_TYPE);
    GIVES(aegis_slice_lend(S(0), BAD), BAD_SLOT);
    GIVES(aegis_slice_lend(S(0), S(0)), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(S(0), 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, 0, 0, 5), r.value, S(2)));
    GIVES(aegis_slice_lend(S(2), c.slot), NO_RIGHT);
    page_put(S(2));
    r = aegis_capability_make(S(0), AEGIS_LEND, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND, 0, 5), r.value, S(2)));
    DONE(aegis_rekey(S(0)));
    GIVES(aegis_slice_lend(S(2), c.slot), REVOKED);
    page_put(S(2));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_slice_lend(S(0), c.slot), NO_ENV);
    page_put(c.slot);
    page_put(S(0));
}

void call_slice_recall(void)
{
    struct child c;
    child_start(&c, 0, 0, count_child, 1);
    ran = 0;
    CHECK(wait_word(&ran, 2));
    DONE(aegis_slice_recall(c.slices[0]));
    EQUAL(EXPOSED->env[c.index].positions, 0);
    GIVES(aegis_slice_recall(BAD), BAD_SLOT);
    GIVES(aegis_slice_recall(S(1)), EMPTY_SLOT);
    GIVES(aegis_slice_recall(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    child_end(&c);
}

void call_slice_wait(void)
{
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_NE, .width = 8, .offset = 0, .value = 1};
    unsigned long at = (unsigned long)&p;
    struct aegis_result r = aegis_slice_wait(at, 1, 0); /* holds at once: magic is not 1 */
    DONE(r);
    EQUAL(r.value, 0);
    p.operation = AEGIS_EQ;
    unsigned long before = now();
    EQUAL(up_wait(&p, 1, before + milliseconds(20)), 1);
    EQUAL(activation()->wake, AEGIS_WAKE_TIMEOUT);
    CHECK(now() - before >= milliseconds(20) && now() - before < milliseconds(60));
    GIVES(aegis_slice_wait(at, 1, 1), TIMEOUT);
    GIVES(aegis_slice_wait(0, 1, 1), BAD_ADDRESS);
    GIVES(aegis_slice_wait(at, 9, 1), BAD_RANGE);
    p.width = 3;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.width = 8;
    p.offset = 4;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 0xfffffff8;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 0;
    p.operation = 4;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.operation = AEGIS_EQ;
    p.slot = 40000;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_SLOT);
    p.slot = S(0);
    GIVES(aegis_slice_wait(at, 1, 1), EMPTY_SLOT);
    p.slot = AEGIS_SLOT_CONSOLE;
    GIVES(aegis_slice_wait(at, 1, 1), WRONG_TYPE);
    page_get(S(0), 0);
    p.slot = S(0);
    CHECK(aegis_slice_wait(at, 1, 1).error != AEGIS_E_EMPTY_SLOT);
    p.value = 0;
    DONE(aegis_slice_wait(at, 1, 1));
    p.offset = 4096;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 4092;
    p.width = 4;
    DONE(aegis_slice_wait(at, 1, 1));
    r = aegis_capability_make(S(0), AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what)), r.value, S(1)));
    p.slot = S(1);
    GIVES(aegis_slice_wait(at, 1, 1), NO_RIGHT);
    page_put(S(1));
    page_put(S(0));
    dead_claim(6);
    p.slot = S(6);
    GIVES(aegis_slice_wait(at, 1, 1), REVOKED);
    dead_end(6);
    EQUAL(EXPOSED->env[0].sleeping[0], 0);
}

void call_slice_ring(void)
{
    DONE(aegis_slice_ring(AEGIS_SLOT_SELF, 0));
    GIVES(aegis_slice_ring(AEGIS_SLOT_SELF, 8), BAD_RANGE);
    GIVES(aegis_slice_ring(AEGIS_SLOT_SELF, ~0UL), BAD_RANGE);
    GIVES(aegis_slice_ring(BAD, 0), BAD_SLOT);
    GIVES(aegis_slice_ring(S(0), 0), EMPTY_SLOT);
    GIVES(aegis_slice_ring(AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    struct child c;
    child_make(&c, 0);
    DONE(aegis_slice_ring(c.slot, 0));
    struct aegis_result r = aegis_capability_make(c.slot, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, 0, 0, c.index), r.value, S(0)));
    GIVES(aegis_slice_ring(S(0), 0), NO_RIGHT);
    page_put(S(0));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_slice_ring(c.slot, 0), NO_ENV);
    page_put(c.slot);
}

void call_revoke(void)
{
    struct child c;
    child_start(&c, 0, 0, idle_child, 0);
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 0, 1), BAD_RANGE);
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 100000, 1), BAD_RANGE);
    GIVES(aegis_revoke(AEGIS_SLOT_CONSOLE, c.slot, 1, 1), WRONG_TYPE);
    GIVES(aegis_revoke(PAGES_ROOT, AEGIS_SLOT_CONSOLE, 1, 1), WRONG_TYPE);
    GIVES(aegis_revoke(BAD, c.slot, 1, 1), BAD_SLOT);
    GIVES(aegis_revoke(S(0), c.slot, 1, 1), EMPTY_SLOT);
    GIVES(aegis_revoke(PAGES_ROOT, S(0), 1, 1), EMPTY_SLOT);
    struct aegis_result r = aegis_capability_make(PAGES_ROOT, AEGIS_ALLOC, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(aegis_revoke(S(2), c.slot, 1, 1), NO_RIGHT);
    page_put(S(2));
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now() + milliseconds(50)));
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 1, 1), PENDING);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), BUSY);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 1, 1), NO_ENV);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_ENV);
    page_put(c.slices[0]);
    page_put(c.slot);
}

void call_revoke_force(void)
{
    struct child c;
    child_start(&c, 0, 0, idle_child, 0);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_TRANSFER);
    GIVES(aegis_revoke_force(AEGIS_SLOT_CONSOLE, c.slot), WRONG_TYPE);
    GIVES(aegis_revoke_force(BAD, c.slot), BAD_SLOT);
    GIVES(aegis_revoke_force(PAGES_ROOT, S(0)), EMPTY_SLOT);
    GIVES(aegis_revoke_force(PAGES_ROOT, AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now()));
    DONE(UNTIL_DONE(aegis_release(c.slot, image_end - 1))); /* it gave one back */
    struct aegis_result r = UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, c.slot));
    DONE(r);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_TRANSFER);
    child_end(&c);
}

void call_reserve_set(void)
{
    DONE(aegis_reserve_set(200, 8));
    GIVES(aegis_reserve_set(200, 9), BAD_RANGE);
    GIVES(aegis_reserve_set(200, ~0UL), BAD_RANGE);
    GIVES(aegis_reserve_set(BAD, 1), BAD_SLOT);
    GIVES(aegis_reserve_set(~0UL, 1), BAD_SLOT);
    GIVES(aegis_reserve_set(1020, 8), BAD_SLOT);
    DONE(aegis_reserve_set(0, 0));
}

void call_console_write(void)
{
    char text[80];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = '#';
    text[63] = '\n';
    unsigned long at = (unsigned long)text;
    struct aegis_result r = aegis_console_write(AEGIS_SLOT_CONSOLE, 1, at, 80);
    CHECK(r.error == AEGIS_E_AGAIN || (r.error == 0 && r.value <= 64));
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 0, at, 1), BAD_RANGE);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 4, at, 1), BAD_RANGE);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, 0, 1), BAD_ADDRESS);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, 0xffffffc080200000UL, 8), BAD_ADDRESS);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, ~0UL, 64), BAD_ADDRESS);
    GIVES(aegis_console_write(BAD, 1, at, 1), BAD_SLOT);
    GIVES(aegis_console_write(S(0), 1, at, 1), EMPTY_SLOT);
    GIVES(aegis_console_write(PAGES_ROOT, 1, at, 1), WRONG_TYPE);
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_R, 0, 0), r.value, S(0)));
    GIVES(aegis_console_write(S(0), 1, at, 1), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_W, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_CONSOLE));
    GIVES(aegis_console_write(S(0), 1, at, 1), REVOKED);
    page_put(S(0));
}

static bool input_came(void *unused)
{
    (void)unused;
    return EXPOSED->input_count > 0;
}

/* The tests' standard input is the word "typed". */
void call_console_read(void)
{
    char text[80] = {0};
    unsigned long at = (unsigned long)text;
    struct aegis_result r = aegis_console_read(AEGIS_SLOT_CONSOLE, at, 80);
    CHECK(r.error == AEGIS_E_AGAIN || (r.error == 0 && r.value <= 64));
    /* now the host knows that input is wanted; what cannot be handed over was not read */
    if (r.error) {
        CHECK(wait_for(input_came, 0, 20000));
        GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, 1UL << 38, 8), BAD_ADDRESS);
        GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, AEGIS_LEDGER_VA, 8), BAD_ADDRESS);
        r = aegis_console_read(AEGIS_SLOT_CONSOLE, at, 1);
        EQUAL(r.error, 0);
        EQUAL(r.value, 1);
    }
    EQUAL(text[0], 't');
    GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, at, 0), BAD_RANGE);
    GIVES(aegis_console_read(BAD, at, 1), BAD_SLOT);
    GIVES(aegis_console_read(S(0), at, 1), EMPTY_SLOT);
    GIVES(aegis_console_read(PAGES_ROOT, at, 1), WRONG_TYPE);
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_W, 0, 0), r.value, S(0)));
    GIVES(aegis_console_read(S(0), at, 1), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_R, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_CONSOLE));
    GIVES(aegis_console_read(S(0), at, 1), REVOKED);
    page_put(S(0));
}

void call_irq_done(void)
{
    DONE(aegis_alloc(AEGIS_SLOT_IRQS, 2, S(0)));
    DONE(aegis_irq_done(S(0)));
    GIVES(aegis_irq_done(BAD), BAD_SLOT);
    GIVES(aegis_irq_done(S(1)), EMPTY_SLOT);
    GIVES(aegis_irq_done(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_IRQ, AEGIS_R, 0, 2), r.value, S(1)));
    DONE(aegis_rekey(S(0)));
    GIVES(aegis_irq_done(S(1)), REVOKED);
    page_put(S(1));
    page_put(S(0));
}

/* That it ends the machine is what every run of these tests shows. */
void call_machine_end(void)
{
    GIVES(aegis_machine_end(BAD, 0), BAD_SLOT);
    GIVES(aegis_machine_end(S(0), 0), EMPTY_SLOT);
    GIVES(aegis_machine_end(AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(AEGIS_SLOT_MACHINE, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_MACHINE, 0, 0, 0), r.value, S(0)));
    GIVES(aegis_machine_end(S(0), 0), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_MACHINE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_MACHINE, AEGIS_W, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_MACHINE));
    GIVES(aegis_machine_end(S(0), 0), REVOKED);
    page_put(S(0));
}

void call_fp_take(void)
{
    CHECK(aegis_fp_take().value <= 1);
    EQUAL(aegis_fp_take().value, 1);
    double x = 1.5;
    __asm__ volatile("fadd.d %0, %0, %0" : "+f"(x));
    CHECK(x == 3.0);
    EQUAL(activation()->fp_live, 1);
}

void call_pct_return(void)
{
    GIVES(aegis_pct_return(), NO_TRANSFER);
}

void registers_zero_after_calls(void)
{
    for (long n = 3; n < AEGIS_CALLS; n++) {
        if (n == AEGIS_CALL_slice_yield_to || n == AEGIS_CALL_slice_wait || n == AEGIS_CALL_machine_end ||
            n == AEGIS_CALL_env_destroy)
            continue;
        EQUAL(registers_after(n), 0);
    }
    EQUAL(registers_after(1000), 0);
    up_yield();
    EQUAL(my()->dirty, 0);
}

/* A claim on a root in slot S(n) that is dead; the root itself goes on in its slot. */
static void dead_root(unsigned long root, unsigned n)
{
    uint64_t what = LEDGER[root].what;
    struct aegis_result r = aegis_capability_make(root, AEGIS_WHAT_RIGHTS(what), 0, AEGIS_WHAT_ORDER(what));
    DONE(r);
    DONE(aegis_claim(what, r.value, S(n)));
    DONE(UNTIL_DONE(aegis_rekey(root)));
}

void errors_of_dead_claims(void)
{
    struct child c;
    uint64_t v[AEGIS_ENV_LENT] = {0};
    child_make(&c, 0);
    dead_root(AEGIS_SLOT_SLICES, 0);
    GIVES(aegis_alloc(S(0), ANY, S(1)), REVOKED);
    page_put(S(0));
    dead_root(PAGES_ROOT, 0);
    GIVES(aegis_page_alloc(S(0), ANY, 0, S(1), NONE), REVOKED);
    GIVES(aegis_revoke(S(0), c.slot, 1, 1), REVOKED);
    GIVES(aegis_revoke_force(S(0), c.slot), REVOKED);
    page_put(S(0));
    dead_root(ENVS_ROOT, 0);
    GIVES(aegis_env_create(S(0), (unsigned long)v, S(1)), REVOKED);
    page_put(S(0));
    dead_claim(6);
    GIVES(aegis_activation_lend(c.slot, S(6), 0), REVOKED);
    dead_end(6);
    /* in a slot that a child has too */
    page_get(127, 0);
    struct aegis_result r = aegis_capability_make(127, AEGIS_RWX | AEGIS_REKEY, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX | AEGIS_REKEY, 0, AEGIS_WHAT_RESOURCE(LEDGER[127].what)), r.value, S(2)));
    aegis_rekey(S(2));
    GIVES(aegis_share(c.slot, 127, 1, AEGIS_R), REVOKED);
    DONE(UNTIL_DONE(aegis_rekey(S(2))));
    page_put(S(2));
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 7, S(3)));
    r = aegis_capability_make(S(3), AEGIS_LEND, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND, 0, 7), r.value, S(4)));
    DONE(aegis_rekey(S(3)));
    GIVES(aegis_slice_recall(S(4)), REVOKED);
    page_put(S(4));
    r = aegis_capability_make(S(3), 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, 0, 0, 7), r.value, S(4)));
    GIVES(aegis_slice_recall(S(4)), NO_RIGHT);
    page_put(S(4));
    page_put(S(3));
    child_end(&c);
}

void errors_while_unsettled_or_without_a_right(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(1), 4);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, 127, S(1)), AGAIN);
    GIVES(aegis_capability_make(127, AEGIS_R, 0, 0), BUSY);
    GIVES(aegis_share(c.slot, 127, 1, AEGIS_R), BUSY);
    GIVES(aegis_rekey(127), BUSY);
    GIVES(aegis_table_lend(c.slot, 127, AEGIS_TABLE_LEDGER, 0), BUSY);
    GIVES(aegis_activation_lend(c.slot, 127, 0), BUSY);
    uint64_t v[AEGIS_ENV_LENT] = {127, 127, 127, 127, 127, 127};
    GIVES(aegis_env_create(ENVS_ROOT, (unsigned long)v, S(2)), BUSY);
    page_put(127);
    page_put(S(1));
    struct aegis_result r = aegis_capability_make(PAGES_ROOT, AEGIS_ALLOC, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0), r.value, S(3)));
    GIVES(aegis_revoke_force(S(3), c.slot), NO_RIGHT);
    page_put(S(3));
    page_get(S(4), 1);
    r = aegis_capability_make(S(4), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(4)].what)), r.value, S(5)));
    GIVES(aegis_activation_lend(c.slot, S(5), 0), NO_RIGHT);
    page_put(S(5));
    page_put(S(4));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_map_protect(c.slot, AREA, 1, AEGIS_R), NO_ENV);
    GIVES(aegis_map_clean(c.slot, AREA, 1), NO_ENV);
    page_put(c.slot);
}
