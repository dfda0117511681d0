/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * We overran the grace time, in masked code or in a handler, and the kernel saved all registers
 * where we stood. It happens on any machine that takes the hart away for a while (an emulator on a
 * busy host), so it must cost nothing but time.
 *
 * Handlers that use gp cannot be gone on with by a jump through gp: their state is put right here,
 * by where they stood, and they start anew. Until the sequence at aegis_return_begin clears
 * `forced`, all of this can itself be interrupted and is done again from the same registers. All
 * pinned.
 */
#include "thread.h"

#include <aegis/pager.h>

#include "../upcall/upcall_asm.h"

PINNED_CODE static void take(struct context *c, const struct aegis_activation *a)
{
    c->pc = a->forced_save[0];
    c->called = 0;
    for (unsigned i = 0; i < 31; i++)
        c->x[i] = a->forced_save[i + 1];
}

/* What `masked` was: the kernel has set it since. */
PINNED_CODE static uint64_t masked_then(const struct aegis_activation *a)
{
    return a->forced_save[3];
}

/*
 * Registers at an upcall that was saving them to `c`: all still live but sp, which its first
 * instruction parked in `masked`; or (`saved`) in `c`, sp too once `masked` has moved on.
 */
PINNED_CODE static void take_at_upcall(struct context *c, const struct aegis_activation *a,
                                       void (*first)(void), bool saved)
{
    c->called = 0;
    if (!saved)
        take(c, a);
    if (saved ? masked_then(a) != ACTIVATION_GP(a) : a->forced_save[0] != (uint64_t)first)
        c->x[CONTEXT_SP] = masked_then(a);
}

/* A slice's end was saving the thread's registers. */
PINNED_CODE static void in_slice_save(struct aegis_activation *a, void (*first)(void), bool saved)
{
    struct context *c = HART_AREA(a)->current;

    take_at_upcall(c, a, first, saved);
    c->pc = a->slice_pc;
    slice_fix(c, a);
}

/* An exception was saving its registers. */
PINNED_CODE static void in_exception(struct aegis_activation *a, bool saved)
{
    struct context *frame = &HART_AREA(a)->frame;

    take_at_upcall(frame, a, upcall_exception, saved);
    context_reenter(frame, a);
}

/* A nested one: its registers go to the stack that it interrupted. */
PINNED_CODE static void in_nested(struct aegis_activation *a, uint64_t pc)
{
    struct hart_area *area = HART_AREA(a);

    if (pc_within(pc, nested_saved, nested_save_end)) {
        area->forced = *(const struct context *)a->forced_save[2];
    } else {
        take(&area->forced, a);
    }
    if (pc != (uint64_t)upcall_nested)
        area->forced.x[CONTEXT_SP] = area->scratch;
    nested_reenter(&area->forced, a);
}

/* A thread was entering the scheduler, its sp not yet away: it begins anew. */
PINNED_CODE static void in_call(struct aegis_activation *a, uint64_t anew)
{
    struct context *c = HART_AREA(a)->current;

    take(c, a);
    c->pc = anew;
}

/* A transfer: before it was made it returns AGAIN, afterwards what came back. */
PINNED_CODE static void in_transfer(struct aegis_activation *a, uint64_t pc)
{
    static const PINNED_CONST uint8_t message[AEGIS_MESSAGE] = {
        10, 11, 12, 13, 14, 15, 16, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    struct context *c = HART_AREA(a)->current;
    uint64_t *to = (uint64_t *)c->x[CONTEXT_X(11)];

    if (!pc_within(pc, pct_saved, pct_end))
        take(c, a);
    if (pc_within(pc, pct_back, pct_stored))
        for (unsigned i = 0; i < AEGIS_MESSAGE; i++)
            to[i] = a->forced_save[message[i]];
    c->pc = c->x[CONTEXT_X(1)];
    c->x[CONTEXT_A0] =
        pc_within(pc, pct_back, pct_end) ? a->forced_save[5] : (uint64_t)AEGIS_E_AGAIN;
}

/* Masked code was being left: for a thread, which is as good as there, or for other masked code. */
PINNED_CODE static void in_return(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);
    struct context *c = area->stay ? &area->forced : area->current;

    take(c, a);
    c->pc = area->return_pc;
    c->x[CONTEXT_SP] = area->return_sp;
    if (area->stay)
        context_resume_masked(c, a);
}

/* A function of the thread's was being entered; tp is the thread's. */
PINNED_CODE static void in_enter(struct aegis_activation *a)
{
    struct context *c = HART_AREA(a)->current;

    take(c, a);
    c->x[CONTEXT_SP] = a->forced_save[12];
    c->pc = a->forced_save[13];
}

PINNED_CODE static void in_raw_return(struct aegis_activation *a, uint64_t pc)
{
    struct hart_area *area = HART_AREA(a);

    if (pc == (uint64_t)aegis_upcall_return)
        area->return_pc = a->forced_save[2];
    area->return_sp = masked_then(a);
    area->stay = 0;
    in_return(a);
}

#define BOOT_STACK 2048
extern const char boot_stack_end[];

static inline bool on_stack(uint64_t sp, uint64_t top, uint64_t size)
{
    return top - sp <= size;
}

/*
 * C of ours, on one of our stacks; or a handler of the application's own (aegis_upcall_set), which
 * starts anew. What runs on the slice stack can simply be done again.
 */
PINNED_CODE static void in_code(struct aegis_activation *a)
{
    struct hart_area *area = HART_AREA(a);
    uint64_t sp = a->forced_save[2];

    if (on_stack(sp, area->slice_stack, SLICE_STACK)) {
        slice_fix(area->current, a);
    } else if (on_stack(sp, area->exception_stack, EXCEPTION_STACK)) {
        take(&area->forced, a);
        if (pc_within(a->forced_save[0], masked_call_leave, masked_call_end))
            area->forced.pc = (uint64_t)masked_call_leave;
        context_resume_masked(&area->forced, a);
    } else if (masked_then(a) && on_stack(sp, (uint64_t)boot_stack_end, BOOT_STACK)) {
        take(&area->forced, a); /* a program, or a child, has just begun */
        context_resume_masked(&area->forced, a);
    } else if (masked_then(a)) {
        in_exception(a, false);
    } else {
        take(area->current, a);
    }
}

/* A context was being restored: from the beginning, once more. */
PINNED_CODE static void in_leaving(struct aegis_activation *a, uint64_t pc)
{
    struct hart_area *area = HART_AREA(a);
    bool noted = pc_within(pc, context_go_noted, aegis_return_begin);
    const struct context *c = noted ? area->restoring : (const struct context *)a->forced_save[10];
    bool stay = noted                                ? area->stay
                : pc == (uint64_t)context_resume_masked ? true
                : pc == (uint64_t)context_restore       ? false
                                                        : a->forced_save[12];

    (stay ? context_resume_masked : context_restore)(c, a);
}

PINNED_CODE static void in_reentering(struct aegis_activation *a, bool noted,
                                      void (*reenter)(const struct context *,
                                                      struct aegis_activation *))
{
    reenter(noted ? HART_AREA(a)->restoring : (const struct context *)a->forced_save[10], a);
}

/* No slice end took the time: the slot was over when grace was. Done again, it adds nothing. */
PINNED_CODE static void account(struct hart_area *area)
{
    struct thread *thread = (struct thread *)area->current;
    uint64_t now = time_now(), had = now - thread->began;
    uint64_t most = AEGIS_EXPOSED_STATE->slice_ticks + AEGIS_EXPOSED_STATE->grace_ticks;

    if (thread->state == THREAD_RUNNING)
        thread->ticks += had < most ? had : most;
    thread->began = area->ended = now;
}

PINNED_CODE void slice_forced(struct aegis_activation *a)
{
    uint64_t pc = a->forced_save[0];

    account(HART_AREA(a));
    if (pc_within(pc, masked_call, masked_call_away))
        in_call(a, (uint64_t)masked_call);
    else if (pc_within(pc, upcall_slice_end, slice_save_end))
        in_slice_save(a, upcall_slice_end, pc_within(pc, slice_registers_saved, slice_save_end));
    else if (pc_within(pc, upcall_revoke, upcall_slice_begin))
        in_slice_save(a, upcall_revoke, false);
    else if (pc_within(pc, slice_save_end, slice_code_end) ||
             pc_within(pc, upcall_slice_begin, upcall_emergency))
        slice_fix(HART_AREA(a)->current, a);
    else if (pc_within(pc, upcall_exception, exception_save_end))
        in_exception(a, pc_within(pc, exception_saved, exception_save_end));
    else if (pc_within(pc, context_call, context_call_away))
        in_call(a, (uint64_t)context_call);
    else if (pc_within(pc, context_return, context_return_away))
        in_call(a, (uint64_t)context_return);
    else if (pc_within(pc, context_back, context_back_end))
        context_back(pc_within(pc, context_back, context_back_noted)
                         ? (const struct context *)a->forced_save[10]
                         : HART_AREA(a)->back_from,
                     a);
    else if (pc_within(pc, context_enter, aegis_upcall_return))
        in_enter(a);
    else if (pc_within(pc, pct_call, aegis_upcall_return) || pc_within(pc, upcall_entry, pct_end))
        in_transfer(a, pc);
    else if (pc_within(pc, aegis_upcall_return, context_resume_masked))
        in_raw_return(a, pc);
    else if (pc_within(pc, context_resume_masked, aegis_return_begin))
        in_leaving(a, pc);
    else if (pc_within(pc, aegis_return_begin, upcall_slice_end))
        in_return(a);
    else if (pc_within(pc, context_reenter, nested_reenter))
        in_reentering(a, pc_within(pc, context_reenter_noted, nested_reenter), context_reenter);
    else if (pc_within(pc, nested_reenter, upcall_nested))
        in_reentering(a, pc_within(pc, nested_reenter_noted, upcall_nested), nested_reenter);
    else if (pc_within(pc, upcall_nested, nested_save_end))
        in_nested(a, pc);
    else
        in_code(a);
}
