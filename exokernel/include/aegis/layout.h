/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address map, the same in every environment (Sv39, 4 KiB pages; privileged ISA, 4.4).
 *
 *   0x00_0000_0000  nothing, ever: page 0 cannot be mapped
 *   0x00_0000_1000  the application: text, data, heap, mappings, stacks; all of it the libOS's to lay out
 *   0x00_3fe0_0000  AEGIS_PINNED, 2 MiB: the environment's own window, always mapped
 *                     page   0 ..   7   activation of hart 0 .. 7, the environment's half   RW
 *                     page   8 ..  63   guaranteed mappings: upcall code, its stack         as mapped
 *                     page  64 .. 255   its own translation: root, STLB, tables, shadows    R
 *                     page 256 .. 511   its ledger                                          R
 *   0x00_4000_0000  the application, on to 255 GiB
 *   0x3f_c000_0000  AEGIS_EXPOSED, 1 GiB: what the kernel knows and is not secret           R
 *   0x40_0000_0000  end of user addresses (2^38)
 *        ...
 *   0xffff_ffc0_0000_0000  direct map of physical memory, RW, never executable (kernel only)
 *   0xffff_fff0_0000_0000  devices (kernel only)
 *   0xffff_ffff_8000_0000  kernel image: text R-X, the rest RW (kernel only)
 */
#pragma once

#define AEGIS_PAGE_SHIFT 12
#define AEGIS_PAGE_SIZE 4096

#define AEGIS_USER_FIRST 0x1000
#define AEGIS_USER_END 0x4000000000

#define AEGIS_PINNED 0x3fe00000
#define AEGIS_PINNED_SIZE 0x200000
#define AEGIS_PINNED_ACTIVATION 0   /* page numbers within the window */
#define AEGIS_PINNED_FREE 8
#define AEGIS_PINNED_TABLES 64
#define AEGIS_PINNED_LEDGER 256
#define AEGIS_PINNED_PAGES 512

#define AEGIS_EXPOSED 0x3fc0000000

#define AEGIS_LEDGER_VA (AEGIS_PINNED + AEGIS_PINNED_LEDGER * AEGIS_PAGE_SIZE)

#define AEGIS_HARTS 8         /* harts at most, and activations of an environment */
#define AEGIS_SLICES 64       /* positions of a hart's slice vector */
#define AEGIS_ENVS 1024       /* environments at most; index = ASID */
#define AEGIS_LEDGER_PAGES 256
#define AEGIS_CLAIMS_PER_PAGE 128
#define AEGIS_LEDGER_SLOTS (AEGIS_LEDGER_PAGES * AEGIS_CLAIMS_PER_PAGE)
#define AEGIS_ENTRY_SLOTS 64  /* a transfer names one of the ledger's first slots */
#define AEGIS_ORDER_MAX 18
#define AEGIS_VECTOR 64       /* items of a vector argument */
#define AEGIS_PREDICATES 8
#define AEGIS_IRQS 128
