/* SPDX-License-Identifier: BSD-2-Clause */
#include "console.h"
#include "keeper.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../../libos/net/network.h"
#include "../../libos/proc/table.h"
#include "../../libos/session/apart.h"
#include "../../libos/session/chunk.h"

#define PUMPED 64 /* steps of the console's in one of ours */

static uint64_t deaths, calls; /* as they were when we last looked */
static uint64_t due;           /* somebody is to be stopped or ended then */
static bool pumping;           /* the console has more */

bool keeper_step(int *status)
{
    calls = channel_seen(&SESSION->keeper_channel);
    deaths = AEGIS_EXPOSED_STATE->deaths;
    session_keep();
    network_keep();
    processes_bury();
    due = processes_enforce();
    pumping = true;
    for (unsigned i = 0; i < PUMPED && pumping; i++)
        pumping = console_pump();
    monitor_enter();
    const struct process *first = process_find(PID_FIRST);
    bool ended = !first || first->state == PROCESS_ZOMBIE || (session_is_apart() && link_is_cut());
    *status = first ? first->status : 0;
    monitor_leave();
    return ended;
}

/* Most who die have said goodbye: that is looked at, and found well. */
void keeper_wait(void)
{
    struct aegis_predicate p[2 + CONSOLE_PREDICATES] = {
        {0},
        {AEGIS_NONE, AEGIS_NE, 8, (uint32_t)AEGIS_EXPOSED_OFFSET(deaths), deaths},
    };

    channel_bind(&SESSION->keeper_channel, calls, &p[0]);
    unsigned count = 2 + console_predicates(p + 2);
    if (pumping)
        thread_yield();
    else
        thread_wait(p, count, due);
}
