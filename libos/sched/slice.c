/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots that begin and end, and what has to be put right when they end at an awkward place. All
 * pinned. */
#include "thread.h"

#include "../proc/give.h"
#include "../upcall/last_words.h"
#include <aegis/pager.h>

#include "../upcall/upcall_asm.h"

PINNED_BSS int (*slice_hook)(void);
PINNED_BSS void (*slice_hook_function)(struct context *, long);
PINNED_DATA struct signal_hooks signal_hooks = {.wake = {.slot = NO_PREDICATE}};

/*
 * The slot ended between aegis_restart_begin and aegis_restart_end, with `masked` 0: at the first
 * instruction of an exception upcall, in a call that has not begun, or in a return.
 */
PINNED_CODE void slice_fix(struct context *c, struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    if (c->pc == (uint64_t)upcall_exception) {
        /* exc_* holds an exception that nobody has seen: first that, and the slice ends when it is
         * done. */
        a->held |= AEGIS_HELD_SLICE_END;
        context_reenter(c, a);
    }
    if (pc_within(c->pc, context_call, context_call_masked)) {
        c->pc = (uint64_t)context_call;
    } else if (pc_within(c->pc, pct_call, pct_masked)) {
        c->pc = (uint64_t)pct_call;
    } else if (pc_within(c->pc, masked_call, masked_call_away)) {
        c->pc = (uint64_t)masked_call;
    } else if (pc_within(c->pc, context_return, context_return_away)) {
        c->pc = (uint64_t)context_return;
    } else if (pc_within(c->pc, aegis_return_begin, aegis_restart_end)) {
        c->pc = area->return_pc;
        c->x[CONTEXT_SP] = area->return_sp;
    }
}

/* What it had of the slot that is over. One that masked code gave away (a fork, an exec) did not
 * end by upcall: `ended` is older. */
PINNED_INLINE void account(struct thread *thread, const struct hart_area *area)
{
    int64_t had = (int64_t)(area->ended - thread->began);

    thread->ticks += had > 0 ? (uint64_t)had : 0;
}

/* Its slot ended, and nobody else wants to run. */
PINNED_INLINE bool runs_on(struct thread *thread, const struct hart_area *area)
{
    if (waiting_count | ready_count || thread->state != THREAD_RUNNING || slice_hook)
        return false;
    account(thread, area);
    return true;
}

/* Nobody but it was waited for when the sleep began, and one of its comparisons holds (wait_sleep).
 */
PINNED_INLINE bool wakes_alone(struct thread *thread, struct hart_area *area, uint64_t wake)
{
    uint64_t number = wake - area->alone;

    if (number >= thread->predicate_count)
        return false;
    area->sleeping = 0;
    waiting_count = 0;
    thread->predicate_count = 0;
    thread->state = THREAD_RUNNING;
    thread_result(&thread->context, (long)number);
    return true;
}

PINNED_CODE static void slice_ended(struct hart_area *area)
{
    struct thread *thread = (struct thread *)area->current;

    if (thread->state == THREAD_RUNNING) {
        account(thread, area);
        ready_stop(thread);
    }
    if (waiting_count)
        wait_poll();
}

/* Whatever is to be done first, and the scheduler's choice. */
PINNED_CODE __attribute__((noreturn)) static void slice_begin_any(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);

    while (__builtin_expect(area->stopped != 0, 0) && signal_hooks.stopped(a))
        ;
    if (area->sleeping) {
        area->sleeping = 0;
        wait_woken(a, a->wake);
    } else {
        slice_ended(area);
    }
    if (signal_hooks.look)
        signal_hooks.look();
    struct thread *thread = ready_pick((unsigned)area->number);
    if (!thread)
        schedule(a);
    if (__builtin_expect(slice_hook != 0, 0) && slice_hook()) {
        area->current = &thread->context;
        thread->context.gp = ACTIVATION_GP(a);
        thread->state = THREAD_RUNNING;
        /* in another place, so that the thread's own stays whole if we run out of time */
        area->pushed = thread->context;
        if (context_push(&area->pushed, slice_hook_function, 0) == 0)
            context_restore(&area->pushed, a);
    }
    thread_run(thread, a);
}

/* Where nothing else is to be done the same thread goes on, and the scheduler need not know. */
PINNED_CODE void slice_begin(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);
    struct thread *thread = (struct thread *)area->current;
    uint64_t now = time_now();

    if (!area->stopped && !thread->attention && signals_quiet(now) &&
        (area->sleeping ? wakes_alone(thread, area, (uint64_t)a->wake) : runs_on(thread, area))) {
        thread->began = now;
        context_leave(&thread->context, a);
    }
    slice_begin_any(a);
}

/* A request to give something back: what is kept for the next child goes. Else the libOS holds nothing that it could spare: it
 * lets the deadline decide. */
PINNED_CODE void revoke_handle(struct aegis_activation *a, unsigned long held)
{
    if (held & AEGIS_HELD_SLICE_END)
        aegis_slice_yield();
    memory_give();
    slice_fix(HART_AREA(a)->current, a);
    context_restore(HART_AREA(a)->current, a);
}

PINNED_CODE void emergency_handle(struct aegis_activation *a)
{
    last_words(PINNED_TEXT("its last pages are taken; it was at "), HART_AREA(a)->current->pc, 0);
}
