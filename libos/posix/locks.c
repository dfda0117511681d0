/* SPDX-License-Identifier: BSD-2-Clause */
/* The locks that newlib asks its system for: recursive mutexes. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/lock.h>

#include <aegis/scheduler.h>

struct __lock {
    struct thread *owner;
    uint32_t word; /* 0: free; 1: held; 2: held, and somebody sleeps */
    uint32_t depth;
};

struct __lock __lock___sfp_recursive_mutex, __lock___atexit_recursive_mutex,
    __lock___at_quick_exit_mutex, __lock___malloc_recursive_mutex, __lock___env_recursive_mutex,
    __lock___tz_mutex, __lock___dd_hash_mutex, __lock___arc4random_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof **lock);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

static __attribute__((noinline)) void lock_wait(_LOCK_T lock)
{
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE))
        thread_sleep(&lock->word, 2, 0, false);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    struct thread *self = thread_self();
    uint32_t free = 0;

    if (!lock)
        return 0;
    if (lock->owner != self &&
        !__atomic_compare_exchange_n(&lock->word, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return -1;
    lock->owner = self;
    lock->depth++;
    return 0;
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    if (__builtin_expect(__retarget_lock_try_acquire_recursive(lock), 0)) {
        lock_wait(lock);
        lock->owner = thread_self();
        lock->depth = 1;
    }
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    __retarget_lock_acquire_recursive(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return __retarget_lock_try_acquire_recursive(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    if (!lock || --lock->depth)
        return;
    lock->owner = NULL;
    if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
        thread_wake(&lock->word, 1);
}

void __retarget_lock_release(_LOCK_T lock)
{
    __retarget_lock_release_recursive(lock);
}
