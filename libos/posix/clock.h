/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, as timers and waits want them: in units of `time`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "../sched/thread.h"

bool clock_known(clockid_t clock);
/* Nanoseconds on a clock; -1: there is no such clock. */
int64_t clock_read(clockid_t clock);

uint64_t timespec_ticks(const struct timespec *t); /* rounded up */
struct timespec ticks_timespec(uint64_t ticks);
/* When it is that long from now, or that time on a clock. 0: `t` is no time. */
uint64_t deadline_after(const struct timespec *t);
uint64_t deadline_at(clockid_t clock, const struct timespec *t);

/* Processor time so far; also masked. */
uint64_t thread_ticks(const struct thread *thread, uint64_t now);
uint64_t process_ticks(uint64_t now);
