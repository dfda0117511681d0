/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: what their functions refuse, and what happens when there are no more. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "conformance.h"

static struct timespec soon(long milliseconds)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += milliseconds * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *returns(void *value)
{
    return value;
}

/* ---- mutexes ---- */

static pthread_mutex_t mutex_of(int type)
{
    pthread_mutexattr_t a;
    pthread_mutex_t m;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, type);
    pthread_mutex_init(&m, &a);
    pthread_mutexattr_destroy(&a);
    return m;
}

static pthread_mutex_t shared;

static void *tries(void *value)
{
    (void)value;
    return (void *)(long)pthread_mutex_trylock(&shared);
}

static void *unlocks(void *value)
{
    (void)value;
    return (void *)(long)pthread_mutex_unlock(&shared);
}

static long in_a_thread(void *(*body)(void *))
{
    pthread_t t;
    void *result = (void *)-1L;

    if (pthread_create(&t, NULL, body, NULL) || pthread_join(t, &result))
        return -1;
    return (long)result;
}

static void test_mutexes(void)
{
    struct timespec past = {0, 0}, wrong = {0, 1000000000}, later;
    pthread_mutexattr_t a;

    shared = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
    tap(GIVES(pthread_mutex_unlock(&shared), EPERM) & GIVES(pthread_mutex_lock(&shared), 0) &
            GIVES(pthread_mutex_lock(&shared), EDEADLK) & GIVES(pthread_mutex_trylock(&shared), EBUSY) &
            GIVES(in_a_thread(tries), EBUSY) & GIVES(in_a_thread(unlocks), EPERM) &
            GIVES(pthread_mutex_unlock(&shared), 0) & GIVES(pthread_mutex_destroy(&shared), 0),
        "mutex_errorcheck");
    shared = mutex_of(PTHREAD_MUTEX_RECURSIVE);
    tap(GIVES(pthread_mutex_lock(&shared), 0) & GIVES(pthread_mutex_lock(&shared), 0) &
            GIVES(pthread_mutex_trylock(&shared), 0) & GIVES(in_a_thread(tries), EBUSY) &
            GIVES(pthread_mutex_unlock(&shared), 0) & GIVES(pthread_mutex_unlock(&shared), 0) &
            GIVES(in_a_thread(tries), EBUSY) & GIVES(pthread_mutex_unlock(&shared), 0) &
            GIVES(pthread_mutex_unlock(&shared), EPERM),
        "mutex_recursive");
    shared = mutex_of(PTHREAD_MUTEX_NORMAL);
    pthread_mutex_lock(&shared);
    later = soon(20);
    tap(GIVES(pthread_mutex_timedlock(&shared, &past), ETIMEDOUT) &
            GIVES(pthread_mutex_timedlock(&shared, &wrong), EINVAL) &
            GIVES(pthread_mutex_timedlock(&shared, &later), ETIMEDOUT) &
            GIVES(pthread_mutex_trylock(&shared), EBUSY),
        "mutex_timedlock");
    pthread_mutex_unlock(&shared);
    tap(GIVES(pthread_mutex_timedlock(&shared, &wrong), 0), "mutex_timedlock_free");
    pthread_mutexattr_init(&a);
    tap(GIVES(pthread_mutexattr_settype(&a, 77), EINVAL) & GIVES(pthread_mutexattr_setpshared(&a, 77), EINVAL) &
            GIVES(pthread_mutexattr_setrobust(&a, 77), EINVAL),
        "mutexattr_errors");
}

static void *dies_with_it(void *value)
{
    (void)value;
    pthread_mutex_lock(&shared);
    return NULL;
}

static void test_robust(void)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared, &a);
    in_a_thread(dies_with_it);
    tap(GIVES(pthread_mutex_lock(&shared), EOWNERDEAD) & GIVES(pthread_mutex_consistent(&shared), 0) &
            GIVES(pthread_mutex_unlock(&shared), 0) & GIVES(pthread_mutex_lock(&shared), 0) &
            GIVES(pthread_mutex_consistent(&shared), EINVAL),
        "mutex_robust");
    pthread_mutex_unlock(&shared);
    in_a_thread(dies_with_it);
    pthread_mutex_lock(&shared);
    pthread_mutex_unlock(&shared);
    tap(GIVES(pthread_mutex_lock(&shared), ENOTRECOVERABLE), "mutex_not_recoverable");
}

/* ---- conditions, locks, barriers ---- */

static void test_conditions(void)
{
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    struct timespec past = {0, 0}, wrong = {0, -1};
    pthread_condattr_t a;

    shared = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_lock(&shared);
    tap(GIVES(pthread_cond_timedwait(&c, &shared, &past), ETIMEDOUT) &
            GIVES(pthread_cond_timedwait(&c, &shared, &wrong), EINVAL) &
            GIVES(pthread_mutex_unlock(&shared), 0),
        "cond_timedwait_errors");
    pthread_condattr_init(&a);
    tap(GIVES(pthread_condattr_setclock(&a, 77), EINVAL) &
            GIVES(pthread_condattr_setclock(&a, CLOCK_MONOTONIC), 0),
        "condattr_errors");
    tap(GIVES(pthread_cond_signal(&c), 0) & GIVES(pthread_cond_broadcast(&c), 0) &
            GIVES(pthread_cond_destroy(&c), 0),
        "cond_signal_nobody");
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;

static void *tries_to_write(void *value)
{
    (void)value;
    return (void *)(long)pthread_rwlock_trywrlock(&rw);
}

static void *tries_to_read(void *value)
{
    (void)value;
    int error = pthread_rwlock_tryrdlock(&rw);
    if (!error)
        pthread_rwlock_unlock(&rw);
    return (void *)(long)error;
}

static void test_rwlocks(void)
{
    struct timespec past = {0, 0};

    pthread_rwlock_rdlock(&rw);
    tap(GIVES(in_a_thread(tries_to_write), EBUSY) & GIVES(in_a_thread(tries_to_read), 0) &
            GIVES(pthread_rwlock_timedwrlock(&rw, &past), ETIMEDOUT) ||
            errno == 0,
        "rwlock_read");
    pthread_rwlock_unlock(&rw);
    pthread_rwlock_wrlock(&rw);
    tap(GIVES(in_a_thread(tries_to_write), EBUSY) & GIVES(in_a_thread(tries_to_read), EBUSY), "rwlock_write");
    pthread_rwlock_unlock(&rw);
}

static pthread_barrier_t barrier;

static void *meets(void *value)
{
    (void)value;
    return (void *)(long)pthread_barrier_wait(&barrier);
}

static void test_barriers(void)
{
    pthread_t t[2];
    void *result;
    long serial = 0;

    tap(GIVES(pthread_barrier_init(&barrier, NULL, 0), EINVAL), "barrier_einval");
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, meets, NULL);
    serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], &result);
        serial += (long)result == PTHREAD_BARRIER_SERIAL_THREAD;
    }
    tap(serial == 1 && GIVES(pthread_barrier_destroy(&barrier), 0), "barrier_one_is_serial");
}

static void test_spin(void)
{
    pthread_spinlock_t s;

    pthread_spin_init(&s, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&s);
    tap(GIVES(pthread_spin_trylock(&s), EBUSY) & GIVES(pthread_spin_unlock(&s), 0) &
            GIVES(pthread_spin_trylock(&s), 0),
        "spin_trylock");
}

/* ---- threads ---- */

static void test_threads(void)
{
    pthread_attr_t a;
    pthread_t t;
    void *result = NULL;

    tap(GIVES(pthread_join(pthread_self(), NULL), EDEADLK), "join_oneself");
    pthread_attr_init(&a);
    tap(GIVES(pthread_attr_setdetachstate(&a, 77), EINVAL) & GIVES(pthread_attr_setstacksize(&a, 16), EINVAL) &
            GIVES(pthread_attr_setscope(&a, 77), EINVAL) & GIVES(pthread_attr_setinheritsched(&a, 77), EINVAL) &
            GIVES(pthread_attr_setschedpolicy(&a, 77), EINVAL),
        "attr_errors");
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    tap(GIVES(pthread_create(&t, &a, returns, NULL), 0), "create_detached");
    doze(20);
    tap(GIVES(pthread_create(&t, NULL, returns, (void *)7L), 0) && GIVES(pthread_join(t, &result), 0) &&
            result == (void *)7L,
        "join_value");
    tap(GIVES(pthread_kill(pthread_self(), 1000), EINVAL) & GIVES(pthread_kill(pthread_self(), 0), 0) &
            GIVES(pthread_sigmask(77, &(sigset_t){0}, NULL), EINVAL),
        "pthread_kill_errors");
    int old;
    tap(GIVES(pthread_setcancelstate(77, &old), EINVAL) & GIVES(pthread_setcanceltype(77, &old), EINVAL),
        "setcancelstate_errors");
}

static void *sleeps(void *value)
{
    (void)value;
    for (;;)
        pause();
}

static volatile int cleaned;

static void clean(void *value)
{
    cleaned += (int)(long)value;
}

static void *sleeps_with_cleanup(void *value)
{
    pthread_cleanup_push(clean, (void *)1L);
    pthread_cleanup_push(clean, (void *)10L);
    sleeps(value);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void test_cancel(void)
{
    pthread_t t;
    void *result = NULL;

    pthread_create(&t, NULL, sleeps_with_cleanup, NULL);
    doze(10);
    pthread_cancel(t);
    tap(GIVES(pthread_join(t, &result), 0) && result == PTHREAD_CANCELED && cleaned == 11, "cancel");
}

static void test_out_of_threads(void)
{
    enum { MOST = 3000 };
    static pthread_t t[MOST];
    pthread_attr_t a;
    int count = 0, error = 0;

    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 65536);
    while (count < MOST && !(error = pthread_create(&t[count], &a, sleeps, NULL)))
        count++;
    printf("# %d threads\n", count);
    tap(count >= 64 && (count == MOST || error == EAGAIN), "create_eagain");
    for (int i = 0; i < count; i++)
        pthread_cancel(t[i]);
    int joined = 0;
    for (int i = 0; i < count; i++)
        joined += !pthread_join(t[i], NULL);
    tap(joined == count && GIVES(in_a_thread(returns), 0), "create_eagain_goes_on");
}

static void nothing(void *value)
{
    (void)value;
}

static void test_keys(void)
{
    static pthread_key_t keys[5000];
    int count = 0, error = 0;

    while (count < 5000 && !(error = pthread_key_create(&keys[count], nothing)))
        count++;
    tap(count >= _POSIX_THREAD_KEYS_MAX - 8 && error == EAGAIN, "key_eagain");
    tap(GIVES(pthread_setspecific(keys[3], &count), 0) && pthread_getspecific(keys[3]) == &count, "key_value");
    while (count)
        pthread_key_delete(keys[--count]);
    tap(GIVES(pthread_setspecific(keys[0], &count), EINVAL) & GIVES(pthread_key_delete(keys[0]), EINVAL) &
            GIVES(pthread_key_create(&keys[0], NULL), 0),
        "key_deleted");
}

/* ---- semaphores ---- */

static void test_semaphores(void)
{
    sem_t s;
    struct timespec past = {0, 0}, wrong = {0, 1000000000};
    int value = -1;

    tap(FAILS(sem_init(&s, 0, (unsigned)SEM_VALUE_MAX + 1), EINVAL), "sem_init_einval");
    sem_init(&s, 0, SEM_VALUE_MAX);
    tap(FAILS(sem_post(&s), EOVERFLOW), "sem_post_eoverflow");
    sem_init(&s, 0, 1);
    tap(GIVES(sem_wait(&s), 0) & FAILS(sem_trywait(&s), EAGAIN) & FAILS(sem_timedwait(&s, &past), ETIMEDOUT) &
            FAILS(sem_timedwait(&s, &wrong), EINVAL) & GIVES(sem_getvalue(&s, &value), 0) & (value == 0),
        "sem_wait_errors");
    tap((errno = 0, sem_open("/none", 0) == SEM_FAILED && errno == ENOENT) &
            (errno = 0, sem_open("/x", O_CREAT, 0644, (unsigned)SEM_VALUE_MAX + 1) == SEM_FAILED &&
                            errno == EINVAL) &
            FAILS(sem_unlink("/none"), ENOENT),
        "sem_open_errors");
    sem_t *named = sem_open("/conformance", O_CREAT | O_EXCL, 0644, 2);
    tap(named != SEM_FAILED && (errno = 0, sem_open("/conformance", O_CREAT | O_EXCL, 0644, 1) == SEM_FAILED) &&
            errno == EEXIST && sem_open("/conformance", 0) == named && GIVES(sem_getvalue(named, &value), 0) &&
            value == 2,
        "sem_open");
    tap(GIVES(sem_close(named), 0) & GIVES(sem_close(named), 0) & GIVES(sem_unlink("/conformance"), 0),
        "sem_close");
}

/* ---- who is woken first ---- */

static sem_t *gate;
static volatile int *order_count, *arrived;
static volatile char *order;

static void *passes(void *name)
{
    while (sem_wait(gate))
        ;
    order[(*order_count)++] = (char)(long)name;
    return NULL;
}

static int ranked(int priority)
{
    struct sched_param p = {.sched_priority = priority};
    return pthread_setschedparam(pthread_self(), priority ? SCHED_FIFO : SCHED_OTHER, &p);
}

struct arrival {
    char name;
    int priority;
};
static const struct arrival arrivals[] = {{'a', 0}, {'b', 10}, {'c', 20}, {'d', 20}, {'e', 5}};
#define ARRIVALS ((int)(sizeof arrivals / sizeof arrivals[0]))

static void *arrives(void *argument)
{
    const struct arrival *a = argument;
    ranked(a->priority);
    __atomic_fetch_add(arrived, 1, __ATOMIC_SEQ_CST);
    return passes((void *)(long)a->name);
}

static void orders_begin(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    order_count = (volatile int *)page;
    arrived = order_count + 1;
    order = page + 64;
    gate = (sem_t *)(page + 128);
}

/* Other harts may stand still for a while. */
static void wait_count(volatile int *count, int wanted)
{
    for (int i = 0; i < 200 && *count < wanted; i++)
        doze(10);
    doze(10);
}

static void gate_open(void)
{
    for (int i = 0; i < ARRIVALS; i++) {
        sem_post(gate);
        wait_count(order_count, i + 1);
    }
}

static int order_was(const char *wanted)
{
    return !strcmp((const char *)order, wanted) || complain(*order_count, (const char *)order, __LINE__);
}

static void threads_arrive(int shared)
{
    pthread_t t[ARRIVALS];

    orders_begin();
    sem_init(gate, shared, 0);
    for (int i = 0; i < ARRIVALS; i++) {
        pthread_create(&t[i], NULL, arrives, (void *)&arrivals[i]);
        wait_count(arrived, i + 1);
    }
    gate_open();
    for (int i = 0; i < ARRIVALS; i++)
        pthread_join(t[i], NULL);
}

static void processes_arrive(void)
{
    orders_begin();
    sem_init(gate, 1, 0);
    for (int i = 0; i < ARRIVALS; i++) {
        if (fork() == 0) {
            arrives((void *)&arrivals[i]);
            _exit(0);
        }
        wait_count(arrived, i + 1);
    }
    gate_open();
    while (wait(NULL) > 0)
        ;
}

static void test_who_is_first(void)
{
    threads_arrive(0);
    tap(order_was("cdbea"), "semaphore_by_priority");
    threads_arrive(1);
    tap(order_was("cdbea"), "shared_semaphore_by_priority");
    processes_arrive();
    tap(order_was("cdbea"), "semaphore_by_priority_of_processes");
}

/* Who takes a lock again at once leaves it to those that wait, whatever moment its slots end at. */
static pthread_mutex_t wanted = PTHREAD_MUTEX_INITIALIZER;
static volatile int enough;

static void *turns(void *argument)
{
    long *count = argument;

    while (!enough) {
        pthread_mutex_lock(&wanted);
        for (volatile int i = 0; i < 500; i++)
            ;
        ++*count;
        pthread_mutex_unlock(&wanted);
    }
    return NULL;
}

static void test_fair(void)
{
    enum { N = 6 };
    long count[N] = {0}, least;
    pthread_t t[N];

    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, turns, &count[i]);
    doze(500);
    enough = 1;
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    least = count[0];
    for (int i = 0; i < N; i++)
        least = count[i] < least ? count[i] : least;
    printf("# least %ld of %ld\n", least, count[0]);
    tap(least >= 20, "mutex_starves_nobody");
}

/* Destroyed as soon as all are woken, and its memory used for something else. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t *brief;
static volatile int inside, woken, let_go;

static void *waits_briefly(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&guard);
    inside++;
    while (!let_go)
        pthread_cond_wait(brief, &guard);
    woken++;
    pthread_mutex_unlock(&guard);
    return NULL;
}

static int condition_reused(int shared)
{
    enum { N = 5 };
    static long room[16];
    pthread_condattr_t a;
    pthread_t t[N];

    pthread_condattr_init(&a);
    pthread_condattr_setpshared(&a, shared);
    brief = (pthread_cond_t *)room;
    pthread_cond_init(brief, &a);
    inside = woken = let_go = 0;
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, waits_briefly, NULL);
    while (inside < N)
        doze(1);
    pthread_mutex_lock(&guard);
    int blocked = shared || GIVES(pthread_cond_destroy(brief), EBUSY);
    let_go = 1;
    pthread_cond_broadcast(brief);
    pthread_mutex_unlock(&guard);
    int destroyed = GIVES(pthread_cond_destroy(brief), 0);
    memset(room, 0xff, sizeof room);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++)
        destroyed &= room[i] == -1;
    return blocked && destroyed && woken == N;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_count;

static void count_once(void)
{
    once_count++;
}

static void *runs_once(void *value)
{
    (void)value;
    pthread_once(&once, count_once);
    return NULL;
}

int main(void)
{
    test_mutexes();
    test_robust();
    test_conditions();
    test_rwlocks();
    test_barriers();
    test_spin();
    test_threads();
    test_cancel();
    test_out_of_threads();
    test_keys();
    test_semaphores();
    test_who_is_first();
    test_fair();
    tap(condition_reused(0) & condition_reused(1), "condition_destroyed_after_broadcast");
    in_a_thread(runs_once);
    in_a_thread(runs_once);
    tap(once_count == 1, "once");
    return tap_failed;
}
