/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of 64-byte cells out of memory that the caller gives: one pool for data, one for code. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CELL_SIZE 64

struct cells {
    char *base;      /* aligned to CELL_SIZE */
    uint32_t count;  /* cells */
    uint32_t free;
    uint32_t next;   /* where the search goes on */
    uint64_t *used;  /* a bit each */
};

/* `bits` has room for count / 64 + 1 words and is cleared here. */
void cells_init(struct cells *c, void *base, uint32_t count, uint64_t *bits);
/* Bytes in one run, uncleared; null: there is no such run. */
void *cells_take(struct cells *c, size_t bytes);
void cells_give(struct cells *c, void *at, size_t bytes);
