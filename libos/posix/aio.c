/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output: a queue of requests, and threads that do them. Those of one descriptor are done one after
 * another, so what is appended stands in order, and a fsync comes after what was asked for before it.
 *
 *     aio_read() --> queue --worker--> pread() --> state, result --> signal or thread; `finished` wakes who waits
 */
#include <aio.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../signal/state.h"
#include "../thread/pthread_internal.h"
#include "clock.h"
#include "user.h"

#define WORKERS 8
#define FOREVER 0

enum what { NOTHING, READ, WRITE, SYNC, SYNC_DATA };

/* Requests of one lio_listio. Whoever is the last to let go tells, and frees it. */
struct __aio_list {
    unsigned left;
    struct sigevent event;
};

/* What is to be done, in memory of ours: of the caller's only state and result are written. */
struct request {
    struct request *next;
    struct aiocb *user;
    struct aiocb asked;
    enum what what;
    struct __aio_list *list;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows, but the words */
static struct request *first, **last = &first;
static struct request *busy[WORKERS];
static unsigned workers, idle;
static volatile uint32_t work, finished; /* counts */

static int fail(int error)
{
    errno = error;
    return -1;
}

static int state_of(const struct aiocb *a)
{
    return __atomic_load_n(&a->__state, __ATOMIC_ACQUIRE);
}

/* ---- the end of a request ---- */

/* SIGEV_THREAD: in a thread of its own. Signals are the process's, not its. */
static int thread_make(const pthread_attr_t *given, void *(*run)(void *), void *argument)
{
    pthread_attr_t a;
    sigset_t all, before;
    pthread_t id;

    pthread_attr_init(&a);
    if (given)
        a = *given;
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&id, &a, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void *notify_thread(void *argument)
{
    struct sigevent event = *(struct sigevent *)argument;

    free(argument);
    event.sigev_notify_function(event.sigev_value);
    return NULL;
}

static void notify(const struct sigevent *event)
{
    if (event->sigev_notify == SIGEV_SIGNAL)
        signal_queue(getpid(), event->sigev_signo, SI_ASYNCIO, event->sigev_value);
    struct sigevent *copy = event->sigev_notify == SIGEV_THREAD ? malloc(sizeof *copy) : NULL;
    if (!copy)
        return;
    *copy = *event;
    if (thread_make((const pthread_attr_t *)event->sigev_notify_attributes, notify_thread, copy))
        free(copy);
}

static void list_drop(struct __aio_list *list)
{
    if (__atomic_sub_fetch(&list->left, 1, __ATOMIC_ACQ_REL))
        return;
    notify(&list->event);
    free(list);
}

/* Its owner may take the request back as soon as it has a state. */
static void finish(struct request *r, ssize_t result, int error)
{
    pthread_mutex_lock(&lock);
    r->user->__result = result;
    __atomic_store_n(&r->user->__state, result < 0 ? error : 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
    notify(&r->asked.aio_sigevent);
    if (r->list)
        list_drop(r->list);
    free(r);
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    word_wake(&finished, INT_MAX, false);
}

/* ---- threads that do the work ---- */

static ssize_t transfer(const struct aiocb *a, bool writes)
{
    void *buffer = (void *)a->aio_buf;
    ssize_t n = -1;

    errno = ESPIPE;
    if (!(writes && fcntl(a->aio_fildes, F_GETFL) & O_APPEND))
        n = writes ? pwrite(a->aio_fildes, buffer, a->aio_nbytes, a->aio_offset)
                   : pread(a->aio_fildes, buffer, a->aio_nbytes, a->aio_offset);
    if (n < 0 && errno == ESPIPE) /* it has no places */
        n = writes ? write(a->aio_fildes, buffer, a->aio_nbytes) : read(a->aio_fildes, buffer, a->aio_nbytes);
    return n;
}

static ssize_t perform(const struct request *r)
{
    switch (r->what) {
    case SYNC:
        return fsync(r->asked.aio_fildes);
    case SYNC_DATA:
        return fdatasync(r->asked.aio_fildes);
    default:
        return transfer(&r->asked, r->what == WRITE);
    }
}

static bool is_busy(int descriptor)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (busy[i] && busy[i]->asked.aio_fildes == descriptor)
            return true;
    return false;
}

static void unlink_at(struct request **at)
{
    if (last == &(*at)->next)
        last = at;
    *at = (*at)->next;
}

static struct request *next_take(unsigned me)
{
    for (struct request **at = &first; *at; at = &(*at)->next)
        if (!is_busy((*at)->asked.aio_fildes)) {
            busy[me] = *at;
            unlink_at(at);
            return busy[me];
        }
    return NULL;
}

static void *worker(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;

    pthread_mutex_lock(&lock);
    for (;;) {
        uint32_t seen = work;
        struct request *r = next_take(me);
        idle += !r;
        pthread_mutex_unlock(&lock);
        if (r) {
            ssize_t n = perform(r);
            int error = errno;
            pthread_mutex_lock(&lock);
            busy[me] = NULL;
            pthread_mutex_unlock(&lock);
            finish(r, n, error);
            __atomic_fetch_add(&work, 1, __ATOMIC_SEQ_CST); /* the next one of that descriptor */
            word_wake(&work, INT_MAX, false);
        } else {
            word_wait(&work, seen, FOREVER, false, false);
        }
        pthread_mutex_lock(&lock);
        idle -= !r;
    }
    return NULL;
}

/* When the process ends nothing is written any more: a request may lie on the stack of `main`. */
static void stop(void)
{
    pthread_mutex_lock(&lock);
}

/* A child has none of it. */
static void forget(void)
{
    pthread_mutex_init(&lock, NULL);
    first = NULL;
    last = &first;
    for (unsigned i = 0; i < WORKERS; i++)
        busy[i] = NULL;
    workers = idle = 0;
}

static int worker_make(void)
{
    static bool registered;

    if (!registered && (pthread_atfork(NULL, NULL, forget) || atexit(stop)))
        return EAGAIN;
    registered = true;
    if (idle || workers == WORKERS)
        return 0;
    int error = thread_make(NULL, worker, (void *)(uintptr_t)workers);
    workers += !error;
    return workers ? 0 : error;
}

/* ---- the calls ---- */

static int event_check(const struct sigevent *e)
{
    if (e->sigev_notify == SIGEV_SIGNAL)
        return VALID(e->sigev_signo) ? 0 : EINVAL;
    return e->sigev_notify == 0 || e->sigev_notify == SIGEV_NONE || e->sigev_notify == SIGEV_THREAD ? 0 : EINVAL;
}

static int request_check(const struct aiocb *a, enum what what)
{
    int flags = fcntl(a->aio_fildes, F_GETFL), unwanted = what == READ ? O_WRONLY : O_RDONLY;

    if (flags < 0 || ((what == READ || what == WRITE) && (flags & O_ACCMODE) == unwanted))
        return EBADF;
    if ((what == READ || what == WRITE) && (a->aio_offset < 0 || a->aio_nbytes > SSIZE_MAX || a->aio_reqprio))
        return EINVAL;
    return event_check(&a->aio_sigevent);
}

/* The lock is held. */
static int request_put(struct request *r)
{
    int error = worker_make();

    if (error)
        return error;
    r->user->__state = EINPROGRESS;
    r->user->__what = (int)r->what;
    *last = r;
    last = &r->next;
    if (r->list)
        __atomic_fetch_add(&r->list->left, 1, __ATOMIC_ACQ_REL);
    work++;
    return 0;
}

static int request_queue(struct aiocb *a, enum what what, struct __aio_list *list)
{
    struct request *r = calloc(1, sizeof *r);
    int error = !r ? EAGAIN : user_copy_in(&r->asked, a, sizeof r->asked) ? EFAULT : request_check(&r->asked, what);

    if (!error) {
        r->user = a;
        r->what = what;
        r->list = list;
        pthread_mutex_lock(&lock);
        error = request_put(r);
        pthread_mutex_unlock(&lock);
    }
    if (error)
        free(r);
    else
        word_wake(&work, 1, false);
    return error;
}

static int request(struct aiocb *a, enum what what)
{
    int error = request_queue(a, what, NULL);
    return error ? fail(error) : 0;
}

int aio_read(struct aiocb *a)
{
    return request(a, READ);
}

int aio_write(struct aiocb *a)
{
    return request(a, WRITE);
}

int aio_fsync(int operation, struct aiocb *a)
{
    if (operation != O_SYNC && operation != O_DSYNC)
        return fail(EINVAL);
    return request(a, operation == O_SYNC ? SYNC : SYNC_DATA);
}

int aio_error(const struct aiocb *a)
{
    struct aiocb own;
    return user_copy_in(&own, a, sizeof own) ? fail(EFAULT) : own.__what ? state_of(a) : fail(EINVAL);
}

ssize_t aio_return(struct aiocb *a)
{
    struct aiocb own;

    if (user_copy_in(&own, a, sizeof own))
        return fail(EFAULT);
    if (!own.__what || state_of(a) == EINPROGRESS)
        return fail(EINVAL);
    a->__what = NOTHING;
    if (a->__result < 0)
        errno = a->__state;
    return a->__result;
}

/* 1: one of them has ended; 0: none; EFAULT. */
static int any_ended(const struct aiocb *const list[], int count)
{
    const struct aiocb *a;

    for (int i = 0; i < count; i++) {
        if (user_copy_in(&a, &list[i], sizeof a))
            return EFAULT;
        if (a && state_of(a) != EINPROGRESS)
            return 1;
    }
    return 0;
}

int aio_suspend(const struct aiocb *const list[], int count, const struct timespec *timeout)
{
    struct timespec own;
    uint64_t deadline = FOREVER;
    int ended, why = 0;

    signals_point();
    if (count < 0)
        return fail(EINVAL);
    if (timeout && user_copy_in(&own, timeout, sizeof own))
        return fail(EFAULT);
    if (timeout && !(deadline = deadline_after(&own)))
        return fail(EINVAL);
    for (;;) {
        uint32_t seen = finished;
        ended = any_ended(list, count);
        if (ended || why)
            break;
        why = word_wait(&finished, seen, deadline, false, true);
        if (why == -EINTR) {
            signals_point();
            why = signal_restart() ? 0 : why;
        }
    }
    return ended == 1 ? 0 : fail(ended ? ended : why == -ETIMEDOUT ? EAGAIN : EINTR);
}

static bool is_meant(const struct request *r, int descriptor, const struct aiocb *wanted)
{
    return r && r->asked.aio_fildes == descriptor && (!wanted || r->user == wanted);
}

/* Takes those that nobody does yet out of the queue. Whether one is being done. */
static bool requests_take(int descriptor, const struct aiocb *wanted, struct request **taken)
{
    bool running = false;

    for (struct request **at = &first; *at;) {
        struct request *r = *at;
        if (is_meant(r, descriptor, wanted)) {
            unlink_at(at);
            r->next = NULL;
            *taken = r;
            taken = &r->next;
        } else {
            at = &r->next;
        }
    }
    for (unsigned i = 0; i < WORKERS; i++)
        running |= is_meant(busy[i], descriptor, wanted);
    return running;
}

int aio_cancel(int descriptor, struct aiocb *wanted)
{
    struct request *taken = NULL, *next;

    if (fcntl(descriptor, F_GETFL) < 0)
        return -1;
    pthread_mutex_lock(&lock);
    bool running = requests_take(descriptor, wanted, &taken);
    pthread_mutex_unlock(&lock);
    int answer = running ? AIO_NOTCANCELED : taken ? AIO_CANCELED : AIO_ALLDONE;
    for (; taken; taken = next) {
        next = taken->next;
        finish(taken, -1, ECANCELED);
    }
    return answer;
}

/* ---- lists ---- */

/* One of a list; what is wrong with it is its own state. */
static int list_queue(struct aiocb *a, struct __aio_list *list)
{
    if (!a || a->aio_lio_opcode == LIO_NOP)
        return 0;
    int error = a->aio_lio_opcode == LIO_READ    ? request_queue(a, READ, list)
                : a->aio_lio_opcode == LIO_WRITE ? request_queue(a, WRITE, list)
                                                 : EINVAL;
    if (error) {
        a->__what = READ;
        a->__result = -1;
        a->__state = error;
    }
    return error;
}

static int list_wait(struct __aio_list *list, struct aiocb *restrict const requests[], int count)
{
    int why = 0, failed = 0;

    while (!why) {
        uint32_t seen = finished;
        if (__atomic_load_n(&list->left, __ATOMIC_ACQUIRE) == 1)
            break;
        why = word_wait(&finished, seen, FOREVER, false, true);
        if (why == -EINTR && signal_restart())
            why = 0;
    }
    list_drop(list);
    if (why == -EINTR)
        return EINTR;
    for (int i = 0; i < count; i++)
        failed |= requests[i] && requests[i]->aio_lio_opcode != LIO_NOP && state_of(requests[i]);
    return failed ? EIO : 0;
}

int lio_listio(int mode, struct aiocb *restrict const requests[restrict], int count, struct sigevent *restrict event)
{
    struct __aio_list *list;
    int error = 0;

    signals_point();
    if ((mode != LIO_WAIT && mode != LIO_NOWAIT) || count < 0 || count > AIO_LISTIO_MAX)
        return fail(EINVAL);
    if (mode == LIO_NOWAIT && event && event_check(event))
        return fail(EINVAL);
    if (!(list = calloc(1, sizeof *list)))
        return fail(EAGAIN);
    list->left = 1;
    list->event.sigev_notify = SIGEV_NONE;
    if (mode == LIO_NOWAIT && event)
        list->event = *event;
    for (int i = 0; i < count; i++) {
        int wrong = list_queue(requests[i], list);
        error = wrong && error != EAGAIN ? (wrong == EAGAIN ? EAGAIN : EIO) : error;
    }
    if (mode == LIO_WAIT) {
        int ended = list_wait(list, requests, count);
        error = error ? error : ended;
    } else {
        list_drop(list);
    }
    return error ? fail(error) : 0;
}
