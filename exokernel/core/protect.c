/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights, accessed and dirty over a range of mapped pages, up to a leaf table's worth (two tables at most). */
#include "limbo.h"
#include "map.h"

static long range_check(unsigned long va, unsigned long count)
{
    REFUSE_IF(count - 1 >= LEAF_ENTRIES, BAD_RANGE);
    REFUSE_IF(va % PAGE_SIZE || va < AEGIS_USER_FIRST, BAD_ADDRESS);
    REFUSE_IF(va > AEGIS_EXPOSED - count * PAGE_SIZE, BAD_ADDRESS);
    REFUSE_IF(va < AEGIS_PINNED + AEGIS_PINNED_SIZE && va + count * PAGE_SIZE > AEGIS_PINNED, BAD_ADDRESS);
    return 0;
}

/* The pages of a range that lie in one leaf table; `entry` is null where there is none. A range has two at the most. */
struct run {
    unsigned long va, count;
    uint64_t *entry;
};

static void runs_find(struct env *e, unsigned long va, unsigned long count, struct run run[2])
{
    unsigned long room = LEAF_ENTRIES - INDEX(va, 0), n = count < room ? count : room;

    run[0] = (struct run){va, n, map_leaf(e, va)};
    run[1] = (struct run){va + n * PAGE_SIZE, count - n, n < count ? map_leaf(e, va + n * PAGE_SIZE) : NULL};
    if (run[0].entry)
        run[0].entry += INDEX(va, 0);
}

static long protect_check(struct env *e, const struct run *r, uint64_t may)
{
    uint64_t *at, all = ~0UL;

    /* a superpage: its rights are its mapping's */
    REFUSE_IF(r->count && !r->entry && map_walk(e, r->va, &at), BAD_ADDRESS);
    if (!may || !r->entry)
        return 0;
#pragma GCC unroll 4
    for (unsigned long i = 0; i < r->count; i++)
        all &= r->entry[i];
    for (unsigned long i = 0; (all & may) != may && i < r->count; i++)
        REFUSE_IF(r->entry[i] && (r->entry[i] & may) != may, NO_RIGHT);
    return 0;
}

/* Bits that entries lost: others have to be told. Without a table the STLB must still forget the range. */
static uint64_t protect_run(struct env *e, const struct run *r, uint64_t rights)
{
    uint64_t set = rights ? rights | PTE_V : 0, keep = ~(uint64_t)(PTE_RWX | PTE_V) | set, had = 0;

    wipe(&e->stlb[r->va >> 12 & e->stlb_mask], r->count * sizeof *e->stlb); /* no STLB is smaller than a table */
    for (uint64_t *entry = r->entry, *end = entry ? entry + r->count : entry; entry != end; entry++) {
        uint64_t old = __atomic_fetch_and(entry, keep, __ATOMIC_RELAXED);
        if (old)
            __atomic_fetch_or(entry, set, __ATOMIC_RELAXED);
        had |= old;
    }
    return had & ~keep;
}

CALL_ENV(map_protect, 3, (va, count, rights))
{
    struct run run[2];

    TRY_CALL(range_check(va, count));
    REFUSE_CALL_IF(rights & ~(unsigned long)AEGIS_RWX, BAD_RIGHTS);
    REFUSE_CALL_IF(rights & AEGIS_W && !(rights & AEGIS_R), BAD_RIGHTS);
    /* A refill on another hart that began before may bring rights back: done is who finds nothing more to take, after all let go. */
    uint32_t stamp = e->stamp;
    bool over = limbo_over(e->mask, stamp);
    runs_find(e, va, count, run);
    TRY_CALL(protect_check(e, &run[0], MAY(rights)));
    TRY_CALL(protect_check(e, &run[1], MAY(rights)));
    uint64_t lost = protect_run(e, &run[0], rights);
    if (run[1].count)
        lost |= protect_run(e, &run[1], rights);
    map_flush(e, va, count, lost);
    return over && e->stamp == stamp ? OK_VALUE(count) : FAIL(AGAIN);
}

static uint64_t clean_run(struct env *e, const struct run *r)
{
    unsigned long first = INDEX(r->va, 0);
    const uint16_t *slot = r->entry ? leaf_shadow(r->entry - first) + first : NULL;
    uint64_t had = 0;

    for (unsigned long i = 0; slot && i < r->count; i++)
        if (r->entry[i]) {
            had |= __atomic_fetch_and(&r->entry[i], ~(uint64_t)(PTE_A | PTE_D), __ATOMIC_RELAXED);
            ledger_at(e, slot[i])->where &= ~(uint64_t)(AEGIS_ACCESSED | AEGIS_DIRTY);
        }
    return had & (PTE_A | PTE_D);
}

CALL_ENV(map_clean, 2, (va, count))
{
    struct run run[2];

    TRY_CALL(range_check(va, count));
    runs_find(e, va, count, run);
    map_flush(e, va, count, clean_run(e, &run[0]) | clean_run(e, &run[1]));
    return limbo_over(e->mask, e->stamp) ? OK_VALUE(count) : FAIL(AGAIN);
}
