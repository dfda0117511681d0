/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights, accessed and dirty over a range of mapped pages, up to a leaf table's worth (two tables at most). */
#include "limbo.h"
#include "map.h"

static long range_check(unsigned long va, unsigned long count)
{
    if (count - 1 >= LEAF_ENTRIES)
        return AEGIS_E_BAD_RANGE;
    if (va % PAGE_SIZE || va < AEGIS_USER_FIRST || va > AEGIS_EXPOSED - count * PAGE_SIZE)
        return AEGIS_E_BAD_ADDRESS;
    if (va < AEGIS_PINNED + AEGIS_PINNED_SIZE && va + count * PAGE_SIZE > AEGIS_PINNED)
        return AEGIS_E_BAD_ADDRESS;
    return 0;
}

/* Pages from va on that lie in one leaf table, at most count. */
static unsigned long run_length(unsigned long va, unsigned long count)
{
    unsigned long room = LEAF_ENTRIES - INDEX(va, 0);
    return count < room ? count : room;
}

static long protect_check(const uint64_t *entry, unsigned long n, uint64_t may)
{
    if (!may)
        return 0;
#pragma GCC unroll 4
    for (unsigned long i = 0; i < n; i++) {
        uint64_t pte = entry[i];
        if ((pte & may) != may && pte)
            return AEGIS_E_NO_RIGHT;
    }
    return 0;
}

static void words_clear(uint64_t *word, unsigned long n)
{
    for (; n >= 4; n -= 4, word += 4)
        word[0] = word[1] = word[2] = word[3] = 0;
    while (n--)
        *word++ = 0;
}

static void stlb_drop_run(struct env *e, unsigned long va, unsigned long n)
{
    unsigned long i = va >> 12 & e->stlb_mask, room = e->stlb_mask + 1 - i;

    if (n > room) {
        words_clear(e->stlb, n - room);
        n = room;
    }
    words_clear(&e->stlb[i], n);
}

/* Bits that entries lost: others have to be told. Without a table the STLB must still forget the range. */
static uint64_t protect_run(struct env *e, uint64_t *entry, unsigned long va, unsigned long n,
                            uint64_t rights)
{
    uint64_t set = rights ? rights | PTE_V : 0, keep = ~(uint64_t)(PTE_RWX | PTE_V) | set, had = 0;

    stlb_drop_run(e, va, n);
    for (uint64_t *end = entry ? entry + n : entry; entry != end; entry++) {
        uint64_t old = __atomic_fetch_and(entry, keep, __ATOMIC_RELAXED);
        if (old)
            __atomic_fetch_or(entry, set, __ATOMIC_RELAXED);
        had |= old;
    }
    return had & ~keep;
}

static long protect_range(struct env *e, unsigned long va, unsigned long count, uint64_t rights)
{
    uint64_t may = MAY(rights);
    unsigned long n = run_length(va, count), rest = va + n * PAGE_SIZE;
    uint64_t *first = map_leaf(e, va), *second = n < count ? map_leaf(e, rest) : NULL;
    uint64_t *at;
    if ((!first && map_walk(e, va, &at)) || (n < count && !second && map_walk(e, rest, &at)))
        return AEGIS_E_BAD_ADDRESS; /* a superpage: its rights are its mapping's */
    long error = first ? protect_check(&first[INDEX(va, 0)], n, may) : 0;

    if (!error && second)
        error = protect_check(second, count - n, may);
    if (error)
        return error;
    uint64_t lost = protect_run(e, first ? &first[INDEX(va, 0)] : NULL, va, n, rights);
    if (n < count)
        lost |= protect_run(e, second, rest, count - n, rights);
    map_flush(e, va, count, lost);
    return 0;
}

result_t call_map_protect(unsigned long env, unsigned long va, unsigned long count,
                          unsigned long rights)
{
    struct env *e;
    long error = range_check(va, count);

    if (error)
        return (result_t){error, 0};
    if (rights & ~(unsigned long)AEGIS_RWX || (rights & AEGIS_W && !(rights & AEGIS_R)))
        return FAIL(BAD_RIGHTS);
    error = env_lock(env, &e);
    if (error)
        return (result_t){error, 0};
    /* A refill on another hart that began before may bring rights back: done is who finds nothing more to take, after all let go. */
    uint32_t stamp = e->stamp;
    bool over = limbo_over(e->mask, stamp);
    error = protect_range(e, va, count, rights);
    if (!error && (!over || e->stamp != stamp))
        error = AEGIS_E_AGAIN;
    env_unlock(e);
    return (result_t){error, error ? 0 : count};
}

static uint64_t clean_run(struct env *e, uint64_t *table, unsigned long va, unsigned long n)
{
    unsigned long i = INDEX(va, 0);
    uint64_t had = 0;

    for (unsigned long end = i + n; table && i < end; i++)
        if (table[i]) {
            had |= __atomic_fetch_and(&table[i], ~(uint64_t)(PTE_A | PTE_D), __ATOMIC_RELAXED);
            ledger_at(e, leaf_shadow(table)[i])->where &=
                ~(uint64_t)(AEGIS_ACCESSED | AEGIS_DIRTY);
        }
    return had & (PTE_A | PTE_D);
}

result_t call_map_clean(unsigned long env, unsigned long va, unsigned long count)
{
    struct env *e;
    long error = range_check(va, count);

    if (!error)
        error = env_lock(env, &e);
    if (error)
        return (result_t){error, 0};
    unsigned long n = run_length(va, count), rest = va + n * PAGE_SIZE;
    uint64_t lost = clean_run(e, map_leaf(e, va), va, n);
    if (n < count)
        lost |= clean_run(e, map_leaf(e, rest), rest, count - n);
    map_flush(e, va, count, lost);
    if (!limbo_over(e->mask, e->stamp))
        error = AEGIS_E_AGAIN;
    env_unlock(e);
    return (result_t){error, error ? 0 : count};
}
