/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager whose table is inverted: its size is that of what is there, not of where it lies (SOSP'95,
 * 6.2, Table 13). A hash table of clusters, sixteen pages each, chained.
 *
 *     bucket[hash(va / 64 KiB)] --> cluster: number | next | 16 entries --> cluster ...
 *
 * What lies next in order of address the list of regions tells: nothing lies outside of them.
 */
#include <errno.h>

#include "vm.h"

#define CLUSTER  16
#define BUCKETS  256
#define NUMBER(va) ((va) >> 16)
#define INDEX(va)  ((va) >> 12 & (CLUSTER - 1))

struct cluster {
    uintptr_t number;
    struct cluster *next;
    struct page_entry entry[CLUSTER];
};

#define PER_PAGE ((AEGIS_PAGE_SIZE - sizeof(void *)) / sizeof(struct cluster))

struct pool {
    struct pool *next;
    struct cluster cluster[PER_PAGE];
};

static PINNED_BSS struct cluster *bucket[BUCKETS], *last; /* last: that was entered to */
static PINNED_BSS struct cluster *fresh, *fresh_end; /* not used yet: without entries */
static PINNED_BSS struct pool first, *more; /* a small program needs no second */

static inline struct cluster **bucket_of(uintptr_t va)
{
    return &bucket[(NUMBER(va) ^ NUMBER(va) >> 8) % BUCKETS];
}

static inline struct cluster *cluster_find(uintptr_t va)
{
    struct cluster *c = *bucket_of(va);

    while (c && c->number != NUMBER(va))
        c = c->next;
    return c;
}

PINNED_CODE static int init(void)
{
    fresh = first.cluster;
    fresh_end = first.cluster + PER_PAGE;
    return 0;
}

PINNED_CODE static void end(void)
{
    struct cluster *c = more ? first.cluster + PER_PAGE : fresh;

    while (c-- != first.cluster)
        for (unsigned i = 0; i < CLUSTER; i++)
            c->entry[i].kind = PAGE_NONE;
#pragma GCC unroll 8
    for (unsigned i = 0; i < BUCKETS; i++)
        bucket[i] = 0;
    for (; more; more = more->next)
        pager_memory_give(more);
    last = 0;
}

PINNED_CODE static int pool_more(void)
{
    struct pool *p = pager_memory();

    if (!p)
        return ENOMEM;
    p->next = more;
    more = p;
    fresh = p->cluster;
    fresh_end = p->cluster + PER_PAGE;
    return 0;
}

PINNED_CODE static int cluster_add(uintptr_t va)
{
    struct cluster **place = bucket_of(va), *c;

    if (fresh == fresh_end && pool_more())
        return ENOMEM;
    c = last = fresh++;
    c->number = NUMBER(va);
    c->next = *place;
    *place = c;
    return 0;
}

PINNED_CODE static struct page_entry *find(uintptr_t va)
{
    struct cluster *c = cluster_find(va);
    return c ? &c->entry[INDEX(va)] : 0;
}

PINNED_CODE static struct page_entry *run(uintptr_t va, size_t *count)
{
    *count = CLUSTER - INDEX(va);
    return find(va);
}

PINNED_CODE static int enter_slowly(uintptr_t va, struct page_entry entry)
{
    struct cluster *c = cluster_find(va);

    if (c)
        last = c;
    else if (entry.kind == PAGE_NONE)
        return 0;
    else if (cluster_add(va))
        return ENOMEM;
    last->entry[INDEX(va)] = entry;
    return 0;
}

PINNED_CODE static int enter(uintptr_t va, struct page_entry entry)
{
    if (!last || last->number != NUMBER(va))
        return enter_slowly(va, entry);
    last->entry[INDEX(va)] = entry;
    return 0;
}

/* The next address from `at` on that lies in a region. */
PINNED_CODE static uintptr_t in_region(uintptr_t at)
{
    unsigned i = region_search(at);

    if (i == region_count)
        return ~0UL;
    return regions[i].start > at ? regions[i].start : at;
}

PINNED_CODE static struct page_entry *next(uintptr_t *va, uintptr_t end)
{
    uintptr_t at = *va;

    for (;;) {
        struct cluster *c;
        while (!(c = cluster_find(at)) || c->entry[INDEX(at)].kind == PAGE_NONE) {
            at = c ? at + AEGIS_PAGE_SIZE : (NUMBER(at) + 1) << 16;
            const struct region *r = at < end ? region_at(at) : 0;
            if (!r && (at = in_region(at)) >= end)
                return 0;
        }
        *va = at;
        return at < end ? &c->entry[INDEX(at)] : 0;
    }
}

PINNED_CONST const struct pager pager_inverted = {
    .name = "inverted",
    .init = init,
    .end = end,
    .fault = page_fault,
    .deferred = page_deferred,
    .find = find,
    .next = next,
    .run = run,
    .enter = enter,
};
