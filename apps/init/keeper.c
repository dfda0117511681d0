/* SPDX-License-Identifier: BSD-2-Clause */
#include "console.h"
#include "keeper.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../../libos/net/network.h"
#include "../../libos/proc/exec.h"
#include "../../libos/proc/table.h"
#include "../../libos/session/apart.h"
#include "../../libos/session/chunk.h"

#define PUMPED 64 /* steps of the console's in one of ours */

static uint64_t deaths, calls; /* as they were when we last looked */
static uint64_t due;           /* somebody is to be stopped or ended then */
static bool pumping;           /* the console has more */

/* ---- what was left to the network ---- */

static pid_t lingering;

/* A group and session of its own: no terminal's signals reach it. */
static int apart(struct process *p, void *unused)
{
    (void)unused;
    session_set(p->group, p->pid);
    session_set(p->session, p->pid);
    return 0;
}

bool keeper_lingers(void)
{
    monitor_enter();
    bool is = lingering > 0 && process_find(lingering);
    monitor_leave();
    return is;
}

/* One at a time: who is about to end has looked for the last time, and the next one looks again. */
static void linger(void)
{
    static const char *const words[] = {"linger", NULL}, *const none[] = {NULL};
    const struct strings arguments = {words, true}, environment = {none, true};
    const struct spawn_setup setup = {0};

    if (!keeper_lingers() && network_is_left())
        lingering = process_spawn("/lib/aegis/linger", &arguments, &environment, &setup, apart, NULL);
}

/* ---- all of it ---- */

bool keeper_step(int *status)
{
    calls = channel_seen(&SESSION->keeper_channel);
    deaths = AEGIS_EXPOSED_STATE->deaths;
    session_keep();
    network_keep();
    processes_bury();
    linger();
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
void keeper_wait(uint64_t deadline)
{
    struct aegis_predicate p[2 + CONSOLE_PREDICATES] = {
        {0},
        {AEGIS_NONE, AEGIS_NE, 8, (uint32_t)AEGIS_EXPOSED_OFFSET(deaths), deaths},
    };

    channel_bind(&SESSION->keeper_channel, calls, &p[0]);
    unsigned count = 2 + console_predicates(p + 2);
    if (due && (!deadline || due < deadline))
        deadline = due;
    if (pumping)
        thread_yield();
    else
        thread_wait(p, count, deadline);
}
