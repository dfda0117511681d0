/* SPDX-License-Identifier: BSD-2-Clause */
/* Wakeup predicates: at most 8 comparisons, looked at by the kernel when the sleeper's slot comes up. */
#pragma once

#include "kernel.h"

/* Whether the sleeper wakes; then why is in its page. On its own hart. */
bool wait_over(struct activation *a);
/* The earliest deadline of this hart's sleepers, ~0: none. */
uint64_t wait_next(struct hart *h);
