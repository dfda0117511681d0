/* SPDX-License-Identifier: BSD-2-Clause */
/* What time it is for files. */
#include <aegis/exposed.h>

#include "node.h"

int64_t files_now(void)
{
    uint64_t ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks));
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;
    return SESSION->boot_time + (int64_t)(ticks * (1000000000 / hz));
}
