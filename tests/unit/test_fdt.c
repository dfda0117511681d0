/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: exokernel/dev/fdt.c */
#include "../../exokernel/dev/fdt.h"

#include <stdlib.h>

#include "tap.h"
#include "tree.h"

static uint8_t blob[16384];
static uint32_t size;
static struct fdt_info info;

/* Reads a copy of exactly `length` bytes, so that the sanitizer sees one byte too far. */
static const char *read_copy(const uint8_t *from, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, from, length);
    const char *wrong = fdt_read(&info, copy, length);
    free(copy);
    return wrong;
}

static void test_sample(void)
{
    const char *wrong = fdt_read(&info, blob, size);
    tap(!wrong, "fdt: a good tree is read");
    tap(info.memory_count == 2 && info.memory[0].base == 0x80000000 &&
            info.memory[0].size == 0x20000000 && info.memory[1].base == 0x100000000,
        "fdt: memory ranges");
    tap(info.reserved_count == 2 && info.reserved[0].size == 0x40000 &&
            info.reserved[1].size == 0x80000,
        "fdt: reservations of both kinds");
    tap(info.hart_count == 2 && info.hart[0].id == 1 && info.hart[1].id == 3,
        "fdt: harts without MMU or disabled are skipped");
    tap(info.hart[0].context == 2 && info.hart[1].context == 4, "fdt: contexts of S-mode");
    tap(info.time_hz == 1000000, "fdt: time base");
    tap(info.console.kind == FDT_UART_SIFIVE && info.console.irq == 4 &&
            info.console.reg.base == 0x10010000,
        "fdt: stdout-path picks the serial line");
    tap(info.plic.base == 0xc000000 && info.plic_lines == 53, "fdt: interrupt controller");
    tap(info.finisher.base == 0x100000, "fdt: finisher");
    tap(info.initrd_start == 0x88000000 && info.initrd_end == 0x88001000, "fdt: archive");
    tap(info.seed.size == 32 && info.bootargs.size == 23, "fdt: seed and command line");
}

static void test_truncated(void)
{
    bool good = true;
    for (uint32_t length = 0; length < size; length++)
        good &= read_copy(blob, length) != NULL;
    tap(good, "fdt: every truncation is refused");
}

/* Each byte damaged in turn: whatever is answered, nothing outside is read. */
static void test_corrupt(void)
{
    for (uint32_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            blob[i] ^= 1 << bit;
            read_copy(blob, size);
            blob[i] ^= 1 << bit;
        }
    }
    tap(true, "fdt: every single-bit error is survived");
}

static void test_deep(void)
{
    static struct tree t;
    static uint8_t deep[16384];
    for (int depth = 0; depth < 70; depth++)
        tree_begin(&t, "n");
    for (int depth = 0; depth < 70; depth++)
        tree_end(&t);
    tap(read_copy(deep, tree_finish(&t, deep)) != NULL,
        "fdt: nodes nested without end are refused");
}

static void test_full(void)
{
    static struct tree t;
    static uint8_t full[16384];
    tree_begin(&t, "");
    tree_begin(&t, "cpus");
    TREE_CELLS(&t, "#address-cells", 1);
    for (uint32_t i = 0; i < 30; i++)
        tree_hart(&t, i, i + 1, "riscv,sv39", "okay");
    tree_end(&t);
    tree_end(&t);
    tap(!read_copy(full, tree_finish(&t, full)) && info.hart_count == FDT_HARTS,
        "fdt: more harts than there is room for");
}

int main(void)
{
    size = tree_sample(blob);
    test_sample();
    test_truncated();
    test_corrupt();
    test_deep();
    test_full();
    return tap_failed;
}
