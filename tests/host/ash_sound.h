/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the verifier says of one instruction against what it does: registers hold values within what is known; afterwards they
 * must again. The unit test draws cases at random, the proof (tests/proofs) takes all of them. Included once.
 */
#pragma once

#include "ash/decode.h"
#include "ash/verify.h"
#include "rv64.h"

#define SOUND_WINDOW_AT 0x4000000000UL
#define SOUND_FRAME_AT  0x5000000000UL

/* Whether a register's value is one that is known of it. */
static bool sound_holds(const struct ash_state *s, unsigned r, uint64_t value)
{
    uint64_t base = s->reg[r].kind == ASH_IN_WINDOW ? SOUND_WINDOW_AT : s->reg[r].kind == ASH_IN_FRAME ? SOUND_FRAME_AT : 0;
    int64_t distance = (int64_t)(value - base);

    return s->reg[r].kind == ASH_ANY || (distance >= s->reg[r].low && distance <= s->reg[r].high);
}

/* Arithmetic: rd, and what it was made of. True: as it should be, or refused. */
static bool sound_arithmetic(struct ash_verifier *v, struct rv64 *c, uint32_t w)
{
    unsigned rd = rd_of(w);

    if (ash_step(v, w) || v->pending || !(ASH_WRITABLE >> rd & 1))
        return true;
    if (!rv64_execute(c, w))
        return false;
    return v->now.reg[rd].low <= v->now.reg[rd].high || v->now.reg[rd].kind == ASH_ANY ? sound_holds(&v->now, rd, c->x[rd]) : false;
}
