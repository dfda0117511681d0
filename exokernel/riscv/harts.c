/* SPDX-License-Identifier: BSD-2-Clause */
#include "../core/slice.h"
#include "../dev/console.h"
#include "boot.h"
#include "calls.h"
#include "../dev/log.h"

/*
 * The activation pairs of nobody: what a hart's gp and sscratch point at while no environment runs
 * on it.
 */
char null_activations[AEGIS_HARTS][2 * PAGE_SIZE] __attribute__((aligned(2 * PAGE_SIZE)));

extern char stacks_start[], _secondary[];
bool machine_probe_senvcfg(void);
void secondary_main(uint64_t hartid, uint64_t index) __attribute__((noreturn));

#define COUNT_CYCLE 1
#define COUNT_TIME 2
#define COUNT_INSTRET 4

void machine_activation_fill(struct activation *a, struct hart *h)
{
    a->stack = (uint64_t)stacks_start + (h->index + 1) * STACK_STRIDE;
    a->calls = (uint64_t)(machine_trace ? calls_traced : calls_plain);
    a->pages = (uint64_t)pages;
    a->sstatus = machine_sstatus(false);
}

void hart_prepare(unsigned index, uint64_t hartid, const struct options *options, uint32_t time_hz)
{
    struct hart *h = &kernel.hart[index];
    struct activation *a = h->null = (struct activation *)&null_activations[index][PAGE_SIZE];
    machine_hartid[index] = hartid;
    h->index = index;
    h->bit = 1U << index;
    h->slice_ticks = options->slice_us * time_hz / 1000000;
    h->grace_ticks = options->grace_us * time_hz / 1000000;
    h->epoch = (uint64_t)&kernel.epoch;
    a->hart = h;
    a->satp = machine_kernel_satp;
    a->index = AEGIS_ANY;
    a->deadline = ~0UL;
    a->uva = AEGIS_PINNED + index * PAGE_SIZE + AEGIS_GP;
    machine_activation_fill(a, h);
    slice_boot(h);
    exposed.hart[index].hartid = hartid;
}

void hart_enter(unsigned index)
{
    csr_write(satp, machine_kernel_satp);
    machine_flush_all();
    csr_write(scounteren, machine_bench ? COUNT_TIME | COUNT_INSTRET | COUNT_CYCLE : COUNT_TIME);
    if (machine_probe_senvcfg())
        csr_write(0x10a, 0);
    machine_timer(~0UL);
    csr_write(sie, MACHINE_SOFTWARE | MACHINE_TIMER | MACHINE_EXTERNAL);
    exposed.hart[index].online = 1;
    __atomic_fetch_or(&kernel.online, 1U << index, __ATOMIC_RELEASE);
}

void secondary_main(uint64_t hartid, uint64_t index)
{
    (void)hartid;
    hart_enter((unsigned)index);
    slice_leave();
}

/* Those that do not come up within five seconds are left out. */
void hart_start_others(unsigned count)
{
    uint32_t wanted = (1U << count) - 1;
    for (unsigned i = 1; i < count; i++) {
        if (sbi_call(SBI_HSM, 0, machine_hartid[i], map_physical(_secondary), i).error)
            wanted &= ~(1U << i);
    }
    uint64_t until = machine_time() + 5UL * exposed.time_hz;
    while ((__atomic_load_n(&kernel.online, __ATOMIC_ACQUIRE) & wanted) != wanted &&
           machine_time() < until)
        machine_relax();
    for (unsigned i = 0; i < count; i++) {
        if (!exposed.hart[i].online)
            log_print("hart %u (%lu) did not start", i, machine_hartid[i]);
    }
}
