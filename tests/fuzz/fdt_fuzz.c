/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: exokernel/dev/fdt.c */
#include "../../exokernel/dev/fdt.h"

#include "../unit/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/*
 * Whatever the blob says, what is said of it lies within the bounds of its arrays, and its values
 * within the blob.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fdt_info info;
    if (fdt_read(&info, data, size))
        return 0;
    const struct fdt_value values[] = {info.bootargs, info.seed, info.stdout, info.plic_targets};
    for (unsigned i = 0; i < 4; i++) {
        if (values[i].size &&
            (values[i].data < data || values[i].data + values[i].size > data + size))
            __builtin_trap();
    }
    if (info.memory_count > FDT_RANGES || info.reserved_count > FDT_RESERVED ||
        info.hart_count > FDT_HARTS || info.uart_count > FDT_UARTS)
        __builtin_trap();
    return 0;
}

/* Begins at a whole tree: at random nothing would ever pass the header. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static uint8_t sample[16384];
    static uint32_t sample_size;
    if (!sample_size)
        sample_size = tree_sample(sample);
    if ((size < 40 || seed % 16 == 0) && max >= sample_size) {
        memcpy(data, sample, sample_size);
        size = sample_size;
    }
    size = LLVMFuzzerMutate(data, size, max);
    if (size >= 40 && seed % 8) {
        tree_put(data, 0xd00dfeed);
        tree_put(data + 4, (uint32_t)size);
    }
    return size;
}
