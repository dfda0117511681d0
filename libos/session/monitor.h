/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitor asks of the world around it: the machine, or a test's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

extern uint64_t session_me; /* session_identity(), at hand */

/* Nothing of it runs any more, or ever will. A dying environment is helped to its end first. */
bool owner_is_gone(uint64_t identity);
/* Waits until the monitor is ours: somebody had it. */
void monitor_wait(uint64_t me);
/* Lets others run; `tries` times it was in vain. */
void monitor_relax(unsigned tries);
