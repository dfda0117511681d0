/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, values of each thread's own, and what is done once. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pthread_internal.h"

#define ROUNDS 4 /* PTHREAD_DESTRUCTOR_ITERATIONS */

static void unused_destructor(void *value)
{
    (void)value;
}

static void (*destructors[PTHREAD_KEYS_MAX])(void *); /* null: the key is free */

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int error = EAGAIN;

    threads_lock();
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX && error; i++) {
        if (destructors[i])
            continue;
        destructors[i] = destructor ? destructor : unused_destructor;
        *key = i;
        error = 0;
    }
    threads_unlock();
    return error;
}

static struct pthread *each_with_main(struct pthread *after)
{
    return after == pthread_first ? pthread_all : after->next;
}

int pthread_key_delete(pthread_key_t key)
{
    if (key >= PTHREAD_KEYS_MAX || !destructors[key])
        return EINVAL;
    threads_lock();
    destructors[key] = NULL;
    for (struct pthread *t = pthread_first; t; t = each_with_main(t))
        if (t->specific && (t->specific != t->specific_here || key < SPECIFIC_INLINE))
            t->specific[key] = NULL;
    threads_unlock();
    return 0;
}

static bool has(const struct pthread *self, pthread_key_t key)
{
    return key < SPECIFIC_INLINE ? self->specific != NULL
                                 : self->specific && self->specific != self->specific_here;
}

void *pthread_getspecific(pthread_key_t key)
{
    struct pthread *self = pthread_here();
    return key < PTHREAD_KEYS_MAX && has(self, key) ? self->specific[key] : NULL;
}

/* The first keys' values lie in the struct pthread; more need room of their own. */
static int specific_grow(struct pthread *self, pthread_key_t key)
{
    if (key < SPECIFIC_INLINE) {
        self->specific = self->specific_here;
        return 0;
    }
    void **more = calloc(PTHREAD_KEYS_MAX, sizeof *more);
    if (!more)
        return ENOMEM;
    memcpy(more, self->specific_here, sizeof self->specific_here);
    self->specific = more;
    return 0;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct pthread *self = pthread_here();

    if (key >= PTHREAD_KEYS_MAX || !destructors[key])
        return EINVAL;
    if (!has(self, key)) {
        int error = specific_grow(self, key);
        if (error)
            return error;
    }
    self->specific[key] = (void *)value;
    return 0;
}

void specific_end(struct pthread *self)
{
    unsigned count = self->specific == self->specific_here ? SPECIFIC_INLINE : PTHREAD_KEYS_MAX;
    bool some = self->specific != NULL;

    for (int round = 0; round < ROUNDS && some; round++) {
        some = false;
        for (unsigned i = 0; i < count; i++) {
            void *value = self->specific[i];
            if (!value || !destructors[i])
                continue;
            self->specific[i] = NULL;
            destructors[i](value);
            some = true;
            count = self->specific == self->specific_here ? SPECIFIC_INLINE : PTHREAD_KEYS_MAX;
        }
    }
}

/* ---- once ---- */

enum { ONCE_NEW, ONCE_RUNS, ONCE_DONE };

static void once_cancelled(void *once)
{
    volatile uint32_t *state = once;

    __atomic_store_n(state, ONCE_NEW, __ATOMIC_RELEASE);
    word_wake(state, ~0U, false);
}

int pthread_once(pthread_once_t *once, void (*function)(void))
{
    volatile uint32_t *state = once;

    while (__atomic_load_n(state, __ATOMIC_ACQUIRE) != ONCE_DONE) {
        uint32_t before = ONCE_NEW;
        if (!__atomic_compare_exchange_n(state, &before, ONCE_RUNS, false, __ATOMIC_ACQUIRE,
                                         __ATOMIC_RELAXED)) {
            if (before == ONCE_RUNS)
                word_wait(state, ONCE_RUNS, 0, false, may_interrupt());
            continue;
        }
        pthread_cleanup_push(once_cancelled, (void *)state);
        function();
        pthread_cleanup_pop(0);
        __atomic_store_n(state, ONCE_DONE, __ATOMIC_RELEASE);
        word_wake(state, ~0U, false);
    }
    return 0;
}
