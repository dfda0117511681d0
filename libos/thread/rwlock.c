/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks for many readers or one writer, barriers and spin locks. */
#include <errno.h>
#include <time.h>

#include "../posix/clock.h"
#include "pthread_internal.h"

#define WRITER  0x80000000U
#define READERS 0x7fffffffU

static int read_try(pthread_rwlock_t *l)
{
    uint32_t state = __atomic_load_n(&l->__state, __ATOMIC_RELAXED);

    do {
        if (state & WRITER)
            return EBUSY;
        if (state == READERS)
            return EAGAIN;
    } while (!__atomic_compare_exchange_n(&l->__state, &state, state + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return 0;
}

static int write_try(pthread_rwlock_t *l)
{
    uint32_t free = 0;

    if (!__atomic_compare_exchange_n(&l->__state, &free, WRITER, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return EBUSY;
    l->__writer = thread_identity();
    return 0;
}

static int lock(pthread_rwlock_t *l, int (*attempt)(pthread_rwlock_t *), uint64_t deadline)
{
    int error;

    while ((error = attempt(l)) == EBUSY) {
        uint32_t state = __atomic_load_n(&l->__state, __ATOMIC_ACQUIRE);
        if (state & WRITER && l->__writer == thread_identity())
            return EDEADLK;
        if (!state)
            continue;
        __atomic_fetch_add(&l->__waiting, 1, __ATOMIC_SEQ_CST);
        int why = word_wait(&l->__state, state, deadline, l->__kind, may_interrupt());
        __atomic_fetch_sub(&l->__waiting, 1, __ATOMIC_SEQ_CST);
        if (why == -ETIMEDOUT)
            return attempt(l) ? ETIMEDOUT : 0;
    }
    return error;
}

static int timed_lock(pthread_rwlock_t *l, int (*attempt)(pthread_rwlock_t *),
                      const struct timespec *until)
{
    int error = attempt(l);

    if (error != EBUSY)
        return error;
    uint64_t deadline = deadline_at(CLOCK_REALTIME, until);
    return deadline ? lock(l, attempt, deadline) : EINVAL;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return lock(l, read_try, 0);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    return read_try(l);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict l, const struct timespec *restrict until)
{
    return timed_lock(l, read_try, until);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return lock(l, write_try, 0);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    return write_try(l);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict l, const struct timespec *restrict until)
{
    return timed_lock(l, write_try, until);
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    uint32_t state = __atomic_load_n(&l->__state, __ATOMIC_RELAXED);

    if (!state)
        return EINVAL;
    if (state & WRITER && l->__writer != thread_identity())
        return EPERM;
    if (state & WRITER) {
        l->__writer = 0;
        __atomic_store_n(&l->__state, 0, __ATOMIC_RELEASE);
    } else if (__atomic_sub_fetch(&l->__state, 1, __ATOMIC_RELEASE)) {
        return 0;
    }
    if (__atomic_load_n(&l->__waiting, __ATOMIC_SEQ_CST))
        word_wake(&l->__state, ~0U, l->__kind);
    return 0;
}

int pthread_rwlock_init(pthread_rwlock_t *restrict l, const pthread_rwlockattr_t *restrict a)
{
    *l = (pthread_rwlock_t){.__kind = a ? a->__kind : 0};
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    return __atomic_load_n(&l->__state, __ATOMIC_RELAXED) ? EBUSY : 0;
}

int pthread_rwlockattr_init(pthread_rwlockattr_t *a)
{
    a->__kind = 0;
    return 0;
}

int pthread_rwlockattr_destroy(pthread_rwlockattr_t *a)
{
    (void)a;
    return 0;
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *restrict a, int *restrict shared)
{
    *shared = (int)a->__kind;
    return 0;
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *a, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    a->__kind = (unsigned)shared;
    return 0;
}

/* ---- barriers ---- */

int pthread_barrier_init(pthread_barrier_t *restrict b, const pthread_barrierattr_t *restrict a,
                         unsigned count)
{
    if (!count)
        return EINVAL;
    *b = (pthread_barrier_t){.__count = count, .__kind = a ? a->__kind : 0};
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *b)
{
    return __atomic_load_n(&b->__arrived, __ATOMIC_SEQ_CST) ? EBUSY : 0;
}

int pthread_barrier_wait(pthread_barrier_t *b)
{
    uint32_t round = __atomic_load_n(&b->__round, __ATOMIC_ACQUIRE);

    if (__atomic_add_fetch(&b->__arrived, 1, __ATOMIC_SEQ_CST) == b->__count) {
        __atomic_store_n(&b->__arrived, 0, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&b->__round, 1, __ATOMIC_SEQ_CST);
        word_wake(&b->__round, ~0U, b->__kind);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (__atomic_load_n(&b->__round, __ATOMIC_ACQUIRE) == round)
        word_wait(&b->__round, round, 0, b->__kind, may_interrupt());
    return 0;
}

int pthread_barrierattr_init(pthread_barrierattr_t *a)
{
    a->__kind = 0;
    return 0;
}

int pthread_barrierattr_destroy(pthread_barrierattr_t *a)
{
    (void)a;
    return 0;
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *restrict a, int *restrict shared)
{
    *shared = (int)a->__kind;
    return 0;
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *a, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    a->__kind = (unsigned)shared;
    return 0;
}

/* ---- spin locks: who finds one taken sleeps, for who has it may need the hart ---- */

#define SPIN_HELD      1
#define SPIN_CONTENDED 2
#define SPIN_SHARED    0x80000000U

int pthread_spin_init(pthread_spinlock_t *l, int shared)
{
    *l = shared ? SPIN_SHARED : 0;
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *l)
{
    return *l & ~SPIN_SHARED ? EBUSY : 0;
}

int pthread_spin_trylock(pthread_spinlock_t *l)
{
    uint32_t free = *l & SPIN_SHARED;

    return __atomic_compare_exchange_n(l, &free, free | SPIN_HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED)
               ? 0
               : EBUSY;
}

int pthread_spin_lock(pthread_spinlock_t *l)
{
    uint32_t shared = *l & SPIN_SHARED;

    if (pthread_spin_trylock(l) == 0)
        return 0;
    while (__atomic_exchange_n(l, shared | SPIN_CONTENDED, __ATOMIC_ACQUIRE) & ~SPIN_SHARED)
        word_wait(l, shared | SPIN_CONTENDED, 0, shared != 0, may_interrupt());
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *l)
{
    uint32_t shared = *l & SPIN_SHARED;

    if (__atomic_exchange_n(l, shared, __ATOMIC_RELEASE) & SPIN_CONTENDED)
        word_wake(l, 1, shared != 0);
    return 0;
}
