/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the `time` counter, exposed frequency; the date from the archive, for the machine has no
 * clock of its own; processor time from the scheduler. */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../session/process.h"
#include "../session/session.h"
#include "../signal/signals.h"
#include "../thread/pthread_internal.h"
#include "process.h"
#include "user.h"

#define SECOND 1000000000L
#define FAR    (1UL << 62) /* from now: never */

/* A clock id of a process (clock_getcpuclockid) or a thread (pthread_getcpuclockid). */
#define CLOCK_OF_PROCESS 0x10000000UL
#define CLOCK_OF_THREAD  0x20000000UL
#define CLOCK_KIND       0xf0000000UL

static int fail(int error)
{
    errno = error;
    return -1;
}

uint64_t clock_ticks(void)
{
    return time_now();
}

static uint64_t frequency(void)
{
    return AEGIS_EXPOSED_STATE->time_hz;
}

static int64_t ticks_ns(uint64_t ticks)
{
    uint64_t hz = frequency();
    return (int64_t)(ticks / hz * SECOND + ticks % hz * SECOND / hz);
}

struct timespec ticks_timespec(uint64_t ticks)
{
    int64_t ns = ticks_ns(ticks);
    return (struct timespec){ns / SECOND, ns % SECOND};
}

uint64_t timespec_ticks(const struct timespec *t)
{
    uint64_t hz = frequency();

    if ((uint64_t)t->tv_sec >= FAR / hz)
        return FAR;
    return (uint64_t)t->tv_sec * hz + ((uint64_t)t->tv_nsec * hz + SECOND - 1) / SECOND;
}

/* ---- the date ---- */

/* When the machine was started: .aegis/time in seconds since 1970, else the newest file of the
 * archive. */
static int64_t epoch(void)
{
    static int64_t start = -1;
    struct cpio_file file;
    size_t bytes, offset = 0;
    const uint8_t *archive;

    if (start >= 0 || !(archive = archive_map(&bytes)))
        return start < 0 ? 0 : start;
    start = 0;
    if (cpio_lookup(archive, bytes, ".aegis/time", &file)) {
        for (size_t i = 0; i < file.size && file.data[i] >= '0' && file.data[i] <= '9'; i++)
            start = start * 10 + (file.data[i] - '0');
        return start;
    }
    while (cpio_read(archive, bytes, &offset, &file))
        start = file.mtime > start ? file.mtime : start;
    return start;
}

/* Nanoseconds since 1970 when the counter was 0. */
static int64_t *boot_time(void)
{
    static int64_t alone;
    static bool known;

    if (process_self && SESSION->boot_time)
        return &SESSION->boot_time;
    if (!known)
        alone = epoch() * SECOND;
    known = true;
    return &alone;
}

int64_t clock_now(void)
{
    return *boot_time() + ticks_ns(time_now());
}

int _gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int64_t t = clock_now();
    struct timeval value = {t / SECOND, t % SECOND / 1000};

    (void)zone;
    return user_copy_out(now, &value, sizeof value) ? fail(EFAULT) : 0;
}

/* ---- processor time ---- */

PINNED_CODE uint64_t thread_ticks(const struct thread *t, uint64_t now)
{
    return t->ticks + (t->state == THREAD_RUNNING ? now - t->began : 0);
}

PINNED_CODE uint64_t process_ticks(uint64_t now)
{
    uint64_t sum = thread_ticks_ended;

    for (struct thread *t = 0; (t = thread_next(t));)
        sum += thread_ticks(t, now);
    return sum;
}

/* ---- clocks ---- */

static const struct thread *thread_numbered(unsigned number)
{
    for (struct thread *t = NULL; (t = thread_next(t));)
        if (t->number == number)
            return t;
    return NULL;
}

static int64_t clock_of(clockid_t clock)
{
    uint64_t now = time_now(), which = clock & ~CLOCK_KIND;

    if ((clock & CLOCK_KIND) == CLOCK_OF_THREAD) {
        const struct thread *t = thread_numbered((unsigned)which);
        return t ? ticks_ns(thread_ticks(t, now)) : -1;
    }
    if ((clock & CLOCK_KIND) != CLOCK_OF_PROCESS)
        return -1;
    if ((pid_t)which == getpid())
        return ticks_ns(process_ticks(now));
    const struct process *p = process_self ? process_find((pid_t)which) : NULL;
    return p ? ticks_ns(p->time_user) : -1;
}

int64_t clock_read(clockid_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return clock_now();
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return ticks_ns(time_now());
    case CLOCK_PROCESS_CPUTIME_ID:
        return ticks_ns(process_ticks(time_now()));
    case CLOCK_THREAD_CPUTIME_ID:
        return ticks_ns(thread_ticks(thread_self(), time_now()));
    default:
        return clock_of(clock);
    }
}

bool clock_known(clockid_t clock)
{
    return clock_read(clock) >= 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t t = clock_read(clock);

    if (t < 0)
        return fail(EINVAL);
    struct timespec value = {t / SECOND, t % SECOND};
    return user_copy_out(now, &value, sizeof value) ? fail(EFAULT) : 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    if (!clock_known(clock))
        return fail(EINVAL);
    struct timespec value = {0, (long)((SECOND + frequency() - 1) / frequency())};
    return resolution && user_copy_out(resolution, &value, sizeof value) ? fail(EFAULT) : 0;
}

static int wrong(const struct timespec *t)
{
    return t->tv_nsec < 0 || t->tv_nsec >= SECOND || t->tv_sec < 0;
}

int clock_settime(clockid_t clock, const struct timespec *to)
{
    struct timespec value;

    if (user_copy_in(&value, to, sizeof value))
        return fail(EFAULT);
    if (clock != CLOCK_REALTIME || wrong(&value))
        return fail(EINVAL);
    if (geteuid() != 0)
        return fail(EPERM);
    int64_t start = (int64_t)value.tv_sec * SECOND + value.tv_nsec - ticks_ns(time_now());
    __atomic_store_n(boot_time(), start, __ATOMIC_SEQ_CST);
    return 0;
}

int settimeofday(const struct timeval *now, const struct timezone *zone)
{
    struct timeval own;

    (void)zone;
    if (user_copy_in(&own, now, sizeof own)) {
        errno = EFAULT;
        return -1;
    }
    struct timespec t = {own.tv_sec, own.tv_usec * 1000};
    return clock_settime(CLOCK_REALTIME, &t);
}

int clock_getcpuclockid(pid_t pid, clockid_t *clock)
{
    if (pid && pid != getpid() && !(process_self && process_find(pid)))
        return ESRCH;
    *clock = CLOCK_OF_PROCESS | (clockid_t)(pid ? pid : getpid());
    return 0;
}

int pthread_getcpuclockid(pthread_t id, clockid_t *clock)
{
    const struct pthread *t = pthread_of(id);

    if (!pthread_known(t))
        return ESRCH;
    *clock = CLOCK_OF_THREAD | t->thread->number;
    return 0;
}

/* ---- deadlines ---- */

uint64_t deadline_after(const struct timespec *t)
{
    return wrong(t) ? 0 : time_now() + timespec_ticks(t);
}

uint64_t deadline_at(clockid_t clock, const struct timespec *t)
{
    if (t->tv_nsec < 0 || t->tv_nsec >= SECOND)
        return 0;
    if (t->tv_sec < 0)
        return 1; /* long ago */
    int64_t now = clock_read(clock);
    struct timespec left = {t->tv_sec - now / SECOND, t->tv_nsec - now % SECOND};
    if (left.tv_nsec < 0) {
        left.tv_nsec += SECOND;
        left.tv_sec--;
    }
    return left.tv_sec < 0 ? 1 : deadline_after(&left);
}

/* ---- sleeping ---- */

/* Until the deadline; EINTR when a handler ran first. */
static int sleep_until(uint64_t deadline)
{
    struct thread *self = thread_self();
    uint32_t handled = self->handled;

    signals_point();
    while ((int64_t)(deadline - time_now()) > 0) {
        if (thread_wait_signal(NULL, 0, deadline) == THREAD_WAKE_SIGNAL)
            signals_point();
        if (self->handled != handled)
            return EINTR;
    }
    return 0;
}

static int sleep_cpu(clockid_t clock, const struct timespec *until)
{
    int error = 0;

    while (!error && clock_read(clock) < (int64_t)until->tv_sec * SECOND + until->tv_nsec) {
        uint64_t soon = time_now() + AEGIS_EXPOSED_STATE->slice_ticks;
        error = sleep_until(soon);
    }
    return error;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *user_wanted,
                    struct timespec *left)
{
    struct timespec value;
    const struct timespec *wanted = &value;

    if (user_copy_in(&value, user_wanted, sizeof value))
        return EFAULT;
    if (wrong(wanted) || !clock_known(clock) || clock == CLOCK_THREAD_CPUTIME_ID)
        return EINVAL;
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock & CLOCK_KIND) {
        int64_t from = flags & TIMER_ABSTIME ? 0 : clock_read(clock);
        int64_t ns = from + (int64_t)wanted->tv_sec * SECOND + wanted->tv_nsec;
        struct timespec until = {ns / SECOND, ns % SECOND};
        return sleep_cpu(clock, &until);
    }
    uint64_t deadline =
        flags & TIMER_ABSTIME ? deadline_at(clock, wanted) : deadline_after(wanted);
    int error = sleep_until(deadline);
    if (error && left && !(flags & TIMER_ABSTIME)) {
        uint64_t now = time_now();
        value = ticks_timespec(deadline > now ? deadline - now : 0);
        if (user_copy_out(left, &value, sizeof value))
            return EFAULT;
    }
    return error;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
    return error ? fail(error) : 0;
}

int usleep(useconds_t microseconds)
{
    struct timespec t = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    return nanosleep(&t, NULL);
}

unsigned sleep(unsigned seconds)
{
    struct timespec t = {seconds, 0}, left = {0, 0};

    return nanosleep(&t, &left) ? (unsigned)(left.tv_sec + (left.tv_nsec >= SECOND / 2)) : 0;
}

/* ---- what was used ---- */

static struct timeval ticks_timeval(uint64_t ticks)
{
    struct timespec t = ticks_timespec(ticks);
    return (struct timeval){t.tv_sec, t.tv_nsec / 1000};
}

static clock_t ticks_clock(uint64_t ticks)
{
    return (clock_t)(ticks_ns(ticks) / (SECOND / CLOCKS_PER_SEC));
}

clock_t _times(struct tms *times)
{
    uint64_t now = time_now();

    struct tms value = {
        .tms_utime = ticks_clock(process_ticks(now)),
        .tms_cutime = ticks_clock(process_self ? process_self->time_children : 0)};
    if (times && user_copy_out(times, &value, sizeof value))
        return fail(EFAULT);
    return ticks_clock(now);
}

int getrusage(int who, struct rusage *usage)
{
    uint64_t now = time_now();

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN)
        return fail(EINVAL);
    struct rusage value = {0};
    value.ru_utime = ticks_timeval(who == RUSAGE_SELF ? process_ticks(now)
                                   : process_self     ? process_self->time_children
                                                      : 0);
    return user_copy_out(usage, &value, sizeof value) ? fail(EFAULT) : 0;
}
