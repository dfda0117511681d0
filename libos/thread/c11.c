/* SPDX-License-Identifier: BSD-2-Clause */
/* C11's threads are POSIX's. */
#include <errno.h>
#include <stdint.h>
#include <threads.h>

static int result(int error)
{
    return error == 0           ? thrd_success
           : error == EBUSY     ? thrd_busy
           : error == ETIMEDOUT ? thrd_timedout
           : error == EAGAIN || error == ENOMEM ? thrd_nomem
                                                : thrd_error;
}

void call_once(once_flag *flag, void (*function)(void))
{
    pthread_once(flag, function);
}

/* Their functions return int: in a register that is one's result as a pointer. */
int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    union {
        thrd_start_t c11;
        void *(*posix)(void *);
    } f = {.c11 = function};
    return result(pthread_create(thread, NULL, f.posix, argument));
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

int thrd_detach(thrd_t thread)
{
    return result(pthread_detach(thread));
}

int thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

void thrd_exit(int value)
{
    pthread_exit((void *)(intptr_t)value);
}

int thrd_join(thrd_t thread, int *value)
{
    void *returned;
    int error = pthread_join(thread, &returned);

    if (!error && value)
        *value = (int)(intptr_t)returned;
    return result(error);
}

int thrd_sleep(const struct timespec *time, struct timespec *left)
{
    return nanosleep(time, left) == 0 ? 0 : errno == EINTR ? -1 : -2;
}

void thrd_yield(void)
{
    sched_yield();
}

int mtx_init(mtx_t *m, int type)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    return result(pthread_mutex_init(m, &a));
}

void mtx_destroy(mtx_t *m)
{
    pthread_mutex_destroy(m);
}

int mtx_lock(mtx_t *m)
{
    return result(pthread_mutex_lock(m));
}

int mtx_trylock(mtx_t *m)
{
    return result(pthread_mutex_trylock(m));
}

int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until)
{
    return result(pthread_mutex_timedlock(m, until));
}

int mtx_unlock(mtx_t *m)
{
    return result(pthread_mutex_unlock(m));
}

int cnd_init(cnd_t *c)
{
    return result(pthread_cond_init(c, NULL));
}

void cnd_destroy(cnd_t *c)
{
    pthread_cond_destroy(c);
}

int cnd_signal(cnd_t *c)
{
    return result(pthread_cond_signal(c));
}

int cnd_broadcast(cnd_t *c)
{
    return result(pthread_cond_broadcast(c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    return result(pthread_cond_wait(c, m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    return result(pthread_cond_timedwait(c, m, until));
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return result(pthread_key_create(key, destructor));
}

void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *value)
{
    return result(pthread_setspecific(key, value));
}
