/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/vm/radix.c */
/* flags: -idirafter libos/include */
#include "../../libos/vm/radix.h"

#include <stdlib.h>

#include "tap.h"

#define PAGES 4000

static int nodes, nodes_left;
static void *made[1000];

static void *node(void)
{
    if (nodes_left-- <= 0)
        return NULL;
    return made[nodes++] = calloc(1, 4096);
}

static struct radix radix = {.node = node};

static uintptr_t some_address(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    /* a few dense neighbourhoods over the whole address space */
    uintptr_t place = (uintptr_t)(*seed >> 28) << 34;
    *seed = *seed * 1103515245 + 12345;
    return place + (((uintptr_t)*seed >> 8) % 2048 << 12);
}

static void test_entries(void)
{
    unsigned seed = 1;
    bool same = true;
    nodes_left = 1000;
    for (int i = 0; i < PAGES; i++) {
        struct page_entry *e = radix_make(&radix, some_address(&seed));
        e->kind = PAGE_PRESENT;
        e->slot = (uint16_t)(i + 1);
    }
    seed = 1;
    for (int i = 0; i < PAGES; i++) {
        const struct page_entry *e = radix_find(&radix, some_address(&seed) + 0xabc);
        same &= e && e->slot >= i + 1; /* a later page may have the same address */
    }
    tap(same, "radix_finds_what_was_entered");
    tap(!radix_find(&radix, 5UL << 30), "radix_empty");
}

static void test_order(void)
{
    uintptr_t va = 0, last = 0;
    int count = 0, present = 0;
    bool ordered = true;
    for (const struct page_entry *e; (e = radix_next(&radix, &va, 1UL << 38)); va += 4096) {
        ordered &= va >= last && e->kind == PAGE_PRESENT;
        last = va;
        count++;
    }
    for (uintptr_t place = 0; place < 16; place++)
        for (uintptr_t page = 0; page < 2048; page++) {
            const struct page_entry *e = radix_find(&radix, (place << 34) + (page << 12));
            present += e && e->kind == PAGE_PRESENT;
        }
    tap(ordered && count == present, "radix_next_visits_each_once_in_order");
    va = 1UL << 34;
    radix_make(&radix, va)->kind = PAGE_PRESENT;
    tap(radix_next(&radix, &va, (1UL << 34) + 1) && va == 1UL << 34, "radix_next_from_there");
    tap(!radix_next(&radix, &va, va), "radix_next_empty_range");
}

static void test_memory(void)
{
    nodes_left = 0;
    tap(!radix_make(&radix, 200UL << 30), "radix_no_memory");
    nodes_left = 1;
    tap(!radix_make(&radix, 200UL << 30), "radix_no_memory_halfway");
    nodes_left = 1;
    tap(radix_make(&radix, 200UL << 30), "radix_goes_on_after_no_memory");
    tap(radix_make(&radix, (200UL << 30) + 4096) == radix_find(&radix, 200UL << 30) + 1, "radix_node_shared");
}

int main(void)
{
    test_entries();
    test_order();
    test_memory();
    for (int i = 0; i < nodes; i++)
        free(made[i]);
    return tap_failed;
}
