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

static void mark_kernel(struct range r)
{
    for (; r.first < r.end; r.first++)
        if (page_valid((pfn_t)r.first))
            pages[r.first].state = AEGIS_PAGE_KERNEL;
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

/* The first run of pages behind `at` in which nothing is reserved; the firmware leaves room behind the image. */
static pfn_t room(uint64_t at, uint64_t count)
{
    for (unsigned i = 0; i < reserved_count; i++)
        if (at < reserved[i].end && reserved[i].first < at + count)
            return room(reserved[i].end, count);
    for (unsigned i = 0; i < memory_count; i++)
        if (memory[i].first <= at && at + count <= memory[i].end)
            return (pfn_t)at;
    return 0;
}

/* The pages that hold the record of a page which is no memory. */
static struct range record_pages(uint64_t page)
{
    struct range r = {machine_page_of(&pages[page]), machine_page_of(&pages[page + 1]) + 1};
    return r;
}

/*
 * A device's page is numbered like memory's, far below it; so where its record stands, in front of the others, a page is kept.
 * Devices whose records do not stand there are not offered.
 */
static void devices_place(const struct fdt_info *fdt)
{
    struct range kept = {0, 0};
    for (unsigned i = 0, n = 0; i < fdt->device_count && n < AEGIS_DEVICES - 1; i++) {
        const struct fdt_device *d = &fdt->device[i];
        uint64_t page = d->reg.base >> 12;
        struct range at = record_pages(page);
        if (page >= exposed.page_first || d->reg.base >> 12 >= UINT32_MAX)
            continue;
        if (!kept.end && room(at.first, 2) == at.first) {
            kept = (struct range){at.first, at.first + 2};
            memory_reserve(kept.first << 12, 2 * PAGE_SIZE);
            machine_clear(machine_direct((pfn_t)kept.first));
            machine_clear(machine_direct((pfn_t)kept.first + 1));
        }
        if (at.first < kept.first || at.end > kept.end)
            continue;
        pages[page] = (struct aegis_page){.state = AEGIS_PAGE_USED, .flags = AEGIS_PAGE_IS_DEVICE};
        exposed.device[n++] = (struct aegis_device){(uint32_t)page, d->kind, d->irq, 0};
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

void memory_start(const struct fdt_info *fdt)
{
    extern char image_end[];
    if (!memory_count)
        boot_refuse("the devicetree names no memory");
    struct range all = span();
    uint64_t count = all.end - all.first;
    uint64_t record_pages = (count * sizeof(struct aegis_page) + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t table_pages = (record_pages + 511) / 512;
    uint64_t behind = map_physical(image_end) >> 12, low = fdt->device_count ? all.first * sizeof(struct aegis_page) >> 12 : 0;
    pfn_t records = room(behind + low, record_pages + table_pages);
    if (!records)
        records = room(behind, record_pages + table_pages);
    if (!records)
        boot_refuse("no memory for the page records");
    memory_reserve((uint64_t)records << 12, (record_pages + table_pages) << 12);
    /* What follows the last record on its page is exposed with it. */
    machine_clear(machine_direct(records + record_pages - 1));
    exposed.page_first = all.first;
    exposed.page_count = count;
    exposed.pages_va = AEGIS_EXPOSED_PAGES;
    page_boot((pfn_t)all.first, count, machine_direct(records));
    devices_place(fdt);
    for (unsigned i = 0; i < reserved_count; i++)
        mark_kernel(reserved[i]);
    tables_map_exposed(records, record_pages, records + (pfn_t)record_pages);
    for (unsigned i = 0; i < memory_count; i++)
        free_rest(memory[i]);
}
