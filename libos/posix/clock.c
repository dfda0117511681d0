/* SPDX-License-Identifier: BSD-2-Clause */
/* Time: the `time` counter, exposed frequency; the date from the archive, for the machine has no
 * clock of its own. */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "process.h"

#define SECOND 1000000000L

uint64_t clock_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

static uint64_t frequency(void)
{
    return AEGIS_EXPOSED_STATE->time_hz;
}

/* Nanoseconds since the counter began. */
static int64_t up_time(void)
{
    uint64_t ticks = clock_ticks(), hz = frequency();
    return (int64_t)(ticks / hz * SECOND + ticks % hz * SECOND / hz);
}

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

int64_t clock_now(void)
{
    return epoch() * SECOND + up_time();
}

int _gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int64_t t = clock_now();
    (void)zone;
    now->tv_sec = t / SECOND;
    now->tv_usec = t % SECOND / 1000;
    return 0;
}

static int64_t clock_read(clockid_t clock)
{
    return clock == CLOCK_REALTIME ? clock_now() : up_time();
}

static int clock_known(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_PROCESS_CPUTIME_ID;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!clock_known(clock)) {
        errno = EINVAL;
        return -1;
    }
    int64_t t = clock_read(clock);
    *now = (struct timespec){t / SECOND, t % SECOND};
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    if (!clock_known(clock)) {
        errno = EINVAL;
        return -1;
    }
    if (resolution)
        *resolution = (struct timespec){0, (long)((SECOND + frequency() - 1) / frequency())};
    return 0;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (wanted->tv_nsec < 0 || wanted->tv_nsec >= SECOND || wanted->tv_sec < 0) {
        errno = EINVAL;
        return -1;
    }
    uint64_t hz = frequency();
    uint64_t ticks =
        (uint64_t)wanted->tv_sec * hz + ((uint64_t)wanted->tv_nsec * hz + SECOND - 1) / SECOND;
    uint64_t deadline = clock_ticks() + ticks;
    while (ticks && (int64_t)(deadline - clock_ticks()) > 0)
        thread_wait(NULL, 0, deadline);
    if (left)
        *left = (struct timespec){0, 0};
    return 0;
}

int usleep(useconds_t microseconds)
{
    struct timespec t = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    return nanosleep(&t, NULL);
}

unsigned sleep(unsigned seconds)
{
    struct timespec t = {seconds, 0};
    nanosleep(&t, NULL);
    return 0;
}

clock_t _times(struct tms *times)
{
    clock_t now = (clock_t)(up_time() / (SECOND / CLOCKS_PER_SEC));
    if (times)
        *times = (struct tms){.tms_utime = now};
    return now;
}
