/* SPDX-License-Identifier: BSD-2-Clause */
#include "radix.h"

#define TOP(va)    ((va) >> 30 & 255)
#define MIDDLE(va) ((va) >> 21 & 511)
#define LOW(va)    ((va) >> 12 & 511)

PINNED_CODE struct page_entry *radix_find(const struct radix *radix, uintptr_t va)
{
    struct page_entry **middle = radix->top[TOP(va)];
    struct page_entry *low = middle ? middle[MIDDLE(va)] : 0;
    return low ? &low[LOW(va)] : 0;
}

PINNED_CODE struct page_entry *radix_make(struct radix *radix, uintptr_t va)
{
    struct page_entry ***middle = &radix->top[TOP(va)], **low;

    if (!*middle && !(*middle = radix->node()))
        return 0;
    low = &(*middle)[MIDDLE(va)];
    if (!*low && !(*low = radix->node()))
        return 0;
    return &(*low)[LOW(va)];
}

/* The start of the 2^shift bytes after those of va. */
PINNED_CODE static uintptr_t after(uintptr_t va, unsigned shift)
{
    return ((va >> shift) + 1) << shift;
}

PINNED_CODE struct page_entry *radix_next(const struct radix *radix, uintptr_t *va, uintptr_t end)
{
    uintptr_t at = *va;

    while (at < end) {
        struct page_entry **middle = radix->top[TOP(at)];
        struct page_entry *low = middle ? middle[MIDDLE(at)] : 0;
        if (low && low[LOW(at)].kind != PAGE_NONE) {
            *va = at;
            return &low[LOW(at)];
        }
        at = after(at, low ? 12 : middle ? 21 : 30);
    }
    return 0;
}
