/* SPDX-License-Identifier: BSD-2-Clause */
#include "plic.h"

#include <aegis/layout.h>

#include "../core/env.h"
#include "../core/slice.h"
#include "../riscv/machine.h"
#include "console.h"
#include "net.h"

#define PRIORITY 0x0
#define ENABLE 0x2000
#define ENABLE_STRIDE 0x80
#define CONTEXT 0x200000
#define CONTEXT_STRIDE 0x1000

static uint32_t nothing[2];
struct plic plic = {.context = nothing};
static uint64_t served[AEGIS_IRQS]; /* interrupts of a line that were completed: one less than its count while it is in service */

bool plic_start(uint64_t physical, uint64_t size, uint32_t lines, uint32_t context)
{
    if (context >= 15872 || CONTEXT + (uint64_t)(context + 1) * CONTEXT_STRIDE > size)
        return false;
    volatile uint8_t *base = map_device(physical);
    plic.priority = (volatile uint32_t *)(base + PRIORITY);
    plic.enable = (volatile uint32_t *)(base + ENABLE + context * ENABLE_STRIDE);
    plic.context = (volatile uint32_t *)(base + CONTEXT + context * CONTEXT_STRIDE);
    plic.lines = lines < AEGIS_IRQS ? lines : AEGIS_IRQS - 1;
    for (uint32_t i = 0; i <= plic.lines / 32; i++)
        plic.enable[i] = 0;
    for (uint32_t line = 1; line <= plic.lines; line++)
        plic.priority[line] = 1;
    plic.context[0] = 0;
    return true;
}

void plic_enable(uint32_t line, bool on)
{
    uint32_t bit = 1U << line % 32;
    plic.enable[line / 32] = on ? plic.enable[line / 32] | bit : plic.enable[line / 32] & ~bit;
}

/* Until dev_poll(), which comes before the hart's next slot. */
void dev_put_off(struct hart *h)
{
    csr_clear(sie, MACHINE_EXTERNAL);
    handlers_look(h);
}

/* One line: what still waits interrupts again. False: what there was concerns nobody who sleeps. */
bool dev_interrupt(void)
{
    long line = (int32_t)plic_claim();

    if (line == net_line)
        return net_interrupt();
    if (line == console_line)
        console_interrupt();
    else if ((unsigned long)line < AEGIS_IRQS)
        __atomic_fetch_add(&exposed.irq_count[line], 1, __ATOMIC_RELEASE);
    slice_poke();
    return true;
}

static void irq_complete(uint32_t line)
{
    uint64_t now = __atomic_load_n(&exposed.irq_count[line], __ATOMIC_ACQUIRE), before = now - 1;
    if (__atomic_compare_exchange_n(&served[line], &before, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        plic_complete(line);
}

bool machine_irq_valid(uint32_t line)
{
    return plic_line_valid(line) && line != (uint32_t)console_line && line != (uint32_t)net_line;
}

void machine_irq_enable(uint32_t line, bool on)
{
    if (!on)
        irq_complete(line);
    plic_enable(line, on);
}

CALL_SELF(irq_done, 1, (slot))
{
    struct aegis_claim *c;

    TRY_CALL(ledger_use(e, slot, AEGIS_IRQ, 0, &c));
    irq_complete(AEGIS_WHAT_RESOURCE(c->what));
    return OK_VALUE(0);
}
