/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a flattened devicetree, for the reader's tests and the fuzzer's first input. */
#pragma once

#include <stdint.h>
#include <string.h>

struct tree {
    uint8_t structure[8192], strings[2048];
    uint32_t at, names;
};

static inline void tree_word(struct tree *t, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        t->structure[t->at++] = (uint8_t)(value >> shift);
}

static inline void tree_bytes(struct tree *t, const void *data, uint32_t size)
{
    memcpy(t->structure + t->at, data, size);
    for (t->at += size; t->at & 3;)
        t->structure[t->at++] = 0;
}

static inline void tree_begin(struct tree *t, const char *name)
{
    tree_word(t, 1);
    tree_bytes(t, name, (uint32_t)strlen(name) + 1);
}

static inline void tree_end(struct tree *t)
{
    tree_word(t, 2);
}

static inline void tree_data(struct tree *t, const char *name, const void *data, uint32_t size)
{
    tree_word(t, 3);
    tree_word(t, size);
    tree_word(t, t->names);
    strcpy((char *)t->strings + t->names, name);
    t->names += (uint32_t)strlen(name) + 1;
    tree_bytes(t, data, size);
}

static inline void tree_text(struct tree *t, const char *name, const char *text)
{
    tree_data(t, name, text, (uint32_t)strlen(text) + 1);
}

static inline void tree_cells(struct tree *t, const char *name, uint32_t count,
                              const uint32_t *cells)
{
    uint8_t bytes[128];
    for (uint32_t i = 0; i < count * 4; i++)
        bytes[i] = (uint8_t)(cells[i / 4] >> (24 - i % 4 * 8));
    tree_data(t, name, bytes, count * 4);
}

#define TREE_CELLS(t, name, ...)                                                                   \
    tree_cells(t, name, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

static inline void tree_put(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - i * 8));
}

/* The blob: header, one reservation and the empty one, structure, strings. Its size. */
static inline uint32_t tree_finish(struct tree *t, uint8_t *blob)
{
    tree_word(t, 9);
    const uint32_t structure = 40 + 32, strings = structure + t->at, total = strings + t->names;
    const uint32_t header[10] = {0xd00dfeed, total, structure, strings,  40,
                                 17,         16,    0,         t->names, t->at};
    memset(blob, 0, structure);
    for (int i = 0; i < 10; i++)
        tree_put(blob + i * 4, header[i]);
    tree_put(blob + 44, 0x80000000);
    tree_put(blob + 52, 0x40000);
    memcpy(blob + structure, t->structure, t->at);
    memcpy(blob + strings, t->strings, t->names);
    return total;
}

static inline void tree_hart(struct tree *t, uint32_t id, uint32_t phandle, const char *mmu,
                             const char *status)
{
    tree_begin(t, "cpu@x");
    tree_text(t, "device_type", "cpu");
    TREE_CELLS(t, "reg", id);
    if (mmu)
        tree_text(t, "mmu-type", mmu);
    tree_text(t, "status", status);
    tree_begin(t, "interrupt-controller");
    tree_text(t, "compatible", "riscv,cpu-intc");
    TREE_CELLS(t, "phandle", phandle);
    tree_end(t);
    tree_end(t);
}

/* A machine like the HiFive Unleashed: a first hart without MMU, one disabled, two serial lines. */
static inline uint32_t tree_sample(uint8_t *blob)
{
    static struct tree t;
    memset(&t, 0, sizeof t);
    tree_begin(&t, "");
    TREE_CELLS(&t, "#address-cells", 2);
    TREE_CELLS(&t, "#size-cells", 2);
    tree_begin(&t, "chosen");
    tree_text(&t, "bootargs", "console=framed seed=00");
    tree_text(&t, "stdout-path", "/soc/serial@10010000:115200");
    TREE_CELLS(&t, "linux,initrd-start", 0, 0x88000000);
    TREE_CELLS(&t, "linux,initrd-end", 0, 0x88001000);
    tree_data(&t, "rng-seed", "0123456789abcdef0123456789abcdef", 32);
    tree_end(&t);
    tree_begin(&t, "memory@80000000");
    tree_text(&t, "device_type", "memory");
    TREE_CELLS(&t, "reg", 0, 0x80000000, 0, 0x20000000, 1, 0, 0, 0x1000);
    tree_end(&t);
    tree_begin(&t, "reserved-memory");
    TREE_CELLS(&t, "#address-cells", 2);
    TREE_CELLS(&t, "#size-cells", 2);
    tree_begin(&t, "mmode_resv0@80000000");
    TREE_CELLS(&t, "reg", 0, 0x80000000, 0, 0x80000);
    tree_end(&t);
    tree_end(&t);
    tree_begin(&t, "cpus");
    TREE_CELLS(&t, "#address-cells", 1);
    TREE_CELLS(&t, "#size-cells", 0);
    TREE_CELLS(&t, "timebase-frequency", 1000000);
    tree_hart(&t, 0, 10, NULL, "okay");
    tree_hart(&t, 1, 11, "riscv,sv39", "okay");
    tree_hart(&t, 2, 12, "riscv,sv39", "disabled");
    tree_hart(&t, 3, 13, "riscv,sv48", "okay");
    tree_hart(&t, 4, 14, "riscv,none", "okay");
    tree_end(&t);
    tree_begin(&t, "soc");
    TREE_CELLS(&t, "#address-cells", 2);
    TREE_CELLS(&t, "#size-cells", 2);
    tree_begin(&t, "serial@10000000");
    tree_text(&t, "compatible", "ns16550a");
    TREE_CELLS(&t, "reg", 0, 0x10000000, 0, 0x100);
    TREE_CELLS(&t, "interrupts", 10);
    tree_end(&t);
    tree_begin(&t, "serial@10010000");
    tree_data(&t, "compatible", "sifive,fu540-c000-uart\0sifive,uart0", 36);
    TREE_CELLS(&t, "reg", 0, 0x10010000, 0, 0x1000);
    TREE_CELLS(&t, "interrupts", 4);
    tree_end(&t);
    tree_begin(&t, "plic@c000000");
    tree_text(&t, "compatible", "sifive,plic-1.0.0");
    TREE_CELLS(&t, "reg", 0, 0xc000000, 0, 0x4000000);
    TREE_CELLS(&t, "riscv,ndev", 53);
    TREE_CELLS(&t, "interrupts-extended", 10, 11, 11, 11, 11, 9, 13, 11, 13, 9);
    tree_end(&t);
    tree_begin(&t, "test@100000");
    tree_data(&t, "compatible", "sifive,test1\0sifive,test0\0syscon", 33);
    TREE_CELLS(&t, "reg", 0, 0x100000, 0, 0x1000);
    tree_end(&t);
    tree_end(&t);
    tree_end(&t);
    return tree_finish(&t, blob);
}
