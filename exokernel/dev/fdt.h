/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel wants to know of a flattened devicetree (Devicetree Specification 0.4, chapter
 * 5). Pure: reads only [blob, blob + size), checks every offset, and is fuzzed
 * (tests/fuzz/fdt_fuzz.c). One pass, no recursion.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FDT_RANGES 8
#define FDT_RESERVED 32
#define FDT_HARTS 16
#define FDT_UARTS 4
#define FDT_DEVICES 8
#define FDT_NICS 16
#define FDT_NONE 0xffffffffU

struct fdt_range {
    uint64_t base, size; /* bytes */
};

/* A property's value, in the blob. */
struct fdt_value {
    const uint8_t *data;
    uint32_t size;
};

struct fdt_hart {
    uint64_t id;
    uint32_t intc;    /* phandle of its interrupt controller */
    uint32_t context; /* of its S-mode at the PLIC, or FDT_NONE */
};

enum fdt_uart_kind { FDT_UART_NONE, FDT_UART_NS16550, FDT_UART_SIFIVE };

struct fdt_uart {
    const char *name;
    struct fdt_range reg;
    uint32_t kind, irq, shift; /* shift: registers stand 1 << shift bytes apart */
};

/* Whole pages of registers of a device that an application may drive: it can reach no memory of its own accord. */
struct fdt_device {
    struct fdt_range reg;
    uint32_t kind, irq; /* enum aegis_device_kind */
};

/* Where a network device may stand: what it is, its driver looks. */
enum fdt_nic_kind { FDT_NIC_VIRTIO, FDT_NIC_GEM };
struct fdt_nic {
    struct fdt_range reg;
    uint32_t kind, irq;
    uint8_t mac[6]; /* zero: the tree does not say */
};

struct fdt_info {
    unsigned memory_count, reserved_count, hart_count, uart_count, device_count;
    struct fdt_device device[FDT_DEVICES];
    unsigned nic_count;
    struct fdt_nic nic[FDT_NICS];
    struct fdt_range memory[FDT_RANGES];
    struct fdt_range reserved[FDT_RESERVED];
    struct fdt_hart hart[FDT_HARTS]; /* only harts that have an MMU and are not disabled */
    struct fdt_uart uart[FDT_UARTS];
    struct fdt_uart console;         /* the one that stdout-path names, or else the lowest */
    struct fdt_range plic, finisher; /* size 0: none */
    uint32_t plic_lines;
    uint32_t time_hz;
    uint64_t initrd_start, initrd_end;
    struct fdt_value bootargs, seed, stdout, plic_targets;
};

/* Fills *info; null, or a sentence about what is wrong with the blob. */
const char *fdt_read(struct fdt_info *info, const void *blob, size_t size);
