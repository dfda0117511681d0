/* SPDX-License-Identifier: BSD-2-Clause */
/* Wakeup predicates: at most 8 comparisons, looked at by the kernel when the sleeper's slot comes up. */
#pragma once

#include "kernel.h"

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
