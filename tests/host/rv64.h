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

/* Runs until pc is at `stop` (true), or an instruction is not known or reads what it must not (false). */
bool rv64_run(struct rv64 *cpu, uint64_t stop, uint64_t limit);
