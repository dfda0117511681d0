/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a creator hands to a new environment: a block at VM_START, claimed by both. Strings follow
 * it; offsets are from its start. The child writes how it ended, and its creator waits for that or
 * for its death.
 */
#pragma once

#include <stdint.h>

#define START_MAGIC 0x3154726174536741ULL

enum start_ended {
    START_RUNS,
    START_EXITED,   /* `value`: the exit status */
    START_SIGNALED, /* `value`: the signal's number */
};

struct start_block {
    uint64_t magic;
    uint32_t argc;
    uint32_t envc;
    uint32_t argv;   /* offset of argc + 1 words, then envc + 1; each an address in the child */
    uint32_t parent; /* environment index */
    uint32_t value;
    uint32_t spare;
    uint64_t ended; /* enum start_ended; last to be written */
};
