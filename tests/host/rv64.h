/* SPDX-License-Identifier: BSD-2-Clause */
/* A small interpreter of RV64IM and A's memory operations, to run generated code on the host. Memory is the host's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rv64 {
    uint64_t x[32];
    uint64_t pc;
    uint64_t count; /* instructions */
    /* Whether `size` bytes at an address may be read, written (null: nothing may) or fetched (null: what may be read). */
    bool (*readable)(uint64_t address, unsigned size);
    bool (*writable)(uint64_t address, unsigned size);
    bool (*executable)(uint64_t address, unsigned size);
};

/* One instruction. False: it is not known, or touches what it must not. */
bool rv64_step(struct rv64 *cpu);

/* The same of a word that is fetched already; pc points behind it. Nothing but registers is touched by arithmetic. */
bool rv64_execute(struct rv64 *cpu, uint32_t word);
