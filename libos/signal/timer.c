/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: POSIX's, setitimer's and alarm. The earliest deadline is part of the environment's wait;
 * those that are due are found when a slot begins. Of a clock that counts processor time the
 * deadline is the earliest at which it could be due.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../posix/clock.h"
#include "../posix/user.h"
#include "../thread/pthread_internal.h"
#include "state.h"

#define INTERVAL_TIMERS 3 /* setitimer's come behind timer_create's, then RLIMIT_CPU's two */
#define LIMIT_TIMERS    (TIMER_MAX + INTERVAL_TIMERS)
#define TIMERS          (LIMIT_TIMERS + 2)
#define OVERRUNS INT_MAX

struct timer {
    uint32_t used;
    uint32_t due;      /* its signal is pending */
    volatile uint32_t expirations; /* SIGEV_THREAD: its thread waits for this */
    uint32_t gone;     /* its thread has to end */
    clockid_t clock;
    struct sigevent event;
    uint64_t deadline; /* in `time`; 0: not armed */
    uint64_t at;       /* on its clock, in `time` units, for clocks of processor time */
    uint64_t interval;
    int overrun, overrun_last;
    struct thread *thread; /* whose processor time it counts */
};

static PINNED_OWN struct timer timers[TIMERS]; /* looked at in upcalls */

static int fail(int error)
{
    errno = error;
    return -1;
}

/* ---- being due; masked ---- */

PINNED_CODE static bool counts_cpu(const struct timer *t)
{
    return t->clock != CLOCK_REALTIME && t->clock != CLOCK_MONOTONIC;
}

PINNED_CODE static void expire(struct timer *t, uint64_t missed)
{
    if (t->due)
        t->overrun += t->overrun < OVERRUNS;
    t->overrun += missed < (uint64_t)(OVERRUNS - t->overrun) ? (int)missed : 0;
    if (t->event.sigev_notify == SIGEV_SIGNAL) {
        t->due = 1;
        __atomic_fetch_or(&signals_local, BIT(t->event.sigev_signo), __ATOMIC_SEQ_CST);
    } else if (t->event.sigev_notify == SIGEV_THREAD) {
        t->expirations++;
        wait_wake(&t->expirations, 1);
    }
}

/* Of one that counts processor time: due only when that has come; else later. */
PINNED_CODE static bool cpu_due(struct timer *t, uint64_t now)
{
    uint64_t used = t->thread ? thread_ticks(t->thread, now) : process_ticks(now);

    if (used >= t->at)
        return true;
    t->deadline = now + (t->at - used);
    return false;
}

PINNED_CODE static void look(struct timer *t, uint64_t now)
{
    uint64_t missed = 0;

    if (!t->deadline || (int64_t)(now - t->deadline) < 0 || (counts_cpu(t) && !cpu_due(t, now)))
        return;
    if (t->interval) {
        missed = (now - t->deadline) / t->interval;
        t->deadline += (missed + 1) * t->interval;
        t->at += (missed + 1) * t->interval;
    } else {
        t->deadline = 0;
    }
    expire(t, missed);
}

PINNED_CODE uint64_t timers_fire(uint64_t now)
{
    uint64_t first = 0;

    for (struct timer *t = timers; t < timers + TIMERS; t++) {
        if (t->used)
            look(t, now);
        if (t->used && t->deadline && (!first || t->deadline < first))
            first = t->deadline;
    }
    /* one that comes again faster than that is overrun, and leaves time for others */
    uint64_t soonest = now + AEGIS_EXPOSED_STATE->grace_ticks;
    return first && first < soonest ? soonest : first;
}

/* Expirations since it was last looked at are overruns of the signal that is taken now. */
static void catch_up(struct timer *t)
{
    uint64_t now = time_now();

    if (!t->interval || !t->deadline || counts_cpu(t) || now < t->deadline)
        return;
    uint64_t missed = (now - t->deadline) / t->interval + 1;
    t->deadline += missed * t->interval;
    t->overrun += missed < (uint64_t)(OVERRUNS - t->overrun) ? (int)missed : 0;
}

/* What a timer's signal says, overruns up to now; its bit comes back if another timer has sent the
 * same. */
bool timer_take(int signal, siginfo_t *information)
{
    bool found = false;

    for (struct timer *t = timers; t < timers + TIMERS; t++) {
        if (!t->due || t->event.sigev_signo != signal)
            continue;
        if (found) {
            __atomic_fetch_or(&signals_local, BIT(signal), __ATOMIC_SEQ_CST);
            return true;
        }
        found = true;
        catch_up(t);
        t->due = 0;
        t->overrun_last = t->overrun;
        t->overrun = 0;
        *information = (siginfo_t){.si_signo = signal,
                                   .si_code = t < timers + TIMER_MAX ? SI_TIMER : SI_USER,
                                   .si_value = t->event.sigev_value,
                                   .si_timerid = (int)(t - timers),
                                   .si_overrun = t->overrun_last};
    }
    return found;
}

void timers_forget(void)
{
    for (struct timer *t = timers; t < timers + TIMERS; t++)
        if (t->used)
            *t = (struct timer){0};
    signal_hooks.deadline = 0;
}

/* ---- arming ---- */

static void timers_arm(void)
{
    signal_hooks.deadline = 1; /* long ago: all are looked at */
    signals_check();
}

static void value_of(const struct timer *t, struct itimerspec *value)
{
    uint64_t now = time_now(), left = t->deadline > now ? t->deadline - now : 0;

    if (t->deadline && counts_cpu(t)) {
        uint64_t used = t->thread ? thread_ticks(t->thread, now) : process_ticks(now);
        left = t->at > used ? t->at - used : 0;
    }
    value->it_value = ticks_timespec(t->deadline && !left ? 1 : left);
    value->it_interval = ticks_timespec(t->interval);
}

static int timespec_wrong(const struct timespec *t)
{
    return t->tv_nsec < 0 || t->tv_nsec >= 1000000000 || t->tv_sec < 0;
}

static int timer_arm(struct timer *t, int flags, const struct itimerspec *value,
                     struct itimerspec *old)
{
    struct itimerspec before;

    if (timespec_wrong(&value->it_value) || timespec_wrong(&value->it_interval))
        return EINVAL;
    signals_defer();
    value_of(t, &before);
    t->deadline = 0;
    t->due = 0;
    t->overrun = t->overrun_last = 0;
    t->interval = timespec_ticks(&value->it_interval);
    if (value->it_value.tv_sec || value->it_value.tv_nsec) {
        uint64_t now = time_now();
        if (counts_cpu(t)) {
            uint64_t used = t->thread ? thread_ticks(t->thread, now) : process_ticks(now);
            t->at = timespec_ticks(&value->it_value) + (flags & TIMER_ABSTIME ? 0 : used);
            t->deadline = now + (t->at > used ? t->at - used : 0);
        } else {
            t->deadline = flags & TIMER_ABSTIME ? deadline_at(t->clock, &value->it_value)
                                                : deadline_after(&value->it_value);
        }
    }
    timers_arm();
    if (old)
        *old = before;
    signals_allow();
    return 0;
}

/* ---- POSIX's ---- */

static struct timer *timer_of(timer_t id)
{
    struct timer *t = timers + (unsigned long)id;
    return (unsigned long)id < TIMER_MAX && t->used ? t : NULL;
}

/* SIGEV_THREAD: the timer's own thread calls the function, once for each expiration. */
static void *timer_thread(void *argument)
{
    struct timer *t = argument;
    uint32_t seen = 0;

    while (!t->gone) {
        uint32_t now = t->expirations;
        if (now == seen) {
            thread_sleep(&t->expirations, seen, 0, false);
            continue;
        }
        seen++;
        t->event.sigev_notify_function(t->event.sigev_value);
    }
    t->used = 0;
    return NULL;
}

static int timer_thread_make(struct timer *t)
{
    pthread_attr_t a, *given = (pthread_attr_t *)t->event.sigev_notify_attributes;
    sigset_t all = ~0UL, before;
    pthread_t id;

    pthread_attr_init(&a);
    if (given)
        a = *given;
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&id, &a, timer_thread, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int timer_create(clockid_t clock, struct sigevent *restrict user, timer_t *restrict id)
{
    struct timer *t = timers;
    struct sigevent wanted, *event = user ? &wanted : NULL;
    timer_t none = 0;

    if ((event && user_copy_in(event, user, sizeof *event)) || user_copy_out(id, &none, sizeof none))
        return fail(EFAULT);
    if (!clock_known(clock))
        return fail(EINVAL);
    if (event && event->sigev_notify == SIGEV_SIGNAL && !VALID(event->sigev_signo))
        return fail(EINVAL);
    if (event && (event->sigev_notify < SIGEV_NONE || event->sigev_notify > SIGEV_THREAD))
        return fail(EINVAL);
    threads_lock();
    while (t < timers + TIMER_MAX && t->used)
        t++;
    if (t < timers + TIMER_MAX)
        *t = (struct timer){.clock = clock, .used = 1};
    threads_unlock();
    if (t == timers + TIMER_MAX)
        return fail(EAGAIN);
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        t->thread = thread_self();
    t->event = event ? *event
                     : (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (!event)
        t->event.sigev_value.sival_int = (int)(t - timers);
    if (t->event.sigev_notify == SIGEV_THREAD && timer_thread_make(t)) {
        t->used = 0;
        return fail(EAGAIN);
    }
    *id = (timer_t)(t - timers);
    return 0;
}

int timer_delete(timer_t id)
{
    struct timer *t = timer_of(id);

    if (!t || t->gone)
        return fail(EINVAL);
    t->deadline = 0;
    t->due = 0;
    if (t->event.sigev_notify != SIGEV_THREAD) {
        t->used = 0;
        return 0;
    }
    t->gone = 1;
    t->expirations++;
    thread_wake(&t->expirations, 1);
    return 0;
}

int timer_settime(timer_t id, int flags, const struct itimerspec *restrict value,
                  struct itimerspec *restrict old)
{
    struct timer *t = timer_of(id);
    struct itimerspec wanted, before;

    if (!t)
        return fail(EINVAL);
    if (user_copy_in(&wanted, value, sizeof wanted))
        return fail(EFAULT);
    int error = timer_arm(t, flags, &wanted, &before);
    if (!error && old && user_copy_out(old, &before, sizeof before))
        error = EFAULT;
    return error ? fail(error) : 0;
}

int timer_gettime(timer_t id, struct itimerspec *value)
{
    const struct timer *t = timer_of(id);

    if (!t)
        return fail(EINVAL);
    struct itimerspec now;
    value_of(t, &now);
    return user_copy_out(value, &now, sizeof now) ? fail(EFAULT) : 0;
}

int timer_getoverrun(timer_t id)
{
    const struct timer *t = timer_of(id);
    return t ? t->overrun_last : fail(EINVAL);
}

/* ---- older ones ---- */

static struct timer *interval_timer(int which)
{
    static const struct {
        clockid_t clock;
        int signal;
    } kinds[] = {{CLOCK_MONOTONIC, SIGALRM},
                 {CLOCK_PROCESS_CPUTIME_ID, SIGVTALRM},
                 {CLOCK_PROCESS_CPUTIME_ID, SIGPROF}};
    struct timer *t;

    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return NULL;
    t = &timers[TIMER_MAX + which];
    t->used = 1;
    t->clock = kinds[which].clock;
    t->event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = kinds[which].signal};
    return t;
}

static struct itimerval timeval_of(const struct itimerspec *s)
{
    return (struct itimerval){
        {s->it_interval.tv_sec, (suseconds_t)((s->it_interval.tv_nsec + 999) / 1000)},
        {s->it_value.tv_sec, (suseconds_t)((s->it_value.tv_nsec + 999) / 1000)}};
}

int getitimer(int which, struct itimerval *value)
{
    const struct timer *t = interval_timer(which);
    struct itimerspec s;

    if (!t)
        return fail(EINVAL);
    value_of(t, &s);
    struct itimerval now = timeval_of(&s);
    return user_copy_out(value, &now, sizeof now) ? fail(EFAULT) : 0;
}

int setitimer(int which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
    struct timer *t = interval_timer(which);
    struct itimerspec s, before;
    struct itimerval v;

    if (!t)
        return fail(EINVAL);
    if (user_copy_in(&v, value, sizeof v))
        return fail(EFAULT);
    if (v.it_value.tv_usec >= 1000000 || v.it_interval.tv_usec >= 1000000)
        return fail(EINVAL);
    s.it_value = (struct timespec){v.it_value.tv_sec, v.it_value.tv_usec * 1000};
    s.it_interval = (struct timespec){v.it_interval.tv_sec, v.it_interval.tv_usec * 1000};
    int error = timer_arm(t, 0, &s, &before);
    if (error)
        return fail(error);
    v = timeval_of(&before);
    return old && user_copy_out(old, &v, sizeof v) ? fail(EFAULT) : 0;
}

unsigned alarm(unsigned seconds)
{
    struct itimerval value = {{0, 0}, {(time_t)seconds, 0}}, before;

    setitimer(ITIMER_REAL, &value, &before);
    return (unsigned)(before.it_value.tv_sec + (before.it_value.tv_usec > 0));
}

useconds_t ualarm(useconds_t microseconds, useconds_t interval)
{
    struct itimerval value = {{(time_t)(interval / 1000000), (suseconds_t)(interval % 1000000)},
                              {(time_t)(microseconds / 1000000),
                               (suseconds_t)(microseconds % 1000000)}},
                     before;

    setitimer(ITIMER_REAL, &value, &before);
    return (useconds_t)(before.it_value.tv_sec * 1000000 + before.it_value.tv_usec);
}

/* ---- over exec, which the older ones outlive ---- */

void timers_exec(void)
{
    for (int i = 0; i < INTERVAL_TIMERS; i++) {
        const struct timer *t = &timers[TIMER_MAX + i];
        process_self->interval_timers[i].deadline = t->deadline;
        process_self->interval_timers[i].at = t->at;
        process_self->interval_timers[i].interval = t->interval;
    }
}

void timers_boot(void)
{
    for (int i = 0; i < INTERVAL_TIMERS; i++) {
        if (!process_self->interval_timers[i].deadline)
            continue;
        struct timer *t = interval_timer(i);
        t->deadline = process_self->interval_timers[i].deadline;
        t->at = process_self->interval_timers[i].at;
        t->interval = process_self->interval_timers[i].interval;
        process_self->interval_timers[i].deadline = 0;
        timers_arm();
    }
    timers_limit();
}

/* ---- RLIMIT_CPU: SIGXCPU, each second anew; SIGKILL in the end ---- */

static void limit_arm(struct timer *t, uint64_t seconds, int signal)
{
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz, now = time_now(), used = process_ticks(now);

    t->used = t->due = 0;
    t->deadline = 0;
    if (seconds > UINT64_MAX / 4 / hz)
        return;
    *t = (struct timer){.used = 1,
                        .clock = CLOCK_PROCESS_CPUTIME_ID,
                        .event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal},
                        .at = seconds * hz,
                        .interval = hz};
    t->deadline = now + (t->at > used ? t->at - used : 0);
    timers_arm();
}

void timers_limit(void)
{
    const struct process_limit *limit = &process_self->limits[RLIMIT_CPU];

    if (limit->now == RLIM_INFINITY && !timers[LIMIT_TIMERS].used)
        return;
    signals_defer();
    limit_arm(&timers[LIMIT_TIMERS], limit->now, SIGXCPU);
    limit_arm(&timers[LIMIT_TIMERS + 1], limit->most, SIGKILL);
    signals_allow();
}
