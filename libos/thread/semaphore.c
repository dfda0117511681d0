/* SPDX-License-Identifier: BSD-2-Clause */
/* Semaphores; those with names lie in session memory, which all processes have at the same place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../session/process.h"
#include "../session/session.h"
#include "../signal/signals.h"
#include "../posix/clock.h"
#include "../posix/user.h"
#include "pthread_internal.h"

#define KIND_SHARED 1
#define KIND_NAMED  2
#define KIND_VALID  4

struct named {
    sem_t semaphore; /* first */
    struct named *next;
    uint32_t opened;
    uint32_t unlinked;
    uid_t owner;
    mode_t mode;
    char name[NAME_MAX + 1];
};

static struct named *names_alone; /* without a session */

static int fail(int error)
{
    errno = error;
    return -1;
}

static bool take(sem_t *s)
{
    uint32_t value = __atomic_load_n(&s->__value, __ATOMIC_RELAXED);

    while (value)
        if (__atomic_compare_exchange_n(&s->__value, &value, value - 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/*
 * Of one that processes share each sees for itself that there is something to be had. Who waits with
 * a policy that has priorities says so in its entry in the process table, and those that come behind
 * give way, so often and so long that it would have come: it may have been killed just now.
 */
#define WAYS        64 /* turns of this hart */
#define WAYS_SLICES 50 /* on another one, which the host may keep away */

/* The rank in the upper bits, below it who came first: the greater is served first. */
#define ORDER(rank, since) ((uint64_t)(rank) << 56 | (~(since)&0xffffffffffffffUL))

struct turn {
    uint64_t name, order;
};

static int comes_before(struct process *p, void *argument)
{
    const struct turn *t = argument;
    return p != process_self && p->state == PROCESS_RUNNING && p->semaphore == t->name &&
           p->semaphore_order > t->order;
}

static bool is_first(const struct turn *t)
{
    monitor_enter();
    int others = process_each(comes_before, (void *)t);
    monitor_leave();
    return !others;
}

static void give_way(const sem_t *s, const struct turn *t)
{
    uint64_t end = time_now() + WAYS_SLICES * AEGIS_EXPOSED_STATE->slice_ticks;

    for (unsigned n = 0; n < WAYS || time_now() < end; n++) {
        if (!__atomic_load_n(&s->__value, __ATOMIC_RELAXED) || is_first(t))
            return;
        thread_yield();
    }
}

static struct turn turn_begin(sem_t *s)
{
    struct turn t = {0, 0};

    scheduling_fetch(pthread_here());
    t.order = ORDER(thread_self()->rank, time_now());
    if (s->__kind & KIND_SHARED && process_self)
        t.name = word_name(&s->__value);
    return t;
}

static void turn_tell(const struct turn *t, bool waits)
{
    if (!t->name || !thread_self()->rank)
        return;
    process_self->semaphore_order = t->order;
    process_self->semaphore = waits ? t->name : 0;
    SESSION->semaphores_ranked = 1;
}

static int wait_once(sem_t *s, const struct turn *t, uint64_t deadline)
{
    turn_tell(t, true);
    __atomic_fetch_add(&s->__waiters, 1, __ATOMIC_SEQ_CST);
    int why = word_wait(&s->__value, 0, deadline, s->__kind & KIND_SHARED, may_interrupt());
    __atomic_fetch_sub(&s->__waiters, 1, __ATOMIC_SEQ_CST);
    if (t->name && why == 0 && SESSION->semaphores_ranked)
        give_way(s, t);
    return why;
}

static int wait(sem_t *s, uint64_t deadline)
{
    signals_point();
    if (take(s))
        return 0;
    struct turn t = turn_begin(s);
    do {
        int why = wait_once(s, &t, deadline);
        bool taken = take(s);
        turn_tell(&t, false);
        if (taken)
            return 0;
        if (why == -EINTR)
            signals_point();
        if (why == -ETIMEDOUT || (why == -EINTR && !signal_restart()))
            return fail(-why);
    } while (!take(s));
    return 0;
}

int sem_wait(sem_t *s)
{
    return wait(s, 0);
}

int sem_trywait(sem_t *s)
{
    return take(s) ? 0 : fail(EAGAIN);
}

int sem_timedwait(sem_t *restrict s, const struct timespec *restrict until)
{
    if (take(s))
        return 0;
    uint64_t deadline = deadline_at(CLOCK_REALTIME, until);
    return deadline ? wait(s, deadline) : fail(EINVAL);
}

int sem_post(sem_t *s)
{
    uint32_t value = __atomic_load_n(&s->__value, __ATOMIC_RELAXED);

    do {
        if (value == SEM_VALUE_MAX)
            return fail(EOVERFLOW);
    } while (!__atomic_compare_exchange_n(&s->__value, &value, value + 1, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    if (__atomic_load_n(&s->__waiters, __ATOMIC_SEQ_CST))
        word_wake(&s->__value, 1, s->__kind & KIND_SHARED);
    return 0;
}

int sem_getvalue(sem_t *restrict s, int *restrict value)
{
    *value = (int)__atomic_load_n(&s->__value, __ATOMIC_SEQ_CST);
    return 0;
}

int sem_init(sem_t *s, int shared, unsigned value)
{
    if (value > SEM_VALUE_MAX)
        return fail(EINVAL);
    *s = (sem_t){.__value = value, .__kind = KIND_VALID | (shared ? KIND_SHARED : 0)};
    return 0;
}

/* 0 where there is none. */
static uint32_t kind_of(const sem_t *s)
{
    uint32_t kind;
    return user_copy_in(&kind, &s->__kind, sizeof kind) ? 0 : kind;
}

int sem_destroy(sem_t *s)
{
    if ((kind_of(s) & (KIND_VALID | KIND_NAMED)) != KIND_VALID)
        return fail(EINVAL);
    if (__atomic_load_n(&s->__waiters, __ATOMIC_SEQ_CST))
        return fail(EBUSY);
    s->__kind = 0;
    return 0;
}

/* ---- names ---- */

static struct named **names(void)
{
    return process_self ? (struct named **)&SESSION->objects[0] : &names_alone;
}

static void names_enter(void)
{
    if (process_self)
        monitor_enter();
    else
        threads_lock();
}

static void names_leave(void)
{
    if (process_self)
        monitor_leave();
    else
        threads_unlock();
}

#define SET(place, value)                                                                          \
    do {                                                                                           \
        if (process_self)                                                                          \
            session_set(place, value);                                                             \
        else                                                                                       \
            (place) = (value);                                                                     \
    } while (0)

static struct named **name_find(const char *name)
{
    struct named **at = names();

    while (*at && strcmp((*at)->name, name))
        at = &(*at)->next;
    return at;
}

/* /name: one slash, in front. */
static int name_read(char name[NAME_MAX], const char *user)
{
    ssize_t length = user_string(name, user, NAME_MAX);

    if (length < 0)
        return (int)-length;
    if (name[0] != '/' || !name[1] || strchr(name + 1, '/'))
        return EINVAL;
    return strlen(name + 1) > NAME_MAX - 4 ? ENAMETOOLONG : 0;
}

static struct named *name_make(const char *name, mode_t mode, unsigned value)
{
    struct named *n = process_self ? session_alloc(sizeof *n) : calloc(1, sizeof *n);

    if (!n)
        return NULL;
    *n = (struct named){.owner = geteuid(), .mode = mode, .next = *names()};
    n->semaphore =
        (sem_t){.__value = value,
                .__kind = KIND_VALID | KIND_NAMED | (process_self ? KIND_SHARED : 0)};
    strcpy(n->name, name + 1);
    SET(*names(), n);
    return n;
}

static bool may_open(const struct named *n)
{
    uid_t me = geteuid();
    return me == 0 || (n->mode & (me == n->owner ? 0600 : 006)) == (me == n->owner ? 0600 : 006);
}

static int name_open(const char *name, int flags, mode_t mode, unsigned value, struct named **found)
{
    struct named *n = *name_find(name + 1);

    if (n && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return EEXIST;
    if (!n && !(flags & O_CREAT))
        return ENOENT;
    if (n && !may_open(n))
        return EACCES;
    if (!n && !(n = name_make(name, mode, value)))
        return ENOSPC;
    SET(n->opened, n->opened + 1);
    *found = n;
    return 0;
}

sem_t *sem_open(const char *user, int flags, ...)
{
    char name[NAME_MAX];
    struct named *n = NULL;
    unsigned value = 0;
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        value = va_arg(list, unsigned);
        va_end(list);
    }
    int error = name_read(name, user);
    if (!error && value > SEM_VALUE_MAX)
        error = EINVAL;
    if (!error) {
        if (process_self)
            session_reserve(sizeof *n);
        names_enter();
        error = name_open(name, flags, mode, value, &n);
        names_leave();
    }
    if (!error)
        return &n->semaphore;
    errno = error;
    return SEM_FAILED;
}

/* In the monitor. */
static void name_drop(struct named *n)
{
    if (n->opened || !n->unlinked)
        return;
    if (process_self)
        session_free(n, sizeof *n);
    else
        free(n);
}

int sem_close(sem_t *s)
{
    struct named *n = (struct named *)s;

    if (!(kind_of(s) & KIND_NAMED))
        return fail(EINVAL);
    names_enter();
    if (n->opened)
        SET(n->opened, n->opened - 1);
    name_drop(n);
    names_leave();
    return 0;
}

int sem_unlink(const char *user)
{
    char name[NAME_MAX];
    int error = name_read(name, user);

    if (error)
        return fail(error == EINVAL ? ENOENT : error);
    names_enter();
    struct named **at = name_find(name + 1), *n = *at;
    error = !n ? ENOENT : !may_open(n) ? EACCES : 0;
    if (!error) {
        SET(*at, n->next);
        SET(n->unlinked, 1);
        name_drop(n);
    }
    names_leave();
    return error ? fail(error) : 0;
}
