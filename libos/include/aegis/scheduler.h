/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads over activations. The kernel gives an environment slots of time; which of its threads
 * runs in one is decided here, in user mode, by a `struct scheduler`. An application links its own,
 *
 *     const struct scheduler *const aegis_scheduler = &mine;
 *
 * or puts it in place while it runs, scheduler_set(&mine): the threads are carried over.
 *
 *     slot begins     --> stop() of the thread whose slot ended --> pick()
 *     a thread yields --> stop() --> pick()
 *     it waits, ends  --> block() --> pick()
 *     what it waits for has come, or it is new --> start()
 *
 * A thread that would be picked alone, since no other is runnable, goes on without being stopped or
 * started.
 *
 * All functions but `init` run masked, in upcalls: they and all that they touch must be pinned
 * (PINNED_CODE, PINNED_BSS), take bounded time (the grace time is 100 microseconds for everything),
 * and block never. None may use the C library. One of them runs at a time, also on several harts. A
 * scheduler that is wrong harms its own environment only.
 */
#pragma once

#include <stdbool.h>

#include <aegis/types.h>
#include <aegis/upcall.h>

enum thread_state {
    THREAD_FREE,
    THREAD_READY,   /* the scheduler has it */
    THREAD_RUNNING, /* picked */
    THREAD_WAITING,
    THREAD_ENDED,
};

struct pthread;

struct thread {
    struct context context; /* first: upcall code knows a thread by it */
    uint64_t fp[33]; /* f0-f31, fcsr, while another thread of this environment has the unit */
    uint32_t fp_used;
    uint32_t state; /* enum thread_state; the caller of the scheduler's functions sets it */

    struct thread *next; /* from here to `policy`: the scheduler's own */
    uint64_t policy[4];

    uint32_t number;   /* 0: the first thread; stays as long as the thread */
    uint32_t hart;     /* where it runs, or ran last */
    uint64_t affinity; /* bit h: it may run on hart h */
    uint64_t ticks;    /* `time` that it has had; since `began` it runs */
    uint64_t began;

    struct thread *wait_next, *wait_previous; /* among those that wait */
    const volatile uint32_t *word;            /* what thread_wake() of it ends */
    uint64_t deadline;                        /* in `time`; 0: none */
    const struct aegis_predicate *predicates; /* the caller's */
    uint32_t predicate_count;
    uint16_t interruptible; /* a signal ends this wait */
    uint16_t rank;          /* of those that wait for a word the highest is woken first */

    uint32_t deferred;  /* not 0: signals are not delivered (libos/signal/signals.h) */
    uint32_t attention; /* THREAD_ATTENTION_*: looked at whenever the thread is about to go on */
    uint64_t blocked, pending;          /* signals, bit n: signal n */
    uint64_t accepts;                   /* by sigwait and its kin */
    uint64_t alternate, alternate_size; /* sigaltstack; size 0: none */
    uint32_t handled;                   /* handlers that ran, ever */
    uint16_t no_restart;                /* one of them did not say SA_RESTART */
    uint16_t cancel_due; /* it looked at a cancellation that waits for a point: the next wait does
                            not begin */
    struct pthread *self;
};

#define THREAD_ATTENTION_SIGNAL 1
#define THREAD_ATTENTION_CANCEL 2

struct scheduler {
    const char *name;
    /* Once, before it is used; in a thread, or at the very start. */
    void (*init)(void);
    /* A thread has become runnable (new, or woken). It is in no queue of the scheduler's. */
    void (*start)(struct thread *thread);
    /* A running thread's slot has ended, or it yields; it stays runnable. */
    void (*stop)(struct thread *thread);
    /* A running thread waits or ends: it must not be picked until `start` says so. */
    void (*block)(struct thread *thread);
    /* The thread that runs now on `hart`; it is in no queue from here on. Null: none is runnable.
     * One that may not run there (affinity) must not be returned. */
    struct thread *(*pick)(unsigned hart);
};

extern const struct scheduler scheduler_round_robin;
extern const struct scheduler *const aegis_scheduler; /* weak: &scheduler_round_robin */

/* Another scheduler from now on; runnable threads are started with it. Returns the one before. It
 * may be asked to stop or block a thread that the one before picked. */
const struct scheduler *scheduler_set(const struct scheduler *scheduler);

/* The calling thread. In threads only: upcalls ask their hart's area. */
#ifndef __riscv
struct thread *thread_self(void); /* of tests on a host */
#else
static inline struct thread *thread_self(void)
{
    return ((struct thread **)__builtin_thread_pointer())[-1];
}
#endif

#define THREAD_WAKE_SIGNAL                                                                         \
    (-5L) /* thread_wait_signal: a signal (or cancellation) is to be handled */

/*
 * Waits until one of at most AEGIS_PREDICATES comparisons holds or `deadline` (0: none) has come.
 * Other threads run meanwhile; if there are none the environment sleeps, in one wait for all its
 * threads. Returns the comparison's number, AEGIS_WAKE_TIMEOUT, AEGIS_WAKE_REVOKED, or a negative
 * error of slice_wait. It may return a comparison's number early: look again.
 */
long thread_wait(const struct aegis_predicate *predicates, unsigned count, uint64_t deadline);
/* The same, but also returns when a signal is to be handled: THREAD_WAKE_SIGNAL. */
long thread_wait_signal(const struct aegis_predicate *predicates, unsigned count,
                        uint64_t deadline);

/*
 * Sleeps if *word is `expected`, until thread_wake() of that word by this process: 0; -EAGAIN: it
 * is not; -ETIMEDOUT; -EINTR (only if `interruptible`).
 */
int thread_sleep(const volatile uint32_t *word, uint32_t expected, uint64_t deadline,
                 bool interruptible);
/* A wait for a word to differ from the comparison's value, which thread_wake(word) of this process
 * ends too, as number 0. */
long thread_wait_word(const struct aegis_predicate *predicate, const volatile uint32_t *word,
                      uint64_t deadline, bool interruptible);
/* Wakes one thread that waits for a word, of the highest rank the one that came first; or, if
 * `count` is more, all. How many. */
unsigned thread_wake(const volatile uint32_t *word, unsigned count);
/* The same for one, whose thread_sleep() gives `result`. */
bool thread_hand(const volatile uint32_t *word, int result);
/* Whether one waits for it. */
bool thread_sleeps(const volatile uint32_t *word);

/* Another thread's turn, or if there is none another environment's. */
void thread_yield(void);
/* The rest of the slot is another environment's (a slot with RING over it). 0 when the next one of
 * ours has come, or an error of slice_yield_to. */
long thread_yield_to(unsigned slot);
