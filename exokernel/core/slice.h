/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: each hart's linear vector of slices (SOSP'95 5.1.1), one way to sleep, one way to wake. The fast switch at
 * the end of a slot is riscv/entry.S's; it comes here when the next position's `run` is 0.
 */
#pragma once

#include "kernel.h"

#define OVERRUNS_DEADLY 64        /* in a row */

void slice_boot(struct hart *h);
/* The present environment, or nobody, has nothing more to do in this slot. The hart's life begins here. */
_Noreturn void slice_leave(void);
/* Lets harts that idle look at their vectors again. */
void slice_wake(uint32_t harts);
/* Something that sleepers may wait for happened outside of any environment (a device, a death). */
static inline void slice_poke(void)
{
    uint32_t others = kernel.online & ~machine_self()->hart->bit;

    if (others)
        slice_wake(others);
}
/* A claim of `from`'s on a position went, and `left` remain: with none it is nobody's; else, if that was the owner, who runs there is. table_lock is held. */
void slice_drop(unsigned hart, unsigned position, const struct env *from, uint32_t left);
/* This hart's positions that run `a` run nobody. */
void slice_forget(struct hart *h, struct activation *a);
/* A claim on a position, by name or any; value: the name. table_lock is not held. */
long slice_take(struct env *e, unsigned long name, uint32_t *resource, uint64_t *check);

/* Registers of an interrupted environment, on the kernel's stack: pc, x1 .. x31. */
struct frame {
    uint64_t pc;
    uint64_t x[32]; /* x[0]: scause; x[3], gp: not kept */
};

/* An interrupt that the fast paths left. It may change the frame, or not return. */
void slice_interrupt(struct frame *f);

/* ---- predicates: at most 8 comparisons, looked at by the kernel when the sleeper's slot comes up (wait.c) ---- */

#define WAIT_ON (-3L)

static inline bool interval_holds(const struct condition *c, uint64_t word)
{
    return word - c->low <= c->last;
}

/* The number of a comparison that holds, from one on; AEGIS_WAKE_*; or WAIT_ON. */
long wait_look(const struct activation *a, unsigned from);

/* Whether the sleeper wakes; then why is in its page. On its own hart. The first comparison, of an exposed word, is quick. */
static inline bool wait_over(struct activation *a)
{
    long why = 0;

    if (!LIKELY(a->predicates && a->condition[0].quick && interval_holds(&a->condition[0], *(volatile uint64_t *)a->condition[0].word))) {
        why = wait_look(a, 0);
        if (why == WAIT_ON && !(a->attention & (ATTENTION_REVOKE | ATTENTION_GONE | ATTENTION_EMERGENCY)))
            return false;
        why = why == WAIT_ON ? AEGIS_WAKE_INTERRUPTED : why;
    }
    a->predicates = 0;
    a->deadline = ~0UL;
    activation_user(a)->wake = why;
    return true;
}

/* The earliest deadline of this hart's sleepers, ~0: none. */
uint64_t wait_next(struct hart *h);
