/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot, in order: devicetree, options, console, features, memory, secrets, other harts, first
 * environment.
 */
#include "../core/cap.h"
#include "../core/env.h"
#include "../core/slice.h"
#include "../dev/console.h"
#include "../dev/devices.h"
#include "boot.h"
#include "../dev/log.h"

struct kernel kernel;
struct aegis_exposed exposed __attribute__((section(".exposed"), aligned(PAGE_SIZE)));

#define FDT_MAX 0x200000
#define SEED_MIN 16 /* bytes */

static struct fdt_info fdt;
static struct options options;
static char command_line[2048];

bool machine_probe_stimecmp(void);
void boot_main(uint64_t hartid, uint64_t fdt_physical) __attribute__((noreturn));

void boot_refuse(const char *why)
{
    log_print("cannot boot: %s", why);
    console_control("panic");
    machine_stop();
}

static void *physical(uint64_t pa)
{
    return (void *)(MAP_DIRECT + pa);
}

static void devicetree_read(uint64_t fdt_physical)
{
    const char *wrong = fdt_read(&fdt, physical(fdt_physical), FDT_MAX);
    if (wrong)
        boot_refuse(wrong);
    for (size_t i = 0; i < fdt.bootargs.size && i < sizeof command_line - 1; i++)
        command_line[i] = (char)fdt.bootargs.data[i];
    options_read(&options, command_line);
    machine_framed = options.framed;
    machine_bench = options.bench;
    machine_trace = options.trace;
    machine_powers_off = fdt.finisher.size != 0;
    console_start(&fdt.console, options.framed);
    if (!fdt.time_hz)
        boot_refuse("the devicetree has no timebase-frequency");
}

/* Address-space ids, by the bits of satp that can be written; the timer, by trying. */
static void features_probe(void)
{
    uint64_t satp = csr_read(satp);
    csr_write(satp, satp | 0xffffUL << SATP_ASID_SHIFT);
    for (uint64_t bits = csr_read(satp) >> SATP_ASID_SHIFT & 0xffff; bits & 1; bits >>= 1)
        exposed.asid_bits++;
    csr_write(satp, satp);
    machine_flush_all();
    if (options.no_asid || 1UL << exposed.asid_bits <= MACHINE_KERNEL_ASID)
        exposed.asid_bits = 0;
    machine_asids = exposed.asid_bits != 0;
    machine_kernel_satp = machine_satp((uint32_t)(satp & 0xfffffffffff), MACHINE_KERNEL_ASID);
    machine_sstc = !options.no_sstc && machine_probe_stimecmp();
    if (!machine_sstc && !sbi_call(SBI_BASE, 3, SBI_TIME, 0, 0).value)
        boot_refuse("there is neither stimecmp nor the firmware's timer");
}

/* Harts are numbered with the boot hart first, then as the devicetree lists them. */
static unsigned harts_prepare(uint64_t boot_hartid)
{
    unsigned count = 1;
    hart_prepare(0, boot_hartid, &options, fdt.time_hz);
    for (unsigned i = 0; i < fdt.hart_count && count < options.harts; i++) {
        if (fdt.hart[i].id != boot_hartid)
            hart_prepare(count++, fdt.hart[i].id, &options, fdt.time_hz);
    }
    exposed.harts = count;
    return count;
}

static void archive_find(void)
{
    uint64_t size = fdt.initrd_end - fdt.initrd_start;
    if (fdt.initrd_end <= fdt.initrd_start || fdt.initrd_start & (PAGE_SIZE - 1))
        boot_refuse("no boot archive was handed over");
    exposed.archive = (struct aegis_range){fdt.initrd_start >> 12, (size + PAGE_SIZE - 1) >> 12};
    exposed.archive_bytes = size;
}

static void memory_find(void)
{
    for (unsigned i = 0; i < fdt.memory_count; i++)
        memory_add(&fdt.memory[i]);
    for (unsigned i = 0; i < fdt.reserved_count; i++)
        memory_reserve(fdt.reserved[i].base, fdt.reserved[i].size);
    memory_reserve(map_physical(image_start), (uint64_t)(image_end - image_start));
    /* A firmware that does not say where it lies has what is below the kernel. */
    if (!fdt.reserved_count)
        memory_reserve(map_physical(image_start) & ~0x3fffffffUL,
                       map_physical(image_start) & 0x3fffffff);
    memory_reserve(fdt.initrd_start, fdt.initrd_end - fdt.initrd_start);
    tables_close();
    memory_start(&fdt);
}

/* Absorbs bytes into the key, eight at a time, and wipes them where they stood. */
static void absorb(uint8_t *bytes, size_t size)
{
    static uint64_t count;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0, next[2];
        for (size_t j = i; j < size && j < i + 8; j++) {
            word = word << 8 | bytes[j];
            bytes[j] = 0;
        }
        count++;
        next[0] = siphash(kernel.key, word, 2 * count);
        next[1] = siphash(kernel.key, word, 2 * count + 1);
        kernel.key[0] = next[0];
        kernel.key[1] = next[1];
    }
}

static void secrets_draw(void)
{
    if (fdt.seed.size + options.seed_size / 2 < SEED_MIN)
        boot_refuse("no entropy: neither /chosen/rng-seed nor seed= on the command line");
    absorb((uint8_t *)fdt.seed.data, fdt.seed.size);
    absorb((uint8_t *)fdt.bootargs.data, fdt.bootargs.size);
    kernel.check = siphash(kernel.key, 0, 0);
    absorb((uint8_t *)command_line, sizeof command_line);
}

void boot_main(uint64_t hartid, uint64_t fdt_physical)
{
    kernel.hart[0].null = machine_self();
    machine_self()->hart = &kernel.hart[0];
    devicetree_read(fdt_physical);
    features_probe();
    unsigned harts = harts_prepare(hartid);
    exposed.dying = AEGIS_ENVS; /* none */
    exposed.magic = AEGIS_MAGIC;
    exposed.abi = AEGIS_ABI;
    exposed.time_hz = fdt.time_hz;
    exposed.slice_ticks = kernel.hart[0].slice_ticks;
    exposed.grace_ticks = kernel.hart[0].grace_ticks;
    archive_find();
    memory_find();
    secrets_draw();
    machine_patch();
    devices_start(&fdt, hartid);
    hart_enter(0);
    hart_start_others(harts);
    log_print("aegis: %u harts, %lu MiB, %lu free, %s, %u ASID bits", harts,
              exposed.page_count >> 8, exposed.free_pages >> 8,
              machine_sstc ? "stimecmp" : "SBI timer", exposed.asid_bits);
    first_start(physical(fdt.initrd_start), exposed.archive_bytes);
    slice_leave();
}
