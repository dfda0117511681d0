/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads begin, end and are joined. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <aegis/pager.h>

#include "../vm/vm.h"
#include "../posix/clock.h"
#include "pthread_internal.h"

extern char __tls_image[], __tls_image_size[], __tls_size[];

#define ARENA         0x3000000000UL /* where threads' memory lies; each address is used once */
#define ARENA_END     0x3f00000000UL
#define STACK_DEFAULT (256 << 10)
#define CACHED        16 /* blocks that wait for the next thread */
#define HOLES         64

struct pthread *pthread_first, *pthread_all;
static uintptr_t arena = ARENA;
static pthread_attr_t default_attributes = {.__state = PTHREAD_CREATE_JOINABLE,
                                            .__stack_size = STACK_DEFAULT,
                                            .__guard_size = AEGIS_PAGE_SIZE};
static struct cached {
    void *block;
    size_t size;
} cache[CACHED];

/* ---- the lock ---- */

static volatile uint32_t lock_word;
static struct thread *lock_owner;
static unsigned lock_depth;

void threads_lock(void)
{
    struct thread *self = thread_self();

    self->deferred++;
    if (lock_owner != self) {
        while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE))
            thread_yield();
        lock_owner = self;
    }
    lock_depth++;
}

void threads_unlock(void)
{
    struct thread *self = thread_self();

    if (--lock_depth == 0) {
        lock_owner = NULL;
        __atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
    }
    if (--self->deferred == 0 && self->attention)
        thread_attend(self, 0);
}

/* ---- memory ---- */

static size_t tls_room(void)
{
    return ((size_t)__tls_size + 63) & ~63UL;
}

static size_t block_bytes(size_t stack, size_t guard)
{
    return PAGE_UP(guard) + PAGE_UP(stack); /* struct pthread and TLS are taken from the stack */
}

/* Addresses that threads had; what does not fit in is never used again. With threads_lock. */
static struct cached holes[HOLES];

static void hole_add(void *block, size_t size)
{
    for (struct cached *h = holes; h < holes + HOLES; h++)
        if (!h->size) {
            *h = (struct cached){block, size};
            return;
        }
}

static uintptr_t range_get(size_t size)
{
    for (struct cached *h = holes; h < holes + HOLES; h++)
        if (h->size >= size) {
            h->size -= size;
            return (uintptr_t)h->block + h->size;
        }
    if (size > ARENA_END - arena)
        return 0;
    arena += size;
    return arena - size;
}

/* The guard is a hole below. */
static void *block_get(size_t size, size_t guard)
{
    for (struct cached *c = cache; c < cache + CACHED; c++)
        if (c->block && c->size == size) {
            void *block = c->block;
            c->block = NULL;
            return block;
        }
    guard = PAGE_UP(guard);
    uintptr_t at = range_get(size);
    if (!at)
        return NULL;
    if (pager_map(at + guard, (size - guard) / AEGIS_PAGE_SIZE, AEGIS_R | AEGIS_W, REGION_ZERO)) {
        hole_add((void *)at, size);
        return NULL;
    }
    return (void *)at;
}

static void block_put(void *block, size_t size, size_t guard)
{
    static unsigned next;
    struct cached *place = &cache[next++ % CACHED], old;

    for (struct cached *c = cache; c < cache + CACHED; c++)
        if (!c->block)
            place = c;
    old = *place;
    *place = (struct cached){block, size};
    if (guard != AEGIS_PAGE_SIZE) {
        old = *place; /* its guard is not what the next one would expect */
        place->block = NULL;
    }
    if (!old.block)
        return;
    pager_unmap((uintptr_t)old.block, old.size / AEGIS_PAGE_SIZE);
    hole_add(old.block, old.size);
}

/* The thread's memory, laid out; `top` is where its stack and what lies above it end. */
static struct pthread *pthread_place(uintptr_t top)
{
    char *tls = (char *)((top - tls_room()) & ~63UL);
    struct pthread *t = (struct pthread *)tls - 1;

    memset(t, 0, sizeof *t);
    memcpy(tls, __tls_image, (size_t)__tls_image_size);
    memset(tls + (size_t)__tls_image_size, 0, (size_t)__tls_size - (size_t)__tls_image_size);
    return t;
}

/* ---- the list ---- */

bool pthread_known(const struct pthread *wanted)
{
    if (wanted == pthread_here())
        return true;
    for (const struct pthread *t = pthread_all; t; t = t->next)
        if (t == wanted)
            return true;
    return wanted == pthread_first;
}

/* With threads_lock. */
static void pthread_forget(struct pthread *gone)
{
    for (struct pthread **at = &pthread_all; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    if (gone->specific && gone->specific != gone->specific_here)
        free(gone->specific);
    if (gone->block)
        block_put(gone->block, gone->block_size, gone->guard_size);
}

/* Detached threads cannot free the stack on which they end. */
static void bury(void)
{
    for (struct pthread *t = pthread_all, *next; t; t = next) {
        next = t->next;
        if (t->detached && t->gone)
            pthread_forget(t);
    }
}

/* ---- beginning ---- */

static void thread_first(void) __attribute__((noreturn));
static void thread_first(void)
{
    struct pthread *self = pthread_here();
    pthread_exit(self->function(self->argument));
}

static struct pthread *pthread_make(const pthread_attr_t *a)
{
    size_t guard = a->__stack ? 0 : a->__guard_size;
    size_t size = block_bytes(a->__stack_size, guard);
    char *block = a->__stack ? a->__stack : block_get(size, guard);

    if (!block)
        return NULL;
    if (a->__stack)
        size = a->__stack_size;
    struct pthread *t = pthread_place((uintptr_t)block + size);
    t->stack = a->__stack ? a->__stack : block + PAGE_UP(guard);
    t->stack_size = a->__stack_size;
    t->guard_size = guard;
    t->block = a->__stack ? NULL : block;
    t->block_size = size;
    t->detached = a->__state == PTHREAD_CREATE_DETACHED;
    return t;
}

static void context_begin(struct thread *thread, struct pthread *t)
{
    thread->self = t;
    thread->context.pc = (uint64_t)thread_first;
    thread->context.x[CONTEXT_SP] = (uint64_t)t & ~15UL;
    thread->context.x[CONTEXT_X(4)] = (uint64_t)(t + 1);
}

int pthread_create(pthread_t *restrict id, const pthread_attr_t *restrict attributes,
                   void *(*function)(void *), void *restrict argument)
{
    const pthread_attr_t *a = attributes ? attributes : &default_attributes;
    struct pthread *self = pthread_here(), *t = NULL;

    threads_lock();
    bury();
    struct thread *thread = thread_new();
    if (thread && !(t = pthread_make(a)))
        thread_free(thread);
    if (!t) {
        threads_unlock();
        return EAGAIN;
    }
    t->function = function;
    t->argument = argument;
    scheduling_fetch(self);
    bool inherits = a->__inherit != PTHREAD_EXPLICIT_SCHED;
    t->policy = inherits ? self->policy : a->__policy;
    t->priority = inherits ? self->priority : a->__param.sched_priority;
    t->thread = thread;
    scheduling_rank(t);
    thread->blocked = thread_self()->blocked;
    context_begin(thread, t);
    t->next = pthread_all;
    pthread_all = t;
    *id = (pthread_t)t;
    thread_start(thread);
    threads_unlock();
    return 0;
}

/* ---- the end ---- */

static unsigned threads_living(void)
{
    unsigned n = 0;

    for (struct thread *t = NULL; (t = thread_next(t));)
        n += t->state != THREAD_ENDED;
    return n;
}

void pthread_exit(void *result)
{
    struct pthread *self = pthread_here();

    self->exiting = 1;
    self->result = result;
    while (self->cleanups) {
        struct __pthread_cleanup *c = self->cleanups;
        self->cleanups = c->__next;
        c->__routine(c->__argument);
    }
    specific_end(self);
    if (threads_living() == 1)
        exit(0);
    thread_self()->deferred = 1;
    robust_end(self);
    thread_end(&self->gone, 1);
}

static int join(struct pthread *t, void **result, uint64_t deadline)
{
    if (!pthread_known(t))
        return ESRCH;
    if (t == pthread_here())
        return EDEADLK;
    if (t->detached)
        return EINVAL;
    pthread_testcancel();
    while (!t->gone) {
        if (word_wait(&t->gone, 0, deadline, false, may_interrupt()) == -ETIMEDOUT)
            return ETIMEDOUT;
        if (!t->gone)
            pthread_testcancel();
    }
    if (result)
        *result = t->result;
    threads_lock();
    pthread_forget(t);
    threads_unlock();
    return 0;
}

int pthread_join(pthread_t id, void **result)
{
    return join(pthread_of(id), result, 0);
}

int pthread_tryjoin_np(pthread_t id, void **result)
{
    struct pthread *t = pthread_of(id);
    return pthread_known(t) && !t->gone ? EBUSY : join(t, result, 0);
}

int pthread_timedjoin_np(pthread_t id, void **result, const struct timespec *until)
{
    uint64_t deadline = deadline_at(CLOCK_REALTIME, until);
    return deadline ? join(pthread_of(id), result, deadline) : EINVAL;
}

int pthread_detach(pthread_t id)
{
    struct pthread *t = pthread_of(id);
    int error = 0;

    threads_lock();
    if (!pthread_known(t))
        error = ESRCH;
    else if (t->detached)
        error = EINVAL;
    else
        t->detached = 1;
    threads_unlock();
    return error;
}

pthread_t pthread_self(void)
{
    return (pthread_t)pthread_here();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

/* ---- fork ---- */

void threads_forked(void)
{
    struct pthread *self = pthread_here();

    self->thread = &thread_main;
    thread_main.self = self;
    self->next = NULL;
    pthread_all = self != pthread_first ? self : NULL;
    lock_word = 0;
    lock_owner = NULL;
    lock_depth = 0;
}
