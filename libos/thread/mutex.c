/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: a word that is 0 (free) or HELD, with CONTENDED (somebody may sleep for it) and STARVING
 * (who slept for it found it taken again: from then on it is handed from one to the next, until
 * nobody sleeps). A robust one is in its owner's list; of one that is shared between processes,
 * those who wait look now and then whether its owner lives.
 */
#include <errno.h>
#include <time.h>

#include <aegis/exposed.h>

#include "../posix/clock.h"
#include "pthread_internal.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2, STARVING = 4 };
#define HANDED 1 /* what word_wait() says then */

/* __kind: what pthread_mutexattr_t packs. */
#define KIND_TYPE   3
#define KIND_ROBUST 4
#define KIND_SHARED 8
/* and what became of a robust one */
#define KIND_OWNER_DIED      16
#define KIND_NOT_RECOVERABLE 32

/* The protocol and the ceiling are kept with the kind. All threads of an environment have equal
 * claims to its slots, so that there is no inversion to be avoided, and locking looks at neither. */
#define KIND_PROTOCOL(kind) ((int)((kind) >> 8 & 3))
#define KIND_CEILING(kind)  ((int)((kind) >> 16 & 0xff))

#define TYPE(m) ((m)->__kind & KIND_TYPE)

static inline bool take(pthread_mutex_t *m)
{
    uint32_t free = FREE;
    return __atomic_compare_exchange_n(&m->__lock, &free, HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* ---- robust ones ---- */

static void robust_add(pthread_mutex_t *m)
{
    struct pthread *self = pthread_here();

    m->__queue[0] = (unsigned long)self->robust;
    self->robust = m;
}

static void robust_remove(pthread_mutex_t *m)
{
    pthread_mutex_t **at = &pthread_here()->robust;

    while (*at && *at != m)
        at = (pthread_mutex_t **)&(*at)->__queue[0];
    if (*at)
        *at = (pthread_mutex_t *)m->__queue[0];
}

void robust_end(struct pthread *self)
{
    while (self->robust) {
        pthread_mutex_t *m = self->robust;
        self->robust = (pthread_mutex_t *)m->__queue[0];
        m->__kind |= KIND_OWNER_DIED;
        m->__owner = 0;
        __atomic_store_n(&m->__lock, FREE, __ATOMIC_RELEASE);
        word_wake(&m->__lock, ~0U, m->__kind & KIND_SHARED);
    }
}

/* The owner is gone and has not said so: its process ended. */
static bool owner_gone(pthread_mutex_t *m)
{
    uint32_t owner = __atomic_load_n(&m->__owner, __ATOMIC_ACQUIRE);
    return m->__kind & KIND_ROBUST && owner && !thread_identity_alive(owner);
}

/* ---- waiting ---- */

static uint64_t look_again(const pthread_mutex_t *m, uint64_t deadline)
{
    if ((m->__kind & (KIND_SHARED | KIND_ROBUST)) != (KIND_SHARED | KIND_ROBUST))
        return deadline;
    uint64_t soon = time_now() + AEGIS_EXPOSED_STATE->time_hz / 20;
    return deadline && deadline < soon ? deadline : soon;
}

static int lock_slow(pthread_mutex_t *m, uint64_t deadline)
{
    uint32_t mark = HELD | CONTENDED, before;

    while ((before = __atomic_fetch_or(&m->__lock, mark, __ATOMIC_ACQUIRE)) & HELD) {
        if (owner_gone(m)) {
            __atomic_store_n(&m->__owner, 0, __ATOMIC_RELAXED);
            m->__kind |= KIND_OWNER_DIED;
            return 0;
        }
        if (m->__kind & KIND_NOT_RECOVERABLE)
            return ENOTRECOVERABLE;
        if (word_wait(&m->__lock, before | mark, look_again(m, deadline), m->__kind & KIND_SHARED,
                      may_interrupt()) == HANDED)
            return 0;
        mark |= STARVING;
        if (deadline && (int64_t)(time_now() - deadline) >= 0)
            return take(m) ? 0 : ETIMEDOUT;
    }
    return 0;
}

/* What those that know their owner do besides. `tries`: 0 is for trylock. */
static int lock_owned(pthread_mutex_t *m, bool waits, uint64_t deadline)
{
    uint32_t me = thread_identity();

    if (m->__owner == me && TYPE(m) == PTHREAD_MUTEX_RECURSIVE) {
        if (m->__count == ~0U)
            return EAGAIN;
        m->__count++;
        return 0;
    }
    if (m->__owner == me && waits && TYPE(m) == PTHREAD_MUTEX_ERRORCHECK)
        return EDEADLK;
    if (m->__kind & KIND_NOT_RECOVERABLE)
        return ENOTRECOVERABLE;
    if (!take(m)) {
        if (!waits && !owner_gone(m))
            return EBUSY;
        int error = lock_slow(m, deadline);
        if (error)
            return error;
    }
    m->__owner = me;
    m->__count = 1;
    if (!(m->__kind & KIND_ROBUST))
        return 0;
    robust_add(m);
    return m->__kind & KIND_OWNER_DIED ? EOWNERDEAD : 0;
}

static inline bool plain(const pthread_mutex_t *m)
{
    return !(m->__kind & (KIND_TYPE | KIND_ROBUST));
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    if (__builtin_expect(plain(m), 1))
        return __builtin_expect(take(m), 1) ? 0 : lock_slow(m, 0);
    return lock_owned(m, true, 0);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
    if (plain(m))
        return take(m) ? 0 : EBUSY;
    return lock_owned(m, false, 0);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict m, const struct timespec *restrict until)
{
    if (plain(m) && take(m))
        return 0;
    if (!plain(m) && lock_owned(m, false, 0) == 0)
        return 0;
    uint64_t deadline = deadline_at(CLOCK_REALTIME, until);
    if (!deadline)
        return EINVAL;
    return plain(m) ? lock_slow(m, deadline) : lock_owned(m, true, deadline);
}

static int unlock_owned(pthread_mutex_t *m)
{
    if (m->__owner != thread_identity())
        return EPERM;
    if (TYPE(m) == PTHREAD_MUTEX_RECURSIVE && --m->__count)
        return 0;
    if (m->__kind & KIND_ROBUST) {
        robust_remove(m);
        if (m->__kind & KIND_OWNER_DIED) /* and nobody called it consistent */
            m->__kind |= KIND_NOT_RECOVERABLE;
    }
    m->__owner = 0;
    return -1;
}

/* To whoever sleeps for it, which finds itself the owner. False: nobody does, or it is taken. */
static bool hand_over(pthread_mutex_t *m)
{
    uint32_t free = FREE;

    if (!__atomic_compare_exchange_n(&m->__lock, &free, HELD | CONTENDED | STARVING, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    if (thread_hand(&m->__lock, HANDED))
        return true;
    __atomic_store_n(&m->__lock, FREE, __ATOMIC_RELEASE);
    return false;
}

/* It is given back; `before`: what its word was. */
static __attribute__((noinline)) void wake(pthread_mutex_t *m, uint32_t kind,
                                           uint32_t before)
{
    if (before & STARVING && !(kind & KIND_SHARED) && hand_over(m))
        return;
    word_wake(&m->__lock, kind & KIND_NOT_RECOVERABLE ? ~0U : 1, kind & KIND_SHARED);
    if (before & STARVING)
        thread_yield();
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (__builtin_expect(!plain(m), 0)) {
        int error = unlock_owned(m);
        if (error >= 0)
            return error;
    }
    uint32_t kind = m->__kind; /* whoever has it next may destroy it */
    uint32_t before = __atomic_exchange_n(&m->__lock, FREE, __ATOMIC_RELEASE);
    if (__builtin_expect(before > HELD, 0))
        wake(m, kind, before);
    return 0;
}

int pthread_mutex_consistent(pthread_mutex_t *m)
{
    if (!(m->__kind & KIND_ROBUST) || !(m->__kind & KIND_OWNER_DIED))
        return EINVAL;
    m->__kind &= ~(unsigned)KIND_OWNER_DIED;
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *restrict m, const pthread_mutexattr_t *restrict a)
{
    *m = (pthread_mutex_t){.__kind = a ? a->__kind | (unsigned)a->__ceiling << 16 : 0};
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *m)
{
    return __atomic_load_n(&m->__lock, __ATOMIC_RELAXED) != FREE &&
                   !(m->__kind & KIND_NOT_RECOVERABLE)
               ? EBUSY
               : 0;
}

static int ceiling_valid(int ceiling)
{
    return ceiling >= sched_get_priority_min(SCHED_FIFO) &&
           ceiling <= sched_get_priority_max(SCHED_FIFO);
}

int pthread_mutex_getprioceiling(const pthread_mutex_t *restrict m, int *restrict ceiling)
{
    if (KIND_PROTOCOL(m->__kind) != PTHREAD_PRIO_PROTECT)
        return EINVAL;
    *ceiling = KIND_CEILING(m->__kind);
    return 0;
}

int pthread_mutex_setprioceiling(pthread_mutex_t *restrict m, int ceiling, int *restrict old)
{
    int error;

    if (KIND_PROTOCOL(m->__kind) != PTHREAD_PRIO_PROTECT || !ceiling_valid(ceiling))
        return EINVAL;
    if ((error = pthread_mutex_lock(m)))
        return error;
    if (old)
        *old = KIND_CEILING(m->__kind);
    m->__kind = (m->__kind & ~0xff0000U) | (unsigned)ceiling << 16;
    return pthread_mutex_unlock(m);
}

/* ---- attributes ---- */

int pthread_mutexattr_init(pthread_mutexattr_t *a)
{
    *a = (pthread_mutexattr_t){.__ceiling = sched_get_priority_min(SCHED_FIFO)};
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *a)
{
    (void)a;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *restrict a, int *restrict type)
{
    *type = (int)(a->__kind & KIND_TYPE);
    return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *a, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    a->__kind = (a->__kind & ~(unsigned)KIND_TYPE) | (unsigned)type;
    return 0;
}

static int flag_set(pthread_mutexattr_t *a, unsigned flag, int value)
{
    if (value != 0 && value != 1)
        return EINVAL;
    a->__kind = value ? a->__kind | flag : a->__kind & ~flag;
    return 0;
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *restrict a, int *restrict shared)
{
    *shared = (a->__kind & KIND_SHARED) != 0;
    return 0;
}

int pthread_mutexattr_setpshared(pthread_mutexattr_t *a, int shared)
{
    return flag_set(a, KIND_SHARED, shared);
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *restrict a, int *restrict robust)
{
    *robust = (a->__kind & KIND_ROBUST) != 0;
    return 0;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *a, int robust)
{
    return flag_set(a, KIND_ROBUST, robust);
}

int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *restrict a, int *restrict protocol)
{
    *protocol = KIND_PROTOCOL(a->__kind);
    return 0;
}

int pthread_mutexattr_setprotocol(pthread_mutexattr_t *a, int protocol)
{
    if (protocol < PTHREAD_PRIO_NONE || protocol > PTHREAD_PRIO_PROTECT)
        return EINVAL;
    a->__kind = (a->__kind & ~0x300U) | (unsigned)protocol << 8;
    return 0;
}

int pthread_mutexattr_getprioceiling(const pthread_mutexattr_t *restrict a, int *restrict ceiling)
{
    *ceiling = a->__ceiling;
    return 0;
}

int pthread_mutexattr_setprioceiling(pthread_mutexattr_t *a, int ceiling)
{
    if (!ceiling_valid(ceiling))
        return EINVAL;
    a->__ceiling = ceiling;
    return 0;
}
