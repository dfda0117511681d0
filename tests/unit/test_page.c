/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../host/scene.h"
#include "tap.h"

/* Every page is in exactly one place, and the counters say so. */
static bool lists_sound(void)
{
    uint64_t free = 0, clean = 0;

    for (unsigned dirty = 0; dirty < 2; dirty++)
        for (unsigned o = 0; o <= AEGIS_ORDER_MAX; o++) {
            uint32_t before = 0;
            for (uint32_t at = dirty ? exposed.dirty_head[o] : exposed.free_head[o]; at; at = pages[at].next) {
                const struct aegis_page *r = &pages[at];
                if (r->order != o || r->prev != before || at & ((1U << o) - 1) ||
                    r->state != (dirty ? AEGIS_PAGE_FREE_DIRTY : AEGIS_PAGE_FREE) || r->claims || r->pins || r->flags)
                    return false;
                for (uint32_t i = 1; i < 1U << o; i++)
                    if (pages[at + i].state != AEGIS_PAGE_TAIL)
                        return false;
                free += 1U << o;
                clean += dirty ? 0 : 1U << o;
                before = at;
            }
        }
    return free == exposed.free_pages && clean == exposed.clean_pages;
}

static result_t alloc(unsigned long name, unsigned long order, unsigned long slot)
{
    return AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, name, order, slot, AEGIS_NONE));
}

static void names(void)
{
    scene(1);
    uint64_t before = exposed.free_pages;
    pfn_t page = HOST_PAGE_FIRST + 3000;
    result_t r = alloc(page, 0, 100);
    tap(!r.error && r.value == page && exposed.free_pages == before - 1, "page_alloc: by name");
    tap(alloc(page, 0, 101).error == AEGIS_E_NO_RESOURCE, "page_alloc: a page in use by name is NO_RESOURCE");
    tap(alloc(page & ~7U, 3, 101).error == AEGIS_E_NO_RESOURCE, "page_alloc: a block with a page in use is NO_RESOURCE");
    tap(!alloc(page + 1, 0, 102).error && lists_sound(), "page_alloc: its neighbour by name");
    tap(alloc(HOST_PAGE_FIRST - 1, 0, 103).error == AEGIS_E_NO_RESOURCE &&
            alloc(HOST_PAGE_FIRST + HOST_PAGES, 0, 103).error == AEGIS_E_NO_RESOURCE && alloc(0, 0, 103).error == AEGIS_E_NO_RESOURCE &&
            alloc(1UL << 32 | page, 0, 103).error == AEGIS_E_NO_RESOURCE && alloc(~0UL, 0, 103).error == AEGIS_E_NO_RESOURCE,
        "page_alloc: names that are no memory of ours are NO_RESOURCE");
    tap(alloc(page + 2, 2, 103).error == AEGIS_E_BAD_RANGE, "page_alloc: a misaligned name is BAD_RANGE");
    tap(alloc(AEGIS_ANY, AEGIS_ORDER_MAX + 1, 103).error == AEGIS_E_BAD_RANGE && alloc(AEGIS_ANY, 64, 103).error == AEGIS_E_BAD_RANGE &&
            alloc(AEGIS_ANY, ~0UL, 103).error == AEGIS_E_BAD_RANGE && alloc(page, 200, 103).error == AEGIS_E_BAD_RANGE,
        "page_alloc: orders beyond 18 are BAD_RANGE");
    tap(alloc(AEGIS_ANY, 13, 103).error == AEGIS_E_NO_MEMORY, "page_alloc: more than there is is NO_MEMORY");
    tap(alloc(AEGIS_ANY, 0, 100).error == AEGIS_E_OCCUPIED, "page_alloc: an occupied slot is OCCUPIED");
    tap(alloc(AEGIS_ANY, 0, 1024).error == AEGIS_E_BAD_SLOT && alloc(AEGIS_ANY, 0, ~0UL).error == AEGIS_E_BAD_SLOT,
        "page_alloc: a slot beyond the ledger is BAD_SLOT");
    tap(CALL5(0, page_alloc, AEGIS_SLOT_SLICES, AEGIS_ANY, 0, 103, AEGIS_NONE).error == AEGIS_E_WRONG_TYPE &&
            CALL5(0, page_alloc, 103, AEGIS_ANY, 0, 103, AEGIS_NONE).error == AEGIS_E_EMPTY_SLOT,
        "page_alloc: without the root it is WRONG_TYPE or EMPTY_SLOT");
    CALL2(0, release, 0, 100);
    CALL2(0, release, 0, 102);
    tap(exposed.free_pages == before && lists_sound(), "release: the pages are free again (K7)");
}

static void orders(void)
{
    scene(1);
    uint64_t before = exposed.free_pages;
    bool good = true;
    for (unsigned o = 0; o <= 9; o++) {
        result_t r = alloc(AEGIS_ANY, o, 100 + o);
        good &= !r.error && !(r.value & ((1UL << o) - 1)) && record((pfn_t)r.value)->order == o && lists_sound();
        for (unsigned i = 0; i < 1U << o; i++)
            good &= record((pfn_t)r.value + i) == &pages[r.value];
        memset(machine_direct((pfn_t)r.value), 0xee, (size_t)PAGE_SIZE << o);
    }
    tap(good && before - exposed.free_pages == 1023, "page_alloc: orders 0 to 9, aligned, one record speaks for all (K7)");
    for (unsigned o = 0; o <= 9; o++)
        good &= !AGAIN(CALL2(0, release, 0, 100 + o)).error && lists_sound();
    while (CALL1(0, reap, 64).value)
        ;
    unsigned blocks = 0;
    for (unsigned o = 0; o <= AEGIS_ORDER_MAX; o++)
        for (uint32_t at = exposed.free_head[o]; at; at = pages[at].next)
            blocks++;
    for (pfn_t at = HOST_PAGE_FIRST; at < HOST_PAGE_FIRST + HOST_PAGES; at++)
        for (unsigned i = 0; i < 512 && !page_head(at) && pages[at].state != AEGIS_PAGE_KERNEL; i += 73)
            good &= ((uint64_t *)machine_direct(at))[i] == 0;
    tap(good && lists_sound() && exposed.clean_pages == before && !exposed.dirty_head[0] && blocks < 12,
        "reap: blocks are cleared, buddies merge (K7)");
}

static void clearing(void)
{
    scene(1);
    unsigned slot = next_slot;
    result_t r = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 3, slot, AEGIS_NONE);
    pfn_t page = page_in(p, slot);
    tap(r.error == AEGIS_E_AGAIN && CALL3(0, map, 0, slot, 0x200000 | AEGIS_R).error == AEGIS_E_BUSY,
        "page_alloc: one page a step; the block is not usable before (BUSY)");
    tap(CALL2(0, unmap, 0, slot).error == AEGIS_E_BUSY && CALL4(0, capability_make, slot, AEGIS_R, 0, 0).error == AEGIS_E_BUSY,
        "unmap, capability_make: a block that is being cleared is BUSY");
    unsigned steps = 1;
    while (r.error == AEGIS_E_AGAIN) {
        r = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 3, slot, AEGIS_NONE);
        steps++;
    }
    tap(!r.error && r.value == page && steps == 8, "page_alloc: eight pages take eight calls");

    memset(machine_direct(page), 0xaa, 8 * PAGE_SIZE);
    CALL2(0, release, 0, slot);
    r = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, page, 3, slot, AEGIS_NONE);
    CALL2(0, release, 0, slot);
    tap(r.error == AEGIS_E_AGAIN && lists_sound() && !page_head(page), "page_alloc: given up between two steps, nothing is lost (I9)");
    r = AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, page, 3, slot, AEGIS_NONE));
    bool zero = true;
    for (unsigned i = 0; i < 8 * PAGE_SIZE; i++)
        zero &= ((char *)machine_direct(page))[i] == 0;
    tap(!r.error && zero, "page_alloc: a block that was used is zero (I8)");
    tap(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 3, slot, AEGIS_NONE).error == AEGIS_E_OCCUPIED,
        "page_alloc: once done the slot is OCCUPIED");
}

/* A hart that has nothing else to do clears pages, until there are enough of them. */
static void ahead(void)
{
    scene(1);
    while (exposed.clean_pages)
        page_new(0, 0);
    unsigned last = page_new(0, 5);
    memset(machine_direct(page_in(p, last)), 0x77, 32 * PAGE_SIZE);
    CALL2(0, release, 0, last);
    uint64_t before = exposed.clean_pages, free = exposed.free_pages;
    CALL3(0, slice_wait, ARGS, 0, 0);
    tap(host.outcome == HOST_IDLE && before < 32 && exposed.clean_pages == (free < 1024 ? free : 1024) && exposed.free_pages == free && lists_sound(),
        "slice_wait: an idle hart clears pages ahead (K7)");
}

static void source(void)
{
    scene(1);
    unsigned from = page_new(0, 2), to = next_slot++;
    memset(machine_direct(page_in(p, from)), 0x5a, 4 * PAGE_SIZE);
    result_t r = AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 2, to, from));
    tap(!r.error && !memcmp(machine_direct(page_in(p, to)), machine_direct(page_in(p, from)), 4 * PAGE_SIZE),
        "page_alloc: as the copy of a claimed block");
    unsigned slot = next_slot++;
    uint64_t before = exposed.free_pages;
    tap(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 1, slot, from).error == AEGIS_E_BAD_RANGE &&
            CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 2, slot, AEGIS_SLOT_PAGES).error == AEGIS_E_WRONG_TYPE &&
            CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 2, slot, slot).error == AEGIS_E_EMPTY_SLOT && exposed.free_pages == before,
        "page_alloc: a source of another order or type, an empty one");
    unsigned child = child_new();
    before = exposed.free_pages;
    r = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot, child - 6);
    tap(r.error == AEGIS_E_BAD_RANGE && !ledger_at(p, slot)->what && exposed.free_pages == before,
        "page_alloc: a kernel half as the source is refused, and nothing has changed (I8)");
    tap(!AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot, child - 5)).error,
        "page_alloc: a lent page that its lender may read can be the source");
    r = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 2, next_slot, from);
    CALL2(0, release, 0, from);
    result_t s = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 2, next_slot, from);
    tap(r.error == AEGIS_E_AGAIN && s.error == AEGIS_E_EMPTY_SLOT && !CALL2(0, release, 0, next_slot).error && lists_sound(),
        "page_alloc: the source goes meanwhile: an error, and the block can be given up");
}

static void exhaust(void)
{
    scene(1);
    for (unsigned i = 0; i < 6; i++) { /* room in the ledger for claims on every page */
        unsigned s = page_new(0, 0);
        (void)s;
    }
    uint64_t before = exposed.free_pages;
    unsigned n = 0, slot = next_slot;
    result_t r;
    while (!(r = alloc(AEGIS_ANY, 2, slot + n)).error)
        n++;
    while (!(r = alloc(AEGIS_ANY, 0, slot + n)).error)
        n++;
    tap((r.error == AEGIS_E_NO_MEMORY || r.error == AEGIS_E_BAD_SLOT) && lists_sound(), "page_alloc: until there is none: NO_MEMORY");
    for (unsigned i = 0; i < n; i++)
        AGAIN(CALL2(0, release, 0, slot + i));
    tap(exposed.free_pages == before && lists_sound(), "release: after exhaustion as many pages are free as before (I8)");
    r = alloc(HOST_PAGE_FIRST + 2048, 10, slot);
    tap(!r.error && lists_sound(), "page_alloc: AGAIN clears and joins what is free in pieces, then gives the block");
}

int main(void)
{
    names();
    orders();
    clearing();
    ahead();
    source();
    exhaust();
    return tap_failed;
}
