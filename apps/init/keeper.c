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
    uint32_t offset;
    unsigned slot = session_slot(&SESSION->keeper_channel.sequence, &offset);
    struct aegis_predicate p[2 + CONSOLE_PREDICATES] = {
        {(uint16_t)slot, AEGIS_NE, 8, offset, calls},
        {AEGIS_NONE, AEGIS_NE, 8, (uint32_t)AEGIS_EXPOSED_OFFSET(deaths), deaths},
    };
    unsigned hart = ((uintptr_t)aegis_activation_current() - AEGIS_PINNED) / AEGIS_PAGE_SIZE;

    __atomic_fetch_or(&SESSION->keeper_channel.sleepers, 1U << hart, __ATOMIC_SEQ_CST);
    unsigned count = 2 + console_predicates(p + 2);
    if (pumping)
        thread_yield();
    else
        thread_wait(p, count, due);
}
