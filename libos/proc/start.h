/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a creator hands to a new environment: a block at VM_START, the child's alone when it runs.
 * Strings follow it; offsets are from its start.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define START_MAGIC 0x3254726174536741ULL

enum start_ended {
    START_EXITED,   /* the value is an exit status */
    START_SIGNALED, /* a signal's number */
};

/* What posix_spawn asks of the child before its program begins; strings by offset. */
struct start_action {
    int32_t kind; /* enum spawn_kind */
    int32_t fd, to, flags;
    uint32_t mode, path;
};

struct process;

struct start_block {
    uint64_t magic;
    uint64_t size; /* bytes in use */
    uint32_t argc;
    uint32_t envc;
    uint32_t argv;   /* offset of argc + 1 words, then envc + 1; each an address in the child */
    uint32_t actions, action_count; /* offset of struct start_action */
    uint32_t spawned; /* descriptors are closed on exec by the child itself */
    struct process *process;
    uint64_t holder; /* of the environment, when it ends: its check (again.h); 0: nobody wants it */
    uint32_t holder_index;
};
