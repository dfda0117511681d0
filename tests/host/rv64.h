/* SPDX-License-Identifier: BSD-2-Clause */
/* A small interpreter of RV64I, to run generated code on the host. Memory is the host's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rv64 {
    uint64_t x[32];
    uint64_t pc;
    uint64_t count; /* instructions */
    /* Whether `size` bytes at an address may be read. */
    bool (*readable)(uint64_t address, unsigned size);
};

/* One instruction. False: it is not known, or reads what it must not. */
bool rv64_step(struct rv64 *cpu);
