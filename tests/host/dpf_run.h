/* SPDX-License-Identifier: BSD-2-Clause */
/* One set of filters whose compiled code is run by the interpreter, and a frame to try them on. Included once. */
#pragma once

#include <string.h>

#include "dpf/generate.h"
#include "dpf/rv64.h"
#include "dpf/trie.h"
#include "rv64.h"

#define DATA_CELLS (1 << 17)
#define CODE_CELLS (1 << 15)
#define FRAME_MAX  128

/* What stands for dispatch.S: addresses at which the interpreter stops. */
static uint32_t stops[8]; /* and AT_MISSED */
#define AT_DISPATCH ((uint64_t)&stops[0])
#define AT_DONE     ((uint64_t)&stops[1])
#define AT_START    ((uint64_t)&stops[2])
#define AT_RETURN   ((uint64_t)&stops[3])
#define AT_MORE     ((uint64_t)&stops[4])
#define AT_MISSED   ((uint64_t)&stops[5])

static struct dpf d;
static struct dpf_run run __attribute__((aligned(64)));
static char data[DATA_CELLS * CELL_SIZE] __attribute__((aligned(64))), code[CODE_CELLS * CELL_SIZE] __attribute__((aligned(64)));
static uint64_t bits[(DATA_CELLS + CODE_CELLS) / 64 + 2];
static uint8_t frames[FRAME_MAX + 16] __attribute__((aligned(8)));
static uint8_t *const frame = frames + 2;
static size_t frame_length;
static const char *why;

static void setup(void)
{
    struct dpf_helpers helpers = {AT_DISPATCH, AT_MISSED, AT_DONE, AT_START};
    dpf_init(&d, &run, data, DATA_CELLS, code, CODE_CELLS, 0, bits, &helpers);
}

static bool inside(uint64_t at, unsigned size, const void *base, size_t bytes)
{
    return at - (uint64_t)base <= bytes - size;
}

static bool readable(uint64_t at, unsigned size)
{
    return inside(at, size, code, sizeof code) || inside(at, size, &run, sizeof run) || inside(at, size, data, sizeof data) ||
           (frame_length >= size && inside(at, size, frame, frame_length));
}

/* dispatch.S in C: a key in t0, a table in t1. Its instructions are counted as it has them: 9, and 4 a further step. */
static void dispatch(struct rv64 *c)
{
    const struct dpf_table *t = (const struct dpf_table *)c->x[T1];
    const struct dpf_bucket *b = &t->bucket[c->x[T0] * DPF_HASH >> t->shift];

    c->count += 10;
    while (b->key != c->x[T0] && b->target != t->empty) {
        b++;
        c->count += 5;
    }
    c->pc = b->target != AT_MISSED ? b->target : *t->missed;
}

static bool is_stop(uint64_t pc)
{
    return pc - (uint64_t)stops < sizeof stops;
}

/* Until one of the stops; null, or what went wrong. */
static const char *run_fragment(struct rv64 *c)
{
    while (!is_stop(c->pc)) {
        if (!rv64_step(c))
            return "an instruction that is not known, or reads what it must not";
        if (c->count > 100000)
            return "no end";
    }
    return NULL;
}

/* dpf_more's: the deeper, or, of two as deep, the later. */
static bool is_kept(uint64_t best, uint64_t next)
{
    if (best >> 24 != next >> 24)
        return best >> 24 > next >> 24;
    return (int32_t)(run.age[DPF_RESULT_NUMBER(next)] - run.age[DPF_RESULT_NUMBER(best)]) <= 0;
}

/* One of dispatch.S's pieces. True: that was the end, and a0 is the result. */
static bool helper(struct rv64 *c, uint64_t *best)
{
    if (c->pc == AT_DISPATCH) {
        dispatch(c);
    } else if (c->pc == AT_START) {
        c->x[RA] = AT_MORE;
        c->pc = run.slot[DPF_SLOT_ROOT];
    } else if (c->pc == AT_DONE) {
        c->x[A0] = 0;
        c->pc = c->x[RA];
        c->count += 2;
    } else if (c->pc == AT_MORE && c->x[A0]) {
        *best = is_kept(*best, c->x[A0]) ? *best : c->x[A0];
        c->x[A0] = (uint64_t)frame;
        c->pc = *(uint64_t *)((uint64_t)&run + c->x[T1]);
    } else {
        c->x[A0] = c->pc == AT_MORE ? *best : c->x[A0];
        return true;
    }
    return false;
}

/* Runs compiled code. The result, or ~0 with `why`. */
static uint64_t classify(uint64_t *count)
{
    struct rv64 c = {.readable = readable, .pc = run.slot[DPF_SLOT_START], .count = 4};
    uint64_t best = 0;

    c.x[A0] = (uint64_t)frame;
    c.x[A1] = (uint64_t)frame + frame_length;
    c.x[A7] = (uint64_t)&run;
    c.x[RA] = AT_RETURN;
    do {
        const char *wrong = run_fragment(&c);
        if (wrong) {
            why = wrong;
            return ~0UL;
        }
    } while (!helper(&c, &best));
    if (count)
        *count = c.count;
    return c.x[A0];
}
