/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel addresses (the picture is in aegis/layout.h), for C and for assembly. */
#pragma once

#define MAP_IMAGE_OFFSET 0xffffffff00000000 /* address - physical address, in the kernel image */
#define MAP_DIRECT 0xffffffc000000000
#define MAP_DIRECT_GIB 192                  /* physical memory beyond is left alone */
#define MAP_DEVICES 0xfffffff000000000      /* physical 0 .. 2 GiB once more, for devices */
#define MAP_DEVICES_GIB 2
#define MAP_KERNEL_FIRST 256                /* root entries from here on are the kernel's */

#define STACK_SIZE 8192
#define STACK_STRIDE (STACK_SIZE + 4096)    /* below each stack one page that is never mapped */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A device register block by its physical address. */
static inline volatile void *map_device(uint64_t physical)
{
    return (volatile void *)(MAP_DEVICES + physical);
}

static inline uint64_t map_physical(const void *image)
{
    return (uint64_t)image - MAP_IMAGE_OFFSET;
}
#endif
