/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor and its undo log. */
#include <string.h>

#include "../signal/signals.h"
#include "monitor.h"
#include "session.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)

static bool owner_change(uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(&SESSION->owner, &from, to, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* The newest store first: so the oldest value of a word stays. Done again from the start by whoever
 * finds us dead in the middle of it. */
static void roll_back(void)
{
    for (uint64_t n = SESSION->log_count; n--;)
        *(volatile uint64_t *)SESSION->log[n].word = SESSION->log[n].old;
    __atomic_store_n(&SESSION->log_count, 0, __ATOMIC_RELEASE);
}

/* Held by somebody else, by another thread of ours, or by the dead. */
void monitor_wait(uint64_t me)
{
    for (unsigned tries = 1;; tries++) {
        uint64_t owner = __atomic_load_n(&SESSION->owner, __ATOMIC_RELAXED);
        if (!owner) {
            if (owner_change(0, me))
                return;
        } else if (owner != me && owner_is_gone(owner)) {
            if (owner_change(owner, me)) {
                roll_back();
                return;
            }
        } else {
            monitor_relax(tries);
        }
    }
}

void monitor_enter(void)
{
    uint64_t me = session_me;

    signals_defer();
    if (!LIKELY(owner_change(0, me)))
        monitor_wait(me);
}

static inline void give(void)
{
    __atomic_store_n(&SESSION->owner, 0, __ATOMIC_RELEASE);
    signals_allow();
}

void monitor_leave(void)
{
    __atomic_store_n(&SESSION->log_count, 0, __ATOMIC_RELEASE);
    give();
}

void monitor_abandon(void)
{
    roll_back();
    give();
}

/* The entry first, then the count: cut between them, nothing was stored yet. A log that is full is
 * a mistake of ours: we end here, and are rolled back. */
void session_log(const volatile void *at)
{
    uint64_t *word = (uint64_t *)((uintptr_t)at & ~7UL), n = SESSION->log_count;

    if (!LIKELY(n < SESSION_LOG))
        __builtin_trap();
    SESSION->log[n].word = word;
    SESSION->log[n].old = *word;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile uint64_t *)&SESSION->log_count = n + 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void session_store(void *to, const void *from, size_t size)
{
    for (uintptr_t at = (uintptr_t)to & ~7UL; at < (uintptr_t)to + size; at += 8)
        session_log((void *)at);
    memcpy(to, from, size);
}
