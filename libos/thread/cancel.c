/* SPDX-License-Identifier: BSD-2-Clause */
/* Cancellation, and handlers for the end of a thread. */
#include <errno.h>

#include "../signal/signals.h"
#include "pthread_internal.h"

static inline bool due(const struct pthread *self)
{
    return self->cancelled && self->cancel_state == PTHREAD_CANCEL_ENABLE && !self->exiting;
}

bool cancel_is_due(void)
{
    return due(pthread_here());
}

int pthread_cancel(pthread_t id)
{
    struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    threads_lock();
    t->cancelled = 1;
    if (!t->gone && due(t))
        thread_attend(t->thread, THREAD_ATTENTION_CANCEL);
    threads_unlock();
    return 0;
}

void pthread_testcancel(void)
{
    struct pthread *self = pthread_here();

    if (__builtin_expect(due(self), 0) && !thread_self()->deferred)
        pthread_exit(PTHREAD_CANCELED);
}

void signals_point(void)
{
    pthread_testcancel();
}

/* Deferred ones wait for the next point; the call that was interrupted, if one was, is one. */
void cancel_attend(void)
{
    struct pthread *self = pthread_here();

    if (!due(self))
        return;
    if (self->cancel_type != PTHREAD_CANCEL_ASYNCHRONOUS) {
        thread_self()->cancel_due = 1;
        return;
    }
    thread_self()->deferred = 0;
    pthread_exit(PTHREAD_CANCELED);
}

int pthread_setcancelstate(int state, int *old)
{
    struct pthread *self = pthread_here();

    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (old)
        *old = (int)self->cancel_state;
    self->cancel_state = (uint32_t)state;
    if (due(self) && self->cancel_type == PTHREAD_CANCEL_ASYNCHRONOUS)
        pthread_testcancel();
    return 0;
}

int pthread_setcanceltype(int type, int *old)
{
    struct pthread *self = pthread_here();

    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
        return EINVAL;
    if (old)
        *old = (int)self->cancel_type;
    self->cancel_type = (uint32_t)type;
    if (due(self) && type == PTHREAD_CANCEL_ASYNCHRONOUS)
        pthread_testcancel();
    return 0;
}

void __pthread_cleanup_push(struct __pthread_cleanup *c)
{
    struct pthread *self = pthread_here();

    c->__next = self->cleanups;
    self->cleanups = c;
}

void __pthread_cleanup_pop(struct __pthread_cleanup *c, int execute)
{
    pthread_here()->cleanups = c->__next;
    if (execute)
        c->__routine(c->__argument);
}
