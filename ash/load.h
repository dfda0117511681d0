/* SPDX-License-Identifier: BSD-2-Clause */
/* What the linker made of a handler (ash/handler.ld), as the rewriter wants it. */
#pragma once

#include "rewrite.h"

struct ash_loaded {
    struct ash_program program;
    struct ash_source *source;
    uint8_t *data;
    uint32_t data_size, zero_size; /* bytes of the window's beginning: given, and 0 behind them */
    char message[160];
    uint32_t address; /* of the instruction that the message is about; 0: none */
};

#define ASH_TEXT 0x40000000U /* where the linker puts code; data begin at 0 */

/* `file` is an ELF file of `size` bytes. window: bytes, 0: as small as it can be with 1,024 of stack. */
bool ash_load(struct ash_loaded *l, const uint8_t *file, uint64_t size, uint32_t window);
void ash_loaded_free(struct ash_loaded *l);
