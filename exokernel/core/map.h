/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation. The radix table that the hardware walks is a cache in a fixed number of lent tables; the STLB
 * (SOSP'95 5.4.1) is a larger one of single words beside it; the claim is the truth.
 *
 *     STLB word   63       38 33 31 30 25      16 15    0
 *                 page number  W  R  X  PTE 9..0    slot     page 0 is never mapped, so a zero word never matches
 *                 (W, R, X stand at 26 + scause - 8 of the page fault that they allow)
 *
 * A leaf table is lent with its shadow behind it: for each entry, the slot. Whoever removes an entry or-s its
 * accessed and dirty bits into the claim. Entries change by AMO only. e->lock is held throughout; the refill path
 * (riscv/entry.S) takes no lock, so it writes its entry first and then looks at the claim again.
 */
#pragma once

#include "ledger.h"

#define LEAF_ENTRIES 512
#define REGION(va) ((va) >> 21)
#define INDEX(va, level) ((va) >> (12 + 9 * (level)) & 511)

/* A claim's W and X stand six bits higher in an entry. */
_Static_assert(AEGIS_W << 6 == PTE_MAY_W && AEGIS_X << 6 == PTE_MAY_X, "rights");
#define MAY(rights) ((rights) << 6 & (PTE_MAY_W | PTE_MAY_X))

static inline uint16_t *leaf_shadow(uint64_t *table)
{
    return (uint16_t *)((char *)table + PAGE_SIZE);
}

/* The entry that translates va, or 0, and where it stands. Of a superpage: as if it were the 4 KiB page's. */
uint64_t map_walk(struct env *e, unsigned long va, uint64_t **at);
/* Drops a claim's translations; accessed and dirty stay in the claim. Sets e->stamp where other harts must see it. */
void map_drop(struct env *e, struct aegis_claim *c, unsigned long slot);
/* Enters the translation of a claimed block, as the call does. */
long map_claim(struct env *e, unsigned long slot, unsigned long va_rights);
/* Whether a page fault was a hit in the STLB, and its translation is there again. */
bool map_refill(struct env *e, unsigned long va, unsigned cause);
/* Shows a page at page `n` of the environment's window, read-only or (an activation) writable. */
void map_window(struct env *e, unsigned n, pfn_t page, uint64_t rights);

/* ---- between map.c and protect.c ---- */

uint64_t *map_leaf_search(struct env *e, unsigned long va);

/* The leaf table that covers va, or null. */
static inline uint64_t *map_leaf(struct env *e, unsigned long va)
{
    return e->leaf_region == REGION(va) ? e->leaf_table : map_leaf_search(e, va);
}

/* Translations lost something: here at once; elsewhere (`lost`), if others may hold it, when e->stamp is over. */
void map_flush(struct env *e, unsigned long va, unsigned long count, bool lost);
