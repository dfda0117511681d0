/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals among threads, and timers that notify by signals or threads. */
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
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "later.h"
#include "tap.h"

static long nanoseconds(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) ? -1 : now.tv_sec * 1000000000L + now.tv_nsec;
}

/* ---- between processes ---- */

#define ROUNDS 4000
static sem_t *answers;

static void answer_thread(int signal)
{
    (void)signal;
    sem_post(answers);
}

static void *answer(void *done)
{
    while (sem_wait(done) != 0)
        ;
    sem_post(done);
    return NULL;
}

static pthread_t answering;

static void pass_on(int signal)
{
    (void)signal;
    pthread_kill(answering, SIGUSR2);
}

/* Each signal is answered before the next is sent: one that is as pending as the last was, while
 * all sleep, wakes them. */
static void test_one_after_another(void)
{
    sem_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int answered = 0, status = -1;

    answers = shared;
    sem_init(&shared[0], 1, 0);
    sem_init(&shared[1], 1, 0); /* the process may end */
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, pass_on);
        signal(SIGUSR2, answer_thread);
        pthread_create(&answering, NULL, answer, &shared[1]);
        sem_post(answers);
        while (sem_wait(&shared[1]) != 0)
            ;
        sem_post(&shared[1]);
        pthread_join(answering, NULL);
        _exit(7);
    }
    struct timespec limit = later(CLOCK_REALTIME, 60000);
    for (; answered < ROUNDS && sem_timedwait(answers, &limit) == 0; answered++)
        kill(child, SIGUSR1);
    sem_post(&shared[1]);
    if (answered != ROUNDS)
        kill(child, SIGKILL);
    waitpid(child, &status, 0);
    tap(answered == ROUNDS && WIFEXITED(status) && WEXITSTATUS(status) == 7,
        "signals_one_after_another");
    munmap(shared, 4096);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled, handled_by_main;
static pthread_t main_thread;

static void handler(int signal)
{
    (void)signal;
    handled++;
    handled_by_main += pthread_equal(pthread_self(), main_thread) != 0;
}

static void *waits_for_signal(void *argument)
{
    sigset_t set;
    int signal;

    (void)argument;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigwait(&set, &signal);
    return (void *)(intptr_t)signal;
}

static void *computes(void *argument)
{
    volatile int *stop = argument;
    while (!*stop)
        ;
    return NULL;
}

static void test_signals(void)
{
    struct sigaction a = {.sa_flags = 0};
    sigset_t set, old;
    pthread_t t;
    void *result;
    volatile int stop = 0;

    main_thread = pthread_self();
    a.sa_handler = handler;
    sigaction(SIGUSR1, &a, NULL);
    pthread_create(&t, NULL, computes, (void *)&stop);
    pthread_kill(t, SIGUSR1);
    while (!handled)
        sched_yield();
    tap(handled == 1 && handled_by_main == 0, "threads_kill");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    kill(getpid(), SIGUSR1); /* only the other takes it */
    while (handled < 2)
        sched_yield();
    tap(handled_by_main == 0, "threads_process_signal_goes_to_who_takes_it");
    stop = 1;
    pthread_join(t, NULL);
    pthread_create(&t, NULL, waits_for_signal, NULL);
    sched_yield();
    kill(getpid(), SIGUSR2);
    pthread_join(t, &result);
    tap((intptr_t)result == SIGUSR2, "threads_sigwait");
    union sigval v = {.sival_int = 1};
    siginfo_t info;
    sigemptyset(&set);
    for (int i = 2; i >= 0; i--) {
        sigaddset(&set, SIGRTMIN + i);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        for (v.sival_int = 1; v.sival_int < 4; v.sival_int++)
            sigqueue(getpid(), SIGRTMIN + i, v);
    }
    int order = 0;
    for (int i = 0; i < 9; i++)
        order = order * 4 +
                (sigwaitinfo(&set, &info) == SIGRTMIN + i / 3 ? info.si_value.sival_int : 0);
    tap(order == 0b011011011011011011 && info.si_code == SI_QUEUE && info.si_pid == getpid(),
        "signals_queued_in_order");
    struct timespec little = {0, 1000000};
    tap(sigtimedwait(&set, &info, &little) == -1 && errno == EAGAIN, "signals_timedwait");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void *interrupts(void *thread)
{
    struct timespec t = {0, 3000000};
    nanosleep(&t, NULL);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void test_interruption(void)
{
    struct sigaction a = {.sa_flags = 0};
    struct timespec t = {1, 0}, left;
    pthread_t other;
    sem_t s;

    handled = 0;
    a.sa_handler = handler;
    sigaction(SIGUSR1, &a, NULL);
    pthread_create(&other, NULL, interrupts, &main_thread);
    tap(nanosleep(&t, &left) == -1 && errno == EINTR && left.tv_sec == 0 && left.tv_nsec > 0,
        "signals_end_sleep");
    pthread_join(other, NULL);
    sem_init(&s, 0, 0);
    pthread_create(&other, NULL, interrupts, &main_thread);
    tap(sem_wait(&s) == -1 && errno == EINTR && handled == 2, "signals_end_sem_wait");
    pthread_join(other, NULL);
    a.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &a, NULL);
    pthread_create(&other, NULL, interrupts, &main_thread);
    struct timespec soon = later(CLOCK_REALTIME, 20);
    tap(sem_timedwait(&s, &soon) == -1 && errno == ETIMEDOUT && handled == 3, "signals_restart");
    pthread_join(other, NULL);
    sigset_t none, block;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    int before = handled;
    tap(sigsuspend(&none) == -1 && errno == EINTR && handled == before + 1, "signals_suspend");
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

/* ---- timers ---- */

static volatile int notified;

static void notify(union sigval value)
{
    notified += value.sival_int;
}

static volatile sig_atomic_t timer_code, timer_value;

static void on_timer(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    timer_code = info->si_code;
    timer_value += info->si_value.sival_int;
}

static void test_timers(void)
{
    struct sigaction a = {.sa_flags = SA_SIGINFO};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 5};
    struct itimerspec value = {{0, 2000000}, {0, 2000000}}, now, off = {{0, 0}, {0, 0}};
    struct timespec t = {0, 1000000};
    timer_t id;

    a.sa_sigaction = on_timer;
    sigaction(SIGRTMIN + 5, &a, NULL);
    e.sigev_value.sival_int = 7;
    tap(timer_create(CLOCK_MONOTONIC, &e, &id) == 0 && timer_settime(id, 0, &value, NULL) == 0 &&
            timer_gettime(id, &now) == 0 && now.it_interval.tv_nsec == 2000000,
        "timers_create");
    while (timer_value < 21)
        pause();
    tap(timer_code == SI_TIMER, "timers_signal");
    for (int i = 0; i < 50; i++) /* whether it computes or sleeps */
        nanosleep(&t, NULL);
    tap(timer_settime(id, 0, &off, NULL) == 0 && timer_delete(id) == 0 && timer_delete(id) == -1 &&
            errno == EINVAL && timer_value >= 21,
        "timers_delete");
    e = (struct sigevent){.sigev_notify = SIGEV_THREAD};
    e.sigev_value.sival_int = 1;
    e.sigev_notify_function = notify;
    timer_create(CLOCK_REALTIME, &e, &id);
    timer_settime(id, 0, &value, NULL);
    while (notified < 3)
        nanosleep(&t, NULL);
    timer_delete(id);
    tap(1, "timers_thread");
    handled = 0;
    signal(SIGALRM, handler);
    alarm(1);
    tap(alarm(0) == 1, "timers_alarm_left");
    struct timespec start = later(CLOCK_MONOTONIC, 0), end;
    long awake = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    alarm(1);
    pause();
    end = later(CLOCK_MONOTONIC, 0);
    tap(handled == 1 && end.tv_sec * 1000 + end.tv_nsec / 1000000 - start.tv_sec * 1000 -
                                start.tv_nsec / 1000000 >=
                            999,
        "timers_alarm");
    long thread = nanoseconds(CLOCK_THREAD_CPUTIME_ID),
         process = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    tap(awake > 0 && thread > awake && thread - awake < 500000000 && process > thread,
        "timers_cpu_clocks");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_one_after_another();
    test_signals();
    test_interruption();
    test_timers();
    return tap_failed;
}
