/* SPDX-License-Identifier: BSD-2-Clause */
/* The default pager: what is where stands in a radix tree of page entries. */
#include <errno.h>

#include "radix.h"
#include "vm.h"

static PINNED_BSS struct radix radix;

PINNED_CODE static int radix_init(void)
{
    radix.node = pager_memory;
    return 0;
}

PINNED_CODE static void radix_end(void)
{
    for (unsigned i = 0; i < RADIX_TOP; i++) {
        struct page_entry **middle = radix.top[i];
        for (unsigned k = 0; middle && k < RADIX_FANOUT; k++)
            if (middle[k])
                pager_memory_give(middle[k]);
        if (middle)
            pager_memory_give(middle);
        radix.top[i] = 0;
    }
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
