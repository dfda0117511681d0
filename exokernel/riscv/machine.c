/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "../core/kernel.h"
#include "../dev/console.h"

bool machine_sstc, machine_asids, machine_framed, machine_bench, machine_powers_off;
uint64_t machine_kernel_satp;
uint64_t machine_hartid[AEGIS_HARTS];
uint64_t machine_trace;

void machine_interrupt(unsigned hart)
{
    if (hart == machine_hart())
        csr_set(sip, MACHINE_SOFTWARE);
    else
        sbi_call(SBI_IPI, 0, 1, machine_hartid[hart], 0);
}

void machine_interrupt_clear(void)
{
    csr_clear(sip, MACHINE_SOFTWARE);
    if (__atomic_load_n(&console_dump_wanted, __ATOMIC_RELAXED) >> machine_hart() & 1)
        console_dump_hart(csr_read(sepc));
}

extern char kernel_trap[];

void machine_enter_null(struct hart *hart)
{
    machine_gp = hart->null;
    csr_write(sscratch, hart->null);
    csr_write(stvec, kernel_trap); /* entry.S's vector is for traps from user mode */
    csr_write(satp, machine_kernel_satp); /* the fast paths have their own patched sequence */
    if (!machine_asids)
        machine_flush_all();
}

/* 66 instructions for 512 bytes; the compiler is kept from making it a memset. */
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void machine_clear(void *page)
{
    uint64_t *p = page, *end = p + AEGIS_PAGE_SIZE / 8;
    do {
#pragma GCC unroll 64
        for (int i = 0; i < 64; i++)
            p[i] = 0;
        p += 64;
    } while (p != end);
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void machine_copy(void *to,
                                                                                const void *from)
{
    uint64_t *d = to, *end = d + AEGIS_PAGE_SIZE / 8;
    const uint64_t *s = from;
    do {
#pragma GCC unroll 64
        for (int i = 0; i < 64; i++)
            d[i] = s[i];
        d += 64, s += 64;
    } while (d != end);
}

/*
 * Patching: entry.S lists its instructions that only some machines have, each with what to jump to
 * instead.
 */

struct patch {
    uint64_t at, thunk;
};

extern const struct patch patch_stimecmp_start[], patch_stimecmp_end[];
extern const struct patch patch_satp_start[], patch_satp_end[];

static uint32_t jump(int64_t offset)
{
    ASSERT(offset >= -0x100000 && offset < 0x100000 && !(offset & 1));
    uint32_t o = (uint32_t)offset;
    return 0x6f | (o >> 20 & 1) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 |
           (o >> 12 & 0xff) << 12;
}

/*
 * Text is not writable where it runs: the word goes through the direct map, in halves, as it may
 * lie on any.
 */
static void patch_list(const struct patch *p, const struct patch *end)
{
    for (; p < end; p++) {
        uint32_t word = jump((int64_t)(p->thunk - p->at));
        uint16_t *to = (uint16_t *)(MAP_DIRECT + (p->at - MAP_IMAGE_OFFSET));
        to[0] = (uint16_t)word;
        to[1] = (uint16_t)(word >> 16);
    }
}

void machine_patch(void)
{
    if (!machine_sstc)
        patch_list(patch_stimecmp_start, patch_stimecmp_end);
    if (!machine_asids)
        patch_list(patch_satp_start, patch_satp_end);
    machine_flush_all();
}

void machine_stop(void)
{
    console_drain();
    /*
     * A framed console's host runs QEMU with -no-reboot: it ends so on both machines. Else switch
     * it off, if it can.
     */
    bool reboot = machine_framed || !machine_powers_off;
    sbi_call(SBI_SRST, 0, reboot, 0, 0);
    sbi_call(SBI_SRST, 0, !reboot, 0, 0);
    sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
