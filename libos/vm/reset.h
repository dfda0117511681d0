/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's environment, made again what it was before the first instruction (proc/again.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct image;

/* Whether what lies here can be told apart: no more tables than most have, little pinned data. */
bool reset_possible(void);
/* Does it, and gives the position up. By the only thread, which is nobody's process any more; does not return. */
void reset(const struct image *image, uint64_t serial) __attribute__((noreturn));

/* session/memory.c: chunk `n` is claimed in a slot, as it was in the life before; chunks that a child has whose pinned data lie so far from
 * ours are claimed by us too, masked; whether a slot is a chunk's. */
#define SESSION_CHUNKS_KEPT 124
void session_chunk_kept(unsigned n, unsigned slot);
void session_chunks_follow(uintptr_t distance);
bool session_holds(unsigned slot);
