/* SPDX-License-Identifier: BSD-2-Clause */
/* A sparse table of page entries by address: 256 x 512 x 512. Nodes are pages; a lowest one covers
 * 2 MiB. Host-tested. */
#pragma once

#include <aegis/pager.h>

#define RADIX_TOP    256
#define RADIX_FANOUT 512

struct radix {
    void *(*node)(void); /* a page of zeros, or null */
    struct page_entry **top[RADIX_TOP];
    uint64_t used[RADIX_TOP / 64]; /* bit n: top[n] is not null */
};

/* Null: the address has no lowest node. */
static inline __attribute__((always_inline)) struct page_entry *radix_find(
    const struct radix *radix, uintptr_t va)
{
    struct page_entry **middle = radix->top[va >> 30 & (RADIX_TOP - 1)];
    struct page_entry *low = middle ? middle[va >> 21 & (RADIX_FANOUT - 1)] : 0;
    return low ? &low[va >> 12 & (RADIX_FANOUT - 1)] : 0;
}
/* Makes nodes as needed. Null: no memory. */
struct page_entry *radix_make(struct radix *radix, uintptr_t va);
/* The first entry at or after *va that is not PAGE_NONE; *va is moved to it. Null: none below
 * `end`. */
struct page_entry *radix_next(const struct radix *radix, uintptr_t *va, uintptr_t end);
