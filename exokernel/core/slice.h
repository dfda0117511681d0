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
    uint32_t others = kernel.online & ~((struct hart *)machine_self()->hart)->bit;

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
