/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory at boot: ranges less what is reserved. All in pages. */
#include "../core/page.h"
#include "boot.h"

#define RANGES 8
#define RESERVED 48
/* Records of more would not fit into the exposed GiB. */
#define PAGES_MAX (128UL << 18)

struct range {
    uint64_t first, end;
};

static struct range memory[RANGES], reserved[RESERVED];
static unsigned memory_count, reserved_count;

void memory_add(const struct fdt_range *r)
{
    uint64_t first = (r->base + PAGE_SIZE - 1) >> 12, end = (r->base + r->size) >> 12;
    if (end > PAGES_MAX)
        end = PAGES_MAX;
    if (first >= end || memory_count == RANGES)
        return;
    memory[memory_count++] = (struct range){first, end};
    tables_map_memory(first, end - first);
}

void memory_reserve(uint64_t base, uint64_t size)
{
    if (!size)
        return;
    if (reserved_count == RESERVED)
        boot_refuse("too many reserved memory ranges");
    reserved[reserved_count++] = (struct range){base >> 12, (base + size + PAGE_SIZE - 1) >> 12};
}

/* The free run at or after `at` within a memory range; first == end: none. */
static struct range gap(uint64_t at, uint64_t end)
{
    bool moved;
    do {
        moved = false;
        for (unsigned i = 0; i < reserved_count; i++) {
            if (reserved[i].first <= at && at < reserved[i].end) {
                at = reserved[i].end;
                moved = true;
            }
        }
    } while (moved);
    if (at >= end)
        return (struct range){end, end};
    for (unsigned i = 0; i < reserved_count; i++) {
        if (reserved[i].first > at && reserved[i].first < end)
            end = reserved[i].first;
    }
    return (struct range){at, end};
}

pfn_t memory_take(uint64_t count)
{
    for (unsigned i = 0; i < memory_count; i++) {
        struct range g = gap(memory[i].first, memory[i].end);
        for (; g.first < g.end; g = gap(g.end, memory[i].end)) {
            if (g.end - g.first >= count) {
                memory_reserve(g.first << 12, count << 12);
                return (pfn_t)g.first;
            }
        }
    }
    return 0;
}

static void mark_kernel(pfn_t first, uint64_t count)
{
    for (; count; first++, count--)
        pages[first].state = AEGIS_PAGE_KERNEL;
}

static void free_rest(void)
{
    for (unsigned i = 0; i < memory_count; i++) {
        struct range g = gap(memory[i].first, memory[i].end);
        for (; g.first < g.end; g = gap(g.end, memory[i].end))
            page_boot_free((pfn_t)g.first, g.end - g.first);
    }
}

/* The span of all memory, as the records number it. */
static struct range span(void)
{
    struct range s = memory[0];
    for (unsigned i = 0; i < memory_count; i++) {
        exposed.memory[i] = (struct aegis_range){memory[i].first, memory[i].end - memory[i].first};
        s.first = memory[i].first < s.first ? memory[i].first : s.first;
        s.end = memory[i].end > s.end ? memory[i].end : s.end;
    }
    return s;
}

void memory_start(void)
{
    extern char image_start[], image_end[];
    if (!memory_count)
        boot_refuse("the devicetree names no memory");
    struct range all = span();
    uint64_t count = all.end - all.first;
    uint64_t record_pages = (count * sizeof(struct aegis_page) + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t table_pages = (record_pages + 511) / 512;
    pfn_t records = memory_take(record_pages), tables = memory_take(table_pages);
    if (!records || !tables)
        boot_refuse("no memory for the page records");
    /* What follows the last record on its page is exposed with it. */
    machine_clear(machine_direct(records + record_pages - 1));
    exposed.page_first = all.first;
    exposed.page_count = count;
    exposed.pages_va = AEGIS_EXPOSED_PAGES;
    page_boot((pfn_t)all.first, count, machine_direct(records));
    mark_kernel(map_physical(image_start) >> 12, (uint64_t)(image_end - image_start) >> 12);
    mark_kernel(records, record_pages);
    mark_kernel(tables, table_pages);
    tables_map_exposed(records, record_pages, tables);
    free_rest();
}
