/* SPDX-License-Identifier: BSD-2-Clause */
/* What init does for its session, whenever something wakes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Adds memory that is wanted, buries the dead. True: the first program has ended, with `*status`. */
bool keeper_step(int *status);
/* Sleeps until there may be something to do, or `time` is `deadline` (0: none). */
void keeper_wait(uint64_t deadline);
/* What ended programs left unacknowledged is being seen to. */
bool keeper_lingers(void);
