/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory at boot: ranges less what is reserved. All in pages. */
#include "../core/page.h"
#include "../dev/devices.h"
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

/* What nobody has marked, run by run. */
static void free_rest(struct range r)
{
    while (r.first < r.end) {
        uint64_t at = r.first;
        while (at < r.end && pages[at].state == AEGIS_PAGE_NONE)
            at++;
        page_boot_free((pfn_t)r.first, at - r.first);
        for (r.first = at; r.first < r.end && pages[r.first].state != AEGIS_PAGE_NONE;)
            r.first++;
    }
}

/* The firmware leaves room behind the image. */
pfn_t memory_room(uint64_t at, uint64_t count)
{
    for (unsigned i = 0; i < reserved_count; i++)
        if (at < reserved[i].end && reserved[i].first < at + count)
            return memory_room(reserved[i].end, count);
    for (unsigned i = 0; i < memory_count; i++)
        if (memory[i].first <= at && at + count <= memory[i].end)
            return (pfn_t)at;
    return 0;
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

void memory_start(const struct fdt_info *fdt)
{
    if (!memory_count)
        boot_refuse("the devicetree names no memory");
    struct range all = span();
    uint64_t count = all.end - all.first;
    uint64_t record_pages = (count * sizeof(struct aegis_page) + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t table_pages = (record_pages + 511) / 512;
    uint64_t behind = map_physical(image_end) >> 12, low = fdt->device_count ? all.first * sizeof(struct aegis_page) >> 12 : 0;
    pfn_t records = memory_room(behind + low, record_pages + table_pages);
    if (!records)
        records = memory_room(behind, record_pages + table_pages);
    if (!records)
        boot_refuse("no memory for the page records");
    memory_reserve((uint64_t)records << 12, (record_pages + table_pages) << 12);
    /* What follows the last record on its page is exposed with it. */
    machine_clear(machine_direct(records + record_pages - 1));
    exposed.pages_va = AEGIS_EXPOSED_PAGES;
    page_boot((pfn_t)all.first, count, machine_direct(records));
    devices_place(fdt);
    for (unsigned i = 0; i < reserved_count; i++)
        for (uint64_t page = reserved[i].first; page < reserved[i].end; page++)
            if (page_valid((pfn_t)page))
                pages[page].state = AEGIS_PAGE_KERNEL;
    tables_map_exposed(records, record_pages, records + (pfn_t)record_pages);
    for (unsigned i = 0; i < memory_count; i++)
        free_rest(memory[i]);
}
