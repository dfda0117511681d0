/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the POSIX benchmarks share. Each is an ordinary program that prints NAME<TAB>INSTRUCTIONS lines; scripts/bench runs
 * it with `-icount shift=0,sleep=off`, where the counter counts every instruction of the hart: ours, the libOS's, the
 * kernel's, the firmware's and those of any other process. A path is warm: it is taken a few times, the last counts.
 */
#pragma once

#include <stdio.h>

static inline unsigned long figure_now(void)
{
    unsigned long n;
    __asm__ volatile("rdinstret %0" : "=r"(n)::"memory");
    return n;
}

/* Instructions of one `path`, mean of `rounds` after `warm`; the two readings and the loop are left out. */
#define FIGURE_MEAN(warm, rounds, path)                                                            \
    ({                                                                                             \
        unsigned long sum_ = 0;                                                                    \
        for (int i_ = -(warm); i_ < (rounds); i_++) {                                              \
            unsigned long begin_ = figure_now();                                                   \
            path;                                                                                  \
            unsigned long end_ = figure_now();                                                     \
            sum_ += i_ < 0 ? 0 : end_ - begin_ - 1;                                                \
        }                                                                                          \
        (sum_ + (rounds) / 2) / (rounds);                                                          \
    })

static inline void figure_report(const char *name, unsigned long value)
{
    printf("%s\t%lu\n", name, value);
    fflush(stdout);
}
