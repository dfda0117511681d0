/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limbo: nothing is reused before every hart has let go. Whoever takes something out of use draws a stamp and asks
 * for an acknowledgement; a hart acknowledges outside the kernel by flushing everything, a parked one by being parked
 * (it flushes before it enters anybody). Nobody waits: calls answer AGAIN until the stamp is over. The hart that looks
 * counts itself out: it has flushed what it took away, or is about to be interrupted.
 */
#pragma once

#include "kernel.h"

/* The change was made: what any hart of `mask` has cached of it is gone once this stamp is over. */
uint32_t limbo_enter(uint32_t mask);
/* Whether every hart of `mask` has acknowledged since. */
bool limbo_over(uint32_t mask, uint32_t stamp);
/* Whether this hart is the only one in a mask, and so has nobody to wait for; false also when it is not in it. */
static inline bool limbo_only_here(uint32_t mask)
{
    return mask == machine_self()->hart->bit;
}
/* This hart lets go of everything. Outside of every other kernel path (trap or idle). */
static inline __attribute__((always_inline)) void limbo_acknowledge(struct hart *h)
{
    uint64_t epoch = __atomic_load_n(&kernel.epoch, __ATOMIC_ACQUIRE);

    machine_flush_all();
    __atomic_store_n(&h->ack, epoch, __ATOMIC_RELEASE);
}
