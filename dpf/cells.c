/* SPDX-License-Identifier: BSD-2-Clause */
#include "cells.h"

static bool is_used(const struct cells *c, uint32_t i)
{
    return c->used[i / 64] >> i % 64 & 1;
}

static uint32_t cells_of(size_t bytes)
{
    return (uint32_t)((bytes + CELL_SIZE - 1) / CELL_SIZE);
}

void cells_init(struct cells *c, void *base, uint32_t count, uint64_t *bits)
{
    *c = (struct cells){base, count, count, 0, bits};
    for (uint32_t i = 0; i <= count / 64; i++)
        bits[i] = 0;
}

/* The first run of n free cells in [from, end), or end. */
static uint32_t run_find(const struct cells *c, uint32_t from, uint32_t end, uint32_t n)
{
    uint32_t found = 0;

    for (uint32_t i = from; i < end; i++) {
        if (i % 64 == 0 && c->used[i / 64] == ~0UL) {
            found = 0;
            i += 63;
            continue;
        }
        found = is_used(c, i) ? 0 : found + 1;
        if (found == n)
            return i + 1 - n;
    }
    return end;
}

void *cells_take(struct cells *c, size_t bytes)
{
    uint32_t n = cells_of(bytes);
    uint32_t at = n > c->free ? c->count : run_find(c, c->next, c->count, n);

    if (at == c->count && n <= c->free)
        at = run_find(c, 0, c->count, n);
    if (at == c->count)
        return NULL;
    for (uint32_t i = at; i < at + n; i++)
        c->used[i / 64] |= 1UL << i % 64;
    c->free -= n;
    c->next = at + n;
    return c->base + (size_t)at * CELL_SIZE;
}

void cells_give(struct cells *c, void *where, size_t bytes)
{
    uint32_t at = (uint32_t)(((char *)where - c->base) / CELL_SIZE), n = cells_of(bytes);

    for (uint32_t i = at; i < at + n; i++)
        c->used[i / 64] &= ~(1UL << i % 64);
    c->free += n;
    if (at < c->next)
        c->next = at;
}
