/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that wait. Those that wait for a word of this process are woken by whoever changes it.
 * Those that wait for comparisons are looked at whenever a slot begins; and if no thread can run the
 * environment sleeps, in one wait for all of them. All masked and pinned.
 */
#include "thread.h"

#include "../upcall/upcall_asm.h"

static PINNED_BSS struct thread *waiting; /* a ring of those that wait, if there are any */
PINNED_BSS unsigned waiting_count;

/* What the environment's wait is made of. */
static PINNED_OWN struct aegis_predicate gathered[AEGIS_PREDICATES];
static PINNED_OWN struct thread *gathered_for[AEGIS_PREDICATES];
static PINNED_OWN uint8_t gathered_number[AEGIS_PREDICATES];
static PINNED_BSS bool overflow; /* not all of them fitted */

PINNED_CODE void wait_begin(struct thread *t)
{
    if (!waiting_count) {
        waiting = t->wait_next = t->wait_previous = t;
    } else {
        t->wait_next = waiting;
        t->wait_previous = waiting->wait_previous;
        waiting->wait_previous->wait_next = t;
        waiting->wait_previous = t;
    }
    waiting_count++;
}

PINNED_CODE void wait_over(struct thread *t, long why)
{
    t->wait_next->wait_previous = t->wait_previous;
    t->wait_previous->wait_next = t->wait_next;
    if (waiting == t)
        waiting = t->wait_next;
    waiting_count--;
    t->word = 0;
    t->predicate_count = 0;
    thread_result(&t->context, why);
    ready_start(t);
}

PINNED_CODE void wait_reset(void)
{
    ready_count = 0;
    waiting_count = 0;
}

PINNED_CODE struct thread *wait_first(const volatile uint32_t *word)
{
    struct thread *t = waiting, *first = 0;

    for (unsigned n = waiting_count; n; n--, t = t->wait_next)
        if (t->word == word && (!first || t->rank > first->rank))
            first = t;
    return first;
}

PINNED_CODE bool wait_hand(const volatile uint32_t *word, long result)
{
    struct thread *t = wait_first(word);

    if (t)
        wait_over(t, result);
    return t != 0;
}

PINNED_CODE unsigned wait_wake(const volatile uint32_t *word, unsigned count)
{
    unsigned woken = 0;
    struct thread *t = waiting;

    if (count == 1)
        return wait_hand(word, 0);
    for (unsigned n = waiting_count; n; n--) {
        struct thread *next = t->wait_next;
        if (t->word == word) {
            wait_over(t, 0);
            woken++;
        }
        t = next;
    }
    return woken;
}

/* ---- looking ---- */

/* What a thread's wait comes to now; ~0 - 7: nothing. The kernel looks, for the words may not be
 * mapped here. */
#define NOTHING (-8L)
PINNED_CODE static long look(const struct thread *t, uint64_t now)
{
    if (t->predicate_count) {
        static PINNED_OWN struct aegis_predicate looked_at[AEGIS_PREDICATES];
        for (unsigned i = 0; i < t->predicate_count; i++)
            looked_at[i] = t->predicates[i];
        struct aegis_result r = aegis_slice_wait((unsigned long)looked_at, t->predicate_count, 1);
        if (!r.error)
            return (long)r.value == AEGIS_WAKE_INTERRUPTED ? NOTHING : (long)r.value;
        if (r.error == AEGIS_E_REVOKED)
            return AEGIS_WAKE_REVOKED;
        if (r.error != AEGIS_E_TIMEOUT)
            return r.error;
    }
    if (t->deadline && (int64_t)(now - t->deadline) >= 0)
        return THREAD_SLEEPS(t) ? -ETIMEDOUT_VALUE : AEGIS_WAKE_TIMEOUT;
    return NOTHING;
}

PINNED_CODE void wait_poll(void)
{
    uint64_t now = time_now();
    struct thread *t = waiting;

    for (unsigned n = waiting_count; n; n--) {
        struct thread *next = t->wait_next;
        long why = t->predicate_count || t->deadline ? look(t, now) : NOTHING;
        if (why != NOTHING)
            wait_over(t, why);
        t = next;
    }
}

/* ---- sleeping ---- */

/* A part of the wait; `thread` null: the signals'. */
PINNED_CODE static unsigned gather(unsigned at, const struct aegis_predicate *p,
                                   struct thread *thread, unsigned number)
{
    if (at == AEGIS_PREDICATES) {
        overflow = true;
        return at;
    }
    gathered[at] = *p;
    gathered_for[at] = thread;
    gathered_number[at] = (uint8_t)number;
    return at + 1;
}

PINNED_CODE static uint64_t sooner(uint64_t a, uint64_t b)
{
    return !a ? b : !b || (int64_t)(a - b) < 0 ? a : b;
}

PINNED_CODE void wait_sleep(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);
    uint64_t deadline = signal_hooks.deadline;
    struct thread *t = waiting;
    unsigned at = 0;

    overflow = false;
    if (signal_hooks.wake.slot != NO_PREDICATE)
        at = gather(0, &signal_hooks.wake, 0, 0);
    area->alone = at;
    if (waiting_count != 1 || ready_count || &waiting->context != area->current)
        area->alone = AEGIS_PREDICATES; /* beyond any number */
    for (unsigned n = waiting_count; n; n--, t = t->wait_next) {
        deadline = sooner(deadline, t->deadline);
        for (unsigned i = 0; i < t->predicate_count; i++)
            at = gather(at, &t->predicates[i], t, i);
    }
    if (overflow)
        deadline = sooner(deadline, time_now() + AEGIS_EXPOSED_STATE->slice_ticks);
    area->sleeping = 1;
    if (__atomic_fetch_and(&a->held, ~(uint64_t)AEGIS_HELD_SLICE_END, __ATOMIC_RELAXED) &
        AEGIS_HELD_SLICE_END) {
        a->wake = AEGIS_WAKE_TIMEOUT; /* all are looked at when the next slot begins */
        aegis_slice_yield();
    }
    struct aegis_result r = aegis_slice_wait((unsigned long)gathered, at, deadline);
    area->sleeping = 0;
    wait_woken(a, !r.error                       ? (long)r.value
                  : r.error == AEGIS_E_TIMEOUT ? AEGIS_WAKE_TIMEOUT
                                               : AEGIS_WAKE_REVOKED);
    if (signal_hooks.look)
        signal_hooks.look();
}

/* The environment's wait is over. */
PINNED_CODE void wait_woken(struct aegis_activation *a, long why)
{
    (void)a;
    if (why == AEGIS_WAKE_INTERRUPTED)
        return;
    if (why < 0 || why >= AEGIS_PREDICATES) {
        wait_poll();
        return;
    }
    struct thread *t = gathered_for[why];
    if (t && t->state == THREAD_WAITING)
        wait_over(t, gathered_number[why]);
}
