/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may be touched: regions in order of address, none touching another of its kind. A few lie in
 * pinned memory, more at VM_REGIONS. All pinned and masked.
 */
#include <errno.h>

#include "vm.h"

#define FEW      32
#define PER_PAGE (AEGIS_PAGE_SIZE / sizeof(struct region))

static PINNED_OWN struct region few[FEW]; /* parked.c copies it */
PINNED_DATA struct region *regions = few;
PINNED_BSS unsigned region_count, region_last;

PINNED_CODE unsigned region_search(uintptr_t va)
{
    unsigned low = 0, high = region_count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (regions[middle].end > va)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

PINNED_CODE struct region *region_at(uintptr_t va)
{
    struct region *r = &regions[region_last];

    if (va - r->start < r->end - r->start)
        return r;
    unsigned i = region_search(va);
    if (i == region_count || regions[i].start > va)
        return 0;
    region_last = i;
    return &regions[i];
}

PINNED_CODE static void words_move(struct region *to, const struct region *from, unsigned count)
{
    volatile uint64_t *t = (volatile uint64_t *)to;
    const uint64_t *f = (const uint64_t *)from;
    unsigned n = count * (sizeof *to / 8);

    if (to < from)
        for (unsigned i = 0; i < n; i++)
            t[i] = f[i];
    else
        while (n--)
            t[n] = f[n];
}

PINNED_CODE static int room_make(unsigned more)
{
    while ((region_pages * (uintptr_t)AEGIS_PAGE_SIZE) / sizeof(struct region) <
           region_count + more)
        if (memory_regions_grow())
            return ENOMEM;
    if (regions == few) {
        struct region *many = (struct region *)VM_REGIONS;
        words_move(many, few, region_count);
        regions = many;
    }
    return 0;
}

PINNED_CODE int region_room(unsigned more)
{
    return regions == few && region_count + more <= FEW ? 0 : room_make(more);
}

PINNED_CODE static void place_make(unsigned at)
{
    words_move(&regions[at + 1], &regions[at], region_count - at);
    region_count++;
    region_last = at;
}

PINNED_CODE static void place_close(unsigned at, unsigned count)
{
    words_move(&regions[at], &regions[at + count], region_count - at - count);
    region_count -= count;
    regions[region_count].start = regions[region_count].end = 0; /* region_last may be it */
    region_last = 0;
}

/* Whether b goes on where a ends, as one. */
PINNED_CODE static int joins(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->rights == b->rights && a->most == b->most &&
           a->kind == b->kind && a->flags == b->flags && a->data == b->data &&
           a->object == b->object && !a->object;
}

PINNED_CODE void region_insert(const struct region *r)
{
    region_insert_at(r, region_search(r->start));
}

PINNED_CODE void region_insert_at(const struct region *r, unsigned at)
{

    if (at && joins(&regions[at - 1], r)) {
        regions[at - 1].end = r->end;
        if (at < region_count && joins(&regions[at - 1], &regions[at])) {
            regions[at - 1].end = regions[at].end;
            place_close(at, 1);
        }
        return;
    }
    if (at < region_count && joins(r, &regions[at]) && r->kind != REGION_GROW) {
        regions[at].start = r->start;
        return;
    }
    place_make(at);
    words_move(&regions[at], r, 1);
}

PINNED_CODE int region_split(uintptr_t va)
{
    unsigned at = region_search(va);

    if (at == region_count || regions[at].start >= va)
        return 0;
    if (region_room(1))
        return ENOMEM;
    place_make(at);
    words_move(&regions[at], &regions[at + 1], 1);
    regions[at].end = va;
    regions[at + 1].offset += va - regions[at + 1].start;
    regions[at + 1].start = va;
    return 0;
}

PINNED_CODE int region_cut(uintptr_t start, uintptr_t end)
{
    struct region *r = region_at(start);

    if (r && r->start == start && r->end == end) {
        place_close((unsigned)(r - regions), 1);
        return 0;
    }
    if (r && r->end == end) {
        r->end = start;
        return 0;
    }
    if (region_split(start) || region_split(end))
        return ENOMEM;
    unsigned first = region_search(start), n = 0;
    while (first + n < region_count && regions[first + n].start < end)
        n++;
    if (n)
        place_close(first, n);
    return 0;
}
