/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of vm/ know of each other, and the layout of a program's address space. */
#pragma once

#include <aegis/pager.h>

/*
 *   0x0001_0000   text, read-only data, data, zeroed data
 *   _end          heap, up to VM_META
 *   0x3d00_0000   VM_META: the pager's nodes that found no place in the pinned window
 *   ..3fde_0000   the first thread's stack, 8 MiB, grows down
 *   0x3fde_0000   VM_START: what the creator hands over (proc/start.h)
 *   0x3fe0_0000   AEGIS_PINNED
 *   0x10_0000_0000 + physical address: the archive, read-only
 *   0x20_0000_0000   mappings (mmap)
 *   0x3f_c000_0000   AEGIS_EXPOSED
 */
#define VM_META       0x3d000000UL
#define VM_META_PAGES 1024
#define VM_HEAP_END   VM_META
#define VM_STACK_SIZE 0x800000UL
#define VM_START      0x3fde0000UL
#define VM_START_SIZE 0x20000UL
#define VM_STACK_TOP  VM_START
#define VM_ARCHIVE    0x1000000000UL
#define VM_MMAP       0x2000000000UL
#define VM_MMAP_END   0x3000000000UL

#define PAGE_DOWN(x) ((x) & ~(uintptr_t)(AEGIS_PAGE_SIZE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + AEGIS_PAGE_SIZE - 1)

unsigned env_self(void);
void slot_freed(unsigned slot);

/* Lends a leaf table ahead of need: one for each 2 MiB in use, as long as the kernel takes them. */
void leaf_want(void);
void leaf_had(void); /* one that the creator lent */

/* The heap. */
void heap_boot(void);
/* Fills pages of a region from before its first touch, for threads that are about to lose their
 * stack's translation. */
int region_add(uintptr_t start, uintptr_t end, unsigned rights, unsigned kind);
struct region *region_find(uintptr_t va);
