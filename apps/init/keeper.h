/* SPDX-License-Identifier: BSD-2-Clause */
/* What init does for its session, whenever something wakes it. */
#pragma once

#include <stdbool.h>

/* Adds memory that is wanted, buries the dead. True: the first program has ended, with `*status`. */
bool keeper_step(int *status);
/* Sleeps until there may be something to do. */
void keeper_wait(void);
