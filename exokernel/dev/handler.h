/* SPDX-License-Identifier: BSD-2-Clause */
/* What the handlers' files share; and where handler.S finds what it declares. */
#pragma once

#define H_RUN    0
#define H_WINDOW 8
#define H_MASK   16
#define H_FUEL   24

/* struct here */
#define HERE_KERNEL 0
#define HERE_SP     8
#define HERE_CAUSE  16
#define HERE_PC     24
#define HERE_VALUE  32
#define HERE_VECTOR 40
#define HERE_SEPC   48
#define HERE_STATUS 56

#define H_START         66 /* ASH_FRAME_START */
#define HANDLER_DROP    1  /* ASH_DROP */
#define HANDLER_SPENT   3  /* ASH_SPENT */
#define HANDLER_TRAPPED 4  /* in place of a verdict: behind the last of them */

#ifndef __ASSEMBLER__
#include <aegis/handler.h>

#include "net.h"

/* A place for a handler. Under network.lock; what running it reads does not change while its filter points here. */
struct handler {
    uint64_t run;                    /* H_RUN: where its code is executed */
    uint64_t window_va, mask;
    uint64_t fuel;                   /* for a run */
    uint64_t steps;                  /* of a run whose fuel is all gone */
    uint64_t check;                  /* of the filter when it was installed */
    const struct program *program;   /* ... and its own: it outlasts the handler */
    uint64_t owner_check;
    struct aegis_page *head, *memory; /* blocks: the window's, while it is bound; the lent one */
    struct aegis_handler_record *shown;
    struct aegis_env_record *owner_shown;
    uint32_t owner;
    uint64_t serial;                 /* 48 bits: no other handler ever has it */
    bool aborted;                    /* the receiver's: not run again */
    /* send_lock's: on which hart it is to be run with no frame, and when, plus 1; 0: never. */
    struct hart *hart;
    uint64_t again;
    /* What is not looked at for each frame. */
    uint16_t number, filter;         /* filter: AEGIS_NONE: it is gone */
    uint64_t frame_va;               /* of a page of its own, for frames that have none */
    char *frame;                     /* that page, in the direct map */
    uint64_t image, window;          /* what the call said that installs it */
    uint32_t words, stamp;
    enum { FREE, LOADING, LIVE, ENDING } state;
};
_Static_assert(offsetof(struct handler, run) == H_RUN && offsetof(struct handler, window_va) == H_WINDOW &&
               offsetof(struct handler, mask) == H_MASK && offsetof(struct handler, fuel) == H_FUEL, "handler.S");

extern struct handler handler_place[AEGIS_HANDLERS];

/* Of handlers' code and windows: a hart that has not seen the last one flushes before it runs any. */
extern uint32_t handler_change;

/* One that nobody runs any more has asked for no run. network.lock is held, send_lock is not. */
void handler_again_end(struct handler *h);

/* ---- handler_page.c ---- */

/* Nothing in page n but the frame is others' then. `behind`: the first doubleword in which nothing of it is. */
void page_clean(uint64_t n, uint64_t *behind, uint64_t serial);

/* A handler, by its serial number, is to see the page of a frame: its address, as the handler sees it. */
static inline uint64_t page_show(char *frame, uint32_t length, uint64_t serial)
{
    uint64_t n = (uint64_t)(frame - frame_pages.first) / PAGE_SIZE;
    uint64_t end = (uint64_t)frame + length, *last = (uint64_t *)(end & ~7UL);

    *last &= ~(~0UL << end % 8 * 8);
    page_clean(n, last + 1, serial);
    return frame_pages.shown + n * (NET_PAGE_SPAN * PAGE_SIZE);
}

/* The same where it was the last that saw it, and nobody else's frame came since: all in it is its own. */
static inline bool page_is_shown(const char *frame, uint64_t serial, uint64_t *page)
{
    uint64_t n = (uint64_t)(frame - frame_pages.first) / PAGE_SIZE;

    *page = frame_pages.shown + n * (NET_PAGE_SPAN * PAGE_SIZE);
    return frame_pages.page[n].whole == serial;
}
#endif
