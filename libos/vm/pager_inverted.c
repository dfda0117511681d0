/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager whose table is inverted: its size is that of what is there, not of where it lies (SOSP'95,
 * 6.2, Table 13). A hash table of clusters, eight pages each, chained.
 *
 *     bucket[hash(va / 32 KiB)] --> cluster: number | next | 8 entries --> cluster ...
 *
 * What lies next in order of address the list of regions tells: nothing lies outside of them.
 */
#include <errno.h>

#include "vm.h"

#define CLUSTER  8
#define BUCKETS  256
#define NUMBER(va) ((va) >> 15)
#define INDEX(va)  ((va) >> 12 & (CLUSTER - 1))

struct cluster {
    uintptr_t number;
    struct cluster *next;
    struct page_entry entry[CLUSTER];
};

struct pool {
    struct pool *next;
    uint64_t spare;
    struct cluster cluster[(AEGIS_PAGE_SIZE - 16) / sizeof(struct cluster)];
};

static PINNED_BSS struct cluster **bucket; /* a page's half; empty before init */
static PINNED_BSS struct cluster *unused;
static PINNED_BSS struct pool *pools;

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
    bucket = pager_memory();
    return bucket ? 0 : ENOMEM;
}

PINNED_CODE static void end(void)
{
    while (pools) {
        struct pool *p = pools;
        pools = p->next;
        pager_memory_give(p);
    }
    if (bucket)
        pager_memory_give(bucket);
    unused = 0;
    bucket = 0;
}

PINNED_CODE static int more(void)
{
    struct pool *p = pager_memory();

    if (!p)
        return ENOMEM;
    p->next = pools;
    pools = p;
    for (unsigned i = 0; i < sizeof p->cluster / sizeof p->cluster[0]; i++) {
        p->cluster[i].next = unused;
        unused = &p->cluster[i];
    }
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

PINNED_CODE static int enter(uintptr_t va, struct page_entry entry)
{
    struct page_entry *e = find(va);

    if (!e) {
        if (entry.kind == PAGE_NONE)
            return 0;
        if (!unused && more())
            return ENOMEM;
        struct cluster *c = unused, **first = bucket_of(va);
        unused = c->next;
        c->number = NUMBER(va);
        c->next = *first;
        *first = c;
        e = &c->entry[INDEX(va)];
    }
    *e = entry;
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
            at = c ? at + AEGIS_PAGE_SIZE : (NUMBER(at) + 1) << 15;
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
