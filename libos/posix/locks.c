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
    struct __lock *next; /* of those that streams have */
};

static struct __lock *made, made_lock;

struct __lock __lock___sfp_recursive_mutex, __lock___atexit_recursive_mutex,
    __lock___at_quick_exit_mutex, __lock___malloc_recursive_mutex, __lock___env_recursive_mutex,
    __lock___tz_mutex, __lock___dd_hash_mutex, __lock___arc4random_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof **lock);
    if (!*lock)
        return;
    __retarget_lock_acquire_recursive(&made_lock);
    (*lock)->next = made;
    made = *lock;
    __retarget_lock_release_recursive(&made_lock);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    __retarget_lock_acquire_recursive(&made_lock);
    for (struct __lock **at = &made; *at; at = &(*at)->next)
        if (*at == lock) {
            *at = lock->next;
            break;
        }
    __retarget_lock_release_recursive(&made_lock);
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    __retarget_lock_close(lock);
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

/* ---- fork ---- */

/* What must be whole in the child; in the order in which newlib takes them. */
static struct __lock *const whole[] = {&__lock___env_recursive_mutex, &__lock___sfp_recursive_mutex,
                                       &made_lock, &__lock___malloc_recursive_mutex};
#define WHOLE (sizeof whole / sizeof whole[0])

void locks_fork(void)
{
    for (size_t i = 0; i < WHOLE; i++)
        __retarget_lock_acquire_recursive(whole[i]);
}

void locks_forked_parent(void)
{
    for (size_t i = WHOLE; i--;)
        __retarget_lock_release_recursive(whole[i]);
}

/* Whoever else held one is not here; what the one thread held it holds, under its new name. What is free is not written:
 * its page may be nobody's to copy. */
static void inherit(struct __lock *lock, const struct thread *forked)
{
    if (lock->owner == forked)
        lock->owner = thread_self();
    else if (lock->word)
        *lock = (struct __lock){.next = lock->next};
}

void locks_forked_child(void)
{
    struct __lock *const others[] = {&__lock___atexit_recursive_mutex,
                                     &__lock___at_quick_exit_mutex, &__lock___tz_mutex,
                                     &__lock___dd_hash_mutex, &__lock___arc4random_mutex};
    const struct thread *forked = made_lock.owner;

    for (size_t i = 0; i < WHOLE; i++)
        inherit(whole[i], forked);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        inherit(others[i], forked);
    for (struct __lock *lock = made; lock; lock = lock->next)
        inherit(lock, forked);
    locks_forked_parent();
}
