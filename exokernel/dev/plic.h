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
bool plic_line_valid(uint32_t line);
void plic_enable(uint32_t line, bool on);
/* The most urgent pending line, now in service; 0: none. */
uint32_t plic_claim(void);
/* Ends its service: it may interrupt again. */
void plic_complete(uint32_t line);
