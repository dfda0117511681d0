/* SPDX-License-Identifier: BSD-2-Clause */
#include "give.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../sched/thread.h"
#include "../vm/vm.h"
#include "making.h"

#define TURNS     8 /* that others have to give, each */
#define TURN_PART 500 /* of a second */
#define REAPED    1024 /* steps */

PINNED_CODE void memory_give(void)
{
    if (making)
        return;
    parked_forget();
    for (unsigned i = 0; i < SLOT_AGAIN_COUNT; i++)
        while (slot_claim(SLOT_AGAIN + i)->what && aegis_release(AEGIS_SLOT_SELF, SLOT_AGAIN + i).error == AEGIS_E_AGAIN)
            ;
}

PINNED_CODE static long give_masked(long a, long b, long c, long d)
{
    (void)a, (void)b, (void)c, (void)d;
    memory_give();
    return 0;
}

static int ask(struct process *p, void *unused)
{
    (void)unused;
    if (p == process_self || p->state != PROCESS_RUNNING)
        return 0;
    __atomic_fetch_or(&p->pending, PENDING_GIVE, __ATOMIC_SEQ_CST);
    channel_wake(&p->signal_channel);
    process_ring(p);
    return 0;
}

static void ask_others(uint64_t now)
{
    static uint64_t asked;

    if (asked && now - asked < AEGIS_EXPOSED_STATE->time_hz)
        return;
    asked = now;
    monitor_enter();
    process_each(ask, NULL);
    monitor_leave();
}

bool memory_ask(size_t pages)
{
    if (!process_self)
        return false;
    pager_call(give_masked, 0, 0, 0, 0);
    ask_others(time_now());
    for (unsigned turn = 0; turn < TURNS && pages_free() < pages; turn++) {
        for (unsigned n = 0; n < REAPED && aegis_reap(AEGIS_VECTOR).value; n++)
            ;
        if (pages_free() < pages)
            thread_wait(NULL, 0, time_now() + AEGIS_EXPOSED_STATE->time_hz / TURN_PART);
    }
    return pages_free() >= pages;
}
