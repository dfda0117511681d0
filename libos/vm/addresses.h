/* SPDX-License-Identifier: BSD-2-Clause */
/* The layout of a program's address space; the host's tests compile what looks no further. */
#pragma once

#include <stdint.h>

#include <aegis/layout.h>

/*
 *   0x0001_0000   text, read-only data, data, zeroed data
 *   _end          heap, up to VM_META
 *   0x3d00_0000   VM_META: the pager's nodes that found no place in the pinned window
 *   0x3d40_0000   VM_REGIONS: the list of regions, once it is long
 *   0x3d60_0000   SPACE_WINDOW (proc/space.h)
 *   ..3fdc_0000   the first thread's stack, 8 MiB, grows down
 *   0x3fdc_0000   VM_START: what the creator hands over (proc/start.h)
 *   0x3fe0_0000   AEGIS_PINNED
 *   0x08_0000_0000   session memory
 *   0x10_0000_0000 + physical address: the archive, read-only
 *   0x20_0000_0000   mappings (mmap)
 *   0x3f_c000_0000   AEGIS_EXPOSED
 */
#define VM_META         0x3d000000UL
#define VM_META_PAGES   768
#define VM_REGIONS      0x3d400000UL
#define VM_REGION_PAGES 128
#define VM_HEAP_END     VM_META
#define VM_STACK_SIZE   0x800000UL
#define VM_STACK_STEP   0x10000UL /* it grows by */
#define VM_START        0x3fdc0000UL
#define VM_START_SIZE   0x40000UL
#define VM_STACK_TOP    VM_START
#define VM_ARCHIVE      0x1000000000UL
#define VM_MMAP         0x2000000000UL
#define VM_MMAP_END     0x3000000000UL

#define PAGE_DOWN(x) ((x) & ~(uintptr_t)(AEGIS_PAGE_SIZE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + AEGIS_PAGE_SIZE - 1)
