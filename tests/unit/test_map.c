/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../../exokernel/core/map.h"
#include "../host/scene.h"
#include "tap.h"

#define VA 0x200000UL
#define RW (AEGIS_R | AEGIS_W)

static long map(unsigned long slot, unsigned long va_rights)
{
    return AGAIN(CALL3(0, map, 0, slot, va_rights)).error;
}

static void mapping(void)
{
    scene(1);
    unsigned a = page_new(0, 0), b = page_new(0, 0), big = page_new(0, 2);
    tap(map(a, VA | AEGIS_R) == 0 && host_access(0, VA, PTE_R) == page_in(p, a) && !host_access(0, VA, PTE_W) && !host_access(0, VA, PTE_X),
        "map: one page, read only (K8)");
    tap(map(b, VA | RW) == AEGIS_E_MAPPED && map(a, (VA + PAGE_SIZE) | AEGIS_R) == AEGIS_E_MAPPED && map(a, VA | AEGIS_R) == 0,
        "map: an occupied address, a second place; the same place again");
    tap(map(b, VA + PAGE_SIZE) == AEGIS_E_BAD_RIGHTS && map(b, (VA + PAGE_SIZE) | AEGIS_W) == AEGIS_E_BAD_RIGHTS &&
            map(b, (VA + PAGE_SIZE) | RW | 0x10) == AEGIS_E_BAD_RIGHTS && map(b, (VA + PAGE_SIZE) | AEGIS_R | 1) == AEGIS_E_BAD_RIGHTS,
        "map: rights that are none, undefined, or cannot be had together");
    static const unsigned long bad[] = {0, 1UL << 38, AEGIS_EXPOSED, AEGIS_EXPOSED - 0, 1UL << 63, ~0xfffUL, AEGIS_PINNED, AEGIS_PINNED + 7 * PAGE_SIZE,
                                        AEGIS_PINNED + 64 * PAGE_SIZE, AEGIS_PINNED + 511 * PAGE_SIZE, 0xffffffc000000000UL};
    bool refused = true;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused &= map(b, bad[i] | RW) == AEGIS_E_BAD_ADDRESS;
    tap(refused && map(big, (VA + PAGE_SIZE) | RW) == AEGIS_E_BAD_ADDRESS && map(big, (AEGIS_PINNED + 8 * PAGE_SIZE) | RW) == AEGIS_E_BAD_ADDRESS,
        "map: page 0, kernel, exposed, misaligned addresses, the window outside its free part");
    tap(map(AEGIS_SLOT_PAGES, VA | RW) == AEGIS_E_WRONG_TYPE && map(999, VA | RW) == AEGIS_E_EMPTY_SLOT && map(1 << 20, VA | RW) == AEGIS_E_BAD_SLOT && map(~0UL, VA | RW) == AEGIS_E_BAD_SLOT,
        "map: what is no page, empty, beyond the ledger");
    tap(map(b, (5UL << 30) | RW) == AEGIS_E_NO_TABLE, "map: no middle table");
    tap(map(big, (VA + 4 * PAGE_SIZE) | RW) == 0 && host_access(0, VA + 7 * PAGE_SIZE, PTE_W) == page_in(p, big) + 3 &&
            map(b, (VA + 6 * PAGE_SIZE) | RW) == AEGIS_E_MAPPED,
        "map: a block of four pages");
    tap(map(b, (AEGIS_PINNED + 8 * PAGE_SIZE) | RW) == 0 && ledger_at(p, b)->where & AEGIS_PINNED_DOWN, "map: a guaranteed mapping");
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, page_in(p, a)), mac = mac_of(a, AEGIS_R, 0, 0);
    unsigned second = next_slot++;
    CALL3(0, claim, what, mac, second);
    tap(map(second, (VA + PAGE_SIZE) | RW) == AEGIS_E_NO_RIGHT && map(second, (VA + PAGE_SIZE) | AEGIS_R) == 0 &&
            CALL4(0, map_protect, 0, VA + PAGE_SIZE, 1, RW).error == AEGIS_E_NO_RIGHT,
        "map, map_protect: no more than the claim's rights");
    tap(CALL2(0, unmap, 0, a).error == 0 && !host_access(0, VA, PTE_R) && CALL2(0, unmap, 0, a).error == AEGIS_E_NOT_MAPPED &&
            CALL2(0, unmap, 0, AEGIS_SLOT_PAGES).error == AEGIS_E_WRONG_TYPE && CALL2(0, unmap, 0, 999).error == AEGIS_E_EMPTY_SLOT,
        "unmap: gone from tables and STLB; what is not mapped, no page, empty");
    tap(CALL2(0, release, 0, big).error == 0 && !host_access(0, VA + 4 * PAGE_SIZE, PTE_R), "release: unmaps");
}

static void vector(void)
{
    scene(1);
    unsigned a = page_new(0, 0), b = page_new(0, 0);
    args[0] = a, args[1] = VA | RW, args[2] = b, args[3] = (VA + PAGE_SIZE) | AEGIS_R;
    result_t r = CALL3(0, map_vector, 0, ARGS, 2);
    tap(!r.error && r.value == 2 && host_access(0, VA + PAGE_SIZE, PTE_R) == page_in(p, b), "map_vector: two");
    args[2] = 999;
    r = CALL3(0, map_vector, 0, ARGS, 3);
    tap(r.error == AEGIS_E_EMPTY_SLOT && r.value == 1, "map_vector: stops at an error, says how many were done");
    tap(CALL3(0, map_vector, 0, ARGS, 65).error == AEGIS_E_BAD_RANGE && CALL3(0, map_vector, 0, ARGS, ~0UL).error == AEGIS_E_BAD_RANGE &&
            CALL3(0, map_vector, 0, ARGS + PAGE_SIZE - 16, 2).error == AEGIS_E_BAD_ADDRESS && CALL3(0, map_vector, 0, ~0UL - 15, 2).error == AEGIS_E_BAD_ADDRESS &&
            CALL3(0, map_vector, 0, 1UL << 38, 2).error == AEGIS_E_BAD_ADDRESS && CALL3(0, map_vector, 0, 0, 1).error == AEGIS_E_BAD_ADDRESS &&
            CALL3(0, map_vector, 0, AEGIS_PINNED + 0x100000 - 8, 64).error == AEGIS_E_BAD_ADDRESS,
        "map_vector: too many; half mapped, overflowing, kernel, unmapped addresses");
}

static void protecting(void)
{
    scene(1);
    unsigned a = page_new(0, 1);
    map(a, VA | RW);
    tap(CALL4(0, map_protect, 0, VA, 2, AEGIS_R).error == 0 && host_access(0, VA, PTE_R) && !host_access(0, VA, PTE_W), "map_protect: to read only (K8)");
    tap(CALL4(0, map_protect, 0, VA, 1, 0).error == 0 && !host_access(0, VA, PTE_R) && host_access(0, VA + PAGE_SIZE, PTE_R), "map_protect: to nothing");
    tap(CALL4(0, map_protect, 0, VA, 512, RW | AEGIS_X).error == 0 && host_access(0, VA, PTE_W) == page_in(p, a), "map_protect: back; absent pages are passed over");
    tap(CALL4(0, map_protect, 0, VA, 1, AEGIS_W).error == AEGIS_E_BAD_RIGHTS && CALL4(0, map_protect, 0, VA, 1, 0x10).error == AEGIS_E_BAD_RIGHTS &&
            CALL4(0, map_protect, 0, VA, 0, RW).error == AEGIS_E_BAD_RANGE && CALL4(0, map_protect, 0, VA, 513, RW).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, map_protect, 0, VA, ~0UL, RW).error == AEGIS_E_BAD_RANGE && CALL4(0, map_protect, 0, VA + 1, 1, RW).error == AEGIS_E_BAD_ADDRESS &&
            CALL4(0, map_protect, 0, 0, 1, RW).error == AEGIS_E_BAD_ADDRESS && CALL4(0, map_protect, 0, AEGIS_EXPOSED, 1, RW).error == AEGIS_E_BAD_ADDRESS &&
            CALL4(0, map_protect, 0, AEGIS_EXPOSED - PAGE_SIZE, 2, RW).error == AEGIS_E_BAD_ADDRESS && CALL4(0, map_protect, 0, ~0xfffUL, 2, RW).error == AEGIS_E_BAD_ADDRESS &&
            CALL4(0, map_protect, 0, AEGIS_PINNED - PAGE_SIZE, 2, RW).error == AEGIS_E_BAD_ADDRESS && CALL4(0, map_protect, 0, AEGIS_PINNED + 64 * PAGE_SIZE, 1, RW).error == AEGIS_E_BAD_ADDRESS,
        "map_protect: rights, counts and ranges that are wrong; the window");
    tap(ledger_at(p, a)->where >> 12 == VA >> 12, "map_protect: the claim stays mapped");
    host_access(0, VA, PTE_W);
    CALL2(0, unmap, 0, a);
    tap(ledger_at(p, a)->where & AEGIS_DIRTY && ledger_at(p, a)->where & AEGIS_ACCESSED, "unmap: accessed and dirty are kept in the claim (I4)");
    map(a, VA | RW);
    host_access(0, VA + PAGE_SIZE, PTE_W);
    tap(CALL3(0, map_clean, 0, VA, 2).error == 0 && !(ledger_at(p, a)->where & AEGIS_DIRTY) && !(p->leaf_table[1] & PTE_D), "map_clean: clears both places");
    tap(CALL3(0, map_clean, 0, VA, 0).error == AEGIS_E_BAD_RANGE && CALL3(0, map_clean, 0, VA, 513).error == AEGIS_E_BAD_RANGE && CALL3(0, map_clean, 0, VA + 8, 1).error == AEGIS_E_BAD_ADDRESS &&
            CALL3(0, map_clean, 0, AEGIS_PINNED, 1).error == AEGIS_E_BAD_ADDRESS,
        "map_clean: counts and ranges that are wrong");
}

static void lent(void)
{
    scene(1);
    unsigned leaf = page_new(0, 1), ledger = page_new(0, 0);
    CALL4(0, table_lend, 0, leaf, AEGIS_TABLE_LEAF, 0);
    map(ledger, VA | RW);
    tap(CALL4(0, table_lend, 0, ledger, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_MAPPED, "table_lend: a mapped page is refused (I3)");
    tap(map(leaf, (VA + 2 * PAGE_SIZE) | RW) == AEGIS_E_LENT_PAGE, "map: a lent page writable is LENT_PAGE (I3)");
    tap(map(leaf, (VA + 2 * PAGE_SIZE) | AEGIS_R) == 0 && CALL4(0, map_protect, 0, VA + 2 * PAGE_SIZE, 2, RW).error == AEGIS_E_NO_RIGHT && !host_access(0, VA + 2 * PAGE_SIZE, PTE_W),
        "map_protect: a lent page that was mapped read-only does not become writable (I3)");
    CALL2(0, unmap, 0, ledger);
    tap(CALL4(0, table_lend, 0, ledger, AEGIS_TABLE_LEDGER, 0).error == 0 && CALL4(0, table_lend, 0, ledger, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_LENT_PAGE &&
            p->ledger_pages == 9,
        "table_lend: once");
    unsigned shared = page_new(0, 0), twice = next_slot++;
    CALL3(0, claim, AEGIS_WHAT(AEGIS_PAGE, RW, 0, page_in(p, shared)), mac_of(shared, RW, 0, 0), twice);
    tap(CALL4(0, table_lend, 0, shared, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_MAPPED && CALL4(0, table_lend, 0, twice, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_NO_RIGHT,
        "table_lend: a page that is claimed twice, one without LEND");
    tap(CALL4(0, table_lend, 0, page_new(0, 1), AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_BAD_RANGE && CALL4(0, table_lend, 0, page_new(0, 0), AEGIS_TABLE_LEAF, 0).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, table_lend, 0, page_new(0, 4), AEGIS_TABLE_STLB, 0).error == AEGIS_E_BAD_RANGE && CALL4(0, table_lend, 0, page_new(0, 0), 4, 0).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, table_lend, 0, page_new(0, 0), AEGIS_TABLE_MIDDLE, AEGIS_EXPOSED).error == AEGIS_E_BAD_ADDRESS && CALL4(0, table_lend, 0, page_new(0, 0), AEGIS_TABLE_MIDDLE, 0).error == AEGIS_E_MAPPED,
        "table_lend: blocks of another order, another kind, another place");
    uint64_t before = exposed.free_pages;
    unsigned m = page_new(0, 0);
    tap(CALL4(0, table_lend, 0, m, AEGIS_TABLE_MIDDLE, 7UL << 30).error == 0 && map(shared, (7UL << 30 | VA) | RW) == 0 && host_access(0, 7UL << 30 | VA, PTE_W) == page_in(p, shared),
        "table_lend: a middle table for another GiB");
    AGAIN(CALL2(0, release, 0, m));
    tap(before - exposed.free_pages == 1 && page_head(p->root[7] >> 10), "release: a lent page stays until it is returned");
}

static void stlb(void)
{
    scene(1);
    unsigned slots[8];
    for (unsigned i = 0; i < 8; i++) {
        slots[i] = page_new(0, 0);
        map(slots[i], (VA + ((unsigned long)i << 21)) | RW);
    }
    /* the pool has four tables: those of the first regions were recycled */
    bool good = true;
    for (unsigned i = 0; i < 8; i++)
        good &= ledger_at(p, slots[i])->where & AEGIS_MAPPED && (p->stlb[((VA >> 12) + ((unsigned long)i << 9)) & p->stlb_mask] != 0 || i < 7);
    tap(good && !host_translate(p->satp, VA, PTE_R), "map: the pool empty, a table is recycled; claims stay mapped (I4)");
    tap(host_access(0, VA + (7UL << 21), PTE_W) == page_in(p, slots[7]), "K8: present");
    result_t r = AGAIN(CALL3(0, map, 0, slots[0], VA | RW));
    tap(!r.error && host_access(0, VA, PTE_W) == page_in(p, slots[0]), "map: the same again puts back what was dropped (I4)");

    /* drop the table entry only: the STLB refills it */
    unsigned level = 0;
    (void)level;
    uint64_t *at;
    map_walk(p, VA, &at);
    *at = 0;
    tap(host_access(0, VA, PTE_W) == page_in(p, slots[0]) && *at & PTE_D, "K8: a dropped translation comes back from the STLB, dirty when written (I4)");
    *at = 0;
    CALL2(0, unmap, 0, slots[0]);
    tap(!host_access(0, VA, PTE_R), "unmap: nothing comes back");
    map(slots[0], VA | RW);
    map_walk(p, VA, &at);
    *at = 0;
    CALL4(0, map_protect, 0, VA, 1, AEGIS_R);
    tap(!host_access(0, VA, PTE_W), "map_protect: nothing comes back with the rights of before");
    unsigned other = page_new(0, 0);
    map(other, (VA + (8UL << 21)) | RW);
    for (unsigned i = 0; i < p->leaf_count; i++) /* all of them go, the STLB stays */
        map(page_new(0, 0), (VA + ((unsigned long)(20 + i) << 21) + (i + 1) * PAGE_SIZE) | RW);
    uint64_t word = p->stlb[(VA + (8UL << 21)) >> 12 & p->stlb_mask];
    CALL4(0, map_protect, 0, VA + (8UL << 21), 1, AEGIS_R);
    tap(word >> 38 == (VA + (8UL << 21)) >> 12 && !host_access(0, VA + (8UL << 21), PTE_W), "map_protect: of a page whose table was recycled: the STLB forgets it too");
    unsigned larger = page_new(0, 3);
    p->mask |= 2;
    tap(CALL4(0, table_lend, 0, larger, AEGIS_TABLE_STLB, 0).error == AEGIS_E_BUSY && p->stlb_mask == 511, "table_lend: no other STLB while another hart may look at this one");
    p->mask &= ~2U;
    tap(!CALL4(0, table_lend, 0, larger, AEGIS_TABLE_STLB, 0).error && p->stlb_mask == 4095 && p->activation[0]->stlb_mask == 4095 * 8,
        "table_lend: a larger STLB");
    tap(CALL4(0, table_lend, 0, page_new(0, 0), AEGIS_TABLE_STLB, 0).error == AEGIS_E_BAD_RANGE, "table_lend: never a smaller one");
}

static result_t exchange(unsigned slot, unsigned long va_rights)
{
    return AGAIN(CALL4(0, page_exchange, AEGIS_SLOT_PAGES, AEGIS_ANY, slot, va_rights));
}

static void exchanging(void)
{
    scene(2);
    unsigned a = page_new(0, 0), twice = next_slot++, parts = page_new(0, 1);
    pfn_t old = page_in(p, a);
    uint64_t *words = machine_direct(old);
    CALL3(0, claim, AEGIS_WHAT(AEGIS_PAGE, RW, 0, old), mac_of(a, RW, 0, 0), twice);
    map(a, VA | AEGIS_R);
    words[7] = 7;
    result_t r = exchange(a, VA | RW);
    tap(!r.error && r.value != old && page_in(p, a) == r.value && page_in(p, twice) == old && pages[old].claims == 1 && ((uint64_t *)machine_direct((pfn_t)r.value))[7] == 7,
        "page_exchange: the claim has a copy, the other claim the old page");
    tap(host_access(0, VA, PTE_W) == r.value && ledger_at(p, a)->where >> 12 == VA >> 12, "page_exchange: mapped in its place");
    uint64_t *at;
    map_walk(p, VA, &at);
    *at = 0;
    tap(host_access(0, VA, PTE_W) == r.value && CALL4(0, map_protect, 0, VA, 1, RW | AEGIS_X).error == 0, "page_exchange: the STLB brings the new page back, with a new claim's rights");
    *at = 0; /* lost, and its place taken by another */
    p->stlb[VA >> 12 & p->stlb_mask] = 0;
    map(twice, VA | AEGIS_R);
    tap(exchange(a, VA | RW).error == AEGIS_E_MAPPED && host_access(0, VA, PTE_R) == old, "page_exchange: not over what another claim has there");
    CALL2(0, unmap, 0, twice);
    tap(!exchange(a, VA | RW).error && !exchange(twice, (VA + PAGE_SIZE) | RW).error && !pages[old].claims, "page_exchange: what was lost, what was not mapped; without claims the old page is free");
    tap(exchange(parts, VA + 4 * PAGE_SIZE + RW).error == AEGIS_E_BAD_RANGE, "page_exchange: single pages only");

    /* another hart may hold translations: not at once, and nothing was done, whatever it does */
    uint64_t free = exposed.free_pages, word = p->stlb[VA >> 12 & p->stlb_mask];
    pfn_t now = page_in(p, a);
    map_walk(p, VA, &at);
    uint64_t entry = *at;
    also_on(1);
    free = exposed.free_pages;
    tap(exchange(a, VA | RW).error == AEGIS_E_BUSY && page_in(p, a) == now && *at == entry && p->stlb[VA >> 12 & p->stlb_mask] == word && exposed.free_pages == free &&
            pages[now].claims == 1,
        "page_exchange: never while another hart may read the old page (I11)");
}

static void exchange_without_memory(void)
{
    scene(1);
    unsigned a = page_new(0, 0);
    map(a, VA | AEGIS_R);
    pfn_t old = page_in(p, a);
    for (unsigned order = 10; order-- > 0;)
        while (!AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, order, next_slot, AEGIS_NONE)).error)
            next_slot++;
    tap(exchange(a, VA | RW).error == AEGIS_E_NO_MEMORY && page_in(p, a) == old && host_access(0, VA, PTE_R) == old && !host_access(0, VA, PTE_W),
        "page_exchange: no memory, and nothing was done");
    tap(CALL4(0, page_exchange, AEGIS_SLOT_PAGES, old, a, VA | RW).error == AEGIS_E_NO_RESOURCE, "page_exchange: a page that is in use, its own");
}

/* Order 9 and 18 need more memory than the other tests have. */
static void superpages(void)
{
    host_boot(1, 1 << 19);
    p = host_first(8, 4);
    next_slot = 20;
    host_start(0);
    for (pfn_t at = exposed.dirty_head[18]; at; at = exposed.dirty_head[18]) { /* fresh memory is zero: not cleared here */
        exposed.dirty_head[18] = pages[at].next;
        pages[at].state = AEGIS_PAGE_FREE;
        pages[at].next = exposed.free_head[18];
        pages[at].prev = 0;
        exposed.free_head[18] = at;
        exposed.clean_pages += 1 << 18;
    }
    unsigned two = page_new(0, 9), gib = page_new(0, 18), four = page_new(0, 10), small = page_new(0, 0);
    tap(map(two, (VA + (1UL << 21)) | RW) == 0 && host_access(0, VA + (1UL << 21) + 0x123456 % (1 << 21), PTE_W) == page_in(p, two) + 0x123,
        "map: a superpage of 2 MiB");
    tap(map(small, (VA + (1UL << 21)) | RW) == AEGIS_E_MAPPED && map(gib, 1UL << 30 | RW) == 0 && host_access(0, (1UL << 30) + 0x2345678, PTE_R) == page_in(p, gib) + 0x2345,
        "map: one of 1 GiB; a page within another is MAPPED");
    tap(map(four, 0x600000 | RW) == AEGIS_E_BAD_ADDRESS && map(four, 0x400000 | RW) == AEGIS_E_MAPPED && map(four, 0x800000 | RW) == 0, "map: two at once, aligned, over nothing");
    CALL2(0, unmap, 0, two);
    tap(!host_access(0, VA + (1UL << 21), PTE_R) && ledger_at(p, two)->where & AEGIS_DIRTY, "unmap: a superpage; dirty is kept");
    CALL2(0, unmap, 0, gib);
    CALL2(0, unmap, 0, four);
    tap(!p->root[1] && !host_access(0, 0x800000, PTE_R) && map(small, 0x800000 | RW) == 0, "unmap: the others; small pages again");
    unsigned large = page_new(0, 9);
    bool taken = map(large, 0x800000 | RW) == AEGIS_E_MAPPED;
    CALL2(0, unmap, 0, small);
    tap(taken && CALL3(0, map, 0, large, 0x800000 | RW).error == AEGIS_E_AGAIN && map(large, 0x800000 | RW) == 0 && host_access(0, 0x800000 + 9 * PAGE_SIZE, PTE_W) == page_in(p, large) + 9,
        "map: a superpage where an empty leaf table stood, but not where a page is mapped");
}

static void harts(void)
{
    scene(3);
    also_on(1);
    unsigned a = page_new(0, 0);
    map(a, VA | RW);
    host_settle();
    tap(host_access(1, VA, PTE_W) == page_in(p, a), "map: the other hart sees it");
    tap(CALL2(0, unmap, 0, a).error == AEGIS_E_AGAIN && CALL2(0, unmap, 0, a).error == AEGIS_E_AGAIN && host.pending[1] && !host.pending[2],
        "unmap: AGAIN until the harts that run it have acknowledged; no others are asked (I11)");
    tap(CALL3(0, map, 0, a, VA | RW).error == AEGIS_E_BUSY && CALL4(0, table_lend, 0, a, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_MAPPED && CALL1(0, rekey, a).error == AEGIS_E_BUSY,
        "map, table_lend, rekey: not before");
    host_serve(1);
    tap(CALL2(0, unmap, 0, a).error == 0 && CALL2(0, unmap, 0, a).error == AEGIS_E_NOT_MAPPED, "unmap: done");
    map(a, VA | RW);
    host_settle();
    tap(CALL4(0, map_protect, 0, VA, 1, AEGIS_R).error == AEGIS_E_AGAIN && (host_serve(1), CALL4(0, map_protect, 0, VA, 1, AEGIS_R).error) == 0, "map_protect: AGAIN until the others have acknowledged, then done");
    host_access(1, VA, PTE_R);
    tap(CALL3(0, map_clean, 0, VA, 1).error == AEGIS_E_AGAIN && (host_serve(1), CALL3(0, map_clean, 0, VA, 1).error) == 0, "map_clean: likewise");
    /* one table of the pool at a time waits for the others */
    for (unsigned i = 1; i < 4; i++)
        map(page_new(0, 0), (VA + ((unsigned long)i << 21)) | RW);
    host_settle();
    unsigned far = page_new(0, 0);
    for (unsigned i = 0; i < 5; i++)
        CALL3(0, map, 0, far, (VA + (9UL << 21)) | RW);
    unsigned spare = 0;
    for (unsigned i = 0; i < p->leaf_count; i++)
        spare += p->leaf[i].region == UINT32_MAX;
    tap(spare == 1, "map: while a recycled table waits for the other harts no other is recycled (I4)");
    host_settle();
    tap(map(far, (VA + (9UL << 21)) | RW) == 0 && host_access(1, VA + (9UL << 21), PTE_W) == page_in(p, far), "map: then it is used");
}

/* What another hart is about to enter, by what it read of the STLB before, must not come back, nor meet what is new. */
static void stale_refills(void)
{
    scene(2);
    also_on(1);
    unsigned a = page_new(0, 0), b = page_new(0, 0);
    map(a, VA | RW);
    host_settle();
    uint64_t *entry, pte = map_walk(p, VA, &entry);
    tap(CALL4(0, map_protect, 0, VA, 1, AEGIS_R).error == AEGIS_E_AGAIN, "map_protect: the other hart has not acknowledged");
    *entry |= pte | PTE_D; /* the refill's last instruction */
    host_serve(1);
    result_t r = CALL4(0, map_protect, 0, VA, 1, AEGIS_R);
    tap(r.error == AEGIS_E_AGAIN && r.value == 0 && !(*entry & PTE_W), "map_protect: rights that a refill brought back are taken again, and waited for");
    host_serve(1);
    r = CALL4(0, map_protect, 0, VA, 1, AEGIS_R);
    tap(!r.error && r.value == 1 && !host_access(1, VA, PTE_W) && host_access(1, VA, PTE_R) == page_in(p, a), "map_protect: then done");

    tap(CALL2(0, unmap, 0, a).error == AEGIS_E_AGAIN && CALL3(0, map, 0, b, VA | RW).error == AEGIS_E_AGAIN && !*entry,
        "map: not where a refill may still enter what stood there");
    host_serve(1);
    tap(map(b, VA | RW) == 0 && host_access(1, VA, PTE_W) == page_in(p, b), "map: once every hart has let go");
}

/* A claim that is given up while its block is being filled: `step` counts pages no longer. */
static void leaving_while_cleared(void)
{
    scene(2);
    also_on(1);
    unsigned a = page_new(0, 0), source = page_new(0, 4);
    map(a, VA | RW);
    host_settle();
    kernel.epoch += 40;
    CALL2(0, unmap, 0, a); /* a stamp that hart 1 has not acknowledged */
    bool good = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 4, 100, source).error == AEGIS_E_AGAIN && CALL2(0, release, 0, 100).error == AEGIS_E_AGAIN;
    uint32_t step = ledger_at(p, 100)->step;
    good &= step >= 16;
    tap(good && CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 4, 100, source).error == AEGIS_E_OCCUPIED && ledger_at(p, 100)->step == step,
        "page_alloc: does not go on with a block that is being released (I1)");
    host_serve(1);
    tap(CALL2(0, release, 0, 100).error == 0 && !ledger_at(p, 100)->what, "release: of a block that is being copied");
}

/* Every item in another region: the pool is empty, and a call recycles one table. */
static void vector_recycles_once(void)
{
    scene(1);
    struct aegis_mapping *item = (void *)args;
    for (unsigned i = 0; i < 12; i++)
        item[i] = (struct aegis_mapping){page_new(0, 0), (VA + ((unsigned long)(i + 2) << 21)) | RW};
    unsigned calls = 0, done = 0, most = 0;
    result_t r;
    do {
        uint32_t hand = p->leaf_hand;
        r = CALL3(0, map_vector, 0, ARGS + done * sizeof *item, 12 - done);
        most = p->leaf_hand - hand > most ? p->leaf_hand - hand : most;
        done += r.value;
        if (r.error == AEGIS_E_BAD_ADDRESS) /* the vector's own table was the one */
            r.error = host_access(0, ARGS, PTE_R) ? AEGIS_E_AGAIN : r.error;
    } while (r.error == AEGIS_E_AGAIN && ++calls < 40);
    tap(!r.error && done == 12 && most == 1 && calls > 4, "map_vector: AGAIN, with how many were done, after one table was recycled (I9)");
}

static void child(void)
{
    scene(1);
    unsigned c = child_full(0), a = page_new(0, 0);
    give(c, a, RW);
    tap(CALL3(0, map, c, a, VA | RW).error == 0 && host_translate(child_env(c)->satp, VA, PTE_W) == page_in(p, a), "map: into a controlled environment");
    tap(CALL2(0, unmap, c, a).error == 0 && !host_translate(child_env(c)->satp, VA, PTE_R), "unmap: from it");
    tap(CALL3(0, map, a, a, VA | RW).error == AEGIS_E_WRONG_TYPE, "map: into what is no environment");
}

int main(void)
{
    mapping();
    vector();
    protecting();
    lent();
    stlb();
    exchanging();
    exchange_without_memory();
    superpages();
    harts();
    stale_refills();
    leaving_while_cleared();
    vector_recycles_once();
    child();
    return tap_failed;
}
