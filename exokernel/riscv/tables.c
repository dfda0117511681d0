/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's translations. After boot none of them changes, so harts need not be told. */
#include "boot.h"

#define KERNEL_RW (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)
#define TABLE(pa) (((pa) >> 12) << 10 | PTE_V)
#define LEAF(pa, rights) (((pa) >> 12) << 10 | (rights))
#define GIB_SHIFT 30
#define ROOT_INDEX(va) ((uint64_t)(va) >> GIB_SHIFT & 511)

extern char text_end[], rodata_end[], stacks_start[], stacks_end[], exposed_start[], exposed_end[];

static uint64_t root[512] __attribute__((aligned(4096)));
uint64_t image_middle[512] __attribute__((aligned(4096)));
static uint64_t image_leaf[512] __attribute__((aligned(4096)));
static uint64_t exposed_middle[512] __attribute__((aligned(4096)));
static uint64_t exposed_leaf[512] __attribute__((aligned(4096)));
uint64_t kernel_exposed_entry;

uint64_t boot_tables(uint64_t fdt);

/*
 * The entry of one page of the image: text R-X, constants R, the rest RW, a hole below each stack.
 */
static uint64_t image_entry(uint64_t pa)
{
    uint64_t stacks = (uint64_t)stacks_start;
    if (pa < (uint64_t)text_end)
        return LEAF(pa, PTE_V | PTE_R | PTE_X | PTE_A);
    if (pa < (uint64_t)rodata_end)
        return LEAF(pa, PTE_V | PTE_R | PTE_A);
    if (pa >= stacks && pa < (uint64_t)stacks_end && (pa - stacks) % STACK_STRIDE == 0)
        return 0;
    return LEAF(pa, KERNEL_RW);
}

/*
 * Runs with the MMU off: every symbol is its physical address here. The image, the devicetree and
 * the devices.
 */
uint64_t boot_tables(uint64_t fdt)
{
    uint64_t start = (uint64_t)image_start, va = start + MAP_IMAGE_OFFSET;
    for (uint64_t pa = start; pa < (uint64_t)image_end; pa += PAGE_SIZE)
        image_leaf[pa >> 12 & 511] = image_entry(pa);
    image_middle[va >> 21 & 511] = TABLE((uint64_t)image_leaf);
    root[ROOT_INDEX(va)] = TABLE((uint64_t)image_middle);
    for (uint64_t gib = 0; gib < MAP_DEVICES_GIB; gib++)
        root[ROOT_INDEX(MAP_DEVICES) + gib] = LEAF(gib << GIB_SHIFT, KERNEL_RW);
    for (uint64_t gib = fdt >> GIB_SHIFT; gib <= (fdt + 0x1fffff) >> GIB_SHIFT; gib++)
        root[ROOT_INDEX(MAP_DIRECT) + gib % MAP_DIRECT_GIB] = LEAF(gib << GIB_SHIFT, KERNEL_RW);
    return SATP_SV39 | (uint64_t)root >> 12;
}

void tables_map_memory(uint64_t first, uint64_t count)
{
    uint64_t last = first + count - 1;
    for (uint64_t gib = first >> 18; gib <= last >> 18 && gib < MAP_DIRECT_GIB; gib++)
        root[ROOT_INDEX(MAP_DIRECT) + gib] = LEAF(gib << GIB_SHIFT, KERNEL_RW);
    machine_flush_all();
}

/* Few of the kernel's 256 entries are in use: a new environment costs these, not all. */
static uint16_t used[MAP_DIRECT_GIB + MAP_DEVICES_GIB + 1];
static unsigned used_count;

void tables_close(void)
{
    for (unsigned i = MAP_KERNEL_FIRST; i < 512; i++) {
        if (root[i])
            used[used_count++] = (uint16_t)i;
    }
}

void machine_root_set(uint64_t *table, bool on)
{
    for (unsigned i = 0; i < used_count; i++)
        table[used[i]] = on ? root[used[i]] : 0;
    table[AEGIS_EXPOSED >> GIB_SHIFT] = on ? kernel_exposed_entry : 0;
}

/*
 * Read-only for user mode: the exposed structure at AEGIS_EXPOSED, the records 2 MiB on, by the
 * tables given.
 */
void tables_map_exposed(pfn_t records, uint64_t record_pages, pfn_t tables)
{
    const uint64_t rights = PTE_V | PTE_R | PTE_U | PTE_A;
    uint64_t pa = map_physical(exposed_start), end = map_physical(exposed_end);
    for (unsigned i = 0; pa < end; i++, pa += PAGE_SIZE)
        exposed_leaf[i] = LEAF(pa, rights);
    exposed_middle[0] = TABLE(map_physical(exposed_leaf));
    uint64_t *leaf = machine_direct(tables);
    uint64_t table_count = (record_pages + 511) / 512;
    for (uint64_t i = 0; i < table_count * 512; i++)
        leaf[i] = i < record_pages ? LEAF((records + i) << 12, rights) : 0;
    for (uint64_t i = 0; i < table_count; i++)
        exposed_middle[1 + i] = TABLE((uint64_t)(tables + i) << 12);
    kernel_exposed_entry = TABLE(map_physical(exposed_middle));
}

/* Behind the image. */
uint64_t tables_map_code(pfn_t first, uint64_t count)
{
    static uint64_t leaf[512] __attribute__((aligned(4096)));
    uint64_t va = ((uint64_t)image_start & -0x200000UL) + 0x200000;
    for (uint64_t i = 0; i < count; i++)
        leaf[i] = LEAF((first + i) << 12, PTE_V | PTE_R | PTE_X | PTE_A);
    image_middle[va >> 21 & 511] = TABLE(map_physical(leaf));
    machine_flush_all();
    return va;
}
