/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of handlers have: images in a few words, a filter with an endpoint, a window and memory to lend. */
#pragma once

#include <aegis/handler.h>

#include "../../ash/encode.h"
#include "../../ash/verify.h"
#include "calls.h"
#include "packets.h"
#define LOW(n) (120UL + (n)) /* slots that a child has too */
#define ROOT AEGIS_SLOT_NETWORK
#define RING_VA AREA
#define WINDOW_VA (AREA + 0x40000)
#define PORT 9000
#define LENGTH 106
#define FUEL 1000
#define FILTER LOW(0)
#define WINDOW LOW(1)
#define MEMORY LOW(2) /* two blocks: while one handler replaces another both have theirs */
#define HANDLER(n) (&EXPOSED->net.handler[n])

#define END JALR(0, 0, X_S11)
#define CALL(n) JALR(X_RA, 16 * (n), X_S11)
#define SAY(verdict) ADDI(X_A0, X_ZERO, verdict), END
#define FRAME ADDI(X_A0, X_S7, ASH_FRAME_START)
#define COUNT_ONE ADDI(X_T0, X_T0, 1)
/* The window's doubleword n, one more. */
#define COUNT(n) LD(X_T0, 8 * (n), X_S10), COUNT_ONE, SD(X_T0, 8 * (n), X_S10)

/* ---- images ---- */

struct image {
    struct ash_image head;
    uint32_t word[5000];
} __attribute__((aligned(8)));
extern struct image image, second;

struct image *image_make(struct image *to, const uint32_t *word, unsigned words, unsigned pages);
#define IMAGE(to, ...)                                                                             \
    ({                                                                                             \
        const uint32_t word_[] = {__VA_ARGS__};                                                    \
        image_make(to, word_, sizeof word_ / 4, 1);                                                \
    })

/* Loops until there is no fuel; `label` is where jumps go, first word and last but one. */
struct image *image_spin(struct image *to);

/* ---- what all of them need ---- */

struct bench {
    struct socket socket;
    unsigned filter;
    volatile uint64_t *window;
};

/* A whole rotation of the slice vector: whatever handlers have used of the last one, they have time again. */
void rotate(void);
void bench_open(struct bench *b, unsigned limit);
void bench_close(struct bench *b);

#define RECORDS_OF(slot) RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[slot].what) - EXPOSED->page_first]

/* With the block that is not lent at present, if one is not. */
struct aegis_result install(const struct image *i);
unsigned install_done(const struct image *i);

/* A frame through the filter; its first byte of payload. */
void frame_at_once(struct bench *b, unsigned first);
/* The same when its owner has time for it. */
void frame(struct bench *b, unsigned first);
unsigned pins(unsigned long slot);

/* Another environment that has the first `count` of filter, window and blocks, and runs function(argument) on a hart. */
extern struct other {
    volatile unsigned long stop, done, errors;
} other;
void other_start(struct child *c, unsigned hart, void (*function)(long), long argument, unsigned count);
/* Its filter has as many handlers beneath it as at first, which were 3. */
bool all_gone(void *bench);
