/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../libos/proc/elf.h"
#include "../../libos/proc/start.h"

struct strings {
    const char *text; /* each ends in 0 */
    size_t size;
    unsigned count;
};

struct child {
    unsigned slot; /* of the environment's claim */
    unsigned index;
    unsigned slots;      /* of its ledger */
    unsigned activation; /* slot */
    unsigned start_slot; /* of the start block, claimed by both */
    struct start_block *start;
};

/*
 * An environment with the program's image, what it needs to live, and its start block; it has no
 * time yet. 0, or a negative error; then what was made has been given back.
 */
long child_make(struct child *child, const uint8_t *file, const struct elf_program *program,
                const struct strings *arguments, const struct strings *environment);
/* Gives it a slot on this hart: from here on it runs. */
long child_run(struct child *child);
