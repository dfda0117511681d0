/* SPDX-License-Identifier: BSD-2-Clause */
/* What sched/ and those who make threads know of each other. */
#pragma once

#include <stdbool.h>

#include <aegis/scheduler.h>

#define EXCEPTION_STACK 4096 /* bytes */
#define SLICE_STACK     2048

/* Threads but the first lie in pages of the pinned window that are kept for them. */
#define THREAD_WINDOW       40 /* first page */
#define THREAD_WINDOW_PAGES 23
#define THREADS_MAX         (THREAD_WINDOW_PAGES * (AEGIS_PAGE_SIZE / sizeof(struct thread)))

extern struct thread thread_main;
extern uint64_t thread_ticks_ended; /* `time` that threads which are gone had */
extern const struct scheduler *scheduler_now;

/* Puts upcalls and areas of the activation in order; from here on upcalls may come. */
void thread_boot(struct aegis_activation *activation);
/*
 * Fork. thread_fork_point() returns 0 once, when all of the calling thread's state is in pinned
 * memory; and 1 in the child, when that calls thread_boot_forked() (on a pinned stack, before any
 * upcall) and schedule(): the calling thread is then thread_main, and the only one.
 */
long thread_fork_point(void);
void thread_boot_forked(struct aegis_activation *activation);
/* In the child, before anything else: tp leads to the thread that it is now. */
void thread_forked(void);

/* A thread that is in no list yet. Null: no room. thread_free gives it back. */
struct thread *thread_new(void);
void thread_free(struct thread *thread);
/* Each thread in use, in no order. */
struct thread *thread_next(struct thread *after);
/* There never was another thread but the first. */
bool threads_alone(void);
/* Makes it runnable for the first time. */
void thread_start(struct thread *thread);
/* Ends the calling thread: `*word` becomes `value` and its sleepers are woken when nothing of the
 * thread is in use any more, its stack included. */
void thread_end(volatile uint32_t *word, uint32_t value) __attribute__((noreturn));
/* Has a thread look at its `attention` (or-ed with `bits`) soon; ends its wait if that may be. */
void thread_attend(struct thread *thread, uint32_t bits);

/*
 * Runs function(its context, argument, the activation) masked, on the exception stack. It ends by
 * thread_return(), or by schedule() when it has stopped or blocked the thread.
 */
typedef void thread_function(struct context *context, void *argument,
                             struct aegis_activation *activation);
long context_call(struct context *context, thread_function *function, void *argument);
void schedule(struct aegis_activation *activation) __attribute__((noreturn));
/* The thread that runs goes on, or first looks at what it has to attend to. */
void thread_go_on(struct thread *thread, struct aegis_activation *activation)
    __attribute__((noreturn));
/* Another one goes on on this hart. */
void thread_run(struct thread *thread, struct aegis_activation *activation)
    __attribute__((noreturn));
static inline void thread_result(struct context *context, long result)
{
    context->x[CONTEXT_A0] = (uint64_t)result;
}

/* The scheduler's, and how many threads it has. Masked. */
extern unsigned ready_count;
static inline void ready_start(struct thread *thread)
{
    thread->state = THREAD_READY;
    ready_count++;
    scheduler_now->start(thread);
}
static inline void ready_stop(struct thread *thread)
{
    thread->state = THREAD_READY;
    ready_count++;
    scheduler_now->stop(thread);
}
static inline struct thread *ready_pick(unsigned hart)
{
    struct thread *thread = scheduler_now->pick(hart);
    ready_count -= thread != 0;
    return thread;
}

/* wait.c; masked */
void wait_begin(struct thread *thread);
void wait_over(struct thread *thread, long why);
void wait_poll(void);
void wait_sleep(struct aegis_activation *activation);
void wait_woken(struct aegis_activation *activation, long why);
void wait_reset(void);
unsigned wait_wake(const volatile uint32_t *word, unsigned count);
struct thread *wait_first(const volatile uint32_t *word);
bool wait_hand(const volatile uint32_t *word, long result);
/* In thread_sleep(), which has results of its own. */
#define THREAD_SLEEPS(thread) ((thread)->word && !(thread)->predicate_count)
void attend(struct thread *thread, uint32_t bits);
extern unsigned waiting_count;

/* <errno.h> names them, but errno itself is for threads. */
#define EINTR_VALUE     4
#define EAGAIN_VALUE    11
#define ETIMEDOUT_VALUE 116

/* Set by libos/signal: looked at when a slot begins and before all sleep. Masked, pinned. The
 * predicate wakes the environment when the answer may change; its slot is NO_PREDICATE if there is
 * none. */
#define NO_PREDICATE 0xfffe
struct signal_hooks {
    bool (*look)(void);           /* marks threads that have to attend; true: some were */
    struct aegis_predicate wake;  /* value is kept by `look` */
    uint64_t deadline;            /* of the next timer; 0: none */
    /* The process is stopped; it waited for that to end, and says whether it still is. */
    bool (*stopped)(struct aegis_activation *activation);
};
extern struct signal_hooks signal_hooks;
extern volatile uint64_t *signals_shared; /* what is pending for the process, in its entry */
extern uint64_t signals_local;            /* and here */
PINNED_INLINE bool signals_quiet(uint64_t now)
{
    return !(*signals_shared | signals_local) &&
           (!signal_hooks.deadline || now < signal_hooks.deadline);
}
/* What an attentive thread does; on its own stack, unmasked. Ends by context_return. */
void attention_entry(struct context *saved, long unused);

/*
 * Makes a thread call `function(saved context, argument)` next, on its own stack, as if where it
 * stands. The function must leave by context_return(). Called masked. -1: the thread's stack cannot
 * take it.
 */
int context_push(struct context *context, void (*function)(struct context *, long), long argument);
/* The same on the stack that ends at `sp`. */
int context_push_at(struct context *context, uint64_t sp,
                    void (*function)(struct context *, long), long argument);
/* Back to what context_push saved. Called by threads. */
void context_return(const struct context *saved) __attribute__((noreturn));

/* Looked at whenever a slot begins: the hook returns non-zero to have `function` pushed. Pinned
 * code. */
extern int (*slice_hook)(void);
extern void (*slice_hook_function)(struct context *, long);

static inline bool pc_within(uint64_t pc, const void *first, const void *end)
{
    return pc - (uint64_t)first < (uint64_t)end - (uint64_t)first;
}

static inline uint64_t time_now(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}
