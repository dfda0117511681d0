/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads over activations. The kernel gives an environment slots of time; which of its threads
 * runs in one is decided here, in user mode, by a `struct scheduler`, and an application may link
 * its own:
 *
 *     const struct scheduler *const aegis_scheduler = &mine;
 *
 * Where the calls come from:
 *
 *     slot ends   --> context saved --> slice_yield              (upcall, masked)
 *     slot begins --> stop(), pick() --> a context is restored   (upcall, masked, on the slice
 * stack) a thread waits --> block() --> pick();  what it waits for has come, or it is new -->
 * start()
 *
 * All functions but `init` run masked, in upcalls: they and all that they touch must be pinned
 * (PINNED_CODE, PINNED_BSS), take bounded time (the grace time is 100 microseconds for everything),
 * and block never. None may use the C library. A scheduler that is wrong harms its own environment
 * only.
 */
#pragma once

#include <aegis/types.h>
#include <aegis/upcall.h>

enum thread_state {
    THREAD_FREE,
    THREAD_READY,
    THREAD_RUNNING,
    THREAD_WAITING, /* in slice_wait's sense; its predicates are below */
};

struct thread {
    struct context context; /* first: upcall code knows a thread by it */
    uint64_t fp[33]; /* f0-f31, fcsr, while another thread of this environment has the unit */
    uint32_t fp_used;
    uint32_t state;                           /* enum thread_state */
    struct thread *next;                      /* the scheduler's */
    const struct aegis_predicate *predicates; /* of a waiting thread */
    uint32_t predicate_count;
    uint32_t hart;   /* where it ran last */
    uint32_t asleep; /* its whole environment waits with it (slice_wait) */
    uint32_t spare;
    uint64_t deadline;  /* of its wait, in `time`; 0: none */
    uint64_t policy[4]; /* the scheduler's own: stride, tickets, deadline */
};

struct scheduler {
    const char *name;
    /* Once, before any thread runs. */
    void (*init)(void);
    /* A thread has become runnable (new, or woken). It is in no queue of the scheduler's. */
    void (*start)(struct thread *thread);
    /* The slot of a running thread has ended; it stays runnable. */
    void (*stop)(struct thread *thread);
    /* A running thread waits or ends: it must not be picked until `start` says so. */
    void (*block)(struct thread *thread);
    /* The thread that runs now on `hart`, which becomes RUNNING; null: none is runnable and the
     * hart sleeps. */
    struct thread *(*pick)(unsigned hart);
};

extern const struct scheduler scheduler_round_robin;
extern const struct scheduler *const aegis_scheduler; /* weak: &scheduler_round_robin */

struct thread *thread_self(void);

/*
 * Waits until one of at most AEGIS_PREDICATES comparisons holds or `deadline` (0: none) has come.
 * Returns the comparison's number, AEGIS_WAKE_TIMEOUT, AEGIS_WAKE_REVOKED, or a negative error of
 * slice_wait.
 */
long thread_wait(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline);

/* Gives the rest of the slot away. */
void thread_yield(void);
