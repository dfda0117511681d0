/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: clocks, sleeping, timers, and what they refuse. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#include "conformance.h"

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_clocks(void)
{
    struct timespec t, wrong = {0, 1000000000};

    tap(FAILS(clock_gettime(777, &t), EINVAL) & FAILS(clock_getres(777, &t), EINVAL) &
            FAILS(clock_settime(777, &t), EINVAL) & FAILS(clock_settime(CLOCK_REALTIME, &wrong), EINVAL) &
            FAILS(clock_settime(CLOCK_MONOTONIC, &t), EINVAL) & FAILS(clock_gettime(CLOCK_REALTIME, NULL_PAGE), EFAULT),
        "clock_errors");
    tap(GIVES(clock_getres(CLOCK_MONOTONIC, &t), 0) && t.tv_sec == 0 && t.tv_nsec > 0, "clock_getres");
    tap(GIVES(clock_getres(CLOCK_REALTIME, NULL), 0), "clock_getres_null");
    double before = now(CLOCK_MONOTONIC), last = before;
    int good = 1;
    for (int i = 0; i < 1000; i++) {
        double next = now(CLOCK_MONOTONIC);
        good &= next >= last;
        last = next;
    }
    tap(good, "clock_monotonic");
    double used = now(CLOCK_PROCESS_CPUTIME_ID);
    doze(50);
    double slept = now(CLOCK_MONOTONIC) - before;
    tap(slept >= 0.05 && now(CLOCK_PROCESS_CPUTIME_ID) - used < slept, "sleep_takes_no_cpu_time");
    struct timeval v;
    tap(GIVES(gettimeofday(&v, NULL), 0) && v.tv_usec < 1000000, "gettimeofday");
}

static void test_sleep(void)
{
    struct timespec negative = {-1, 0}, wrong = {0, 1000000000}, none = {0, 0}, past = {1, 0};

    tap(FAILS(nanosleep(&negative, NULL), EINVAL) & FAILS(nanosleep(&wrong, NULL), EINVAL) &
            FAILS(nanosleep(NULL_PAGE, NULL), EFAULT) & GIVES(nanosleep(&none, NULL), 0),
        "nanosleep_errors");
    tap(GIVES(clock_nanosleep(777, 0, &none, NULL), EINVAL) &
            GIVES(clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL), EINVAL) &
            GIVES(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL), 0),
        "clock_nanosleep_errors");
    double before = now(CLOCK_MONOTONIC);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    tap(GIVES(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0) &&
            now(CLOCK_MONOTONIC) - before >= 0.0199,
        "clock_nanosleep_absolute");
}

static volatile sig_atomic_t count, value, overrun;

static void note(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)context;
    value = information->si_value.sival_int;
    count++;
}

static void test_timers(void)
{
    timer_t t = 0;
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42},
                    wrong = {.sigev_notify = 777};
    struct itimerspec s = {.it_value = {0, 10000000}}, old, bad = {.it_value = {0, 1000000000}};
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

    sigaction(SIGRTMIN, &action, NULL);
    tap(FAILS(timer_create(777, NULL, &t), EINVAL) & FAILS(timer_create(CLOCK_MONOTONIC, &wrong, &t), EINVAL),
        "timer_create_errors");
    tap(GIVES(timer_create(CLOCK_MONOTONIC, &e, &t), 0) && FAILS(timer_settime(t, 0, &bad, NULL), EINVAL), "timer_create");
    timer_settime(t, 0, &s, NULL);
    while (!count)
        pause();
    tap(value == 42, "timer_value");
    tap(GIVES(timer_gettime(t, &old), 0) && !old.it_value.tv_sec && !old.it_value.tv_nsec, "timer_disarmed");
    s.it_interval.tv_nsec = 5000000;
    count = 0;
    timer_settime(t, 0, &s, NULL);
    while (count < 3)
        doze(5);
    tap(GIVES(timer_settime(t, 0, &(struct itimerspec){0}, &old), 0) && old.it_interval.tv_nsec == 5000000,
        "timer_interval");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_settime(t, 0, &s, NULL);
    doze(60);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    tap(timer_getoverrun(t) > 0, "timer_overrun");
    tap(GIVES(timer_delete(t), 0) & FAILS(timer_delete(t), EINVAL) & FAILS(timer_gettime(t, &old), EINVAL) &
            FAILS(timer_settime(t, 0, &s, NULL), EINVAL) & FAILS(timer_getoverrun(t), EINVAL),
        "timer_deleted");
}

static void test_out_of_timers(void)
{
    static timer_t t[100000];
    int count_made = 0;

    while (count_made < 100000 && timer_create(CLOCK_MONOTONIC, NULL, &t[count_made]) == 0)
        count_made++;
    tap(count_made >= 32 && (count_made == 100000 || errno == EAGAIN), "timer_eagain");
    while (count_made)
        timer_delete(t[--count_made]);
    tap(GIVES(timer_create(CLOCK_MONOTONIC, NULL, &t[0]), 0) && GIVES(timer_delete(t[0]), 0), "timer_eagain_goes_on");
}

static int works(void)
{
    volatile unsigned long n = 0;
    double until = now(CLOCK_PROCESS_CPUTIME_ID) + 0.05;
    while (now(CLOCK_PROCESS_CPUTIME_ID) < until)
        n++;
    return 0;
}

static void test_usage(void)
{
    struct rusage usage;
    struct tms before, after;

    clock_t begin = times(&before);
    tap(begin != (clock_t)-1 && FAILS(times(NULL_PAGE), EFAULT), "times");
    tap(child_well(works), "child_works");
    times(&after);
    getrusage(RUSAGE_CHILDREN, &usage);
    long tick = sysconf(_SC_CLK_TCK);
    tap(after.tms_cutime + after.tms_cstime - before.tms_cutime - before.tms_cstime >= tick / 25,
        "times_of_children");
    tap(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec > 0 ||
            usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 40000,
        "rusage_of_children");
    works();
    tap(clock() >= CLOCKS_PER_SEC / 25, "clock");
}

static void test_calendar(void)
{
    struct tm tm;
    time_t t = 951782400; /* a leap day */
    char text[64];

    setenv("TZ", "UTC0", 1);
    tzset();
    tap(gmtime_r(&t, &tm) && tm.tm_year == 100 && tm.tm_mon == 1 && tm.tm_mday == 29 && mktime(&tm) == t, "gmtime");
    tap(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j", &tm) == 23 && !strcmp(text, "2000-02-29 00:00:00 060"),
        "strftime");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    t = 1720000000;
    localtime_r(&t, &tm);
    tap(tm.tm_hour == 11 && tm.tm_isdst == 1, "localtime");
}

int main(void)
{
    test_clocks();
    test_sleep();
    test_timers();
    test_out_of_timers();
    test_usage();
    test_calendar();
    return tap_failed;
}
