/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the libOS say to signals.
 *
 *     signals_defer();                     no handler runs, no cancellation, until signals_allow()
 *     ... channel_wait() is -EINTR ...     when one of both is due
 *     signals_allow();                     they happen here (a handler may not return)
 *     if (error == -EINTR && signal_restart())
 *         do all of it again;              every handler that ran said SA_RESTART
 *
 * Deferral nests. It belongs to the thread, and costs a few instructions. A call that blocks, or
 * holds what a handler must not find held (a busy word, a reference), does all its work between the
 * two; the monitor defers by itself. Of a call that POSIX makes a cancellation point the first thing,
 * each time it begins again, is signals_point().
 */
#pragma once

#include <stdbool.h>

#include <aegis/scheduler.h>

static inline void signals_defer(void)
{
    thread_self()->deferred++;
    __asm__ volatile("" ::: "memory");
}

/* Runs what is due: handlers, cancellation. */
void signals_deliver(void);

static inline void signals_allow(void)
{
    struct thread *self = thread_self();
    __asm__ volatile("" ::: "memory");
    if (--self->deferred == 0 && __builtin_expect(self->attention, 0))
        signals_deliver();
}

/* A cancellation point: a thread that was cancelled ends here. */
void signals_point(void);

/* Whether a call that was interrupted (-EINTR) is to go on; asked after signals_allow(). */
bool signal_restart(void);

/* Whether a signal (or cancellation) is to be handled by the calling thread now. */
static inline bool wait_interrupted(void)
{
    return thread_self()->attention != 0;
}

/* Whether the calling thread blocks a signal, or the process ignores it (job control asks). */
bool signal_blocked(int signal);
bool signal_ignored(int signal);
