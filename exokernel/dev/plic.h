/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller (RISC-V PLIC 1.0). All lines go to one hart's S-mode context, the boot
 * hart's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * `size` bytes of registers at `physical`; lines 1 .. lines. False: the context's registers lie
 * outside.
 */
bool plic_start(uint64_t physical, uint64_t size, uint32_t lines, uint32_t context);
void plic_enable(uint32_t line, bool on);

/* Where it stands; without one there are no lines and never one to serve. */
extern struct plic {
    volatile uint32_t *priority, *enable, *context; /* context[0]: threshold, [1]: claim and complete */
    uint32_t lines;
} plic;

static inline bool plic_line_valid(uint32_t line)
{
    return line - 1 < plic.lines;
}

/* The most urgent pending line, now in service; 0: none. */
static inline uint32_t plic_claim(void)
{
    return plic.context[1];
}

/* Ends its service: it may interrupt again. */
static inline void plic_complete(uint32_t line)
{
    plic.context[1] = line;
}
