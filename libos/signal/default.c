/* SPDX-License-Identifier: BSD-2-Clause */
/* What a signal does that nobody catches: the end, or a stop. */
#include <sys/wait.h>

#include <aegis/aegis.h>

#include "../posix/process.h"
#include "../proc/table.h"
#include "../session/session.h"
#include "state.h"

/* Our state word, until it is no longer STOPPED. */
static PINNED_BSS struct aegis_predicate goes_on;

PINNED_CODE static bool stopped(struct aegis_activation *a)
{
    HART_AREA(a)->stopped = *(volatile uint32_t *)&process_self->state == PROCESS_STOPPED;
    if (HART_AREA(a)->stopped)
        aegis_slice_wait((unsigned long)&goes_on, 1, 0);
    return HART_AREA(a)->stopped;
}

PINNED_CODE static void stop(struct context *c, void *unused, struct aegis_activation *a)
{
    (void)unused;
    signal_hooks.stopped = stopped;
    while (stopped(a))
        ;
    thread_go_on((struct thread *)c, a);
}

/* The whole environment waits: no other thread of ours runs. */
void process_stop(int signal)
{
    struct process *p = process_self;
    uint32_t offset;

    if (!p)
        return;
    unsigned slot = session_slot(&p->state, &offset);
    goes_on = (struct aegis_predicate){(uint16_t)slot, AEGIS_NE, 4, offset, PROCESS_STOPPED};
    session_reserve(sizeof(struct queued_signal));
    monitor_enter();
    if (signal != SIGSTOP && group_orphaned(p->group)) {
        monitor_leave();
        return;
    }
    session_set(p->state, PROCESS_STOPPED);
    session_set(p->status, signal << 8 | 0x7f);
    session_set(p->report, 1);
    process_report(p, CLD_STOPPED, signal);
    monitor_leave();
    context_call(&thread_self()->context, stop, 0);
}

void signal_default(int signal)
{
    if (BIT(signal) & STOPPING)
        process_stop(signal);
    else
        process_end(START_SIGNALED, signal);
}
