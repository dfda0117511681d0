/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX threads: life, locks, waiting, cancellation, keys; schedulers put in place while they run. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <aegis/scheduler.h>

#include "later.h"
#include "tap.h"

#define THREADS 8
#define ROUNDS  2000

/* ---- life ---- */

static _Thread_local int own = 5;

static void *twice(void *argument)
{
    own += (int)(intptr_t)argument;
    errno = own;
    sched_yield();
    return (void *)(intptr_t)(errno == own ? 2 * own : -1);
}

static void test_life(void)
{
    pthread_t t[THREADS];
    intptr_t sum = 0;
    void *result;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, twice, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &result);
        sum += (intptr_t)result;
    }
    tap(sum == 2 * (THREADS * 5 + 28) && own == 5, "threads_create_join_tls");
    tap(pthread_join(t[0], NULL) == ESRCH && pthread_join(pthread_self(), NULL) == EDEADLK,
        "threads_join_errors");
    for (int i = 0; i < 500; i++) {
        pthread_create(&t[0], NULL, twice, NULL);
        pthread_join(t[0], NULL);
    }
    tap(1, "threads_many_in_turn");
    thrd_t c;
    int value;
    tap(thrd_create(&c, (thrd_start_t)(void *)twice, (void *)1) == thrd_success &&
            thrd_join(c, &value) == thrd_success && value == 12,
        "threads_c11");
}

static void *detached(void *argument)
{
    sem_post(argument);
    return NULL;
}

static void *on_stack(void *argument)
{
    char here;
    return (void *)(intptr_t)(&here > (char *)argument && &here < (char *)argument + 65536);
}

static void test_attributes(void)
{
    pthread_attr_t a;
    pthread_t t;
    sem_t s;
    void *result;
    static char stack[65536] __attribute__((aligned(16)));

    pthread_attr_init(&a);
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    sem_init(&s, 0, 0);
    for (int i = 0; i < 100; i++) {
        pthread_create(&t, &a, detached, &s);
        sem_wait(&s);
    }
    tap(1, "threads_detached");
    pthread_attr_init(&a);
    pthread_attr_setstack(&a, stack, sizeof stack);
    pthread_create(&t, &a, on_stack, stack);
    pthread_join(t, &result);
    tap(result != NULL, "threads_own_stack");
    pthread_attr_init(&a);
    tap(pthread_attr_setstacksize(&a, 1000) == EINVAL &&
            pthread_attr_setstacksize(&a, 1 << 20) == 0 &&
            pthread_create(&t, &a, twice, NULL) == 0 && pthread_join(t, NULL) == 0,
        "threads_stack_size");
}

/* ---- locks ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static long counter, turn;

static void *count(void *argument)
{
    double x = 0;

    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        long before = counter;
        if (i % 16 == 0)
            sched_yield();
        counter = before + 1;
        x += 0.25;
        pthread_mutex_unlock(&mutex);
    }
    return (void *)(intptr_t)(x == ROUNDS * 0.25);
}

static int run_all(void *(*function)(void *))
{
    pthread_t t[THREADS];
    int good = 1;
    void *result;

    for (int i = 0; i < THREADS; i++)
        good &= pthread_create(&t[i], NULL, function, (void *)(intptr_t)i) == 0;
    for (int i = 0; i < THREADS; i++)
        good &= pthread_join(t[i], &result) == 0 && result;
    return good;
}

/* Blocks of many sizes, given back in another order by whoever comes along. */
static void *allocates(void *argument)
{
    static void *shelf[64];
    unsigned random = (unsigned)(intptr_t)argument + 1;
    int good = 1;

    for (int i = 0; i < 4000; i++) {
        random = random * 1103515245 + 12345;
        size_t size = 16 + (random >> 16) % 500;
        size_t *block = malloc(size);
        if (!block)
            return NULL;
        memset(block, (int)size, size);
        block[0] = size;
        block = __atomic_exchange_n(&shelf[random >> 8 & 63], (void *)block, __ATOMIC_ACQ_REL);
        for (size_t at = sizeof *block; block && at < block[0]; at++)
            good &= ((unsigned char *)block)[at] == (unsigned char)block[0];
        free(block);
    }
    return (void *)(intptr_t)good;
}

static void *in_turn(void *argument)
{
    long me = (intptr_t)argument;

    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % THREADS != me)
            pthread_cond_wait(&condition, &mutex);
        turn++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return (void *)1;
}

static void *read_write(void *argument)
{
    static long a, b;
    int good = 1;

    for (int i = 0; i < 200; i++) {
        if ((i + (intptr_t)argument) % 4) {
            pthread_rwlock_rdlock(&rwlock);
            good &= a == b;
            if (i % 8 == 0)
                sched_yield();
            good &= a == b;
        } else {
            pthread_rwlock_wrlock(&rwlock);
            a++;
            sched_yield();
            b++;
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return (void *)(intptr_t)good;
}

static void *meet(void *argument)
{
    static int arrived;
    int good = 1;

    (void)argument;
    for (int i = 1; i <= 20; i++) {
        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
        pthread_barrier_wait(&barrier);
        good &= __atomic_load_n(&arrived, __ATOMIC_SEQ_CST) >= i * THREADS;
        pthread_barrier_wait(&barrier);
    }
    return (void *)(intptr_t)good;
}

static void *spinning(void *argument)
{
    static long n;

    (void)argument;
    for (int i = 0; i < 200; i++) {
        pthread_spin_lock(&spin);
        long before = n;
        if (i % 16 == 0)
            sched_yield();
        n = before + 1;
        pthread_spin_unlock(&spin);
    }
    return (void *)1;
}

static void test_locks(void)
{
    counter = 0;
    tap(run_all(count) && counter == THREADS * ROUNDS, "threads_mutex");
    tap(run_all(allocates), "threads_malloc");
    tap(run_all(in_turn) && turn == 50 * THREADS, "threads_condition");
    tap(run_all(read_write), "threads_rwlock");
    pthread_barrier_init(&barrier, NULL, THREADS);
    tap(run_all(meet), "threads_barrier");
    pthread_spin_init(&spin, 0);
    tap(run_all(spinning), "threads_spin");
}

static void *die_holding(void *m)
{
    pthread_mutex_lock(m);
    return NULL;
}

static void test_mutex_kinds(void)
{
    pthread_mutexattr_t a;
    pthread_mutex_t m;
    pthread_t t;
    struct timespec soon;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m, &a);
    tap(!pthread_mutex_lock(&m) && !pthread_mutex_lock(&m) && !pthread_mutex_unlock(&m) &&
            !pthread_mutex_unlock(&m) && pthread_mutex_unlock(&m) == EPERM,
        "threads_recursive");
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &a);
    tap(!pthread_mutex_lock(&m) && pthread_mutex_lock(&m) == EDEADLK &&
            pthread_mutex_trylock(&m) == EBUSY && !pthread_mutex_unlock(&m) &&
            pthread_mutex_unlock(&m) == EPERM,
        "threads_errorcheck");
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_NORMAL);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&m, &a);
    pthread_create(&t, NULL, die_holding, &m);
    pthread_join(t, NULL);
    tap(pthread_mutex_lock(&m) == EOWNERDEAD && !pthread_mutex_consistent(&m) &&
            !pthread_mutex_unlock(&m) && !pthread_mutex_lock(&m) && !pthread_mutex_unlock(&m),
        "threads_robust");
    pthread_mutex_init(&m, NULL);
    pthread_mutex_lock(&m);
    soon = later(CLOCK_REALTIME, 20);
    tap(pthread_mutex_timedlock(&m, &soon) == ETIMEDOUT && pthread_mutex_trylock(&m) == EBUSY,
        "threads_timedlock");
    pthread_mutex_unlock(&m);
    pthread_mutex_lock(&mutex);
    soon = later(CLOCK_REALTIME, 20);
    tap(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT &&
            pthread_mutex_trylock(&mutex) == EBUSY,
        "threads_timedwait");
    pthread_mutex_unlock(&mutex);
    tap(pthread_mutexattr_setprotocol(&a, 77) == EINVAL, "threads_protocols");
}

/* ---- semaphores ---- */

static void *poster(void *s)
{
    for (int i = 0; i < 100; i++) {
        sem_post(s);
        sched_yield();
    }
    return NULL;
}

static void test_semaphores(void)
{
    sem_t s;
    int value;
    pthread_t t;

    sem_init(&s, 0, 0);
    pthread_create(&t, NULL, poster, &s);
    for (int i = 0; i < 100; i++)
        sem_wait(&s);
    pthread_join(t, NULL);
    struct timespec soon = later(CLOCK_REALTIME, 10);
    tap(sem_getvalue(&s, &value) == 0 && value == 0 && sem_trywait(&s) == -1 && errno == EAGAIN &&
            sem_timedwait(&s, &soon) == -1 && errno == ETIMEDOUT,
        "semaphores_unnamed");
    sem_t *n = sem_open("/one", O_CREAT | O_EXCL, 0600, 1), *same = sem_open("/one", 0);
    tap(n != SEM_FAILED && n == same && sem_wait(n) == 0 && sem_trywait(same) == -1 &&
            sem_open("/one", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == EEXIST &&
            sem_unlink("/one") == 0 && sem_open("/one", 0) == SEM_FAILED && errno == ENOENT &&
            sem_close(n) == 0 && sem_close(same) == 0,
        "semaphores_named");
}

/* ---- cancellation ---- */

static int cleaned;

static void clean(void *argument)
{
    cleaned += (int)(intptr_t)argument;
}

static void *sleeper(void *argument)
{
    (void)argument;
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)10);
    pause();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *looper(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    sem_post(argument);
    for (;;)
        __asm__ volatile("nop");
    return NULL;
}

static sem_t cancel_sent;

static void *refuser(void *argument)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    sem_post(argument);
    sem_wait(&cancel_sent); /* a point where it would be */
    clean((void *)100);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    return NULL;
}

static void unlock(void *m)
{
    clean((void *)(intptr_t)(pthread_mutex_trylock(m) == EBUSY ? 1000 : 0));
    pthread_mutex_unlock(m);
}

static void *waiter(void *argument)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    sem_post(argument);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
    return NULL;
}

static int cancelled(void *(*function)(void *), int wanted)
{
    sem_t s;
    pthread_t t;
    void *result;

    cleaned = 0;
    sem_init(&s, 0, 0);
    sem_init(&cancel_sent, 0, 0);
    pthread_create(&t, NULL, function, &s);
    if (function != sleeper)
        sem_wait(&s);
    else
        sched_yield();
    pthread_cancel(t);
    sem_post(&cancel_sent);
    pthread_join(t, &result);
    return result == PTHREAD_CANCELED && cleaned == wanted;
}

static void test_cancel(void)
{
    tap(cancelled(sleeper, 11), "cancel_deferred");
    tap(cancelled(looper, 0), "cancel_asynchronous");
    tap(cancelled(refuser, 100), "cancel_disabled");
    tap(cancelled(waiter, 1000) && pthread_mutex_trylock(&mutex) == 0 &&
            pthread_mutex_unlock(&mutex) == 0,
        "cancel_condition");
}

/* ---- keys and once ---- */

static pthread_key_t key[12];
static int destroyed, initialised;

static void destroy(void *value)
{
    __atomic_fetch_add(&destroyed, (int)(intptr_t)value, __ATOMIC_RELAXED);
}

static void initialise(void)
{
    initialised++;
    sched_yield();
}

static void *uses_keys(void *argument)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)argument;
    pthread_once(&once, initialise);
    for (int i = 0; i < 12; i++)
        pthread_setspecific(key[i], (void *)(intptr_t)(i + 1));
    sched_yield();
    return (void *)(intptr_t)((intptr_t)pthread_getspecific(key[11]) == 12 && initialised == 1);
}

static void test_keys(void)
{
    for (int i = 0; i < 12; i++)
        pthread_key_create(&key[i], destroy);
    tap(run_all(uses_keys) && destroyed == THREADS * 78, "keys_destructors_once");
    tap(pthread_getspecific(key[0]) == NULL && pthread_key_delete(key[0]) == 0 &&
            pthread_setspecific(key[0], "") == EINVAL,
        "keys_delete");
}

/* ---- a scheduler put in place ---- */

static PINNED_BSS struct thread *last[64];
static PINNED_BSS unsigned depth;

PINNED_CODE static void empty(void)
{
    depth = 0; /* who was left in it has been another's since */
}

PINNED_CODE static void push(struct thread *t)
{
    for (unsigned i = depth++; i; i--)
        last[i] = last[i - 1];
    last[0] = t;
}

PINNED_CODE static void ignore(struct thread *t)
{
    (void)t;
}

PINNED_CODE static struct thread *pop(unsigned hart)
{
    (void)hart;
    return depth ? last[--depth] : 0;
}

static PINNED_CONST const struct scheduler own_queue = {"a queue", empty, push, push, ignore, pop};

static void *sets(void *argument)
{
    if (argument == NULL)
        for (int i = 0; i < 5; i++) {
            const struct scheduler *before = scheduler_set(&own_queue);
            sched_yield();
            if (scheduler_set(before) != &own_queue)
                return NULL;
            sched_yield();
        }
    return count(argument);
}

static void test_scheduler_set(void)
{
    counter = 0;
    tap(run_all(sets) && counter == THREADS * ROUNDS, "scheduler_set_with_threads_carried_over");
}

/* ---- a stack's end ---- */

static sigjmp_buf back;
static int deep(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    return n ? deep(n - 1) + room[0] : 0;
}

static void overflow(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void *overflows(void *argument)
{
    static char alternate[32768];
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate};

    (void)argument;
    sigaltstack(&s, NULL);
    if (sigsetjmp(back, 1) == 0)
        return (void *)(intptr_t)deep(100000);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    return (void *)(intptr_t)(sigismember(&now, SIGSEGV) ? 0 : 77);
}

static void test_overflow(void)
{
    struct sigaction a = {.sa_flags = SA_ONSTACK};
    pthread_t t;
    void *result;

    a.sa_handler = overflow;
    sigaction(SIGSEGV, &a, NULL);
    pthread_create(&t, NULL, overflows, NULL);
    pthread_join(t, &result);
    tap((intptr_t)result == 77, "threads_overflow_on_alternate_stack");
    signal(SIGSEGV, SIG_DFL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_life();
    test_attributes();
    test_locks();
    test_mutex_kinds();
    test_semaphores();
    test_cancel();
    test_keys();
    test_scheduler_set();
    test_overflow();
    return tap_failed;
}
