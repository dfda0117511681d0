/* SPDX-License-Identifier: BSD-2-Clause */
/* The default pager: what is where stands in a radix tree of page entries. */
#include <errno.h>

#include "radix.h"
#include "vm.h"

static PINNED_OWN struct radix radix; /* a parked environment's is as ours is (parked.c) */

#define NOTED 48

static PINNED_OWN void *made[NOTED]; /* the first nodes: of most programs, all */
static PINNED_OWN unsigned made_count;

PINNED_CODE static void *node(void)
{
    void *page = pager_memory();

    if (page && made_count < NOTED)
        made[made_count] = page;
    made_count += page != 0;
    return page;
}

PINNED_CODE static int radix_init(void)
{
    radix.node = node;
    return 0;
}

PINNED_CODE static void nodes_search(void)
{
    for (unsigned i = 0; i < RADIX_TOP; i++) {
        struct page_entry **middle = radix.top[i];
        for (unsigned k = 0; middle && k < RADIX_FANOUT; k++)
            if (middle[k])
                pager_memory_give(middle[k]);
        if (middle)
            pager_memory_give(middle);
    }
}

/* The compiler's own is a function that is not pinned. */
static inline unsigned trailing_zeros(uint64_t x)
{
    unsigned n = 0;
    while (!(x >> n & 1))
        n++;
    return n;
}

PINNED_CODE static void radix_end(void)
{
    if (made_count > NOTED)
        nodes_search();
    for (unsigned i = 0; i < made_count && made_count <= NOTED; i++)
        pager_memory_give(made[i]);
    for (unsigned i = 0; i < RADIX_TOP / 64; i++)
        for (; radix.used[i]; radix.used[i] &= radix.used[i] - 1)
            radix.top[64 * i + trailing_zeros(radix.used[i])] = 0;
    made_count = 0;
}

PINNED_CODE static struct page_entry *find(uintptr_t va)
{
    return radix_find(&radix, va);
}

PINNED_CODE static struct page_entry *next(uintptr_t *va, uintptr_t end)
{
    return radix_next(&radix, va, end);
}

PINNED_CODE static struct page_entry *run(uintptr_t va, size_t *count)
{
    *count = RADIX_FANOUT - (va >> 12 & (RADIX_FANOUT - 1));
    return radix_find(&radix, va);
}

PINNED_CODE static int enter(uintptr_t va, struct page_entry entry)
{
    struct page_entry *e = radix_find(&radix, va);

    if (!e && entry.kind != PAGE_NONE && !(e = radix_make(&radix, va)))
        return ENOMEM;
    if (e)
        *e = entry;
    return 0;
}

PINNED_CONST const struct pager pager_radix = {
    .name = "radix",
    .init = radix_init,
    .end = radix_end,
    .fault = page_fault,
    .deferred = page_deferred,
    .find = find,
    .next = next,
    .run = run,
    .enter = enter,
};

/* Here, not where it is used: there the compiler would know its value. */
__attribute__((weak)) PINNED_CONST const struct pager *const aegis_pager = &pager_radix;
