/* SPDX-License-Identifier: BSD-2-Clause */
/* fork, exec and spawn: who makes an environment. */
#pragma once

#include "table.h"

/* One of a process's threads at a time. Signals are deferred from the one to the other: a handler that forks would wait
 * for itself; a thread that was cancelled would end in the reading of a program, and nobody could make one after it. */
extern uint32_t making; /* pinned: not 0 meanwhile */
void making_begin(void);
void making_end(void);
/* A NASCENT child. -EAGAIN, -ENOMEM. */
int making_process(struct process **child);
