/* SPDX-License-Identifier: BSD-2-Clause */
/* Condition variables: a sequence that every signal increments; who waits sleeps while it stays. */
#include <errno.h>
#include <time.h>

#include <aegis/exposed.h>

#include "../posix/clock.h"
#include "pthread_internal.h"

#define KIND_SHARED    1
#define KIND_MONOTONIC 2

/*
 * Who wakes a sleeper of this process takes it off the count, so that the condition may be destroyed
 * at once; every other waiter does so itself.
 */
struct waiting {
    pthread_cond_t *condition;
    pthread_mutex_t *mutex;
};

static void again(void *argument)
{
    struct waiting *w = argument;

    __atomic_fetch_sub(&w->condition->__waiters, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(w->mutex);
}

/* Until the sequence is no longer `seen`: 0; -ETIMEDOUT. *taken: whoever woke us took us off. */
static int sleep_for(pthread_cond_t *c, uint32_t seen, uint64_t deadline, bool *taken)
{
    bool shared = c->__kind & KIND_SHARED;
    int error;

    *taken = false;
    do {
        error = shared ? word_wait(&c->__sequence, seen, deadline, true, may_interrupt())
                       : thread_sleep(&c->__sequence, seen, deadline, may_interrupt());
        if (!shared && error == 0) {
            *taken = true;
            return 0;
        }
        if (error == -EINTR)
            pthread_testcancel();
    } while (error != -ETIMEDOUT && __atomic_load_n(&c->__sequence, __ATOMIC_ACQUIRE) == seen);
    return error == -ETIMEDOUT ? error : 0;
}

static int wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline)
{
    struct waiting w = {c, m};
    uint32_t seen = __atomic_load_n(&c->__sequence, __ATOMIC_ACQUIRE);
    bool taken;
    int error;

    pthread_testcancel();
    __atomic_fetch_add(&c->__waiters, 1, __ATOMIC_SEQ_CST);
    error = pthread_mutex_unlock(m);
    if (error) {
        __atomic_fetch_sub(&c->__waiters, 1, __ATOMIC_SEQ_CST);
        return error;
    }
    pthread_cleanup_push(again, &w);
    error = sleep_for(c, seen, deadline, &taken);
    pthread_cleanup_pop(0);
    if (!taken)
        __atomic_fetch_sub(&c->__waiters, 1, __ATOMIC_SEQ_CST);
    int locked = pthread_mutex_lock(m);
    return locked ? locked : error == -ETIMEDOUT ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
    return wait(c, m, 0);
}

int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                           const struct timespec *restrict until)
{
    uint64_t deadline =
        deadline_at(c->__kind & KIND_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME, until);
    return deadline ? wait(c, m, deadline) : EINVAL;
}

static int wake(pthread_cond_t *c, unsigned count)
{
    if (!__atomic_load_n(&c->__waiters, __ATOMIC_SEQ_CST))
        return 0;
    __atomic_fetch_add(&c->__sequence, 1, __ATOMIC_SEQ_CST);
    if (c->__kind & KIND_SHARED)
        word_wake(&c->__sequence, ~0U, true); /* what changed is seen by all */
    else
        __atomic_fetch_sub(&c->__waiters, thread_wake(&c->__sequence, count), __ATOMIC_SEQ_CST);
    return 0;
}

int pthread_cond_signal(pthread_cond_t *c)
{
    return wake(c, 1);
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
    return wake(c, ~0U);
}

int pthread_cond_init(pthread_cond_t *restrict c, const pthread_condattr_t *restrict a)
{
    *c = (pthread_cond_t){0};
    if (a)
        c->__kind = (a->__kind ? KIND_SHARED : 0) |
                    (a->__clock == CLOCK_MONOTONIC ? KIND_MONOTONIC : 0);
    return 0;
}

/*
 * Those that were woken, and are still on their way out, look at it once more: they are waited for.
 * A second is for those of another process, of which nobody knows whether they were woken.
 */
int pthread_cond_destroy(pthread_cond_t *c)
{
    uint64_t end = time_now() + AEGIS_EXPOSED_STATE->time_hz;

    while (__atomic_load_n(&c->__waiters, __ATOMIC_SEQ_CST)) {
        if (thread_sleeps(&c->__sequence) || time_now() > end)
            return EBUSY;
        thread_yield();
    }
    return 0;
}

int pthread_condattr_init(pthread_condattr_t *a)
{
    *a = (pthread_condattr_t){.__clock = CLOCK_REALTIME};
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *a)
{
    (void)a;
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *restrict a, clockid_t *restrict clock)
{
    *clock = a->__clock;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    a->__clock = (unsigned)clock;
    return 0;
}

int pthread_condattr_getpshared(const pthread_condattr_t *restrict a, int *restrict shared)
{
    *shared = (int)a->__kind;
    return 0;
}

int pthread_condattr_setpshared(pthread_condattr_t *a, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    a->__kind = (unsigned)shared;
    return 0;
}
