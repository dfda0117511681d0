/* SPDX-License-Identifier: BSD-2-Clause */
#include "radix.h"

#define TOP(va)    ((va) >> 30 & 255)
#define MIDDLE(va) ((va) >> 21 & 511)
#define LOW(va)    ((va) >> 12 & 511)

PINNED_CODE struct page_entry *radix_make(struct radix *radix, uintptr_t va)
{
    struct page_entry ***middle = &radix->top[TOP(va)], **low;

    if (!*middle && !(*middle = radix->node()))
        return 0;
    radix->used[TOP(va) / 64] |= 1UL << TOP(va) % 64;
    low = &(*middle)[MIDDLE(va)];
    if (!*low && !(*low = radix->node()))
        return 0;
    return &(*low)[LOW(va)];
}

PINNED_CODE struct page_entry *radix_next(const struct radix *radix, uintptr_t *va, uintptr_t end)
{
    uintptr_t at = *va;

    while (at < end) {
        struct page_entry **middle = radix->top[TOP(at)];
        unsigned m = MIDDLE(at), i = LOW(at);
        if (!middle) {
            at = ((at >> 30) + 1) << 30;
            continue;
        }
        if (!middle[m]) {
            while (++m < RADIX_FANOUT && !middle[m])
                ;
            at = (at >> 30 << 30) + ((uintptr_t)m << 21);
            continue;
        }
        while (i < RADIX_FANOUT && middle[m][i].kind == PAGE_NONE)
            i++;
        at = (at >> 21 << 21) + ((uintptr_t)i << 12);
        if (i == RADIX_FANOUT)
            continue;
        *va = at;
        return at < end ? &middle[m][i] : 0;
    }
    return 0;
}
