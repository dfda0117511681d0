/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <time.h>

/* The time of a clock, so many milliseconds from now. */
static inline struct timespec later(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}
