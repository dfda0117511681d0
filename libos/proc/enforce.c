/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGKILL and SIGSTOP for those who do not react: by the keeper, by what it controls. A process is given a grace of three
 * turns of its hart; then its environment is destroyed, or the position is taken away in which it runs (a stop), and given
 * back when it is to go on.
 *
 *     asked --- grace ---> position taken --- settle_time ---> it stands still: STOPPED, its parent is told
 *                               ^                                  | in the monitor, in exec: the position back, from the start
 *                               '------------- grace --------------'
 *
 * Who runs on another hart when its position goes has the rest of the slot, so only what is seen behind that is true.
 */
#include <sys/wait.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../sched/thread.h"
#include "table.h"

#define BIT(signal) (1UL << (signal))
#define TURNS       3
#define GRACES      10 /* the kernel begins the grace of who stands where it was told to end 8 times anew */

/* What was asked of a process, as far as we know. */
static struct enforced {
    pid_t pid;
    uint64_t due;  /* 0: nothing was */
    unsigned held; /* slot of the claim on the environment that we have stopped, or 0 */
} enforced[PROCESSES];

static unsigned hart_of(const struct process *p)
{
    uint32_t harts = AEGIS_EXPOSED_STATE->env[p->environment].harts;
    return harts ? (unsigned)__builtin_ctz(harts) : 0;
}

static uint64_t grace(const struct process *p)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    return TURNS * (e->hart[hart_of(p)].slices + 1UL) * (e->slice_ticks + e->grace_ticks);
}

static unsigned control(const struct process *p)
{
    unsigned slot = slot_find();
    return slot && !aegis_claim(p->control.what, p->control.mac, slot).error ? slot : 0;
}

static void position_take(unsigned slot)
{
    for (unsigned s = SLOT_SLICE; s <= SLOT_SLICE_OTHER; s++)
        while (aegis_release(slot, s).error == AEGIS_E_AGAIN)
            ;
}

/* Until when it may go on without a position. On our own hart it does not run, for we do. */
static uint64_t settle_time(const struct process *p, uint64_t now)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    return hart_of(p) == (unsigned)HART_AREA(aegis_activation_current())->number ? now : now + e->slice_ticks + GRACES * e->grace_ticks;
}

/* An emulator's hart can be away for long: one that has nobody else is seen to idle. */
static bool stands_still(const struct process *p)
{
    const volatile struct aegis_hart *h = &AEGIS_EXPOSED_STATE->hart[hart_of(p)];
    return hart_of(p) == (unsigned)HART_AREA(aegis_activation_current())->number || h->idle || h->slices;
}

static bool is_to_stop(const struct process *p)
{
    return p->state == PROCESS_RUNNING && p->pending & BIT(SIGSTOP) && !p->next_identity;
}

static void halt(struct process *p, struct enforced *e)
{
    unsigned slot = control(p);

    monitor_enter();
    if (slot && is_to_stop(p)) {
        position_take(slot);
        e->held = slot;
    }
    monitor_leave();
    if (slot && !e->held)
        page_put(slot);
}

static void resume(struct process *p, struct enforced *e)
{
    struct space s = {.slot = e->held, .hart = hart_of(p), .slots = AEGIS_CLAIMS_PER_PAGE};

    if (!space_run(&s))
        e->held = 0;
}

static void settled(struct process *p, struct enforced *e)
{
    if (__atomic_load_n(&SESSION->owner, __ATOMIC_SEQ_CST) == p->identity || p->next_identity) {
        resume(p, e);
        return;
    }
    session_reserve(sizeof(struct queued_signal)); /* what the parent is told */
    monitor_enter();
    if (is_to_stop(p)) {
        __atomic_fetch_and(&p->pending, ~BIT(SIGSTOP), __ATOMIC_SEQ_CST);
        session_set(p->state, PROCESS_STOPPED);
        session_set(p->status, SIGSTOP << 8 | 0x7f);
        session_set(p->report, 1);
        process_report(p, CLD_STOPPED, SIGSTOP);
    }
    monitor_leave();
}

static void kill_by_force(struct process *p)
{
    monitor_enter(); /* so it does not park its environment meanwhile, which would be another's then */
    if (p->state == PROCESS_RUNNING || p->state == PROCESS_STOPPED)
        environment_end(&p->control); /* its death wakes us, and it is buried */
    monitor_leave();
}

/* The next step with one that has not reacted; when to look at it again. */
static uint64_t force(struct process *p, struct enforced *e, uint64_t now)
{
    if (p->pending & BIT(SIGKILL)) {
        kill_by_force(p);
    } else if (e->held && stands_still(p)) {
        settled(p, e);
    } else if (!e->held) {
        halt(p, e);
        if (e->held)
            return settle_time(p, now);
    }
    return now + grace(p);
}

/* When to look at it again; 0: not before somebody says so. */
static uint64_t look(struct process *p, struct enforced *e, uint64_t now)
{
    uint64_t asked = p->state == PROCESS_RUNNING   ? p->pending & (BIT(SIGKILL) | BIT(SIGSTOP))
                     : p->state == PROCESS_STOPPED ? p->pending & BIT(SIGKILL)
                                                   : 0;

    if (e->held && p->state == PROCESS_RUNNING && !(asked & BIT(SIGSTOP)))
        resume(p, e);
    if (!asked && !(e->held && p->state == PROCESS_RUNNING))
        e->due = 0;
    else if (!e->due)
        e->due = now + grace(p);
    else if (now >= e->due)
        e->due = force(p, e, now);
    return e->due;
}

uint64_t processes_enforce(void)
{
    uint64_t now = time_now(), next = 0;

    for (unsigned i = 1; i < PROCESSES; i++) {
        struct process *p = &SESSION->processes[i];
        struct enforced *e = &enforced[i];
        bool there = i < SESSION->process_high && p->state != PROCESS_FREE && p->state != PROCESS_ZOMBIE;
        if (e->pid && (!there || e->pid != p->pid)) {
            if (e->held)
                page_put(e->held);
            *e = (struct enforced){0};
        }
        if (!there)
            continue;
        e->pid = p->pid;
        uint64_t due = look(p, e, now);
        next = due && (!next || due < next) ? due : next;
    }
    return next;
}

void processes_end(void)
{
    for (unsigned i = 1; SESSION->processes && i < SESSION->process_high; i++) {
        environment_end(&SESSION->processes[i].control);
        environment_end(&SESSION->processes[i].next_control);
    }
}
