/* SPDX-License-Identifier: BSD-2-Clause */
#include "symbols.h"

#include <stddef.h>

extern char image_start[], text_end[];

/* By address; `address` counts from image_start, `name` from symbol_names. */
struct symbol {
    uint32_t address, name;
};

extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

const char *symbol_find(uint64_t pc, uint64_t *offset)
{
    uint64_t at = pc - (uint64_t)image_start;
    *offset = 0;
    if (pc < (uint64_t)image_start || pc >= (uint64_t)text_end)
        return NULL;
    uint32_t low = 0, high = symbol_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (symbol_table[middle].address <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    *offset = at - symbol_table[low - 1].address;
    return symbol_names + symbol_table[low - 1].name;
}
