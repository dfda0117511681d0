/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of thread/ know of each other. A thread's memory, from its stack's end on:
 *
 *     guard page | stack, grows down | struct pthread | thread-local storage
 *                                                     tp
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../sched/thread.h"

#define SPECIFIC_INLINE 8

struct process;

struct pthread {
    struct pthread *next;   /* all but those that are gone */
    volatile uint32_t gone; /* thread_end sets it: nothing of the thread runs any more */
    uint32_t detached;
    uint32_t cancelled; /* asked for */
    uint32_t cancel_state, cancel_type;
    uint32_t exiting;
    struct __pthread_cleanup *cleanups;
    void *result;
    void *(*function)(void *);
    void *argument;
    void *block; /* its memory; null: the first thread's, or of a cache */
    size_t block_size;
    void *stack; /* as pthread_attr_getstack tells it */
    size_t stack_size, guard_size;
    pthread_mutex_t *robust; /* held, in a list through __queue[0] */
    void **specific;         /* values of keys; the first few lie here */
    void *specific_here[SPECIFIC_INLINE];
    int policy, priority;
    char name[16];
    uint64_t identity; /* of the struct pthread, while it is in use */
    struct thread *thread; /* last: the word below tp */
};

_Static_assert(sizeof(struct pthread) <= 512, "struct pthread: aegis.ld keeps 512 bytes");

static inline struct pthread *pthread_here(void)
{
    return (struct pthread *)__builtin_thread_pointer() - 1;
}

static inline struct pthread *pthread_of(pthread_t t)
{
    return (struct pthread *)t;
}

extern struct pthread *pthread_first; /* main's */
extern struct pthread *pthread_all;   /* the others' list */
/* Whether it is a thread that has not been joined. */
bool pthread_known(const struct pthread *t);
/* Recursive, over what pthread_all and the caches are. */
void threads_lock(void);
void threads_unlock(void);

/* Policy and priority: known and in range; of an entry, in the monitor (EPERM: more than there was, and not the superuser); from the process's entry;
 * to it. */
bool scheduling_valid(int policy, int priority);
int scheduling_set(struct process *p, int policy, int priority);
void scheduling_fetch(struct pthread *t);
void scheduling_rank(struct pthread *t);
int scheduling_give(struct pthread *t, int policy, int priority);

void specific_end(struct pthread *self);
void robust_end(struct pthread *self);

/* In attention: a cancelled thread whose type says so ends here. */
void cancel_attend(void);
/* The calling thread was cancelled, and has not said that it shall not be. */
bool cancel_is_due(void);

/* ---- waiting for words ---- */

/* Sleeps while *word is `expected`: 0 (look again), -ETIMEDOUT, -EINTR. `shared`: whoever has the
 * word mapped may change it. */
int word_wait(volatile uint32_t *word, uint32_t expected, uint64_t deadline, bool shared,
              bool interruptible);
void word_wake(volatile uint32_t *word, unsigned count, bool shared);
/* What all processes that have a shared word mapped call it alike. 0: it is not mapped. */
uint64_t word_name(volatile uint32_t *word);
/* Unique among threads of all processes of the session. */
uint32_t thread_identity(void);
/* Whether the thread of an identity is still there. */
bool thread_identity_alive(uint32_t identity);

/* A wait of a POSIX call's: interruptible where signals are not deferred. */
static inline bool may_interrupt(void)
{
    return thread_self()->deferred == 0;
}
