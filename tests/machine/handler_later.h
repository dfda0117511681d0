/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of later runs share. */
#pragma once

#include "handler_bench.h"
#include "parts.h"

/* In the window: runs, the ticks to ask for, the last frame's length, the last answer. */
enum { RUNS, TICKS, LENGTH_SEEN, ANSWER, OTHERS_RUNS, WORDS };
#define ASK LD(X_A0, 8 * TICKS, X_S10), CALL(ASH_CALL_again), SD(X_A0, 8 * ANSWER, X_S10)
#define LATER(verdict) SD(X_A1, 8 * LENGTH_SEEN, X_S10), COUNT(RUNS), ASK, SAY(verdict)

/* Where time is counted in instructions; a host that takes harts away spoils what follows from it. */
static inline bool exact(void)
{
    return EXPOSED->slice_ticks * 1000 <= EXPOSED->time_hz;
}

static inline void within(uint64_t runs, uint64_t least, uint64_t most)
{
    if (exact() && (runs < least || runs > most))
        say("# %d, and not %d to %d", (int)runs, (int)least, (int)most);
    CHECK(exact() ? runs >= least && runs <= most : runs > 0);
}

/* A few times at least. */
static inline bool often(uint64_t runs)
{
    return runs > (exact() ? 10 : 1);
}

/* Sleeps: the hart idles. */
static inline void sleep_ms(unsigned long ms)
{
    unsigned long until = now() + milliseconds(ms);

    while (now() < until)
        up_wait(NULL, 0, until);
}

static inline void never_again(struct bench *b)
{
    b->window[TICKS] = ~0UL;
    sleep_ms(200);
    uint64_t runs = b->window[RUNS];
    sleep_ms(200);
    EQUAL(b->window[RUNS], runs);
}
