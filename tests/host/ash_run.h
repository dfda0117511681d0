/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handler run on the host, each access watched. The window and a frame stand in memory with what is unmapped beside them;
 * an access there is a trap, one elsewhere breaks the verifier's promise. Included once.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ash/verify.h"
#include "rv64.h"

#define RUN_TABLE 0x7000000000UL /* where the table of entries would be: the interpreter stops there */

enum run_end { RUN_ENDED, RUN_TRAPPED, RUN_BROKEN };

static struct {
    uint8_t *window, *frame; /* bases */
    uint32_t window_size;
    const uint32_t *code;
    uint32_t words;
    const char *broken; /* what promise, when one was */
    bool trapped;
    /* An entry of the table. Null: each answers 0. */
    uint64_t (*call)(unsigned number, const uint64_t *arguments);
    uint64_t poison; /* what registers hold that are not the handler's */
} run;

static uint8_t *run_reserve(size_t size, size_t guard)
{
    size_t alignment = ASH_WINDOW_MAX;
    uint8_t *all = mmap(NULL, size + 2 * guard + 2 * alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (all == MAP_FAILED)
        exit(3);
    return (uint8_t *)(((uintptr_t)all + guard + alignment - 1) & ~(alignment - 1));
}

/* `begin` to `begin + size` is mapped. 1: inside, 0: unmapped beside it, -1: elsewhere. */
static int run_where(uint64_t at, unsigned bytes, const uint8_t *base, uint64_t size, uint64_t guard)
{
    uint64_t offset = at - (uint64_t)base;

    if (offset <= size - bytes)
        return 1;
    return offset + guard <= size + 2 * guard - bytes ? 0 : -1;
}

static bool run_touch(uint64_t at, unsigned bytes)
{
    int window = run_where(at, bytes, run.window, run.window_size, ASH_WINDOW_GUARD);
    int frame = run_where(at, bytes, run.frame, ASH_FRAME_SIZE, ASH_FRAME_GUARD);

    if (window > 0 || frame > 0)
        return true;
    run.trapped = true;
    if (window < 0 && frame < 0)
        run.broken = "an access outside";
    return false;
}

static bool run_fetch(uint64_t at, unsigned bytes)
{
    uint64_t offset = at - (uint64_t)run.code;
    return offset % 4 == 0 && offset / 4 < run.words && bytes == 4;
}

static void run_begin(const struct ash_code *code)
{
    if (!run.window) {
        run.window = run_reserve(ASH_WINDOW_MAX, ASH_WINDOW_GUARD);
        run.frame = run_reserve(ASH_FRAME_SIZE, ASH_FRAME_GUARD);
    }
    run.window_size = code->window;
    run.code = code->word;
    run.words = code->words;
}

static void run_registers(struct rv64 *c, uint32_t length, uint64_t fuel)
{
    *c = (struct rv64){.pc = (uint64_t)run.code, .readable = run_touch, .writable = run_touch, .executable = run_fetch};
    for (unsigned i = 1; i < 32; i++)
        c->x[i] = run.poison * (2 * i + 1);
    c->x[1] = c->x[8] = 0;
    c->x[2] = (uint64_t)run.window + run.window_size;
    c->x[10] = (uint64_t)run.frame + ASH_FRAME_START;
    c->x[11] = length;
    c->x[ASH_FRAME] = (uint64_t)run.frame;
    c->x[ASH_FUEL] = fuel;
    c->x[ASH_MASK] = run.window_size - 1;
    c->x[ASH_WINDOW] = (uint64_t)run.window;
    c->x[ASH_ENTRIES] = RUN_TABLE;
}

/* pc is at the table. True: it goes on. */
static bool run_entry(struct rv64 *c)
{
    unsigned number = (unsigned)(c->pc - RUN_TABLE) / 16;

    if (number == 0)
        return false;
    c->x[10] = run.call ? run.call(number, &c->x[10]) : 0;
    for (unsigned i = 5; i < 32; i++)
        if (i <= 7 || (i >= 11 && i <= 17) || i >= 28)
            c->x[i] = run.poison * (3 * i + 2);
    c->pc = c->x[1];
    c->x[1] = 0x1234;
    return true;
}

/* Runs to the end, a trap or a broken promise. `c` holds the registers and the count afterwards. */
static enum run_end run_handler(struct rv64 *c, uint32_t length, uint64_t fuel)
{
    run.trapped = false;
    run.broken = NULL;
    run_registers(c, length, fuel);
    for (;;) {
        if (c->pc - RUN_TABLE < 16 * ASH_CALL_END && c->pc % 16 == 0) {
            if (!run_entry(c))
                return RUN_ENDED;
        } else if (!rv64_step(c)) {
            bool misaligned = run_fetch(c->pc - 4, 4) && (*(uint32_t *)(c->pc - 4) & 0x7f) == 0x2f && !run.broken;
            if (!run.trapped && !misaligned)
                run.broken = "what is no instruction";
            return run.broken ? RUN_BROKEN : RUN_TRAPPED;
        }
        if (c->count > run.words + fuel + 2048) {
            run.broken = "more instructions than fuel";
            return RUN_BROKEN;
        }
    }
}
